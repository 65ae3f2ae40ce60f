"""The elements of a picture, each as SVG: boxes, lines, texts, and the style of them all."""

import html
import math
import re

from modelmigrate.inspect.layout import Line
from modelmigrate.inspect.model import CHAR, HEAD, ROW, Box, Reference, Table, key_marks, type_label

# By selector, so that no two braces meet, which a template engine would take for its own.
ALWAYS = {
    "text": "white-space:pre;font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,"
    "'DejaVu Sans Mono',monospace",
    ".name": "font-weight:bold",
    ".mark": "font-weight:bold;font-size:10px",
    ".away .box": "stroke-dasharray:4 3",
    ".line": "fill:none;stroke:currentColor;stroke-width:1.5",
    ".tip": "fill:currentColor;stroke:none",
}
LIGHT = {
    ".paper,.box,.ring": "fill:#ffffff",
    ".box": "stroke:#9ca3af",
    ".head": "fill:#e5e7eb",
    ".focus .head": "fill:#bfdbfe",
    "text": "fill:#1f2937",
    ".dim": "fill:#6b7280",
}
DARK = {
    ".paper,.box,.ring": "fill:#111827",
    ".box": "stroke:#4b5563",
    ".head": "fill:#374151",
    ".focus .head": "fill:#1e40af",
    "text": "fill:#f3f4f6",
    ".dim": "fill:#9ca3af",
}
# The colours of lines, on light and on dark paper.
COLOURS = (
    ("#2563eb", "#60a5fa"), ("#c2410c", "#fb923c"), ("#15803d", "#4ade80"), ("#9333ea", "#c084fc"),
    ("#be123c", "#fb7185"), ("#0e7490", "#22d3ee"), ("#a16207", "#facc15"), ("#4b5563", "#9ca3af"),
)  # fmt: skip


def style() -> str:
    """The style sheet, with the colours of both light and dark."""

    def css(rules: dict[str, str]) -> str:
        return "".join(selector + "{" + rule + "}" for selector, rule in rules.items())

    light, dark = ({f".t{i}": f"color:{c[n]}" for i, c in enumerate(COLOURS)} for n in (0, 1))
    when_dark = {"@media(prefers-color-scheme:dark)": css(DARK | dark)}
    return css(ALWAYS) + css(LIGHT | light) + css(when_dark)


def box_svg(box: Box, x: float, y: float, width: float) -> str:
    """A table with its columns; `x` and `y` are its upper left corner, all in pixels."""
    kind = " focus" if box.focus else " away" if box.table.external else ""
    size = f'width="{width:g}" height="{box.height}" rx="4"'
    top = f"M{x:g} {y + HEAD}v{4 - HEAD}q0-4 4-4h{width - 8:g}q4 0 4 4v{HEAD - 4}z"
    elements = [
        f'<g class="table{kind}"><rect class="box" x="{x:g}" y="{y}" {size}/>',
        f'<path class="head" d="{top}"/>',
        text_svg("name", x + 10, y + 21, box.table.name),
    ]
    baseline = y + HEAD + 15
    for column in box.columns:
        elements += [
            text_svg("mark dim", x + 10, baseline, key_marks(column)),
            text_svg("", x + 10 + CHAR * box.indent, baseline, column.name),
            text_svg("dim", x + width - 10, baseline, type_label(column), end=True),
        ]
        baseline += ROW
    elements.append(text_svg("dim", x + 10, baseline, box.note))
    return "\n".join([*filter(None, elements), "</g>"])


def line_svg(line: Line, points: list[tuple[float, float]], colour: int) -> str:
    """A line with its crow's foot, and a tip at the table that is referred to."""
    (x, y), (tip_x, tip_y) = points[0], points[-1]
    out, back = (1 if line.rightwards else -1), (-1 if line.tree[1] else 1)
    bar = f"M{x + 8 * out:g} {y - 5:g}v10"
    fork = f"M{x:g} {y - 5:g}l{10 * out} 5l{-10 * out} 5"
    ring = f'<circle class="ring" cx="{x + 14 * out:g}" cy="{y:g}" r="3.5"/>'
    title = escape(describe_reference(line.source.table, line.reference))
    return (
        f'<g class="line t{colour}"><title>{title}</title>'
        f'<path d="{rounded(points)}{bar if line.reference.unique else fork}"/>'
        f"{ring if line.reference.nullable else ''}"
        f'<path class="tip" d="M{tip_x:g} {tip_y:g}l{8 * back}-4v8z"/></g>'
    )


def rounded(points: list[tuple[float, float]]) -> str:
    """A path through the points with round corners."""
    path = [f"M{points[0][0]:g} {points[0][1]:g}"]
    for (ax, ay), (bx, by), (cx, cy) in zip(points, points[1:], points[2:], strict=False):
        before, after = math.dist((ax, ay), (bx, by)), math.dist((bx, by), (cx, cy))
        radius = min(6, before / 2, after / 2)
        if radius:
            px, py = bx + (ax - bx) * radius / before, by + (ay - by) * radius / before
            qx, qy = bx + (cx - bx) * radius / after, by + (cy - by) * radius / after
            path.append(f"L{px:g} {py:g}Q{bx:g} {by:g} {qx:g} {qy:g}")
    return "".join([*path, f"L{points[-1][0]:g} {points[-1][1]:g}"])


def text_svg(classes: str, x: float, y: float, text: str, *, end: bool = False) -> str:
    """A line of text that starts, or with `end` ends, at `x`; empty where there is no text."""
    anchor = ' text-anchor="end"' if end else ""
    element = f'<text class="{classes}" x="{x:g}" y="{y:g}"{anchor}>{escape(text)}</text>'
    return element if text else ""


def describe_reference(table: Table, reference: Reference) -> str:
    """A foreign key in words, for those who do not see the picture."""
    columns, to_columns = ", ".join(reference.columns), ", ".join(reference.to_columns)
    return f"{table.name} ({columns}) refers to {reference.table} ({to_columns})"


def escape(text: str) -> str:
    """Text as XML takes it, without the characters that it has no spelling for."""
    return html.escape(re.sub(r"[\x00-\x1f\x7f\ufffe\uffff]", "\ufffd", text))
