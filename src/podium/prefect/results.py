"""What the tasks return: a value that Prefect can track, pickle and pass on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from podium.domain.checks import TestReport
from podium.domain.transitions import Transition
from podium.domain.versions import Version
from podium.errors import PodiumError


class ChecksFailedError(PodiumError):
    """A check of severity ``error`` failed; ``reasons`` has a sentence for each, and the results are on record."""

    code: ClassVar[str] = "checks_failed"


class NotPromotedError(PodiumError):
    """A request for a promotion was rejected, refused, withdrawn, or expired; ``status`` says which."""

    code: ClassVar[str] = "not_promoted"


class ModelResult:
    """What a task of Podium did, as plain JSON with its keys as attributes: ``result.ref``, ``result.metrics``.

    Of `log_model` and `link_model` it is the version, of `test_model` the report, of all others the transition;
    ``ref`` and ``version`` are always there, so every task takes the result of another one as its reference.

    It is a plain class on purpose. Prefect finds out which task run made a value by the identity of the object, and
    looks one level into dicts, lists and dataclasses: a text such as ``"candidate"``, which Python keeps once per
    process, would tie task runs together that have nothing to do with each other.
    """

    # Of all three
    digest: str
    # Of a version and a transition
    collection: str
    number: int
    # Of a version
    kind: str
    type: str
    size: int
    files: int
    source: str
    metadata: dict[str, Any]
    metrics: dict[str, float]
    description: str | None
    aliases: list[str]
    run: str | None
    supersedes: int | None
    created: bool
    # Of a report
    champion: str | None
    passed: bool
    results: list[dict[str, Any]]
    # Of a transition
    id: str
    stage: str
    before: int | None
    status: str
    gates: list[dict[str, Any]]
    reasons: list[str]
    waiting_for: list[str]
    approvals: list[dict[str, Any]]
    reason: str | None
    outcome: str | None
    changed: bool

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data

    @classmethod
    def of(cls, value: Version | TestReport | Transition) -> ModelResult:
        """Build a result from what the registry returned."""
        data = value.to_json()
        if isinstance(value, Transition):
            data |= {"ref": f"{value.collection}:v{value.number}", "reasons": list(value.reasons)}
            data |= {"waiting_for": list(value.waiting_for) if value.status == "pending" else []}
        if isinstance(value, TestReport):
            data |= {"passed": value.passed}
        return cls({**data, "version": data["ref"].rpartition(":")[2]})

    @property
    def ref(self) -> str:
        """``NAMESPACE/NAME:vN``, always valid, never moves."""
        return str(self._data["ref"])

    @property
    def version(self) -> str:
        """The number as people write it: ``v3``."""
        return str(self._data["version"])

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain JSON: dicts, lists, strings, numbers, booleans and None."""
        return dict(self._data)

    # A type checker that sees it takes this class for anything, even for a coroutine, and Prefect's overloads go wrong.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Give each key as an attribute."""
            try:
                return self.__dict__["_data"][name]  # not self._data: pickle asks before there is one
            except KeyError:
                raise AttributeError(f"This result has no {name!r}; to_json() shows what it has.") from None

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._data})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ModelResult) and self._data == other._data

    def __hash__(self) -> int:
        return hash(self.ref)

    def __str__(self) -> str:
        return self.ref

    def __repr__(self) -> str:
        return f"<ModelResult {self.ref}>"
