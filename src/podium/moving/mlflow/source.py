"""An MLflow registry as plain values, read through MLflow's public client. The only module that imports MLflow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from podium.errors import NotFoundError, PodiumError, SettingsError, StorageError
from podium.moving.mlflow.places import place_to_read, public_uri

_PAGE = 200
_PROMPT = "mlflow.prompt.is_prompt"  # MLflow keeps prompts among its registered models


@dataclass(frozen=True, slots=True)
class SourceVersion:
    """A model version as MLflow has it; texts that are empty there are None."""

    model: str
    number: int
    description: str | None
    tags: Mapping[str, str]
    stage: str | None
    status: str
    status_message: str | None
    run: str | None
    run_link: str | None
    source: str | None
    user: str | None
    created: datetime
    updated: datetime
    logged_model: str | None


@dataclass(frozen=True, slots=True)
class SourceModel:
    """A registered model as MLflow has it, its versions by number."""

    name: str
    description: str | None
    tags: Mapping[str, str]
    aliases: Mapping[str, int]
    versions: Sequence[SourceVersion]


@dataclass(frozen=True, slots=True)
class SourceRun:
    """A run as MLflow has it."""

    id: str
    name: str
    status: str
    experiment: str
    user: str | None
    started: datetime | None
    ended: datetime | None
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class SourcePoint:
    """One point of the history of a metric, in MLflow's order: by step, then time, then value."""

    step: int
    timestamp: int
    value: float


