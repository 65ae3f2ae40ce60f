"""What can be searched for, as a script: a page that is opened from a file may not read JSON."""

import json
from collections.abc import Iterator

from modelmigrate.inspect.read import shown_name
from modelmigrate.inspect.site.contents import Contents
from modelmigrate.inspect.site.links import anchor, migration_page, relation_page
from modelmigrate.inspect.site.objects import PARTS, kind_of
from modelmigrate.inspect.site.timeline import Told
from modelmigrate.sql.names import unquote

Entry = tuple[str, str, str, str]
"""Name, kind, page, and what it belongs to."""


def search_index(contents: Contents, told: list[Told]) -> str:
    """The entries, those first that are most likely meant."""
    entries = [*_wholes(contents, told), *_parts(contents)]
    lines = ",\n".join(json.dumps(entry, ensure_ascii=True) for entry in entries)
    return f"globalThis.searchIndex = [\n{lines}\n];\n"


def _wholes(contents: Contents, told: list[Told]) -> Iterator[Entry]:
    for each in contents.objects.relations:
        yield shown_name(each.name), kind_of(each), relation_page(each.name), ""
    for routine in contents.objects.routines:
        name = shown_routine(routine.name)
        yield name, "function", f"routines.html#{anchor('function', routine.name)}", ""
    for named in contents.objects.types:
        yield shown_name(named.name), "type", f"types.html#{anchor('type', named.name)}", ""
    for one in told:
        yield one.title, "migration", migration_page(one.migration), one.migration.version


def _parts(contents: Contents) -> Iterator[Entry]:
    for table in contents.objects.relations:
        page, name = relation_page(table.name), shown_name(table.name)
        for column in contents.objects.columns.get(table.oid, ()):
            yield unquote(column.name), "column", f"{page}#{anchor('column', column.name)}", name
        for key in contents.objects.constraints.get(table.oid, ()):
            yield unquote(key.name), "constraint", f"{page}#constraints", name
        for kind in PARTS:
            for part in contents.objects.parts(table.oid, kind):
                place = f"{page}#{'indexes' if kind == 'index' else kind}"
                yield shown_name(part.name), kind, place, name


def shown_routine(signature: str) -> str:
    """A function with its arguments, as it is shown: as it is in `public`, with its schema elsewhere."""
    return signature.removeprefix("public.")
