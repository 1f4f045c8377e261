"""Tables that a run logs, and how media are told from metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from podium.domain.media import (
    MOST_ROWS,
    TABLE_FILE,
    Media,
    check_columns,
    check_media,
    column_place,
    plain_cell,
    to_dataframe,
    write_table,
)
from podium.domain.runs import check_metric_name
from podium.errors import InvalidValueError
from podium.sdk.images import Image

_DEFAULT_COLUMNS = ("Input", "Output", "Expected")  # W&B's
_MOST_IMAGES = 1_000


class Table:
    """A table for `Run.log`: sample predictions, a confusion matrix, the worst mistakes.

    Cells are plain JSON or an `Image`. What was logged stays as it is; the table may grow and be logged again.

    Args:
        columns: Names of the columns; ``Input, Output, Expected`` if nothing says otherwise.
        data: Rows, each with a cell per column; or an array of two dimensions, or a pandas DataFrame.
        rows: Another name for `data`.
        dataframe: A pandas DataFrame; its columns become those of the table, its index is left out.
        dtype: Accepted as W&B has it: each cell keeps its own type.
        optional: Accepted as W&B has it: any cell may be None.
        allow_mixed_types: Accepted as W&B has it.

    Raises:
        InvalidValueError: A row is too short or too long, a cell cannot be kept, or there is too much of it.
    """

    def __init__(
        self,
        columns: Sequence[str] | None = None,
        data: Any = None,
        rows: Any = None,
        dataframe: Any = None,
        dtype: Any = None,
        optional: Any = True,
        allow_mixed_types: bool = True,
    ) -> None:
        given: Any = next((item for item in (dataframe, data, rows) if item is not None), ())
        if _is_dataframe(given):
            columns = columns if columns is not None else list(given.columns)
            given = given.itertuples(index=False, name=None)
        self._columns = check_columns(columns if columns is not None else _DEFAULT_COLUMNS)
        self._rows: list[list[Any]] = []
        for row in _rows_of(given):
            self.add_data(*_cells_of(row))

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self._columns)

    @property
    def data(self) -> list[list[Any]]:
        """The rows, as copies."""
        return [list(row) for row in self._rows]

    def add_data(self, *data: Any) -> None:
        """Add a row.

        Args:
            *data: A cell per column.

        Raises:
            InvalidValueError: There are too few or too many, one cannot be kept, or the table is full.
        """
        if len(data) != len(self._columns):
            raise InvalidValueError(
                f"A row has {len(data)} cells, and the table {len(self._columns)} columns.",
                hint=f"Give a cell for each of {', '.join(self._columns)}."[:300],
            )
        if len(self._rows) >= MOST_ROWS:
            raise InvalidValueError(
                f"A table has at most {MOST_ROWS:,} rows.", hint="Log a sample, or the whole as an artifact."
            )
        at = len(self._rows)
        self._rows.append([_cell(value, name, at) for name, value in zip(self._columns, data, strict=True)])

    def add_column(self, name: str, data: Iterable[Any], optional: bool = False) -> None:
        """Add a column on the right.

        Args:
            name: A new name.
            data: A cell per row.
            optional: Accepted as W&B has it: any cell may be None.

        Raises:
            InvalidValueError: The name is taken, there are too few or too many cells, or one cannot be kept.
        """
        columns = check_columns([*self._columns, name])
        cells = [_cell(value, columns[-1], at) for at, value in enumerate(_rows_of(data))]
        if len(cells) != len(self._rows):
            raise InvalidValueError(
                f"The column {name!r} has {len(cells)} cells, and the table {len(self._rows)} rows.",
                hint="Give a cell for each row.",
            )
        self._columns = columns
        for row, cell in zip(self._rows, cells, strict=True):
            row.append(cell)

    def get_column(self, name: str, convert_to: str | None = None) -> Any:
        """Return the cells of a column.

        Args:
            name: Its name.
            convert_to: ``numpy`` for an array, None for a list.

        Raises:
            InvalidValueError: There is no such column, or `convert_to` is unknown.
        """
        place = column_place(self._columns, name)
        cells = [row[place] for row in self._rows]
        if convert_to is None:
            return cells
        if convert_to != "numpy":
            raise InvalidValueError(f"convert_to={convert_to!r} is unknown.", hint="Use 'numpy' or None.")
        import numpy as np

        return np.array(cells)

    def iterrows(self) -> Iterator[tuple[int, list[Any]]]:
        """Yield number and cells of each row."""
        return ((at, list(row)) for at, row in enumerate(self._rows))

    def to_pandas(self) -> Any:
        """Return a pandas DataFrame.

        Raises:
            InvalidValueError: pandas is not installed.
        """
        return to_dataframe(self._columns, self._rows)

    get_dataframe = to_pandas

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"<Table {len(self._rows)} rows x {len(self._columns)} columns>"

    def _as_media(self, name: str, step: int) -> Media:
        images = {cell._path: cell._data for row in self._rows for cell in row if isinstance(cell, Image)}
        rows = [[_word(cell) for cell in row] for row in self._rows]
        files = {TABLE_FILE: write_table(self._columns, rows), **images}
        return Media(name, step, "table", {"columns": list(self._columns), "rows": len(rows)}, files)


def split_media(data: Mapping[str, Any], step: int) -> tuple[dict[str, Any], list[Media]]:
    """Return what `Run.log` was given without its media, and the media with their names joined by dots.

    Raises:
        InvalidValueError: A name is no name, or given twice; or media cannot be kept.
    """
    media: dict[str, Media] = {}
    plain = _take_media(data, "", step, media)
    return plain, [check_media(item) for item in media.values()]


def _take_media(data: Mapping[str, Any], prefix: str, step: int, media: dict[str, Media]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, value in data.items():
        name = check_metric_name(f"{prefix}{key}" if isinstance(key, str) and key else key)
        if isinstance(value, Mapping):
            plain[key] = _take_media(value, f"{name}.", step, media)
        elif (found := _media_of(name, step, value)) is not None:
            if name in media:
                raise InvalidValueError(f"{name!r} is given twice.", hint="Name each once.", name=name)
            media[name] = found
        else:
            plain[key] = value
    return plain


def _media_of(name: str, step: int, value: Any) -> Media | None:
    if isinstance(value, Table):
        return value._as_media(name, step)
    if isinstance(value, Image):
        return Media(name, step, "image", value._details(), {value._path: value._data})
    if not isinstance(value, list | tuple) or not value or not all(isinstance(item, Image) for item in value):
        return None
    if len(value) > _MOST_IMAGES:
        raise InvalidValueError(
            f"{name!r} has {len(value):,} images; at most {_MOST_IMAGES:,} are kept at once.", hint="Log a sample."
        )
    details = {"count": len(value), "images": [image._details() for image in value]}
    return Media(name, step, "images", details, {image._path: image._data for image in value})


def _is_dataframe(given: Any) -> bool:
    return hasattr(given, "itertuples") and hasattr(given, "columns")


def _rows_of(given: Any) -> Iterator[Any]:
    if isinstance(given, str | bytes | Mapping):
        raise InvalidValueError("The rows of a table are no list.", hint="Give [[...], [...]].")
    try:
        rows: Iterator[Any] = iter(given)
        return rows
    except TypeError as error:
        raise InvalidValueError("The rows of a table are no list.", hint="Give [[...], [...]].") from error


def _cells_of(row: Any) -> list[Any]:
    if isinstance(row, str | bytes | Mapping) or not hasattr(row, "__iter__"):
        raise InvalidValueError(f"A row is a {type(row).__name__}.", hint="A row is a list with a cell per column.")
    return list(row)


def _cell(value: Any, column: str, row: int) -> Any:
    return value if isinstance(value, Image) else plain_cell(value, f"Row {row} of the column {column!r}")


def _word(cell: Any) -> Any:
    return {"_type": "image", **cell._details()} if isinstance(cell, Image) else cell
