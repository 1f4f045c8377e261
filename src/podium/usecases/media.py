"""Media of runs: tables and images, kept with the points that were logged beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from podium.domain.manifest import Manifest
from podium.domain.media import Media, MediaFiles, MediaInfo, check_media, summary_word
from podium.domain.runs import RunInfo, check_metric_name, check_step
from podium.errors import NotFoundError
from podium.sql import tables as t
from podium.sql.rows import load_manifest
from podium.sql.write import upsert
from podium.usecases.runs import LogMetrics, log_metrics, show_run
from podium.usecases.unit import Unit
from podium.usecases.versions import insert_manifest

_MEDIA = sa.select(t.run_media, t.manifests.c.size, t.manifests.c.files).join(
    t.manifests, t.manifests.c.digest == t.run_media.c.digest
)


@dataclass(frozen=True, slots=True)
class LogMedia:
    """Add media to a run, with the points that were logged beside them.

    Attributes:
        metrics: The run, and its points; its words come from the media.
        media: Each with the manifest of its files, whose bytes are in the content store already.
    """

    metrics: LogMetrics
    media: Sequence[tuple[Media, Manifest]]


def log_media(unit: Unit, command: LogMedia) -> RunInfo:
    """Add media and points to a run; media of the same name and step take the place of those before.

    Raises:
        InvalidValueError: The run has ended, or a value cannot be kept.
        NotFoundError: There is no such run.
    """
    metrics = command.metrics
    kept = [(check_media(media), manifest) for media, manifest in command.media]
    words = {media.name: summary_word(media) for media, _ in kept}
    run = log_metrics(unit, replace(metrics, words=words))
    rows: dict[tuple[str, int], dict[str, Any]] = {}  # one statement must not touch a row twice: the newest counts
    for media, manifest in kept:
        insert_manifest(unit, manifest, manifest.digest)
        rows[media.name, media.step] = {
            "run_id": run.id,
            "name": media.name,
            "step": media.step,
            "kind": media.kind,
            "digest": manifest.digest,
            "details": media.details,
            "created_at": unit.now,
        }
    upsert(unit.connection, t.run_media, list(rows.values()))
    return run


def list_media(unit: Unit, run: str) -> list[MediaInfo]:
    """Return the media of a run, by name and step.

    Raises:
        NotFoundError: There is no such run.
    """
    show_run(unit, run)
    m = t.run_media.c
    return [_to_media(row) for row in unit.connection.execute(_MEDIA.where(m.run_id == run).order_by(m.name, m.step))]


def show_media(unit: Unit, run: str, name: str, step: int | None = None) -> MediaFiles:
    """Return media of a run with their files: of the newest step if none is given.

    Raises:
        InvalidValueError: The text is no name of media, or the step none.
        NotFoundError: There is no such run, or it has no such media.
    """
    show_run(unit, run)
    m = t.run_media.c
    query = _MEDIA.where(m.run_id == run, m.name == check_metric_name(name))
    if step is not None:
        query = query.where(m.step == check_step(step))
    row = unit.connection.execute(query.order_by(m.step.desc()).limit(1)).one_or_none()
    if row is None:
        at = "" if step is None else f" at step {step}"
        raise NotFoundError(
            f"The run {run!r} logged no table or image {name!r}{at}.",
            hint=f"'podium runs media {run}' shows what it logged.",
            run=run,
            name=name,
        )
    return MediaFiles(_to_media(row), load_manifest(unit.connection, row.digest))


def _to_media(row: Any) -> MediaInfo:
    return MediaInfo(
        run=row.run_id,
        name=row.name,
        step=row.step,
        kind=row.kind,
        digest=row.digest,
        size=row.size,
        files=row.files,
        details=row.details,
        logged_at=row.created_at,
    )
