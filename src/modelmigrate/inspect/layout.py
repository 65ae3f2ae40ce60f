"""Where boxes and lines go: numbers alone, in pixels; nothing of SVG.

Boxes stand in columns. Left of column `n`, and right of column `n - 1`, is gap `n`, in which lines
run up and down, each tree of lines in a lane of its own.
"""

import math
from collections import defaultdict
from itertools import combinations, pairwise
from typing import NamedTuple

from modelmigrate.inspect.model import ROW, Box, Reference

GAP = 32  # between two boxes of a column
LANE = 8  # between two lines that run side by side
SHIFT = 9  # by which every other column stands lower, so that lines do not meet their neighbours'
SPACE = 48  # between two groups
SHAPE = 1.5  # width by height that a picture aims at

Tree = tuple[str, bool]
"""Lines with the same end: the table that they lead to, and whether they come from the left."""
Passages = dict[tuple[int, int], list[Tree]]
"""The trees that pass through a column above its box of this number: by column and box."""


class Line(NamedTuple):
    """A reference on its way from column `start` to column `end`."""

    source: Box
    reference: Reference
    start: int
    end: int

    @property
    def tree(self) -> Tree:
        return self.reference.table, self.start < self.end

    @property
    def gaps(self) -> range:
        """The gaps that it runs through, in its order."""
        if self.start < self.end:
            return range(self.start + 1, self.end + 1)
        return range(max(self.start, self.end + 1), self.end, -1)

    @property
    def through(self) -> list[int]:
        """The columns that it passes through: those between the first and the last."""
        return [min(pair) for pair in pairwise(self.gaps)]

    @property
    def rightwards(self) -> bool:
        """Whether it leaves its box to the right."""
        return self.gaps[0] > self.start


class Stack(NamedTuple):
    """How far down everything is."""

    tops: dict[str, int]
    """The top of each table's box."""
    slots: dict[tuple[Tree, int], int]
    """Where each tree passes through a column."""
    height: int


def connected_groups(boxes: list[Box]) -> list[list[Box]]:
    """The boxes grouped by their references; the last group is of all that have none."""
    group_of = {box.table.name: [box] for box in boxes}
    for box in boxes:
        for reference in box.table.references:
            own, other = group_of[box.table.name], group_of[reference.table]
            if own is not other:
                own.extend(other)
                group_of.update({each.table.name: own for each in other})
    distinct = {id(group): group for group in group_of.values()}.values()
    connected, alone = [], []
    for group in distinct:
        if len(group) == 1 and not group[0].table.references:
            alone += group
        else:
            connected.append(group)
    return [*connected, alone] if alone else connected


