"""The bars of issue 3: what was asked, what was measured, held or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.plan import TITLES, Row, Rows, find

GROWTH = 2.0
FASTER = {
    "link": 3.0,
    "alias": 3.0,
    "read": 6.0,
    "big again": 3.0,
    "many first": 1.0,
    "many again": 3.0,
    "many download": 2.0,
    "import": 4.0,
    "cli": 8.0,
}
OVERVIEW = 500.0
OVER_LIMIT = 1.5


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes:
        name: Which, with its number in the issue.
        asked: What was asked.
        measured: What was measured.
        held: Whether it holds; None if what it needs was not measured.
    """

    name: str
    asked: str
    measured: str
    held: bool | None


def bars(rows: Rows) -> list[Bar]:
    """Return every bar whose rows are there."""
    return [*_growth(rows), *_faster(rows), *_overview(rows), *_large_file(rows), *_no_new_bytes(rows)]


def _growth(rows: Rows) -> Iterator[Bar]:
    for case in ("link", "alias", "read", "overview", "log"):  # the issue does not ask it of log; users would
        for database, layout in sorted({(row.database, row.layout) for row in rows if row.case == case}):
            sizes = [row for row in rows if (row.case, row.database, row.layout) == (case, database, layout)]
            small, large = sizes[0], sizes[-1]
            few, many = small.median("podium"), large.median("podium")
            if few and many and large.versions > small.versions:
                cost = many / few
                name = f"8 {TITLES[case]}, {database}, {layout}: {large.versions:,} against {small.versions:,}"
                yield Bar(name, f"<= {GROWTH:g}x the cost", f"{cost:.2f}x", cost <= GROWTH)


def _faster(rows: Rows) -> Iterator[Bar]:
    for case, wanted in FASTER.items():
        for database in sorted({row.database for row in rows if row.case == case}):
            found = [row for row in rows if (row.case, row.database) == (case, database)]
            ratios = [(ratio, row) for row in found if (ratio := row.ratio()) is not None]
            if ratios:
                worst, row = min(ratios, key=lambda pair: pair[0])
                where = f", {database}, worst ({row.layout}, {row.versions:,})" if database else ""
                yield Bar(f"9 {TITLES[case]}{where}", f">= {wanted:g}x MLflow", f"{worst:.2f}x", worst >= wanted)


def _overview(rows: Rows) -> Iterator[Bar]:
    for row in rows:
        ratio = row.ratio() if (row.case, row.layout, row.versions) == ("overview", "one", 100_000) else None
        if ratio is not None:
            name = f"9 {TITLES['overview']} with 100,000 versions, {row.database}"
            yield Bar(name, f">= {OVERVIEW:g}x MLflow", f"{ratio:.0f}x", ratio >= OVERVIEW)


def _large_file(rows: Rows) -> Iterator[Bar]:
    row = find(rows, "big first")
    ours = row.median("podium") if row is not None else None
    for copy in ("copy + fsync", "copy"):
        parts = [row.median("hash"), row.median(copy)] if row is not None else []
        floor = sum(part for part in parts if part is not None)
        if ours and floor:
            held = ours / floor <= OVER_LIMIT
            name = f"9 {TITLES['big first']}, against hash + {copy}"
            # The version is durable when `log` returns, so the copy that it is held against is durable too.
            yield Bar(name, f"<= {OVER_LIMIT:g}x", f"{ours / floor:.2f}x", held if copy == "copy + fsync" else None)


def _no_new_bytes(rows: Rows) -> Iterator[Bar]:
    for case in ("big again", "many again"):
        row: Row | None = find(rows, case)
        if row is not None and "podium: new bytes" in row.notes:
            new = row.notes["podium: new bytes"]
            yield Bar(f"9 {TITLES[case]}: new bytes", "0", str(new), new == 0)
