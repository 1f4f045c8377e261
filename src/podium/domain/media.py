"""Media of runs: tables and images that show what a model did, such as sample predictions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from podium.domain.manifest import Manifest
from podium.domain.plain import Value, check_text, plain_dict
from podium.domain.runs import check_metric_name, check_step
from podium.errors import IntegrityError, InvalidValueError

MediaKind = Literal["table", "image", "images"]
TABLE_FILE = "table.json"
MOST_ROWS = 200_000
MOST_COLUMNS = 1_000
MOST_BYTES = 256 * 1024 * 1024
_BITS = 13_000  # Python writes no number of more than 4,300 digits


@dataclass(frozen=True, slots=True)
class Media(Value):
    """One table, image or list of images on its way into a run.

    Attributes:
        name: Its name in the run, by the rule of metrics.
        step: The step it belongs to.
        kind: ``table``, ``image`` or ``images``.
        details: What is worth knowing without reading the files, plain JSON.
        files: Path to bytes.
    """

    name: str
    step: int
    kind: MediaKind
    details: Mapping[str, Any]
    files: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class MediaInfo(Value):
    """A table, an image or a list of images that a run logged.

    Attributes:
        run: Id of the run.
        name: Its name; nested dicts are joined by dots.
        step: The step it was logged at.
        kind: ``table``, ``image`` or ``images``.
        digest: SHA-256 of the manifest of its files.
        size: Bytes of all its files.
        files: How many files it has.
        details: Of a table ``rows`` and ``columns``; of an image ``path, format, width, height, caption``; of a list
            of images ``count`` and ``images``.
        logged_at: UTC.
    """

    run: str
    name: str
    step: int
    kind: MediaKind
    digest: str
    size: int
    files: int
    details: Mapping[str, Any]
    logged_at: datetime


@dataclass(frozen=True, slots=True)
class MediaFiles(Value):
    """Media with the manifest of its files.

    Attributes:
        info: The media.
        manifest: Its files.
    """

    info: MediaInfo
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class TableData(Value):
    """A table as it was logged.

    Attributes:
        columns: Names of the columns.
        rows: One list of cells per row. An image is a dict with ``"_type": "image"`` and the ``path`` at which
            `Registry.download_media` writes it.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...] = field(repr=False)

    @classmethod
    def read(cls, data: bytes) -> TableData:
        """Read what `write_table` wrote.

        Raises:
            IntegrityError: It is no table.
        """
        try:
            plain = json.loads(data)
            return cls(tuple(plain["columns"]), tuple(tuple(row) for row in plain["data"]))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise IntegrityError("The stored table cannot be read.", hint="Another program wrote it.") from error

    def get_column(self, name: str) -> list[Any]:
        """Return the cells of a column.

        Raises:
            InvalidValueError: There is no such column.
        """
        place = column_place(self.columns, name)
        return [row[place] for row in self.rows]

    def to_pandas(self) -> Any:
        """Return a pandas DataFrame.

        Raises:
            InvalidValueError: pandas is not installed.
        """
        return to_dataframe(self.columns, self.rows)