def pack_rectangles(sizes: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The left top corner of each rectangle, given by width and height, in one picture that fits a
    screen: in the order given, each as high up as it fits."""
    area = sum((width + SPACE) * (height + SPACE) for width, height in sizes)
    limit = max(math.sqrt(area * SHAPE), *(width + SPACE for width, _ in sizes))
    occupied: list[tuple[float, float, float, float]] = []  # left, top, right, bottom
    corners = []
    for each_width, each_height in sizes:
        width, height = each_width + SPACE, each_height + SPACE
        candidates = {(0.0, 0.0)}.union(
            *(
                ((right, top), (left, bottom), (0.0, bottom))
                for left, top, right, bottom in occupied
            )
        )
        y, x = min(
            (y, x)
            for x, y in candidates
            if x + width <= limit + 1
            and all(
                x >= right or y >= bottom or x + width <= left or y + height <= top
                for left, top, right, bottom in occupied
            )
        )
        occupied.append((x, y, x + width, y + height))
        corners.append((x, y))
    return corners


def arrange_columns(group: list[Box], count: int) -> list[list[Box]]:
    """Spread the boxes over `count` columns, and swap them as long as that shortens their lines."""
    rows, extra = divmod(len(group), count)
    heights = [rows + (column < extra) for column in range(count)]
    places = [(column, row) for column, height in enumerate(heights) for row in range(height)]
    place_of = {box.table.name: place for box, place in zip(group, places, strict=True)}
    # At the foot of each column is a free place, under a name that no table has.
    place_of |= {f"\0{column}": (column, height) for column, height in enumerate(heights)}
    neighbours: defaultdict[str, list[str]] = defaultdict(list)
    for box in group:
        for reference in box.table.references:
            neighbours[box.table.name].append(reference.table)
            neighbours[reference.table].append(box.table.name)

    def line_length(*names: str) -> float:
        total = 0.0
        for name in names:
            column, row = place_of[name]
            for neighbour in neighbours[name]:
                other_column, other_row = place_of[neighbour]
                # Within a column, a line has to leave it and to come back.
                total += (2 * abs(column - other_column) or 2.5) + abs(row - other_row)
        return total

    def swap(one: str, other: str) -> None:
        place_of[one], place_of[other] = place_of[other], place_of[one]

    shortened = True
    while shortened:
        shortened = False
        for pair in combinations(sorted(place_of), 2):
            before = line_length(*pair)
            swap(*pair)
            if line_length(*pair) < before:
                shortened = True
            else:
                swap(*pair)
    columns: list[list[Box]] = [[] for _ in heights]
    for box in sorted(group, key=lambda box: place_of[box.table.name]):
        columns[place_of[box.table.name][0]].append(box)
    return list(filter(None, columns))


def stack_columns(columns: list[list[Box]], lines: list[Line]) -> Stack:
    """Put the boxes of each column on top of each other, with room for the lines between them."""
    # Where trees pass depends on where boxes are; those then move apart to make room.
    passages = choose_passages(columns, lines, _stack(columns, {}, staggered=bool(lines)).tops)
    return _stack(columns, passages, staggered=bool(lines))


def choose_passages(columns: list[list[Box]], lines: list[Line], tops: dict[str, int]) -> Passages:
    """Let each tree pass through a column where the way to its table is straightest."""
    passages: defaultdict[tuple[int, int], list[Tree]] = defaultdict(list)
    passing = {(line.tree, column) for line in lines for column in line.through}
    for tree, column in sorted(passing, key=lambda each: (tops[each[0][0]], each)):
        last = columns[column][-1]
        edges = [*(tops[box.table.name] for box in columns[column])]
        edges.append(tops[last.table.name] + last.height)
        nearest = min(range(len(edges)), key=lambda i: abs(edges[i] - tops[tree[0]]))
        passages[column, nearest].append(tree)
    return dict(passages)


def _stack(columns: list[list[Box]], passages: Passages, *, staggered: bool) -> Stack:
    tops: dict[str, int] = {}
    slots: dict[tuple[Tree, int], int] = {}
    bottoms = []
    for number, column in enumerate(columns):
        y = 0
        for i, box in enumerate([*column, None]):
            trees = passages.get((number, i), [])
            slots.update({(tree, number): y + LANE * j + 18 for j, tree in enumerate(trees)})
            if trees or 0 < i < len(column):
                # In whole rows, so that the rows of all columns stay on one grid.
                y += -(-(GAP + LANE * len(trees)) // ROW) * ROW
            if box:
                tops[box.table.name] = y
                y += box.height
        bottoms.append(y)
    height = max(bottoms)
    if staggered:
        lower = [
            (height - bottom) // 2 // ROW * ROW + SHIFT * (number % 2)
            for number, bottom in enumerate(bottoms)
        ]
        for number, column in enumerate(columns):
            tops.update({box.table.name: tops[box.table.name] + lower[number] for box in column})
        slots = {(tree, number): y + lower[number] for (tree, number), y in slots.items()}
    return Stack(tops, slots, height + SHIFT)


def assign_lanes(crossings: dict[Tree, list[int]]) -> dict[Tree, int]:
    """Give each tree a lane of a gap, from where it enters and leaves that; trees that do not meet
    may have the same."""
    lanes: dict[Tree, int] = {}
    ends: list[int] = []
    for tree, ys in sorted(crossings.items(), key=lambda item: (min(item[1]), item[0])):
        free = (lane for lane, end in enumerate(ends) if end + ROW < min(ys))
        lanes[tree] = next(free, len(ends))
        ends[lanes[tree] : lanes[tree] + 1] = [max(ys)]
    return lanes
