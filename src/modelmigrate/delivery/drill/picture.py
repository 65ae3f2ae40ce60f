"""What the drill has seen, as a picture: each answer a dot, by time, version and status."""

import html
from collections.abc import Sequence

from modelmigrate.delivery.drill.traffic import Event

LEFT, RIGHT, TOP, LANE, WIDTH = 90, 20, 20, 46, 1100
STEP = 18  # pixels between the lines of the legend
COLOURS = {0: "#be123c", 2: "#15803d", 3: "#0e7490", 4: "#a16207", 5: "#be123c"}
STYLE = (
    "text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#1f2937}"
    ".dim{fill:#6b7280} .paper{fill:#ffffff} .lane,.mark{stroke:#9ca3af} .mark{stroke-dasharray:3 3}"
)


def draw(events: Sequence[Event], marks: Sequence[tuple[float, str]]) -> str:
    """An SVG: a lane for each version, and numbered lines where something was done."""
    versions = list(dict.fromkeys(event.version for event in events))
    end = max([event.at for event in events] + [at for at, _ in marks] + [1.0])
    scale = (WIDTH - LEFT - RIGHT) / end
    bottom = TOP + LANE * len(versions)
    height = bottom + 40 + STEP * len(marks)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}">',
        f"<title>Requests by version and status</title><style>{STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{height}"/>',
    ]
    for number, name in enumerate(versions):
        y = TOP + LANE * number + LANE / 2
        parts.append(f'<text x="10" y="{y + 4}">{html.escape(name)}</text>')
        parts.append(f'<line class="lane" x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}"/>')
    for event in events:
        y = TOP + LANE * (versions.index(event.version) + 0.5) + spread(event)
        x, colour = LEFT + event.at * scale, COLOURS.get(event.status // 100, COLOURS[0])
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{colour}"/>')
    for number, (at, text) in enumerate(marks, 1):
        x, y = LEFT + at * scale, bottom + 40 + STEP * (number - 1)
        parts.append(f'<line class="mark" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}"/>')
        level = bottom + 12 + 12 * (number % 2)  # neighbours do not cover one another
        parts.append(f'<text class="dim" x="{x - 3:.1f}" y="{level}">{number}</text>')
        parts.append(f'<text x="10" y="{y}">{number:>2} {at:5.1f} s  {html.escape(text)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def spread(event: Event) -> float:
    """How far from the line a dot is, so that those of one moment can be told apart; faults are below."""
    if not 0 < event.status < 500:
        return 14
    return -4 - (event.at * 1000) % 12
