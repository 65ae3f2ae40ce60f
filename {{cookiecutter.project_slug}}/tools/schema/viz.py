"""Pictures of the live schema, as mermaid and SVG: the whole, and each table with its neighbours."""

import json
import re
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tools.errors import ToolError
from tools.schema import dump, objects
from tools.schema.atlas import atlas
from tools.schema.drawing import Box, Column, Reference, Table, svg
from tools.schema.dump import Entry

# Spelt in two halves: no template engine may mistake Atlas's own braces for its own.
JSON = "{" + "{ json . }" + "}"
MADE_BY = "made by make schema-viz, so do not edit"
MANY = 25  # tables, beyond which a picture shows only their keys
MERMAID_LIMIT = 50_000  # characters that git hosts draw


# --- reading ---


def inspect(url: str) -> str:
    """The live schema at `url` as Atlas's JSON."""
    arguments = ("--env", "local", "--schema", "public", "--format", JSON)
    return atlas("schema", "inspect", *arguments, DATABASE_URL=url)


def parse(text: str) -> list[Table]:
    """The tables in Atlas's JSON by name, and after them the tables elsewhere that they refer to."""
    found = [t for s in json.loads(text).get("schemas", ()) for t in s.get("tables", ())]
    tables = sorted(map(read, found), key=lambda each: each.name)
    names = {each.name for each in tables}
    elsewhere = {r.table for each in tables for r in each.references} - names
    return [*tables, *(Table(name, here=False) for name in sorted(elsewhere))]


def read(found: dict[str, Any]) -> Table:
    keys = [i for i in found.get("indexes", ()) if i.get("unique")]
    primary = parts(found.get("primary_key", {}))
    unique = [primary, *map(parts, keys)]
    foreign = [(tuple(f["columns"]), f["references"]) for f in found.get("foreign_keys", ())]
    marks = {
        "PK": primary,
        "FK": {name for columns, _ in foreign for name in columns},
        "UK": {name for names in unique[1:] if len(names) == 1 for name in names},
    }
    columns = tuple(
        Column(
            column["name"],
            column["type"].removeprefix("public."),
            column.get("null", False),
            tuple(mark for mark, names in marks.items() if column["name"] in names),
        )
        for column in found.get("columns", ())
    )
    nullable = {column.name for column in columns if column.null}
    references = (
        Reference(
            names,
            to["table"],
            tuple(to["columns"]),
            any(key and key <= set(names) for key in unique),
            not nullable.isdisjoint(names),
        )
        for names, to in foreign
    )
    return Table(found["name"], columns, tuple(sorted(references)))


def parts(key: dict[str, Any]) -> set[str]:
    """The columns of a key; none if it is about more than columns."""
    names = [part.get("column", "") for part in key.get("parts", ())]
    return set(names) if all(names) else set()


def around(tables: Iterable[Table], name: str) -> list[Table]:
    """A table, those that it refers to and those that refer to it, with no other references."""
    kept = [
        each._replace(references=tuple(r for r in each.references if name in (each.name, r.table)))
        for each in tables
    ]
    near = {name} | {r.table for each in kept if each.name == name for r in each.references}
    return [each for each in kept if each.name in near or each.references]


def boxes(tables: list[Table], focus: str = "") -> list[Box]:
    """What is shown of each table: all of it, or only the keys where there are many tables."""
    made = []
    for each in tables:
        full = len(tables) <= MANY or each.name == focus
        shown = [c for c in each.columns if full or {"PK", "FK"} & {*c.marks}]
        hidden = len(each.columns) - len(shown)
        note = f"+ {hidden} more" if hidden else "" if each.here else "in another schema"
        kinds = "table focus" if each.name == focus else "table" if each.here else "table away"
        made.append(Box(each, shown, note, kinds))
    return made


# --- mermaid ---


def mermaid(shown: list[Box]) -> str:
    lines = [f"%% {MADE_BY}", "erDiagram"]
    for box in shown:
        lines.append(f"    {quoted(box.table.name)} " + "{")
        for column in box.columns:
            name = word(column.name)
            comment = f" {quoted(column.name)}" if name != column.name else ""
            marks = f" {', '.join(column.marks)}" if column.marks else ""
            lines.append(f"        {word(column.type)} {name}{marks}{comment}")
        lines.append("    }")
    for box in shown:
        for reference in box.table.references:
            one = "|o" if reference.null else "||"
            many = "o|" if reference.unique else "o{"
            names = f"{quoted(reference.table)} {one}--{many} {quoted(box.table.name)}"
            lines.append(f"    {names} : {quoted(', '.join(reference.columns))}")
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    return '"' + re.sub(r'["%\\#;<>&\x00-\x1f]', lambda m: f"#{ord(m[0])};", text) + '"'


