"""The import as a whole: model by model, version by version, each in a transaction of its own.

Everything can be stopped at any point and done again: what is here is recognized, and the rest follows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from podium.domain.versions import Collection, Version
from podium.errors import NotFoundError
from podium.moving.mlflow.job import Job, Options
from podium.moving.mlflow.naming import artifact_name
from podium.moving.mlflow.pointers import Pointers, move_pointers, read_pointers
from podium.moving.mlflow.refresh import refresh_model, refresh_version
from podium.moving.mlflow.report import ImportReport, ModelReport
from podium.moving.mlflow.runs import bring_run
from podium.moving.mlflow.source import MlflowSource, SourceModel, SourceVersion
from podium.moving.mlflow.targets import check_place, chosen_models, names_here
from podium.moving.mlflow.versions import PENDING, LeftOut, bring_version, is_same
from podium.registry import Registry


@dataclass(slots=True)
class _Course:
    """One model on its way."""

    job: Job
    model: SourceModel
    report: ModelReport
    wanted: Pointers
    here: dict[int, Version]
    gone: dict[int, Version]
    created: list[int] = field(default_factory=list)
    updated: list[int] = field(default_factory=list)
    runs: int = 0
    size: int = 0

    @property
    def holders(self) -> dict[str, int]:
        return dict(self.wanted.stages)


def import_models(
    registry: Registry,
    source: MlflowSource,
    options: Options | None = None,
    step: Callable[[str], None] | None = None,
) -> ImportReport:
    """Import the registered models of an MLflow registry with their versions, aliases, stages, tags, files and runs.

    Done again, it adds what is new. What cannot come over is left out and reported; nothing is repaired.

    Args:
        registry: Where to.
        source: Where from.
        options: What, and how.
        step: Told in a few words what is done at the moment.

    Raises:
        InvalidNameError, InvalidValueError, NotFoundError: The options name what is not there or cannot be.
        DatabaseUnavailableError, StorageError: Either side failed; what came over so far stays.
    """
    job = Job(registry, source, options if options is not None else Options(), step or _silent)
    check_place(job)
    models = chosen_models(job)
    names = names_here(job, models)
    reports = []
    for place, model in enumerate(models, 1):
        job.place = f"{model} ({place} of {len(models)})"
        job.at()
        reports.append(_import(job, model, names.get(model)))
    where = (source.name, job.options.registry, job.options.project)
    return ImportReport(*where, job.options.dry_run, tuple(reports), tuple(job.problems))


def _import(job: Job, name: str, here: str | None) -> ModelReport:
    model = job.source.model(name)
    if here is None:
        return ModelReport(name, None, None, versions=len(model.versions), left_out=len(model.versions))
    ref, artifact = f"{job.options.registry}/{here}", f"{job.options.project}/{artifact_name(here)}"
    report = ModelReport(name, ref, artifact, versions=len(model.versions))
    if not job.options.dry_run:
        job.registry.open_model(ref)
    there = _collection(job, ref)
    live, gone = _versions(job, ref)
    policy = job.registry.policy(ref if there is not None else job.options.registry).names
    course = _Course(job, model, report, read_pointers(job, model, policy), live, gone)
    # The model's own first: what MLflow said the last time stands with the versions, and is brought up to date there.
    before = next((item.metadata for item in live.values() if item.metadata.get("mlflow.model")), None)
    described = there is not None and refresh_model(job, model, there, before)
    left = sum(not _version(course, version) for version in model.versions)
    return _finish(course, there, left, described=described)


def _version(course: _Course, version: SourceVersion) -> bool:
    """Bring one version over or up to date, and return whether it is here now."""
    job, number = course.job, version.number
    what = f"v{number}"
    here = course.here.get(number) or course.gone.get(number)
    if here is not None and not is_same(version, here):
        hint = f"Import it under another name: --rename '{course.model.name}=NEW NAME', or into another registry."
        job.note("left_out", course.model.name, what, f"{here.ref} is another version than MLflow's.", hint)
        return False
    if number in course.gone:
        job.note(
            "note", course.model.name, what, "It was taken out here and stays so.", "'podium restore' brings it back."
        )
        return True
    if here is not None:
        if refresh_version(job, course.model, version, here, course.holders):
            course.updated.append(number)
        if version.run and here.run == version.run and not job.options.dry_run:
            course.runs += bool(bring_run(job, version.run))
        return True
    return _new_version(course, version)


def _new_version(course: _Course, version: SourceVersion) -> bool:
    job = course.job
    job.at(f"v{version.number}")
    if job.options.dry_run and version.status != PENDING:
        course.created.append(version.number)
        return True
    ref, artifact = course.report.ref, course.report.artifact
    assert ref is not None
    assert artifact is not None
    try:
        made, ran = bring_version(job, course.model, version, ref, artifact, course.holders)
    except LeftOut as why:
        job.note_error("left_out", course.model.name, f"v{version.number}", why.error)
        return False
    course.created.append(version.number)
    course.here[version.number] = made
    course.runs += ran
    course.size += made.size
    return True


def _finish(course: _Course, there: Collection | None, left: int, *, described: bool) -> ModelReport:
    """Move aliases and stages, and return what became of the model."""
    job, model, report = course.job, course.model, course.report
    assert report.ref is not None
    now = job.registry.model(report.ref) if there is not None else None
    moved = move_pointers(job, model, now, course.wanted, {*course.here, *course.created})
    return replace(
        report,
        created=tuple(course.created),
        present=len(model.versions) - len(course.created) - left,
        left_out=left,
        moved=moved,
        updated=tuple(course.updated),
        described=described,
        runs=course.runs,
        size=course.size,
    )


def _collection(job: Job, ref: str) -> Collection | None:
    try:
        return job.registry.model(ref)
    except NotFoundError:
        return None


def _versions(job: Job, ref: str) -> tuple[dict[int, Version], dict[int, Version]]:
    """Return the versions of a model that are here by number, and those that were taken out."""
    if _collection(job, ref) is None:
        return {}, {}
    live = {version.number: version for version in job.registry.versions(ref)}
    return live, {version.number: version for version in job.registry.versions(ref, deleted=True)}


def _silent(_what: str) -> None:
    return
