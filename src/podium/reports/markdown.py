"""A comparison as Markdown, for a pull request or a wiki page."""

from __future__ import annotations

from collections.abc import Sequence

from podium.domain.comparison import Comparison
from podium.domain.markup import escape_markdown
from podium.domain.predictions import Predictions
from podium.reports.sections import Section, make_sections, short_names
from podium.reports.text import plain_text

_FEW_METRICS = 30


def comparison_markdown(found: Comparison, *, every: bool = False) -> str:
    """Return a comparison as Markdown with one table per section.

    Args:
        found: What `Registry.compare` returned.
        every: What is the same in all versions, too, and every file.
    """
    names = [escape_markdown(name) for name in short_names(found.versions)]
    refs = [escape_markdown(version.ref) for version in found.versions]
    parts = [f"# Comparison of {len(refs)} version{'s' * (len(refs) != 1)}"]
    parts.append(f"Changes are measured against **{refs[found.baseline]}**.")
    for section in make_sections(found, every=every):
        titles = refs if section.key == "versions" else names
        parts.append(f"## {section.title}\n\n{section_markdown(section, titles)}")
    if found.predictions is not None:
        parts.append(_predictions(found.predictions, names))
    return "\n\n".join(parts) + "\n"


def metrics_markdown(found: Comparison) -> str:
    """Return the metrics of a comparison as a table for a comment, empty where there are none; at most 30 of them."""
    section = next((section for section in make_sections(found) if section.key == "metrics"), None)
    if section is None:
        return ""
    names = [escape_markdown(name) for name in short_names(found.versions)]
    titles = [f"{name} (baseline)" if at == found.baseline else name for at, name in enumerate(names)]
    left = len(section.rows) - _FEW_METRICS
    note = f"{left} more metric{'s' * (left != 1)}." if left > 0 else ""
    few = Section(section.key, section.title, section.rows[:_FEW_METRICS], note)
    return f"#### Metrics\n\n{section_markdown(few, titles)}\n"


def section_markdown(section: Section, titles: Sequence[str]) -> str:
    """Return a section as a table with a column per version.

    Args:
        section: The section.
        titles: What its columns are called, escaped.
    """
    rows = []
    for row in section.rows:
        label = escape_markdown(row.label) + (f" ({row.hint})" if row.hint else "")
        words = [(escape_markdown(cell.words), cell.best) for cell in row.cells]
        rows.append([label, *(f"**{text}**" if best else text for text, best in words)])
    note = f"\n\n{section.note}" if section.note else ""
    return f"{markdown_table(['', *titles], rows)}{note}"


def markdown_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of cells that are escaped already."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _predictions(found: Predictions, names: Sequence[str]) -> str:
    own = [f"{name} {escape_markdown(column)}" for name in names for column in found.columns]
    titles = [escape_markdown(found.key or "row"), *map(escape_markdown, found.shared), *own]
    rows = []
    for row in found.rows:
        cells = [row.key, *row.shared]
        for values in row.cells:
            cells += values if values is not None else ["-"] * len(found.columns)
        rows.append([escape_markdown(plain_text("-" if cell is None else cell)) for cell in cells])
    return (
        f"## Sample predictions\n\nThe first rows of {escape_markdown(found.name)}.\n\n{markdown_table(titles, rows)}"
    )
