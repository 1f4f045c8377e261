"""Columns of a table in a file: CSV, JSON lines, a table that a run logged, or Parquet where pandas can read it."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from podium.errors import InvalidValueError

_PANDAS = (".parquet", ".feather")
Columns = dict[str, list[Any]]


def read_columns(path: Path) -> Columns:
    """Return the columns of a table; numbers as numbers, a missing value as None.

    Args:
        path: A file that ends in ``.csv``, ``.tsv``, ``.jsonl``, ``.json``, ``.parquet`` or ``.feather``.

    Raises:
        InvalidValueError: It is no such table, or pandas, which it needs, is not installed.
    """
    suffix = path.suffix.lower()
    try:
        if suffix in (".csv", ".tsv"):
            return _csv(path, "\t" if suffix == ".tsv" else ",")
        if suffix == ".jsonl":
            lines = path.read_text(encoding="utf-8").splitlines()
            return _rows([json.loads(line) for line in lines if line.strip()])
        if suffix == ".json":
            return _json(json.loads(path.read_text(encoding="utf-8")))
        if suffix in _PANDAS:
            return _pandas(path)
    except (OSError, UnicodeError, csv.Error, json.JSONDecodeError, TypeError, AttributeError) as error:
        why = " ".join(str(error).split())[:200]
        raise InvalidValueError(f"{path.name} cannot be read as a table: {why}.", hint="Look at the file.") from error
    raise InvalidValueError(
        f"{path.name} is no table that is known here.", hint="Use .csv, .tsv, .jsonl, .json, .parquet or .feather."
    )


def column_of(columns: Mapping[str, list[Any]], name: str, where: str) -> list[Any]:
    """Return one column.

    Raises:
        InvalidValueError: There is no such column.
    """
    if name not in columns:
        known = ", ".join(list(columns)[:20]) or "none"
        raise InvalidValueError(f"{where} has no column {name!r}.", hint=f"It has {known}.")
    return columns[name]


def is_number(value: Any) -> bool:
    """Whether a value counts as a number; a boolean is a word."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _csv(path: Path, delimiter: str) -> Columns:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter=delimiter))
    columns = _rows(rows)
    columns.pop(None, None)  # type: ignore[call-overload]  # where csv puts the cells that no heading names
    return {name: _typed(values) for name, values in columns.items()}


def _rows(rows: list[Any]) -> Columns:
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row))
    return {name: [_missing(row.get(name)) for row in rows] for name in names}


def _json(body: Any) -> Columns:
    if isinstance(body, list):
        return _rows(body)
    if {"columns", "data"} <= set(body):  # as a run logs a table, and pandas' orient="split"
        return {name: [_missing(row[place]) for row in body["data"]] for place, name in enumerate(body["columns"])}
    if not all(isinstance(values, list) for values in body.values()):
        raise TypeError("it is neither a list of rows nor columns")
    return {name: [_missing(value) for value in values] for name, values in body.items()}


def _pandas(path: Path) -> Columns:
    try:
        import pandas

        read = pandas.read_parquet if path.suffix.lower() == ".parquet" else pandas.read_feather
        frame = read(path)
    except ImportError as error:
        raise InvalidValueError(
            f"{path.name} needs pandas and pyarrow.", hint="Install them: pip install pandas pyarrow."
        ) from error
    except Exception as error:
        why = " ".join(str(error).split())[:200]
        raise InvalidValueError(f"{path.name} cannot be read as a table: {why}.", hint="Look at the file.") from error
    return {str(name): [_missing(value) for value in frame[name].tolist()] for name in frame.columns}


def _typed(values: Iterable[Any]) -> list[Any]:
    """Return the texts of a column as numbers if all of them are."""
    given = list(values)
    try:
        return [None if value is None else _missing(float(value)) for value in given]
    except ValueError:
        return given


def _missing(value: Any) -> Any:
    if value is None or (isinstance(value, str) and not value.strip()) or value in ("NaN", "nan"):
        return None
    return None if isinstance(value, float) and math.isnan(value) else value
