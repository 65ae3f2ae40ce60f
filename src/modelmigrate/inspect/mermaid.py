"""Tables as a mermaid diagram."""

import re

from modelmigrate.inspect.model import Box

GENERATED_BY = "made by make schema-viz, so do not edit"


def draw_mermaid(shown: list[Box]) -> str:
    lines = [f"%% {GENERATED_BY}", "erDiagram"]
    for box in shown:
        lines.append(f"    {quote_text(box.table.name)} " + "{")
        for column in box.columns:
            name = legal_word(column.name)
            comment = f" {quote_text(column.name)}" if name != column.name else ""
            marks = f" {', '.join(column.marks)}" if column.marks else ""
            lines.append(f"        {legal_word(column.type)} {name}{marks}{comment}")
        lines.append("    }")
    for box in shown:
        for reference in box.table.references:
            one = "|o" if reference.null else "||"
            many = "o|" if reference.unique else "o{"
            names = f"{quote_text(reference.table)} {one}--{many} {quote_text(box.table.name)}"
            lines.append(f"    {names} : {quote_text(', '.join(reference.columns))}")
    return "\n".join(lines) + "\n"


def quote_text(text: str) -> str:
    return '"' + re.sub(r'["%\\#;<>&\x00-\x1f]', lambda m: f"#{ord(m[0])};", text) + '"'


def legal_word(text: str) -> str:
    """The nearest that mermaid takes for a column's name or type; a key's mark is no name."""
    legal = re.sub(r"[^A-Za-z0-9_\[\]()\u00C0-\uFFFF]", "_", text)
    return legal if re.match(r"(?!(pk|fk|uk)$)[^0-9\[\]()]", legal, re.IGNORECASE) else f"_{legal}"