@dataclass(frozen=True, slots=True)
class LoggedModel:
    """What MLflow 3 keeps of a model that is not a registered one: the numbers and settings of this very model."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    location: str | None = None


class MlflowSource:
    """A reader of one MLflow registry, for a ``with`` block; it changes nothing there.

    Args:
        tracking_uri: Where its runs are, as for ``mlflow.set_tracking_uri``. Of an SQLite file a copy is read.
        registry_uri: Where its models are, if elsewhere.

    Raises:
        InvalidValueError, NotFoundError: It names a file or folder that is not there, or not MLflow's.
        SettingsError: MLflow is not installed here.
        StorageError: MLflow refuses the URI, or the file cannot be read.
    """

    def __init__(self, tracking_uri: str, registry_uri: str | None = None) -> None:
        self.name = public_uri(registry_uri or tracking_uri)
        self._folder = TemporaryDirectory(prefix="podium-mlflow-")
        copies = Path(self._folder.name)
        self._tracking = place_to_read(tracking_uri, copies)
        self._registry = place_to_read(registry_uri, copies) if registry_uri else self._tracking
        try:
            import mlflow
        except ImportError as error:
            raise SettingsError(
                f"MLflow cannot be imported here: {error}.",
                hint="Install it beside Podium: pip install 'podium[mlflow]'.",
            ) from error
        self._mlflow: Any = mlflow
        with self._errors("the registry"):
            self._client: Any = mlflow.MlflowClient(self._tracking, self._registry)
        self._experiments: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def names(self) -> list[str]:
        """Return the names of all registered models, sorted; MLflow's prompts are none."""
        with self._errors("the registered models"):
            found = list(self._pages(self._client.search_registered_models))
        return sorted(model.name for model in found if _PROMPT not in (model.tags or {}))

    def model(self, name: str) -> SourceModel:
        """Return a registered model with its versions.

        Raises:
            NotFoundError: There is none of this name.
        """
        with self._errors(f"the model {name!r}"):
            found = self._client.get_registered_model(name)  # a search was known to leave the aliases out
            versions = sorted((_version(item) for item in self._versions(name)), key=lambda item: item.number)
        aliases = {alias: int(number) for alias, number in (found.aliases or {}).items()}
        return SourceModel(name, found.description or None, dict(found.tags or {}), aliases, versions)

    def run(self, run: str) -> SourceRun | None:
        """Return a run, None if MLflow has it no more."""
        try:
            with self._errors(f"the run {run}"):
                found = self._client.get_run(run)
        except NotFoundError:
            return None
        info, data = found.info, found.data
        return SourceRun(
            id=info.run_id,
            name=info.run_name or info.run_id,
            status=str(info.status),
            experiment=self._experiment(info.experiment_id),
            user=info.user_id or None,
            started=_time(info.start_time),
            ended=_time(info.end_time),
            params=dict(data.params),
            tags=dict(data.tags),
            metrics=dict(data.metrics),
        )

    def history(self, run: str, metric: str) -> list[SourcePoint]:
        """Return all points of a metric in MLflow's order."""
        with self._errors(f"the metric {metric!r} of the run {run}"):
            found = self._client.get_metric_history(run, metric)
        points = [SourcePoint(int(point.step or 0), int(point.timestamp), float(point.value)) for point in found]
        return sorted(points, key=lambda point: (point.step, point.timestamp, point.value))

    def logged_model(self, model: str) -> LoggedModel | None:
        """Return what MLflow 3 keeps of a logged model, None if it has it no more."""
        try:
            with self._errors(f"the logged model {model}"):
                found = self._client.get_logged_model(model)
        except NotFoundError:
            return None
        last = sorted(found.metrics or [], key=lambda point: (point.step or 0, point.timestamp, point.value))
        metrics = {point.key: float(point.value) for point in last}
        return LoggedModel(metrics, dict(found.params or {}), found.artifact_location)

    def download(self, version: SourceVersion, to: Path) -> Path:
        """Write the files of a version into a folder, and return the folder or file that they are in.

        Raises:
            NotFoundError: They are not where MLflow says.
            StorageError: They cannot be read.
        """
        what = f"the files of version {version.number} of {version.model!r}"
        with self._errors(what):
            uri = self._client.get_model_version_download_uri(version.model, str(version.number))
        logged_model = _logged_model(uri)
        if logged_model:  # MLflow would look for it wherever this process happens to have its own tracking URI
            logged = self.logged_model(logged_model)
            uri = logged.location if logged is not None else None
        if not uri:
            raise NotFoundError(f"MLflow does not say where {what} are.", hint="Register the model again in MLflow.")
        places = {"tracking_uri": self._tracking, "registry_uri": self._registry}
        with self._errors(f"{what} at {public_uri(uri)}"):
            return Path(self._mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(to), **places))

    def _versions(self, name: str) -> Iterator[Any]:
        quote = next((quote for quote in "'\"" if quote not in name), None)
        wanted = f"name={quote}{name}{quote}" if quote else None  # no filter can name it: all are looked at
        for version in self._pages(self._client.search_model_versions, filter_string=wanted):
            if version.name == name:
                yield version

    def _pages(self, search: Any, **how: Any) -> Iterator[Any]:
        token = None
        while True:
            page = search(max_results=_PAGE, page_token=token, **how)
            yield from page
            token = page.token
            if not token:
                return

    def _experiment(self, id_: str) -> str:
        if id_ not in self._experiments:
            try:
                with self._errors(f"the experiment {id_}"):
                    self._experiments[id_] = self._client.get_experiment(id_).name
            except NotFoundError:
                self._experiments[id_] = id_
        return self._experiments[id_]

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        """Turn what MLflow and its clients of object storage raise into errors of Podium."""
        try:
            yield
        except PodiumError:
            raise
        except Exception as error:  # every backend of MLflow brings errors of its own
            said = " ".join(str(error).split())[:500]
            if getattr(error, "error_code", None) == "RESOURCE_DOES_NOT_EXIST" or isinstance(error, FileNotFoundError):
                raise NotFoundError(f"MLflow has not got {what}: {said}", hint="Look for it in MLflow.") from error
            raise StorageError(
                f"MLflow could not give {what}: {type(error).__name__}: {said}",
                hint="Check the URI, that the server runs, and that its artifacts can be reached from here.",
            ) from error


def _version(found: Any) -> SourceVersion:
    stage = found.current_stage
    return SourceVersion(
        model=found.name,
        number=int(found.version),
        description=found.description or None,
        tags=dict(found.tags or {}),
        stage=stage if stage and stage != "None" else None,
        status=str(found.status),
        status_message=found.status_message or None,
        run=found.run_id or None,
        run_link=found.run_link or None,
        source=found.source or None,
        user=found.user_id or None,
        created=_moment(found.creation_timestamp),
        updated=_moment(found.last_updated_timestamp or found.creation_timestamp),
        logged_model=getattr(found, "model_id", None) or _logged_model(found.source),  # MLflow 2 has none
    )


def _logged_model(uri: str | None) -> str | None:
    """Return the id in a URI of a logged model, ``models:/m-...``; ``models:/NAME/VERSION`` is none."""
    match = re.fullmatch(r"models:/(m-[^/]+)/?", uri or "")
    return match[1] if match else None


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def _time(milliseconds: int | None) -> datetime | None:
    return _moment(milliseconds) if milliseconds else None
