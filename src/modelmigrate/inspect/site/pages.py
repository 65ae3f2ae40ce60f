"""The pages: what the templates are given, and what becomes of them."""

from collections import defaultdict
from typing import Any

from modelmigrate import project
from modelmigrate.inspect.read import short_type, shown_name
from modelmigrate.inspect.shapes import style
from modelmigrate.inspect.site import links
from modelmigrate.inspect.site.anomalies import TITLES, find_anomalies
from modelmigrate.inspect.site.comments import coverage
from modelmigrate.inspect.site.contents import Contents
from modelmigrate.inspect.site.engine import HERE, template_engine
from modelmigrate.inspect.site.objects import event_kind, kind_of
from modelmigrate.inspect.site.pictures import diagrams, links_of, neighbourhood
from modelmigrate.inspect.site.search import search_index, shown_routine
from modelmigrate.inspect.site.timeline import changes_since, tell_migrations
from modelmigrate.sql.names import unquote

GENERATED_BY = "made by make schema-docs, so do not edit"
SINGLE_PAGES = ("index", "diagram", "routines", "types", "migrations", "changes", "anomalies")


def site_files(contents: Contents, since: int) -> dict[str, str]:
    """What belongs in the folder, text by path; `since` is how many migrations are not news."""
    drawn = {table.name: table for table in contents.objects.tables}
    told = tell_migrations(contents)
    anomalies = find_anomalies(contents)
    shared: dict[str, Any] = {
        "anchor": links.anchor,
        "anomalies": anomalies,
        "changes": changes_since(contents, since),
        "contents": contents,
        "coverage": coverage,
        "event_kind": event_kind,
        "kind_of": kind_of,
        "objects": contents.objects,
        "generated_by": GENERATED_BY,
        "migrations": told,
        "migration_page": links.migration_page,
        "page_of": {each.migration.version: each for each in told},
        "plain": unquote,
        "project": project.name(),
        "relation_page": links.relation_page,
        "short_type": short_type,
        "shown_name": shown_name,
        "shown_routine": shown_routine,
        "since": contents.migrations[since - 1] if since else None,
        "titles": TITLES,
    }
    engine = template_engine(**shared)
    pages = {name: engine.get_template(f"{name}.html") for name in SINGLE_PAGES}
    files = {
        f"{name}.html": page.render(root="", page=name)
        for name, page in pages.items()
        if name != "diagram"
    }
    files["diagram.html"] = pages["diagram"].render(root="", page="diagram", **diagrams(contents))
    template = engine.get_template("relation.html")
    references = _referenced_by(contents)
    to_page = links_of(contents, "../")
    for each in contents.objects.relations:
        name = shown_name(each.name)
        picture = neighbourhood(contents, drawn[name], to_page) if name in drawn else {}
        files[links.relation_page(each.name)] = template.render(
            root="../",
            page="index",
            relation=each,
            referenced_by=references[each.oid],
            own_anomalies=[a for a in anomalies if a.table and a.table.oid == each.oid],
            **({"diagram": ""} | picture),
        )
    template = engine.get_template("migration.html")
    for one in told:
        files[links.migration_page(one.migration)] = template.render(
            root="../", page="migrations", told=one
        )
    files["style.css"] = f"/* {GENERATED_BY} */\n{_static('style.css')}.schema{{{style()}}}\n"
    files["site.js"] = f"// {GENERATED_BY}\n{_static('site.js')}"
    files["search.js"] = f"// {GENERATED_BY}\n{search_index(contents, told)}"
    # As git has it in every checkout, whatever line breaks comments have.
    return {name: text.replace("\r\n", "\n").replace("\r", "\n") for name, text in files.items()}


def _static(name: str) -> str:
    return (HERE / "static" / name).read_text(encoding="utf-8")


def _referenced_by(contents: Contents) -> defaultdict[int, list[tuple[Any, Any]]]:
    """The foreign keys that lead to each table, with the tables that have them."""
    found: defaultdict[int, list[tuple[Any, Any]]] = defaultdict(list)
    for table in contents.objects.base_tables:
        for key in contents.objects.constraints.get(table.oid, ()):
            if key.kind == "f":
                found[key.references].append((table, key))
    return found
