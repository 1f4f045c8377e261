"""What an import did, or would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from podium.domain.plain import Value

Kind = Literal["left_out", "conflict", "note"]


@dataclass(frozen=True, slots=True)
class Problem(Value):
    """Something that a person should know.

    Attributes:
        kind: ``left_out`` for what did not come over, ``conflict`` for what was changed here since and stays so,
            ``note`` for what came over in another way than it was.
        model: The model as MLflow calls it.
        what: What it is about: ``v3``, ``alias champion``, ``stage production``.
        message: What is the matter.
        hint: What to do.
    """

    kind: Kind
    model: str
    what: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ModelReport(Value):
    """What became of one registered model.

    Attributes:
        name: As MLflow calls it.
        ref: ``REGISTRY/MODEL`` here; None if its name cannot be used.
        artifact: ``PROJECT/ARTIFACT`` that holds its files.
        versions: How many MLflow has.
        created: The numbers that came over now.
        present: How many were here before.
        left_out: How many did not come over.
        moved: Aliases and stages that moved here now, to the number that holds them, None for none.
        updated: The numbers whose tags, description or facts changed since.
        described: Whether the description or tags of the model itself changed.
        runs: How many runs came over now.
        size: Bytes of the versions that came over now.
    """

    name: str
    ref: str | None
    artifact: str | None
    versions: int = 0
    created: tuple[int, ...] = ()
    present: int = 0
    left_out: int = 0
    moved: Mapping[str, int | None] = field(default_factory=dict)
    updated: tuple[int, ...] = ()
    described: bool = False
    runs: int = 0
    size: int = 0

    @property
    def changed(self) -> bool:
        """Whether anything happened."""
        return bool(self.created or self.moved or self.updated or self.described or self.runs)


@dataclass(frozen=True, slots=True)
class ImportReport(Value):
    """What an import did.

    Attributes:
        source: The MLflow registry, without secrets.
        registry: The registry here.
        project: The project of runs and files.
        dry_run: Whether it only looked: ``created`` then says what would come over.
        models: By name.
        problems: In the order they were met.
    """

    source: str
    registry: str
    project: str
    dry_run: bool
    models: tuple[ModelReport, ...]
    problems: tuple[Problem, ...]

    @property
    def complete(self) -> bool:
        """Whether everything that MLflow has is here, as it is there."""
        return all(problem.kind == "note" for problem in self.problems)

    @property
    def changed(self) -> bool:
        """Whether anything happened."""
        return any(model.changed for model in self.models)

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON."""
        plain = super(ImportReport, self).to_json()
        return {**plain, "complete": self.complete, "changed": self.changed}