def write_table(columns: tuple[str, ...], rows: list[list[Any]]) -> bytes:
    """Return a table as JSON; its cells are plain already.

    Raises:
        InvalidValueError: It is too large.
    """
    text = json.dumps({"columns": columns, "data": rows}, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return check_size(text.encode("utf-8"), "The table")


def check_size(data: bytes, what: str) -> bytes:
    """Return bytes unchanged if they are few enough to be kept with a run.

    Raises:
        InvalidValueError: They are more than 256 MiB.
    """
    check_length(len(data), what)
    return data


def check_length(length: int, what: str) -> None:
    """Refuse more bytes than are kept with a run, such as those of a file before it is read.

    Raises:
        InvalidValueError: They are more than 256 MiB.
    """
    if length > MOST_BYTES:
        raise InvalidValueError(
            f"{what} has {length:,} bytes; with a run at most {MOST_BYTES:,} are kept.",
            hint="Log it as an artifact instead.",
        )


def check_columns(columns: Any) -> tuple[str, ...]:
    """Return the names of columns, each once; whole numbers, which DataFrames like, become text.

    Raises:
        InvalidValueError: There is none, there are too many, one is no text, or one stands there twice.
    """
    if isinstance(columns, str | bytes | Mapping):
        raise InvalidValueError("The columns are no list.", hint='Give columns=["id", "prediction"].')
    try:
        given = list(columns)
    except TypeError as error:
        raise InvalidValueError("The columns are no list.", hint='Give columns=["id", "prediction"].') from error
    names = tuple(
        str(name) if isinstance(name, int) and not isinstance(name, bool) else check_text(name, "A column")
        for name in given
    )
    if not 1 <= len(names) <= MOST_COLUMNS or any(name is None for name in names):
        raise InvalidValueError(f"A table has 1 to {MOST_COLUMNS:,} named columns.", hint="Name them.")
    for name in names:
        if names.count(name) > 1:
            raise InvalidValueError(f"The column {name!r} is there twice.", hint="Name each once.", name=name)
    return tuple(name for name in names if name is not None)


def column_place(columns: tuple[str, ...], name: str) -> int:
    """Return at which place a column stands.

    Raises:
        InvalidValueError: There is no such column.
    """
    if name not in columns:
        raise InvalidValueError(f"There is no column {name!r}.", hint=f"There are {', '.join(columns)}."[:300])
    return columns.index(name)


def plain_cell(value: Any, where: str) -> Any:
    """Return the value of a cell as plain JSON; NaN and infinities become text, what pandas calls missing None.

    A time without a zone, as tables often have, stays without one: it is the text that ISO 8601 gives it.

    Args:
        value: What the table was given.
        where: The cell in words, for errors.

    Raises:
        InvalidValueError: JSON cannot hold it, it holds NUL or text that is not UTF-8, or it contains itself.
    """
    if value is None or type(value) is bool or (type(value) is int and value.bit_length() < _BITS):
        return value
    if type(value) is str and value.isascii() and "\0" not in value:
        return value
    kind = type(value).__name__
    if kind in ("NaTType", "NAType"):
        return None
    if kind == "datetime64":  # of NumPy, which would give nanoseconds as a number
        return str(value)
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.isoformat()
    return plain_dict({"cell": value}, where)["cell"]


def to_dataframe(columns: tuple[str, ...], rows: Any) -> Any:
    """Return a pandas DataFrame; pandas is imported here and nowhere before.

    Raises:
        InvalidValueError: pandas is not installed.
    """
    try:
        import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore]  # not in every environment
    except ImportError as error:
        raise InvalidValueError("pandas is not installed.", hint="Run: pip install pandas.") from error
    return pd.DataFrame([list(row) for row in rows], columns=list(columns))


def check_media(media: Media) -> Media:
    """Return media with plain details if every backend can keep it.

    Raises:
        InvalidValueError: Its name, step or details cannot be kept, or it has no file.
    """
    check_metric_name(media.name)
    check_step(media.step)
    if not media.files:
        raise InvalidValueError(f"{media.name!r} has no file.", hint="Log a podium.Table or podium.Image.")
    return Media(media.name, media.step, media.kind, plain_dict(media.details, f"{media.name!r}"), media.files)


def summary_word(media: Media) -> dict[str, Any]:
    """Return the short word for media in the summary of its run; no number of it is taken for a metric."""
    facts: dict[str, dict[str, Any]] = {
        "table": {"rows": media.details.get("rows"), "columns": len(media.details.get("columns", ()))},
        "image": {name: media.details.get(name) for name in ("format", "width", "height")},
        "images": {"count": media.details.get("count")},
    }
    return {"_type": media.kind, "step": media.step, **facts[media.kind]}
