"""Tables drawn as an SVG: boxes in columns, with the lines of their references between them.

Lines to the same table are a tree of one colour. Through a column they pass only between boxes,
which make room for them, so that nothing ever lies on anything else.
"""

import html
import math
import re
from collections import defaultdict
from itertools import chain, pairwise
from typing import NamedTuple

from modelmigrate.inspect.layout import (
    GAP,
    LANE,
    SHAPE,
    Line,
    Tree,
    arrange_columns,
    assign_lanes,
    connected_groups,
    pack_rectangles,
    stack_columns,
)
from modelmigrate.inspect.model import (
    CHAR,
    HEAD,
    ROW,
    Box,
    Reference,
    Table,
    key_marks,
    text_width,
    type_label,
)

STUB = 26  # pixels between a box and the first lane of a gap
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
LEGEND = ("fork: many rows refer to one; bar: at most one", "ring and ?: may be NULL")


class Drawing(NamedTuple):
    """Elements with their left top corner at the origin."""

    width: float
    height: float
    elements: list[str]


def draw_svg(boxes: list[Box], title: str) -> str:
    """A file of its own, for light and dark: no script, no font, and every reference described.

    Each table that a box refers to must have a box.
    """
    colours = {box.table.name: i % len(COLOURS) for i, box in enumerate(boxes)}
    groups = connected_groups(boxes)
    drawing = combine([draw_group(arrange_columns(g, column_count(g)), colours) for g in groups])
    width = max(drawing.width, *(CHAR * text_width(line) for line in LEGEND)) + 48
    height = drawing.height + 104
    references = [describe_reference(box.table, r) for box in boxes for r in box.table.references]
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape("; ".join(references) or "no references")}</desc>',
        f"<style>{style()}</style>",
        '<rect class="paper" width="100%" height="100%"/>',
        '<g transform="translate(24 24)">',
        *drawing.elements,
        "</g>",
        *(text_svg("dim", 24, height - 44 + ROW * i, line) for i, line in enumerate(LEGEND)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def column_count(group: list[Box]) -> int:
    """How many columns give a picture of the aimed shape; with references, at least two."""
    height = sum(box.height + GAP for box in group)
    ideal = math.sqrt(SHAPE * height / max(box.width + 3 * STUB for box in group))
    has_references = any(box.table.references for box in group)
    return min(len(group), max(round(ideal), 2 if has_references else 1))


def combine(drawings: list[Drawing]) -> Drawing:
    """All in one, the largest first."""
    ordered = sorted(drawings, key=lambda drawing: -drawing.width * drawing.height)
    corners = pack_rectangles([(drawing.width, drawing.height) for drawing in ordered])
    width, height, elements = 0.0, 0.0, []
    for drawing, (x, y) in zip(ordered, corners, strict=True):
        elements += [f'<g transform="translate({x:g} {y:g})">', *drawing.elements, "</g>"]
        width, height = max(width, x + drawing.width), max(height, y + drawing.height)
    return Drawing(width, height, elements)


def draw_group(columns: list[list[Box]], colours: dict[str, int]) -> Drawing:
    """Boxes and lines of one group, at the origin."""
    column_of = {box.table.name: c for c, column in enumerate(columns) for box in column}
    lines = [
        Line(box, reference, column_of[box.table.name], column_of[reference.table])
        for box in chain(*columns)
        for reference in box.table.references
    ]
    tops, slots, height = stack_columns(columns, lines)

    # For each gap, how far down each tree enters and leaves it.
    crossings: list[defaultdict[Tree, list[int]]]
    crossings = [defaultdict(list) for _ in range(len(columns) + 1)]
    routes = []
    for line in lines:
        begin = tops[line.source.table.name] + line.source.row(line.reference)
        end = tops[line.reference.table] + HEAD // 2
        route = list(pairwise([begin, *(slots[line.tree, c] for c in line.through), end]))
        for gap, ys in zip(line.gaps, route, strict=True):
            crossings[gap][line.tree] += ys
        routes.append(route)

    lanes = list(map(assign_lanes, crossings))
    edges: list[tuple[float, float]] = []  # left and right of each column
    first_lanes, x = [], 0.0
    for trees, column in zip(lanes, [*columns, []], strict=True):
        first_lanes.append(x + STUB)
        if trees or (edges and column):
            x += 2 * STUB + LANE * max(trees.values(), default=0)
        edges.append((x, x + max((box.width for box in column), default=0)))
        x = edges[-1][1]

    elements = []
    for line, route in zip(lines, routes, strict=True):
        points = [(edges[line.start][line.rightwards], float(route[0][0]))]
        for gap, ys in zip(line.gaps, route, strict=True):
            points += [(first_lanes[gap] + LANE * lanes[gap][line.tree], y) for y in ys]
        points.append((edges[line.end][not line.tree[1]], route[-1][1]))
        elements.append(line_svg(line, points, colours[line.reference.table]))
    for (left, right), column in zip(edges, columns, strict=False):
        elements += [box_svg(box, left, tops[box.table.name], right - left) for box in column]
    return Drawing(x, height, elements)


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
