"""Sample predictions side by side: the first rows of a table that the run of each version logged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from podium.domain.media import TableData
from podium.domain.plain import Value, canonical

NAMES = ("predictions", "sample_predictions", "prediction_samples", "samples", "examples")
KEYS = ("id", "key", "uuid", "row_id", "sample_id", "example_id", "image_id", "index", "idx")
MOST_ROWS = 20


@dataclass(frozen=True, slots=True)
class PredictionRow(Value):
    """One sample in all versions.

    Attributes:
        key: What the id column says, or the place of the row, counted from 0.
        shared: The cells that are the same in all versions, in the order of `Predictions.shared`.
        cells: Per version its own cells, in the order of `Predictions.columns`; None where it has no such row.
    """

    key: Any
    shared: tuple[Any, ...]
    cells: tuple[tuple[Any, ...] | None, ...]


@dataclass(frozen=True, slots=True)
class Predictions(Value):
    """The first sample predictions of each version.

    Attributes:
        name: The table in the runs.
        key: The id column that rows are joined by; None where they are joined by their place.
        shared: Columns whose cells are the same in all versions, such as the input and the truth.
        columns: Columns whose cells differ, such as the prediction; a table without one has None there.
        rows: At most 20.
        logged: Per version how many rows its table has; None where its run logged no such table.
    """

    name: str
    key: str | None
    shared: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[PredictionRow, ...]
    logged: tuple[int | None, ...]


def join_predictions(name: str, tables: Sequence[TableData | None], baseline: int = 0) -> Predictions:
    """Put tables side by side, in the order of the rows of the baseline, or of the first version that has the table.

    Args:
        name: The table.
        tables: One per version, None where it has none; at least one is there.
        baseline: The version whose rows are shown, if it has the table.
    """
    there = [table for table in tables if table is not None]
    lead = tables[baseline] or there[0]
    key = _key_column(there)
    found = [None if table is None else _by_key(table, key) for table in tables]
    wanted = list(_by_key(lead, key))[:MOST_ROWS]
    columns = [column for table in there for column in table.columns if column != key]
    names = tuple(dict.fromkeys(columns))
    samples = [[None if rows is None else rows.get(text) for rows in found] for text in wanted]
    shared = tuple(column for column in names if len(there) > 1 and _is_shared(column, samples))
    own = tuple(column for column in names if column not in shared)
    places = {text: place for place, text in enumerate(wanted)}
    rows = tuple(_row(places[text], key, sample, shared, own) for text, sample in zip(wanted, samples, strict=True))
    logged = tuple(None if table is None else len(table.rows) for table in tables)
    return Predictions(name, key, shared, own, rows, logged)


def _key_column(tables: Sequence[TableData]) -> str | None:
    """Return the first column with the name of an id that every table has and that names each row once."""
    for name in KEYS:
        if all(name in table.columns for table in tables):
            cells = [[canonical(cell) for cell in table.get_column(name)] for table in tables]
            if all(len(set(column)) == len(column) for column in cells):
                return name
    return None


def _by_key(table: TableData, key: str | None) -> dict[str, dict[str, Any]]:
    """Return the rows by the text of their id, or of their place."""
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    return {canonical(row[key]) if key is not None else str(place): row for place, row in enumerate(rows)}


def _is_shared(column: str, samples: Sequence[Sequence[dict[str, Any] | None]]) -> bool:
    """Whether all versions that have a row say the same of it, and a row is there that two of them have."""
    texts = [
        [canonical(row[column]) if column in row else "" for row in sample if row is not None] for sample in samples
    ]
    return all(len(set(text)) <= 1 and "" not in text for text in texts) and any(len(text) > 1 for text in texts)


def _row(
    place: int,
    key: str | None,
    sample: Sequence[dict[str, Any] | None],
    shared: Sequence[str],
    own: Sequence[str],
) -> PredictionRow:
    known = next(row for row in sample if row is not None)
    cells = tuple(None if row is None else tuple(row.get(column) for column in own) for row in sample)
    return PredictionRow(place if key is None else known[key], tuple(known[column] for column in shared), cells)
