"""How much is measured, and what was found: plain values."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

MIB = 1024 * 1024
CASES = ("log", "link", "alias", "read", "overview")
TITLES = {
    "log": "create a version: log a small file",
    "link": "link / create_model_version",
    "alias": "set alias",
    "read": "read by alias",
    "overview": "overview of a model",
    "writers": "link, 8 writers at once (per link)",
    "big first": "1 GiB in one file: first log",
    "big again": "1 GiB: log again",
    "big download": "1 GiB: download",
    "many first": "10,000 x 10 KiB: first log",
    "many again": "10,000 x 10 KiB: log again",
    "many download": "10,000 x 10 KiB: download",
    "import": "import",
    "cli": "start of the CLI (--help)",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured.

    Attributes:
        folder: Everything is written below it.
        sides: ``podium``, and ``mlflow`` if it takes part.
        sizes: Versions present, smallest first.
        models: Over how many models they are spread at most, besides the layout with one.
        rounds: How often the sides take turns in a case.
        times: Calls per turn.
        seconds: A turn ends after so long, with at least one call.
        big: Size of the one large file.
        files: Number of small files.
        file: Size of each.
        content_rounds: Turns of the cases with content.
        starts: Turns of import and CLI.
        writers: How many link at once.
        writer_rounds: Turns of them.
        links: Links of each.
        only: Groups of cases to run; empty for all.
    """

    folder: Path
    sides: tuple[str, ...]
    sizes: tuple[int, ...] = (100, 1_000, 10_000, 100_000)
    models: int = 1_000
    rounds: int = 7
    times: int = 11
    seconds: float = 1.0
    big: int = 1024 * MIB
    files: int = 10_000
    file: int = 10 * 1024
    content_rounds: int = 3
    starts: int = 9
    writers: int = 8
    writer_rounds: int = 3
    links: int = 25
    only: frozenset[str] = frozenset()

    def wants(self, *names: str) -> bool:
        """Whether one of these cases or groups is asked for."""
        return not self.only or bool(self.only & set(names))


@dataclass(slots=True)
class Row:
    """What one case took: seconds per round, by side or limit.

    Attributes:
        case: A key of `TITLES`.
        database: ``sqlite`` or ``postgresql``; empty where none matters.
        layout: ``one`` model or ``spread`` over many.
        versions: Versions present.
        rounds: Seconds of each round (the median of its calls), by who.
        notes: What else is worth knowing, by who.
    """

    case: str
    database: str = ""
    layout: str = ""
    versions: int = 0
    rounds: dict[str, list[float]] = field(default_factory=dict)
    notes: dict[str, object] = field(default_factory=dict)

    def add(self, who: str, samples: Sequence[float]) -> None:
        """Add a round."""
        self.rounds.setdefault(who, []).append(statistics.median(samples))

    def median(self, who: str) -> float | None:
        """Return the median of the rounds, None if it was not measured."""
        return statistics.median(self.rounds[who]) if self.rounds.get(who) else None

    def ratio(self) -> float | None:
        """Return how many times as fast as MLflow Podium is."""
        ours, theirs = self.median("podium"), self.median("mlflow")
        return theirs / ours if ours and theirs else None


Rows = list[Row]


@dataclass(slots=True)
class Found:
    """Everything that a run found.

    Attributes:
        rows: The cases.
        limits: What the drivers alone need.
        facts: Versions and settings of each side.
        failed: What went wrong, by part.
    """

    rows: Rows = field(default_factory=list)
    limits: Rows = field(default_factory=list)
    facts: dict[str, dict[str, object]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def find(rows: Rows, case: str, database: str = "", layout: str = "", versions: int = 0) -> Row | None:
    """Return the row of a case, None if it was not measured."""
    key = (case, database, layout, versions)
    return next((row for row in rows if (row.case, row.database, row.layout, row.versions) == key), None)
