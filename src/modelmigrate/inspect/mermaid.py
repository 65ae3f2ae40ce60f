"""Tables drawn as a mermaid diagram."""

import re

from modelmigrate.inspect.model import Box

# In every file that is generated: what has it may be overwritten, so it must never change.
GENERATED_BY = "made by make schema-viz, so do not edit"


def draw_mermaid(boxes: list[Box]) -> str:
    """An entity relationship diagram; each table that a box refers to must have a box."""
    lines = [f"%% {GENERATED_BY}", "erDiagram"]
    for box in boxes:
        lines.append(f"    {quote_text(box.table.name)} " + "{")
        for column in box.columns:
            name = legal_word(column.name)
            said = [column.name] * (name != column.name) + [column.note] * bool(column.note)
            comment = f" {quote_text(': '.join(said))}" if said else ""
            marks = f" {', '.join(column.marks)}" if column.marks else ""
            lines.append(f"        {legal_word(column.type)} {name}{marks}{comment}")
        lines.append("    }")
    for box in boxes:
        for reference in box.table.references:
            one = "|o" if reference.nullable else "||"
            many = "o|" if reference.unique else "o{"
            names = f"{quote_text(reference.table)} {one}--{many} {quote_text(box.table.name)}"
            lines.append(f"    {names} : {quote_text(', '.join(reference.columns))}")
    return "\n".join(lines) + "\n"


def quote_text(text: str) -> str:
    """Any text as mermaid's, with what would end or change it as character codes."""
    return '"' + re.sub(r'["%\\#;<>&\x00-\x1f]', lambda m: f"#{ord(m[0])};", text) + '"'


def legal_word(text: str) -> str:
    """The nearest word that mermaid accepts as a column's name or type: not PK, FK or UK."""
    legal = re.sub(r"[^A-Za-z0-9_\[\]()\u00C0-\uFFFF]", "_", text)
    return legal if re.match(r"(?!(pk|fk|uk)$)[^0-9\[\]()]", legal, re.IGNORECASE) else f"_{legal}"
