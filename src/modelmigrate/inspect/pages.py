"""The folder of diagrams: the whole schema, each table with its neighbours, and a page that links them."""

import re
import secrets
from pathlib import Path
from urllib.parse import quote

from modelmigrate.atlas.commands import inspect_schema
from modelmigrate.errors import MigrateError
from modelmigrate.inspect.mermaid import GENERATED_BY, draw_mermaid
from modelmigrate.inspect.model import Box, Table
from modelmigrate.inspect.read import neighbours_of, parse_tables
from modelmigrate.inspect.svg import draw_svg
from modelmigrate.schema.declared import DECLARED_KINDS
from modelmigrate.schema.diff import SchemaObject
from modelmigrate.schema.dump import read_schema

MANY_TABLES = 25  # tables, beyond which a picture shows only their keys
MERMAID_LIMIT = 50_000  # characters that git hosts draw


def boxes_of(tables: list[Table], focus: str = "") -> list[Box]:
    """What is shown of each table: all of it, or only the keys where there are many tables."""
    made = []
    for each in tables:
        full = len(tables) <= MANY_TABLES or each.name == focus
        shown = [c for c in each.columns if full or {"PK", "FK"} & {*c.marks}]
        hidden = len(each.columns) - len(shown)
        note = f"+ {hidden} more" if hidden else "" if each.here else "in another schema"
        kinds = "table focus" if each.name == focus else "table" if each.here else "table away"
        made.append(Box(each, shown, note, kinds))
    return made


def index_page(
    tables: list[Table], names: dict[str, str], whole: str, others: list[SchemaObject]
) -> str:
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
            f"{escape_markdown(each.name)} ([svg]({file}.svg), [mermaid]({file}.mmd))",
            str(len(each.columns)), ", ".join(map(escape_markdown, to)), ", ".join(map(escape_markdown, by)),
        )  # fmt: skip
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(
        [
            f"<!-- {GENERATED_BY} -->",
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
            *other_objects(others),
        ]
    )


def other_objects(others: list[SchemaObject]) -> list[str]:
    """The functions, procedures, triggers, views and extensions, as a table."""
    if not others:
        return []
    rows = [f"| {each.kind.lower()} | {escape_markdown(each.name)} |" for each in others]
    return ["| beside the tables | |", "| --- | --- |", *rows, ""]


def escape_markdown(text: str) -> str:
    """Text that Markdown shows as it is."""
    return re.sub(r"[^\w ]|^_|_$", lambda m: f"&#{ord(m[0])};", text)


def diagram_names(tables: list[Table]) -> dict[str, str]:
    """A name for each table's files: safe, and distinct where case does not count, too."""
    names: dict[str, str] = {}
    for each in tables:
        name = quote(each.name, safe=" ")
        while name.casefold() in map(str.casefold, names.values()):
            name += "~"
        names[each.name] = name
    return names


def diagram_files(tables: list[Table], others: list[SchemaObject]) -> dict[str, str]:
    """What belongs in the folder: text by path."""
    shown, names = boxes_of(tables), diagram_names(tables)
    whole = draw_mermaid(shown)
    made = {
        "index.md": index_page(tables, names, whole, others),
        "schema.mmd": whole,
        "schema.svg": with_header(draw_svg(shown, "Schema")),
    }
    for each in tables:
        if each.here:
            near = boxes_of(neighbours_of(tables, each.name), each.name)
            made[f"tables/{names[each.name]}.mmd"] = draw_mermaid(near)
            made[f"tables/{names[each.name]}.svg"] = with_header(
                draw_svg(near, f"Table {each.name}")
            )
    return made


def with_header(svg: str) -> str:
    return f"<!-- {GENERATED_BY} -->\n{svg}"


def write_diagrams(url: str, folder: Path) -> list[Path]:
    """Draw the database at `url` into `folder`; return the files, changed or not.

    Pictures of tables that are gone are removed, if they were made here.

    Raises:
        MigrateError: there is no table, or a file in the way was not made here. Nothing is written.
    """
    tables = parse_tables(inspect_schema(url, "json"))
    if not tables:
        raise MigrateError(
            "the database has no tables, so nothing was drawn. Make them: make migrate"
        )
    others = [entry for entry in read_schema(url).values() if entry.kind in DECLARED_KINDS]
    wanted = {folder / name: text for name, text in diagram_files(tables, others).items()}
    if strange := [path for path in sorted(wanted) if path.exists() and not is_generated(path)]:
        raise MigrateError(
            f"not made by make schema-viz: {', '.join(map(str, strange))}"
            "\nNothing was written. Move it elsewhere, then: make schema-viz"
        )
    # Before anything is written: the old name may differ from the new in its case alone.
    for path in (*folder.glob("tables/*.mmd"), *folder.glob("tables/*.svg")):
        if path not in wanted and is_generated(path):
            path.unlink()
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    for path, text in wanted.items():
        if not path.exists() or path.read_bytes() != text.encode():
            part = path.with_name(f".{secrets.token_hex(8)}")
            part.write_bytes(text.encode())
            part.replace(path)
    return sorted(wanted)


def is_generated(path: Path) -> bool:
    return path.is_file() and GENERATED_BY.encode() in path.read_bytes()[:400]