def word(text: str) -> str:
    """The nearest that mermaid takes for a column's name or type; a key's mark is no name."""
    legal = re.sub(r"[^A-Za-z0-9_\[\]()\u00C0-\uFFFF]", "_", text)
    return legal if re.match(r"(?!(pk|fk|uk)$)[^0-9\[\]()]", legal, re.IGNORECASE) else f"_{legal}"


# --- files ---


def index(tables: list[Table], names: dict[str, str], whole: str, others: list[Entry]) -> str:
    """The page that links the pictures, with the whole schema embedded for hosts that draw it."""
    here = [each for each in tables if each.here]
    count = sum(len(each.references) for each in here)
    small = len(whole) <= MERMAID_LIMIT
    picture = f"```mermaid\n{whole}```" if small else "![Schema](schema.svg)"
    rows = []
    for each in here:
        file = quote(f"tables/{names[each.name]}")
        to = sorted({r.table for r in each.references})
        by = [other.name for other in here if each.name in {r.table for r in other.references}]
        cells = (
            f"{label(each.name)} ([svg]({file}.svg), [mermaid]({file}.mmd))",
            str(len(each.columns)), ", ".join(map(label, to)), ", ".join(map(label, by)),
        )  # fmt: skip
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(
        [
            f"<!-- {MADE_BY} -->",
            "# Schema",
            "",
            f"{len(here)} tables, {count} references: [svg](schema.svg), [mermaid](schema.mmd)",
            "",
            picture,
            "",
            "| table | columns | refers to | referred to by |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
            *beside(others),
        ]
    )


def beside(others: list[Entry]) -> list[str]:
    """The functions, procedures, triggers, views and extensions, as a table."""
    if not others:
        return []
    rows = [f"| {each.kind.lower()} | {label(each.name)} |" for each in others]
    return ["| beside the tables | |", "| --- | --- |", *rows, ""]


def label(text: str) -> str:
    """Text that Markdown shows as it is."""
    return re.sub(r"[^\w ]|^_|_$", lambda m: f"&#{ord(m[0])};", text)


def file_names(tables: list[Table]) -> dict[str, str]:
    """A name for each table's files: safe, and distinct where case does not count, too."""
    names: dict[str, str] = {}
    for each in tables:
        name = quote(each.name, safe=" ")
        while name.casefold() in map(str.casefold, names.values()):
            name += "~"
        names[each.name] = name
    return names


def files(tables: list[Table], others: list[Entry]) -> dict[str, str]:
    """What belongs in the folder: text by path."""
    shown, names = boxes(tables), file_names(tables)
    whole = mermaid(shown)
    made = {
        "index.md": index(tables, names, whole, others),
        "schema.mmd": whole,
        "schema.svg": marked(svg(shown, "Schema")),
    }
    for each in tables:
        if each.here:
            near = boxes(around(tables, each.name), each.name)
            made[f"tables/{names[each.name]}.mmd"] = mermaid(near)
            made[f"tables/{names[each.name]}.svg"] = marked(svg(near, f"Table {each.name}"))
    return made


def marked(svg: str) -> str:
    return f"<!-- {MADE_BY} -->\n{svg}"


def write(url: str, folder: Path) -> list[Path]:
    """Draw the database at `url` into `folder`; return the files, changed or not.

    Pictures of tables that are gone are removed, if they were made here.

    Raises:
        ToolError: there is no table, or a file in the way was not made here. Nothing is written.
    """
    tables = parse(inspect(url))
    if not tables:
        raise ToolError("the database has no tables, so nothing was drawn. Make them: make migrate")
    others = [entry for entry in dump.read(url).values() if entry.kind in objects.KINDS]
    wanted = {folder / name: text for name, text in files(tables, others).items()}
    if strange := [path for path in sorted(wanted) if path.exists() and not ours(path)]:
        raise ToolError(
            f"not made by make schema-viz: {', '.join(map(str, strange))}"
            "\nNothing was written. Move it elsewhere, then: make schema-viz"
        )
    # Before anything is written: the old name may differ from the new in its case alone.
    for path in (*folder.glob("tables/*.mmd"), *folder.glob("tables/*.svg")):
        if path not in wanted and ours(path):
            path.unlink()
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    for path, text in wanted.items():
        if not path.exists() or path.read_bytes() != text.encode():
            part = path.with_name(f".{secrets.token_hex(8)}")
            part.write_bytes(text.encode())
            part.replace(path)
    return sorted(wanted)


def ours(path: Path) -> bool:
    return path.is_file() and MADE_BY.encode() in path.read_bytes()[:400]
