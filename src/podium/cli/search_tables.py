"""What ``podium search`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from podium.cli.output import (
    Column,
    aliases_text,
    digest_text,
    metrics_text,
    number,
    plain_text,
    print_table,
    say,
    size_text,
    styled,
    time_text,
)

if TYPE_CHECKING:
    from rich.text import Text

    from podium.domain.expressions import Field, Found, Vocabulary
    from podium.domain.runs import RunInfo
    from podium.domain.versions import Collection, Version


def print_found(subject: str, found: Sequence[Any], named: Sequence[Found]) -> None:
    """Print versions, runs, models or artifacts, with what the question names of metrics and metadata."""
    if subject == "runs":
        _print_runs(found, named)
    elif subject == "versions":
        _print_versions(found, named)
    else:
        _print_collections(found)


def _print_versions(found: Sequence[Version], named: Sequence[Found]) -> None:
    named = [item for item in named if item.field.name != "config"]  # which is its run's, and not at hand
    tagged = any(item.tags for item in found)
    columns = [
        Column("Version", fold=True),
        *(Column(item.key or "", right=item.field.name == "metric") for item in named),
        Column("Aliases", fold=True),
        *([Column("Tags", fold=True)] if tagged else []),
        *([] if named else [Column("Metrics", fold=True)]),
        Column("Created"),
        Column("By", spare=True),
        Column("Size", right=True, spare=True),
        Column("Digest", spare=True),
    ]
    print_table(columns, [_version_row(item, named, tagged=tagged) for item in found])


def _version_row(item: Version, named: Sequence[Found], *, tagged: bool) -> list[str | Text]:
    return [
        styled(item.ref, "bold"),
        *(_value(item.metrics if of.field.name == "metric" else item.metadata, of) for of in named),
        aliases_text(item.aliases),
        *([", ".join(item.tags)] if tagged else []),
        *([] if named else [metrics_text(item.metrics, most=2)]),
        time_text(item.created_at),
        item.created_by,
        size_text(item.size),
        digest_text(item.digest),
    ]


def _print_collections(found: Sequence[Collection]) -> None:
    columns = [
        Column("Name", fold=True),
        Column("Type"),
        Column("Versions", right=True),
        Column("Aliases", fold=True),
        Column("Owner", spare=True),
        Column("Tags", fold=True),
    ]
    rows: list[Sequence[str | Text]] = [
        (
            styled(item.ref, "bold"),
            item.type,
            str(item.versions),
            aliases_text(item.aliases),
            item.owner or "-",
            ", ".join(item.tags) or "-",
        )
        for item in found
    ]
    print_table(columns, rows)


def _print_runs(found: Sequence[RunInfo], named: Sequence[Found]) -> None:
    columns = [
        Column("Run"),
        Column("Name", fold=True),
        Column("Project"),
        Column("Status"),
        *(Column(item.key or "", right=item.field.name == "metric") for item in named),
        Column("Started"),
        Column("Job", spare=True),
        Column("From", fold=True, spare=True),
    ]
    rows: list[Sequence[str | Text]] = [
        (
            styled(item.id, "bold"),
            item.name,
            item.project,
            item.status,
            *(_value(item.summary if of.field.name == "metric" else item.config, of) for of in named),
            time_text(item.started_at),
            item.job_type or "-",
            item.origin.label,
        )
        for item in found
    ]
    print_table(columns, rows)


def _value(document: Any, of: Found) -> str:
    """Return what stands in a document under a dotted name."""
    key = of.key or ""
    if key in document:
        found = document[key]
        return number(found) if isinstance(found, float) else plain_text(found)
    from podium.domain.fields import flatten

    values = [item.text if item.value is None else number(item.value) for item in flatten(document) if item.name == key]
    return ", ".join(str(value) for value in values) or "-"


def print_fields(vocabulary: Vocabulary) -> None:
    """Print what an expression can name."""
    rows: list[Sequence[str | Text]] = [
        (
            styled(field.title, "bold"),
            f"set of {field.type.value}s" if field.many else field.type.value,
            field.about + (f": {', '.join(field.choices)}" if field.choices else ""),
            ", ".join(field.synonyms),
        )
        for field in vocabulary.fields
    ]
    print_table([Column("Field"), Column("Value"), Column("What it is", fold=True), Column("Also", spare=True)], rows)
    say("Names with other signs than letters, digits and _ need backticks: metric.`val/acc`")


def plain_field(field: Field) -> dict[str, Any]:
    """Return a field as plain JSON."""
    return {
        "name": field.title,
        "type": field.type.name.lower(),
        "many": field.many,
        "about": field.about,
        "synonyms": list(field.synonyms),
        "choices": list(field.choices),
    }
