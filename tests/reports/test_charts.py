"""Axes and lines: what stands where, also for data that is hard to draw."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET

import pytest

from podium.reports.axes import make_axis
from podium.reports.charts import HEIGHT, WIDTH, Line, line_chart, swatch

HARD = {
    "one point": [(0, 0.5)],
    "equal": [(0, 0.25), (9, 0.25)],
    "zeros": [(0, 0.0), (1, 0.0)],
    "huge": [(0, -1.7e308), (1, 1.7e308)],
    "largest": [(0, 1.7976931348623157e308), (5, 1.7976931348623157e308)],
    "tiny": [(0, 5e-324), (1, 1e-323)],
    "close": [(0, 1.0), (1, 1.0000000000000002)],
    "late": [(2**61, 1.0), (2**62 - 1, 2.0)],
    "negative": [(3, -5.0), (4, -1.0)],
    "mixed": [(0, -1e-9), (1, 1e9)],
}


@pytest.mark.parametrize("points", HARD.values(), ids=HARD)
def test_whatever_is_drawn_stays_inside(points) -> None:
    """The picture is well-formed, and every coordinate is a number inside it."""
    root = ET.fromstring(line_chart("x", [Line("a", points, 0)]))
    for element in root.iter():
        for name, most in (("x1", WIDTH), ("x2", WIDTH), ("cx", WIDTH), ("y1", HEIGHT), ("y2", HEIGHT), ("cy", HEIGHT)):
            assert 0 <= float(element.get(name, "0")) <= most
        for pair in element.get("points", "").split():
            across, down = map(float, pair.split(","))
            assert 0 <= across <= WIDTH
            assert 0 <= down <= HEIGHT


def test_higher_values_stand_higher() -> None:
    """The line goes from left to right, and up where the values grow."""
    (points,) = re.findall(r'points="([^"]*)"', line_chart("x", [Line("a", [(0, 1.0), (5, 2.0), (10, 4.0)], 0)]))
    across, down = zip(*[map(float, pair.split(",")) for pair in points.split()], strict=True)
    assert across == tuple(sorted(across))
    assert down == tuple(sorted(down, reverse=True))
    assert across[1] == pytest.approx((across[0] + across[2]) / 2)


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0, 1], ("0", "0.2", "0.4", "0.6", "0.8", "1.0")),
        ([0.91, 0.98], ("0.90", "0.92", "0.94", "0.96", "0.98")),
        ([-3, 12], ("-5", "0", "5", "10", "15")),
        ([0, 4e9], ("0", "1e9", "2e9", "3e9", "4e9")),
        ([1e-5, 3e-5], ("1.0e-5", "1.5e-5", "2.0e-5", "2.5e-5", "3.0e-5")),
    ],
)
def test_ticks_are_round(values, labels) -> None:
    """Ticks stand at 1, 2 or 5 times a power of ten, and say just enough digits."""
    assert make_axis(values).labels == labels


@pytest.mark.parametrize("last", [1, 2, 7, 59, 1000, 10**12])
def test_steps_are_whole(last) -> None:
    """No tick of a step stands between two steps, nor outside."""
    axis = make_axis([0, last], whole=True)
    assert all(tick == int(tick) and 0 <= tick <= last for tick in axis.ticks)
    assert (axis.place(0), axis.place(last)) == (0, 1)


@pytest.mark.parametrize("points", HARD.values(), ids=HARD)
def test_an_axis_holds_its_values(points) -> None:
    """Each value has a place from 0 to 1, and few ticks name it."""
    values = [value for _, value in points]
    axis = make_axis(values)
    assert all(0 <= axis.place(value) <= 1 for value in values)
    assert 1 <= len(axis.ticks) <= 9
    assert all(math.isfinite(tick) for tick in axis.ticks)


def test_a_version_without_points_is_left_out() -> None:
    """The others are drawn in the colour that is theirs."""
    text = line_chart("x", [Line("a", [], 0), Line("b", [(0, 1.0), (1, 2.0)], 1)])
    assert text.count("<polyline") == 1
    assert 'class="line c1"' in text


def test_names_are_escaped() -> None:
    """A name is a text of the picture, never a part of it."""
    root = ET.fromstring(line_chart('<&"\u202e', [Line("<b>&", [(0, 1.0)], 0)]))
    assert root.get("aria-label") == '<&"\\u202e'
    assert [element.text for element in root.iter() if element.tag == "title"] == ["<b>&"]


def test_forty_lines_can_be_told_apart() -> None:
    """Colour and pattern together repeat only after forty."""
    looks = [re.sub("x1.*y2=.5.", "", swatch(place)) for place in range(40)]
    assert len(set(looks)) == 40
