"""The folder of diagrams: the whole schema, each table with its neighbours, a page that links them."""

import re
from pathlib import Path
from urllib.parse import quote

from modelmigrate import project
from modelmigrate.errors import MigrateError
from modelmigrate.inspect.folder import write_files
from modelmigrate.inspect.mermaid import GENERATED_BY, draw_mermaid
from modelmigrate.inspect.model import Box, Table
from modelmigrate.inspect.read import neighbours_of, read_tables
from modelmigrate.inspect.svg import draw_svg
from modelmigrate.schema.declared import DECLARED_KINDS
from modelmigrate.schema.diff import SchemaObject
from modelmigrate.schema.dump import read_schema

MANY_TABLES = 25  # beyond which a picture shows only their keys
MERMAID_LIMIT = 50_000  # characters that git hosts draw


def boxes_of(tables: list[Table], focus: str = "", many: int = MANY_TABLES) -> list[Box]:
    """What is shown of each table: all of it, or only the keys where there are `many` tables; of the one in
    focus always all."""
    boxes = []
    for table in tables:
        full = len(tables) <= many or table.name == focus
        shown = [c for c in table.columns if full or {"PK", "FK"} & {*c.marks}]
        hidden = len(table.columns) - len(shown)
        note = f"+ {hidden} more" if hidden else "in another picture" if table.external else ""
        boxes.append(Box(table, shown, note, table.name == focus))
    return boxes


def index_page(
    tables: list[Table], names: dict[str, str], whole: str, others: list[SchemaObject]
) -> str:
    """The page that links the pictures, with the whole schema embedded for hosts that draw it."""
    own = [table for table in tables if not table.external]
    count = sum(len(table.references) for table in own)
    small = len(whole) <= MERMAID_LIMIT
    picture = f"```mermaid\n{whole}```" if small else "![Schema](schema.svg)"
    rows = []
    for table in own:
        file = quote(f"tables/{names[table.name]}")
        refers_to = sorted({r.table for r in table.references})
        referred_by = [o.name for o in own if table.name in {r.table for r in o.references}]
        cells = (
            f"{escape_markdown(table.name)} ([svg]({file}.svg), [mermaid]({file}.mmd))",
            str(len(table.columns)),
            ", ".join(map(escape_markdown, refers_to)),
            ", ".join(map(escape_markdown, referred_by)),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(
        [
            f"<!-- {GENERATED_BY} -->",
            "# Schema",
            "",
            f"{len(own)} tables, {count} references: [svg](schema.svg), [mermaid](schema.mmd)",
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
    """The functions, triggers, views and whatever else files declare, as a table."""
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
    for table in tables:
        name = quote(table.name, safe=" ")
        while name.casefold() in map(str.casefold, names.values()):
            name += "~"
        names[table.name] = name
    return names


def diagram_files(tables: list[Table], others: list[SchemaObject]) -> dict[str, str]:
    """What belongs in the folder: text by path."""
    boxes, names = boxes_of(tables), diagram_names(tables)
    whole = draw_mermaid(boxes)
    files = {
        "index.md": index_page(tables, names, whole, others),
        "schema.mmd": whole,
        "schema.svg": with_header(draw_svg(boxes, "Schema")),
    }
    for table in tables:
        if not table.external:
            name = names[table.name]
            near = boxes_of(neighbours_of(tables, table.name), table.name)
            files[f"tables/{name}.mmd"] = draw_mermaid(near)
            files[f"tables/{name}.svg"] = with_header(draw_svg(near, f"Table {table.name}"))
    return files


def with_header(svg: str) -> str:
    """The SVG with the comment by which it is known to be generated."""
    return f"<!-- {GENERATED_BY} -->\n{svg}"


def write_diagrams(url: str, folder: Path) -> list[Path]:
    """Draw the database at `url` into `folder`; return the files, changed or not.

    Generated pictures of tables that were dropped are removed.

    Raises:
        MigrateError: there is no table, or a file of that name was not generated. No file is
            written then.
    """
    tables = read_tables(url)
    if not tables:
        raise MigrateError(
            "the database has no tables, so nothing was drawn. Apply the migrations:"
            f" {project.command('apply')}"
        )
    others = [entry for entry in read_schema(url).values() if entry.kind in DECLARED_KINDS]
    return write_files(folder, diagram_files(tables, others), GENERATED_BY, "viz")
