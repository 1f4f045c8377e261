"""One version on its way from MLflow: its run, its files, and its place under the number that it has there."""

from __future__ import annotations

from pathlib import Path

from podium.domain.plain import iso
from podium.domain.versions import Version
from podium.errors import (
    AlreadyExistsError,
    InvalidNameError,
    InvalidValueError,
    NotFoundError,
    PodiumError,
    StorageError,
)
from podium.moving.mlflow.job import Job
from podium.moving.mlflow.naming import labels, logged_facts, stage_labels, version_facts
from podium.moving.mlflow.runs import bring_run
from podium.moving.mlflow.source import LoggedModel, SourceModel, SourceVersion
from podium.usecases.numbering import PlaceVersion
from podium.usecases.versions import LogVersion

PENDING = "PENDING_REGISTRATION"
_NOT_HERE = "Mend it in MLflow, or make it reachable from here, and import again: its number stays free."


class LeftOut(Exception):
    """A version does not come over; its text says why.

    Args:
        error: What kept it.
    """

    def __init__(self, error: PodiumError) -> None:
        super().__init__(str(error))
        self.error = error


def is_same(version: SourceVersion, here: Version) -> bool:
    """Whether a version here came from this one: MLflow gives a number once, and notes the millisecond."""
    facts = (version.number, iso(version.created))
    return (here.metadata.get("mlflow.version"), here.metadata.get("mlflow.creation_time")) == facts


def bring_version(
    job: Job, model: SourceModel, version: SourceVersion, ref: str, artifact: str, holders: dict[str, int]
) -> tuple[Version, bool]:
    """Bring a version over, in one transaction, its run before.

    Returns:
        The model version, and whether its run came, too.

    Raises:
        LeftOut: MLflow has not got its files, or something of it cannot be kept here.
    """
    if version.status == PENDING:
        raise LeftOut(InvalidValueError("MLflow is still registering it.", hint="Import again when it is ready."))
    try:
        run = bring_run(job, version.run) if version.run else None
        logged = job.source.logged_model(version.logged_model) if version.logged_model else None
    except (StorageError, InvalidNameError, InvalidValueError) as error:
        raise LeftOut(error) from error
    command = _command(job, model, version, ref, artifact, holders, logged if logged is not None else LoggedModel())
    if version.run and run is None:
        job.note(
            "note", model.name, f"v{version.number}", f"MLflow has its run {version.run} no more: no metrics came."
        )
    with job.registry.scratch() as folder:
        files = _files(job, version, folder)
        try:
            return job.registry.place(files, command), bool(run)
        except (AlreadyExistsError, InvalidNameError, InvalidValueError) as error:
            raise LeftOut(error) from error


def _command(
    job: Job,
    model: SourceModel,
    version: SourceVersion,
    ref: str,
    artifact: str,
    holders: dict[str, int],
    logged: LoggedModel,
) -> PlaceVersion:
    log = LogVersion(
        artifact,
        "model",
        metadata=version_facts(job.source.name, model, version) | logged_facts(logged),
        description=version.description,
        run=version.run if version.run and job.runs.get(version.run) else None,
        metrics=logged.metrics,
    )
    tags = labels(version.tags) | stage_labels(version, holders)
    return PlaceVersion(log, ref, version.number, tuple(sorted(tags)), job.reason)


def _files(job: Job, version: SourceVersion, folder: Path) -> Path:
    """Return the files of a version, downloaded.

    Raises:
        LeftOut: There are none, or they cannot be read.
    """
    try:
        got = job.source.download(version, folder)
    except (NotFoundError, StorageError) as error:
        raise LeftOut(type(error)(error.message, hint=_NOT_HERE)) from error
    if got.is_dir() and not any(path.is_file() for path in got.rglob("*")):
        raise LeftOut(NotFoundError(f"MLflow has no file of it at {version.source}.", hint=_NOT_HERE))
    return got
