"""A comparison as the pages show it: sections, charts as inline SVG, sample predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from podium.domain.comparison import Comparison
from podium.domain.histories import History, Series
from podium.domain.markup import spelled
from podium.reports.charts import Line, line_chart, swatch
from podium.reports.sections import Section, make_sections, short_names
from podium.reports.text import direction_text, number

if TYPE_CHECKING:
    from markupsafe import Markup

_TABLE_STEPS = 20


@dataclass(frozen=True, slots=True)
class _LegendEntry:
    """What the legend says of one line: its version and its last value."""

    swatch: Markup
    name: str
    last: str


@dataclass(frozen=True, slots=True)
class _Chart:
    """A chart with everything that stands beside it."""

    name: str
    hint: str
    svg: Markup
    legend: tuple[_LegendEntry, ...]
    facts: tuple[tuple[str, ...], ...]
    steps: tuple[tuple[str, ...], ...]
    thinned: bool


def comparison_view(found: Comparison, level: int = 2) -> dict[str, Any]:
    """Return what ``compared.html.j2`` needs of a comparison; charts are there if it was made with histories.

    Args:
        found: The comparison.
        level: Of its headings.
    """
    from markupsafe import Markup

    names = short_names(found.versions)
    sections = {section.key: section for section in make_sections(found, every=True)}
    return {
        "level": level,
        "versions": found.versions,
        "names": [spelled(name) for name in names],
        "swatches": [Markup(swatch(place)) for place in range(len(names))],  # noqa: S704 - made of numbers alone
        "baseline": found.baseline,
        "about": sections.pop("versions"),
        "sections": [section for section in sections.values() if not section.key.startswith("same_")],
        "same": _same(sections),
        "charts": [_chart(history, found, names) for history in found.histories],
        "predictions": found.predictions,
        "differs": _differs,
        "direction_known": any(row.direction_from == "name" for row in found.metrics),
    }


def _differs(base: Sequence[Any] | None, place: int, value: Any) -> bool:
    """Whether a prediction is another one than that of the baseline; fractions such as confidences always are."""
    return base is not None and not isinstance(value, float) and value != base[place]


def _same(sections: dict[str, Section]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return what is the same in all versions, one value instead of n."""
    kept = [sections[key] for key in ("same_config", "same_metadata") if key in sections]
    return [(section.title, [(row.label, row.cells[0].text) for row in section.rows]) for section in kept]


def _chart(history: History, found: Comparison, names: Sequence[str]) -> _Chart:
    from markupsafe import Markup

    lines = [
        Line(name, () if series is None else series.points, place)
        for place, (name, series) in enumerate(zip(names, history.series, strict=True))
    ]
    row = next((row for row in found.metrics if row.name == history.name), None)
    legend = tuple(
        _LegendEntry(
            Markup(swatch(line.place)),  # noqa: S704 - made of numbers alone
            spelled(line.name),
            number(line.points[-1][1]) if line.points else "not logged",
        )
        for line in lines
    )
    return _Chart(
        name=spelled(history.name),
        hint="" if row is None else direction_text(row.better, row.direction_from),
        svg=Markup(line_chart(f"{history.name} over steps", lines)),  # noqa: S704 - it escapes each name itself
        legend=legend,
        facts=tuple(_facts(name, series) for name, series in zip(names, history.series, strict=True)),
        steps=_steps(history),
        thinned=any(series is not None and series.logged > len(series.points) for series in history.series),
    )


def _facts(name: str, series: Series | None) -> tuple[str, ...]:
    """Return a row about one line: name, points, first, lowest, highest and last value."""
    if series is None:
        return (spelled(name), "0", "-", "-", "-", "-")
    low, high = min(series.points, key=_value), max(series.points, key=_value)
    ends = number(series.points[0][1]), number(series.points[-1][1])
    at = [f"{number(value)} at {step}" for step, value in (low, high)]
    return (spelled(name), f"{series.logged:,}", ends[0], at[0], at[1], ends[1])


def _value(point: tuple[int, float]) -> float:
    return point[1]


def _steps(history: History) -> tuple[tuple[str, ...], ...]:
    """Return the values at up to 20 steps that are spread evenly over those that are drawn."""
    values = [{} if series is None else dict(series.points) for series in history.series]
    steps = sorted({step for line in values for step in line})
    last = len(steps) - 1
    count = min(_TABLE_STEPS, len(steps))
    chosen = sorted({steps[round(place * last / max(1, count - 1))] for place in range(count)})
    return tuple((str(step), *(number(line[step]) if step in line else "-" for line in values)) for step in chosen)
