"""A comparison as sections of rows and cells of text: what all its forms show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from podium.domain.comparison import Comparison, MetricRow
from podium.domain.file_changes import FileChanges, FileRow
from podium.domain.markup import spelled
from podium.domain.versions import Version
from podium.reports.text import (
    digest_text,
    direction_text,
    number,
    percent,
    plain_text,
    signed,
    size_text,
)

Tone = Literal["plain", "quiet", "better", "worse", "same", "other", "pass", "warn", "fail"]
STATUS_TONES: Mapping[str, Tone] = {
    "pass": "pass",
    "warn": "warn",
    "fail": "fail",
    "error": "fail",
    "skipped": "quiet",
}
FEW_FILES = 20


@dataclass(frozen=True, slots=True)
class Cell:
    """What one version says in one row.

    Attributes:
        text: The value.
        note: What is said of it, such as its change, in words.
        tone: What it means; a colour never says more than the words do.
        best: Whether it is the best of its row.
    """

    text: str
    note: str = ""
    tone: Tone = "plain"
    best: bool = False

    @property
    def words(self) -> str:
        """Value and note in one line."""
        said = " ".join(part for part in (self.text, self.note) if part)
        return f"{said}, best" if self.best else said


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a section.

    Attributes:
        label: What it is about.
        hint: What is to know about it, in a few words.
        cells: One per version.
    """

    label: str
    hint: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a comparison.

    Attributes:
        key: Its short name.
        title: Its heading.
        rows: Its rows; never empty.
        note: What is to know about it, a sentence.
    """

    key: str
    title: str
    rows: tuple[Row, ...]
    note: str = ""


MISSING = Cell("-", tone="quiet")


def short_names(versions: Sequence[Version]) -> list[str]:
    """Return names as short as they can be told apart: ``v3``, or ``name:v3``, or the whole reference."""
    if len({version.collection for version in versions}) == 1:
        return [version.version for version in versions]
    names = {version.collection: version.collection.partition("/")[2] for version in versions}
    if len(set(names.values())) == len(names):
        return [f"{names[version.collection]}:{version.version}" for version in versions]
    return [version.ref for version in versions]


def make_sections(found: Comparison, *, every: bool = False) -> list[Section]:
    """Return the sections of a comparison that have something to say.

    Args:
        found: The comparison.
        every: What is the same in all versions, too, and every file.
    """
    base = found.baseline
    all_of_them = len(found.versions)
    sections = [
        Section("versions", "Versions", tuple(_about(found))),
        Section("metrics", "Metrics", tuple(_metric_row(row, base) for row in found.metrics)),
        Section("config", "Configuration that differs", _value_rows(found.config, base)),
        Section("metadata", "Metadata that differs", _value_rows(found.metadata, base)),
        Section("checks", "Checks", tuple(_check_row(name, row) for name, row in sorted(found.checks.items()))),
        _files(found, every=every),
    ]
    if every:
        for key, title, values in (
            ("same_config", "Configuration that is the same", found.same_config),
            ("same_metadata", "Metadata that is the same", found.same_metadata),
        ):
            rows = {name: (value,) * all_of_them for name, value in values.items()}
            sections.append(Section(key, title, _value_rows(rows, base)))
    return [section for section in sections if section.rows]


def _about(found: Comparison) -> list[Row]:
    versions = found.versions
    rows = [Row("baseline", "", tuple(Cell("baseline" if at == found.baseline else "") for at in range(len(versions))))]
    if any(version.source != version.ref for version in versions):
        rows.append(Row("source", "", tuple(Cell(spelled(version.source)) for version in versions)))
    rows.append(_row("aliases", [", ".join(version.aliases) or None for version in versions]))
    if any(version.tags for version in versions):
        rows.append(_row("tags", [", ".join(version.tags) or None for version in versions]))
    rows.append(_row("logged", [f"{version.created_at:%Y-%m-%d %H:%M} UTC" for version in versions]))
    rows.append(_row("by", [version.created_by for version in versions]))
    rows.append(_row("run", list(found.runs)))
    return rows


def _row(label: str, texts: Sequence[str | None]) -> Row:
    return Row(label, "", tuple(MISSING if text is None else Cell(spelled(text)) for text in texts))


def _metric_row(row: MetricRow, baseline: int) -> Row:
    cells = tuple(_metric_cell(row, place, baseline) for place in range(len(row.values)))
    return Row(spelled(row.name), direction_text(row.better, row.direction_from), cells)


def _metric_cell(row: MetricRow, place: int, baseline: int) -> Cell:
    value, change, verdict = row.values[place], row.changes[place], row.verdicts[place]
    if value is None:
        return MISSING
    best = place in row.best
    if place == baseline or change is None:
        return Cell(number(value), best=best)
    share = row.relative[place]
    parts = [f"({signed(change)})", percent(share) if share else "", verdict if verdict and change else ""]
    return Cell(number(value), " ".join(part for part in parts if part), verdict or "plain", best)


def _value_rows(values: Mapping[str, Sequence[Any]], baseline: int) -> tuple[Row, ...]:
    return tuple(Row(spelled(name), "", _value_cells(values[name], baseline)) for name in sorted(values))


def _value_cells(values: Sequence[Any], baseline: int) -> tuple[Cell, ...]:
    texts = [None if value is None else plain_text(value) for value in values]
    return tuple(
        MISSING if text is None else Cell(text, tone="plain" if text == texts[baseline] else "other") for text in texts
    )


def _check_row(name: str, statuses: Sequence[str | None]) -> Row:
    cells = tuple(
        MISSING if status is None else Cell(status, tone=STATUS_TONES.get(status, "plain")) for status in statuses
    )
    return Row(spelled(name), "", cells)


def _files(found: Comparison, *, every: bool) -> Section:
    versions = found.versions
    rows = [
        _row("size", [size_text(version.size) for version in versions]),
        _row("files", [str(version.files) for version in versions]),
        _row("digest", [digest_text(version.digest) for version in versions]),
    ]
    if len(versions) > 1:
        changes = enumerate(found.file_changes)
        rows.append(_row("changes", ["" if at == found.baseline else _changes_text(change) for at, change in changes]))
    shown = found.files if every else found.files[:FEW_FILES]
    rows += [_file_row(row, found.baseline) for row in shown]
    more = len(found.files) - len(shown)
    return Section("files", "Files", tuple(rows), f"{more} more paths differ." if more else "")


def _changes_text(changes: FileChanges) -> str:
    counts = [(changes.added, "added"), (changes.removed, "removed"), (changes.changed, "changed")]
    return ", ".join(f"{count} {word}" for count, word in counts if count) or "none"


def _file_row(row: FileRow, baseline: int) -> Row:
    cells = []
    for place, (size, state) in enumerate(zip(row.sizes, row.states, strict=True)):
        note = "" if place == baseline or state in (None, "removed") else str(state)
        text = ("removed" if state == "removed" else "-") if size is None else size_text(size)
        cells.append(Cell(text, note, "quiet" if size is None or state == "same" else "plain"))
    return Row(spelled(row.path), "", tuple(cells))
