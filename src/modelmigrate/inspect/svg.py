"""Tables drawn as an SVG: boxes in columns, with the lines of their references between them.

Lines to the same table are a tree of one colour. Through a column they pass only between boxes,
which make room for them, so that nothing ever lies on anything else.
"""

import math
from collections import defaultdict
from collections.abc import Callable
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
from modelmigrate.inspect.model import CHAR, HEAD, ROW, Box, text_width
from modelmigrate.inspect.shapes import (
    COLOURS,
    box_svg,
    describe_reference,
    escape,
    line_svg,
    style,
    text_svg,
)

STUB = 26  # pixels between a box and the first lane of a gap
LEGEND = ("fork: many rows refer to one; bar: at most one", "ring and ?: may be NULL")


Link = Callable[[str], str]
"""Where the box of a table of this name leads; empty for nowhere."""


def no_link(_table: str) -> str:
    """For pictures that lead nowhere."""
    return ""


class Drawing(NamedTuple):
    """Elements with their left top corner at the origin."""

    width: float
    height: float
    elements: list[str]


class Picture(NamedTuple):
    """What boxes and lines become: elements, with the size of them all in an attribute or three."""

    size: str
    elements: list[str]


def draw_svg(boxes: list[Box], title: str) -> str:
    """A file of its own, for light and dark: no script, no font, and every reference described.

    Each table that a box refers to must have a box.
    """
    picture = draw(boxes, no_link)
    references = [describe_reference(box.table, r) for box in boxes for r in box.table.references]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {picture.size} role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape("; ".join(references) or "no references")}</desc>',
        f"<style>{style()}</style>",
        '<rect class="paper" width="100%" height="100%"/>',
        *picture.elements,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def draw_inline(boxes: list[Box], title: str, link: Link) -> str:
    """A part of a page that has `style`: each box whose table has a `link` leads there."""
    picture = draw(boxes, link)
    name = f'role="group" aria-label="{escape(title)}"'
    return "\n".join([f'<svg class="schema" {picture.size} {name}>', *picture.elements, "</svg>"])


def draw(boxes: list[Box], link: Link) -> Picture:
    """Boxes, lines and legend."""
    colours = {box.table.name: i % len(COLOURS) for i, box in enumerate(boxes)}
    groups = connected_groups(boxes)
    drawings = [draw_group(arrange_columns(g, column_count(g)), colours, link) for g in groups]
    drawing = combine(drawings)
    width = max(drawing.width, *(CHAR * text_width(line) for line in LEGEND)) + 48
    height = drawing.height + 104
    legend = [text_svg("dim", 24, height - 44 + ROW * i, line) for i, line in enumerate(LEGEND)]
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    moved = ['<g transform="translate(24 24)">', *drawing.elements, "</g>"]
    return Picture(size, [*moved, *legend])


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


def draw_group(columns: list[list[Box]], colours: dict[str, int], link: Link) -> Drawing:
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
        for box in column:
            element = box_svg(box, left, tops[box.table.name], right - left)
            target = link(box.table.name)
            elements.append(f'<a href="{escape(target)}">{element}</a>' if target else element)
    return Drawing(x, height, elements)
