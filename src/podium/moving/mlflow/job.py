"""What every part of an import shares: where from, where to, how, and what was met on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from podium.domain.versions import AliasMove
from podium.errors import PodiumError
from podium.moving.mlflow.report import Kind, Problem
from podium.moving.mlflow.source import MlflowSource
from podium.registry import Registry
from podium.usecases.places import MODEL_REGISTRY

REASON = "Imported from MLflow"
"""How the reason of every change begins that an import makes: so a later one knows its own from those of people."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to import, and how.

    Attributes:
        models: Only these, as MLflow calls them; all if empty.
        registry: The registry to import into; it exists.
        project: The project of files and runs.
        rename: MLflow's name of a model to its name here.
        rename_alias: MLflow's name of an alias to its name here.
        dry_run: Only look.
        overwrite: Take aliases, stages and descriptions from MLflow that were changed here since they were imported.
    """

    models: tuple[str, ...] = ()
    registry: str = MODEL_REGISTRY
    project: str = "mlflow"
    rename: Mapping[str, str] = field(default_factory=dict)
    rename_alias: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False
    overwrite: bool = False


@dataclass(slots=True)
class Job:
    """One import on its way.

    Attributes:
        registry: Where to.
        source: Where from.
        options: How.
        step: Told what is done at the moment.
        problems: What was met so far.
        place: How far the import is.
        runs: The runs that this import brought over or found, to whether they are here.
    """

    registry: Registry
    source: MlflowSource
    options: Options
    step: Callable[[str], None]
    problems: list[Problem] = field(default_factory=list)
    place: str = ""
    runs: dict[str, bool] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """Why the changes are made, for the history."""
        return f"{REASON} ({self.source.name})"

    def at(self, what: str = "") -> None:
        """Tell what is done at the moment."""
        self.step(f"{self.place}: {what}" if what else self.place)

    def note(self, kind: Kind, model: str, what: str, message: str, hint: str = "") -> None:
        """Remember something that a person should know."""
        self.problems.append(Problem(kind, model, what, message, hint))

    def note_error(self, kind: Kind, model: str, what: str, error: PodiumError) -> None:
        """Remember what kept something from coming over."""
        self.note(kind, model, what, error.message, error.hint)


def is_ours(moves: Iterable[AliasMove]) -> bool:
    """Whether an import made the last of these moves, or nobody made any: then MLflow may move it again."""
    last = None
    for move in moves:
        last = move
    return last is None or (last.reason or "").startswith(REASON)
