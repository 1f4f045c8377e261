"""Lines over steps as inline SVG: no script, no font, no file; colours come from the style of the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from podium.domain.markup import spelled
from podium.reports.axes import Axis, make_axis

Points = Sequence[tuple[int, float]]
WIDTH, HEIGHT = 420, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 12, 34
COLOURS = 8
# Eight colours and five patterns have no common factor: forty lines that can be told apart.
DASHES = ("", "7 4", "2 3", "9 3 2 3", "12 5")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart.

    Attributes:
        name: What it shows.
        points: ``(x, y)`` in the order of x; empty where there is nothing to show.
        place: Which line of the page it is: the same version has the same colour and pattern everywhere.
    """

    name: str
    points: Points
    place: int


def swatch(place: int) -> str:
    """Return a short piece of a line, for a legend."""
    line = f'<line class="line c{place % COLOURS}" x1="1" y1="5" x2="33" y2="5"{_dash(place)}/>'
    return f'<svg class="swatch" viewBox="0 0 34 10" width="34" height="10" aria-hidden="true">{line}</svg>'


def line_chart(title: str, lines: Sequence[Line]) -> str:
    """Return a chart of lines over steps, as SVG that scales with the page.

    Args:
        title: What a screen reader says of it.
        lines: At least one with a point.
    """
    drawn = [line for line in lines if line.points]
    x = make_axis([step for line in drawn for step, _ in line.points], whole=True)
    y = make_axis([value for line in drawn for _, value in line.points])
    parts = [_grid(x, y), *(_line(line, x, y) for line in drawn)]
    label = escape(spelled(title), quote=True)
    body = "".join(parts)
    return f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{body}</svg>'


def _grid(x: Axis, y: Axis) -> str:
    left, right, bottom = _LEFT, WIDTH - _RIGHT, HEIGHT - _BOTTOM
    parts = []
    for value, label in zip(y.ticks, y.labels, strict=True):
        at = _down(y, value)
        parts.append(f'<line class="grid" x1="{left}" y1="{at}" x2="{right}" y2="{at}"/>')
        parts.append(f'<text class="tick" x="{left - 6}" y="{at + 4:.1f}" text-anchor="end">{label}</text>')
    for value, label in zip(x.ticks, x.labels, strict=True):
        at = _across(x, value)
        parts.append(f'<line class="axis" x1="{at}" y1="{bottom}" x2="{at}" y2="{bottom + 4}"/>')
        parts.append(f'<text class="tick" x="{at}" y="{bottom + 16}" text-anchor="middle">{label}</text>')
    parts.append(f'<line class="axis" x1="{left}" y1="{bottom}" x2="{right}" y2="{bottom}"/>')
    middle = (left + right) / 2
    parts.append(f'<text class="tick" x="{middle:.0f}" y="{HEIGHT - 4}" text-anchor="middle">step</text>')
    return "".join(parts)


def _line(line: Line, x: Axis, y: Axis) -> str:
    colour = f"c{line.place % COLOURS}"
    name = escape(spelled(line.name))
    last_x, last_y = _at(line.points[-1], x, y)
    parts = [f"<g><title>{name}</title>"]
    if len(line.points) > 1:
        path = " ".join(f"{across},{down}" for across, down in (_at(point, x, y) for point in line.points))
        parts.append(f'<polyline class="line {colour}" points="{path}"{_dash(line.place)}/>')
    parts.append(f'<circle class="dot {colour}" cx="{last_x}" cy="{last_y}" r="3.2"/></g>')
    return "".join(parts)


def _dash(place: int) -> str:
    dash = DASHES[place % len(DASHES)]
    return f' stroke-dasharray="{dash}"' if dash else ""


def _at(point: tuple[int, float], x: Axis, y: Axis) -> tuple[float, float]:
    return _across(x, point[0]), _down(y, point[1])


def _across(axis: Axis, value: float) -> float:
    return round(_LEFT + axis.place(value) * (WIDTH - _LEFT - _RIGHT), 1)


def _down(axis: Axis, value: float) -> float:
    place = axis.place(value)
    return round(_TOP + (1 - (place if math.isfinite(place) else 0.5)) * (HEIGHT - _TOP - _BOTTOM), 1)
