"""Where boxes and lines go: numbers alone, nothing of SVG."""

import math
from collections import defaultdict
from itertools import combinations, pairwise
from typing import NamedTuple

from modelmigrate.inspect.model import ROW, Box, Reference

GAP = 32
LANE = 8
SHIFT = 9
SPACE = 48
SHAPE = 1.5
Tree = tuple[str, bool]  # the table that lines lead to, and whether from the left


class Drawing(NamedTuple):
    width: float
    height: float
    parts: list[str]


def connected_groups(shown: list[Box]) -> list[list[Box]]:
    """What hangs together by references, each a group; one more for all that stands alone."""
    group = {box.table.name: [box] for box in shown}
    for box in shown:
        for reference in box.table.references:
            ours, theirs = group[box.table.name], group[reference.table]
            if ours is not theirs:
                ours.extend(theirs)
                group.update({each.table.name: ours for each in theirs})
    distinct = {id(each): each for each in group.values()}.values()
    together, alone = [], []
    for each in distinct:
        if len(each) == 1 and not each[0].table.references:
            alone += each
        else:
            together.append(each)
    return [*together, alone] if alone else together


def pack_drawings(drawings: list[Drawing]) -> Drawing:
    """All in one picture that fits a screen: each, the largest first, as high up as it fits."""
    area = sum((each.width + SPACE) * (each.height + SPACE) for each in drawings)
    limit = max(math.sqrt(area * SHAPE), *(each.width + SPACE for each in drawings))
    taken: list[tuple[float, float, float, float]] = []
    drawn = []
    for each in sorted(drawings, key=lambda each: -each.width * each.height):
        across, down = each.width + SPACE, each.height + SPACE
        corners = {(0.0, 0.0)}.union(*(((r, t), (x, b), (0.0, b)) for x, t, r, b in taken))
        y, x = min(
            (y, x)
            for x, y in corners
            if x + across <= limit + 1
            and all(
                x >= r or y >= b or x + across <= left or y + down <= t for left, t, r, b in taken
            )
        )
        taken.append((x, y, x + across, y + down))
        drawn += [f'<g transform="translate({x:g} {y:g})">', *each.parts, "</g>"]
    right, bottom = max(t[2] for t in taken), max(t[3] for t in taken)
    return Drawing(right - SPACE, bottom - SPACE, drawn)


def arrange_columns(group: list[Box], wanted: int) -> list[list[Box]]:
    """Spread the boxes over columns, and swap them as long as the lines between them get shorter."""
    each, more = divmod(len(group), wanted)
    heights = [each + (c < more) for c in range(wanted)]
    places = [(c, row) for c, height in enumerate(heights) for row in range(height)]
    at = {box.table.name: place for box, place in zip(group, places, strict=True)}
    # At the foot of each column is a place that a box may move to.
    at |= {f"\0{c}": (c, height) for c, height in enumerate(heights)}
    near: defaultdict[str, list[str]] = defaultdict(list)
    for box in group:
        for reference in box.table.references:
            near[box.table.name].append(reference.table)
            near[reference.table].append(box.table.name)

    def length(*names: str) -> float:
        total = 0.0
        for column, row, others in ((*at[name], near[name]) for name in names):
            for other in others:
                across, along = abs(column - at[other][0]), abs(row - at[other][1])
                total += (2 * across or 2.5) + along
        return total

    better = True
    while better:
        better = False
        for pair in combinations(sorted(at), 2):
            one, two = pair
            before = length(*pair)
            at[one], at[two] = at[two], at[one]
            if length(*pair) < before:
                better = True
            else:
                at[one], at[two] = at[two], at[one]
    columns: list[list[Box]] = [[] for _ in heights]
    for box in sorted(group, key=lambda box: at[box.table.name]):
        columns[at[box.table.name][0]].append(box)
    return list(filter(None, columns))


class Line(NamedTuple):
    """A reference on its way: through these gaps, which lie left of the columns of that number."""

    source: Box
    reference: Reference
    start: int
    end: int

    @property
    def tree(self) -> Tree:
        return self.reference.table, self.start < self.end

    @property
    def gaps(self) -> range:
        if self.start < self.end:
            return range(self.start + 1, self.end + 1)
        return range(max(self.start, self.end + 1), self.end, -1)

    @property
    def through(self) -> list[int]:
        """The columns between the first and the last."""
        return [min(pair) for pair in pairwise(self.gaps)]

    @property
    def rightwards(self) -> bool:
        return self.gaps[0] > self.start


def stack_columns(
    columns: list[list[Box]], lines: list[Line]
) -> tuple[dict[str, int], dict[tuple[Tree, int], int], int]:
    """How far down boxes begin and trees pass through columns, and the height of it all."""
    tops: dict[str, int] = {}
    slots: dict[tuple[Tree, int], int] = {}
    passing: defaultdict[tuple[int, int], list[Tree]] = defaultdict(list)

    def pile() -> int:
        ends = []
        for c, column in enumerate(columns):
            y = 0
            for i, box in enumerate([*column, None]):
                trees = passing[c, i]
                slots.update({(tree, c): y + LANE * j + 18 for j, tree in enumerate(trees)})
                if trees or 0 < i < len(column):
                    y += -(-(GAP + LANE * len(trees)) // ROW) * ROW
                if box:
                    tops[box.table.name] = y
                    y += box.height
            ends.append(y)
        lower = [(max(ends) - y) // 2 // ROW * ROW + SHIFT * (c % 2) for c, y in enumerate(ends)]
        if lines:
            tops.update({b.table.name: tops[b.table.name] + lower[c] for c, b in placed})
            slots.update({(tree, c): y + lower[c] for (tree, c), y in slots.items()})
        return max(ends) + SHIFT

    placed = [(c, box) for c, column in enumerate(columns) for box in column]
    pile()
    # Each tree passes where the way to its table is straightest.
    crossed = {(line.tree, c) for line in lines for c in line.through}
    for tree, c in sorted(crossed, key=lambda each: (tops[each[0][0]], each)):
        last = columns[c][-1]
        edges = [*(tops[box.table.name] for box in columns[c])]
        edges.append(tops[last.table.name] + last.height)
        nearest = min(range(len(edges)), key=lambda i: abs(edges[i] - tops[tree[0]]))
        passing[c, nearest].append(tree)
    return tops, slots, pile()


def assign_lanes(met: dict[Tree, list[int]]) -> dict[Tree, int]:
    """Give each tree a lane of a gap; trees that are apart may have the same."""
    lanes: dict[Tree, int] = {}
    ends: list[int] = []
    for tree, ys in sorted(met.items(), key=lambda item: (min(item[1]), item[0])):
        free = (lane for lane, end in enumerate(ends) if end + ROW < min(ys))
        lanes[tree] = next(free, len(ends))
        ends[lanes[tree] : lanes[tree] + 1] = [max(ys)]
    return lanes
