"""What a search may ask about versions, models and runs, and the pages that answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from podium.domain.checks import CheckStatus
from podium.domain.expressions import Field, Type, Vocabulary
from podium.domain.plain import Value
from podium.domain.runs import RunInfo, RunStatus
from podium.domain.versions import Collection, CollectionKind, Version


@dataclass(frozen=True, slots=True)
class VersionPage(Value):
    """Some of the versions that a search found.

    Attributes:
        items: The versions, in the order asked for.
        next: Goes into ``after=`` of the same search to get the following ones; None at the end.
    """

    items: tuple[Version, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class CollectionPage(Value):
    """Some of the registered models or artifacts that a search found.

    Attributes:
        items: The models or artifacts, in the order asked for.
        next: Goes into ``after=`` of the same search to get the following ones; None at the end.
    """

    items: tuple[Collection, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class RunPage(Value):
    """Some of the runs that a search found.

    Attributes:
        items: The runs, in the order asked for.
        next: Goes into ``after=`` of the same search to get the following ones; None at the end.
    """

    items: tuple[RunInfo, ...]
    next: str | None = None


_KINDS = get_args(CollectionKind)
_ORIGIN = (
    Field("origin.kind", Type.TEXT, "airflow, prefect, script, or the word of a plugin"),
    Field("origin.label", Type.TEXT, "the execution in one line, such as 'DAG train · task fit'"),
    Field("origin.url", Type.TEXT, "where to look at it"),
    Field("origin", Type.TEXT, "what the host knows: dag_id, run_id, task_id, flow_run_id, script", family=True),
)
_WHO = (
    Field("created", Type.TIME, "when", synonyms=("created_at",)),
    Field("created_by", Type.TEXT, "by whom", synonyms=("creator", "actor")),
)

VERSIONS = Vocabulary(
    "versions",
    (
        Field("namespace", Type.TEXT, "the project or registry", synonyms=("project", "registry")),
        Field("name", Type.TEXT, "of the model or artifact", synonyms=("model", "artifact")),
        Field("collection", Type.TEXT, "NAMESPACE/NAME"),
        Field("number", Type.NUMBER, "3 of v3", synonyms=("version",)),
        Field("kind", Type.TEXT, "artifact where it was logged, model where it is linked", choices=_KINDS),
        Field("type", Type.TEXT, "model, dataset, or any word"),
        Field("alias", Type.TEXT, "what names it, stages and latest included", many=True, synonyms=("aliases",)),
        Field("stage", Type.TEXT, "the stages that it holds", many=True, synonyms=("stages",)),
        Field("tag", Type.TEXT, "its labels", many=True, synonyms=("tags",)),
        Field("metric", Type.NUMBER, "a metric of it", family=True, synonyms=("metrics",)),
        Field("metadata", Type.ANY, "a key of its metadata, nested ones joined by dots", family=True),
        Field("config", Type.ANY, "a setting of its run", family=True),
        Field("check", Type.TEXT, "the newest status of a check", family=True, choices=get_args(CheckStatus)),
        *_WHO,
        Field("description", Type.TEXT, "free text"),
        Field("size", Type.NUMBER, "bytes"),
        Field("files", Type.NUMBER, "how many"),
        Field("digest", Type.TEXT, "sha256:..."),
        Field("source", Type.TEXT, "PROJECT/ARTIFACT:vN of its bytes"),
        Field("collection.tag", Type.TEXT, "labels of its model or artifact", many=True),
        Field("collection.owner", Type.TEXT, "who answers for it", synonyms=("owner",)),
        Field("collection.task", Type.TEXT, "what it is for", synonyms=("task",)),
        Field("run.id", Type.TEXT, "the run that logged it", synonyms=("run",)),
        Field("run.name", Type.TEXT, "its name"),
        Field("run.status", Type.TEXT, "how it stands", choices=get_args(RunStatus)),
        Field("run.job_type", Type.TEXT, "what kind of work it does", synonyms=("job_type",)),
        *_ORIGIN,
        Field("expires", Type.TIME, "when its time to live ends", synonyms=("expires_at",)),
        Field(
            "deleted",
            Type.TIME,
            "when it was deleted or unlinked; only with it those are found",
            synonyms=("deleted_at",),
        ),
    ),
)

COLLECTIONS = Vocabulary(
    "models and artifacts",
    (
        Field("namespace", Type.TEXT, "the project or registry", synonyms=("project", "registry")),
        Field("name", Type.TEXT, "its name", synonyms=("model", "artifact")),
        Field("kind", Type.TEXT, "artifact or model", choices=_KINDS),
        Field("type", Type.TEXT, "of its versions"),
        Field("owner", Type.TEXT, "who answers for it"),
        Field("task", Type.TEXT, "what it is for"),
        Field("tag", Type.TEXT, "its labels", many=True, synonyms=("tags",)),
        Field(
            "alias", Type.TEXT, "aliases of its versions, stages and latest included", many=True, synonyms=("aliases",)
        ),
        Field("stage", Type.TEXT, "stages that one of its versions holds", many=True, synonyms=("stages",)),
        Field("versions", Type.NUMBER, "how many it has"),
        Field("description", Type.TEXT, "free text; of a model its card"),
        *_WHO,
        Field("deleted", Type.TIME, "when it was deleted; only with it those are found", synonyms=("deleted_at",)),
    ),
)

RUNS = Vocabulary(
    "runs",
    (
        Field("id", Type.TEXT, "its id"),
        Field("project", Type.TEXT, "its project", synonyms=("namespace",)),
        Field("name", Type.TEXT, "its name"),
        Field(
            "status",
            Type.TEXT,
            "how it stands; crashed once it gave no sign for five minutes",
            choices=get_args(RunStatus),
        ),
        Field("job_type", Type.TEXT, "what kind of work it does"),
        Field("metric", Type.NUMBER, "the last value of a metric", family=True, synonyms=("metrics", "summary")),
        Field("config", Type.ANY, "a setting, nested ones joined by dots", family=True),
        Field("steps", Type.NUMBER, "how many it logged"),
        Field("created", Type.TIME, "when it started", synonyms=("started", "started_at", "created_at")),
        Field("finished", Type.TIME, "when it ended", synonyms=("finished_at",)),
        Field("created_by", Type.TEXT, "by whom", synonyms=("creator", "actor")),
        *_ORIGIN,
    ),
)
