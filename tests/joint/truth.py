"""The truth table of promotion for another face of Podium: what happened before in Python, the request through it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from podium.errors import NotFoundError, PodiumError, PromotionRefusedError
from podium.registry import Registry
from tests.core.promotion_truth import ROWS, Row, World


def rows_for_tasks() -> tuple[Row, ...]:
    """Return the rows whose request a task can make."""
    return tuple(row for row in ROWS if not _only_elsewhere(row))


def _only_elsewhere(row: Row) -> bool:
    verb = row.request.split()[1]
    unknown = verb == "approve" and row.verdict == "not_found"
    return verb == "withdraw" or unknown or (verb == "reject" and "comment=" not in row.request)


class FaceWorld(World):
    """A world whose request goes through another face.

    Args:
        registries: As of `World`.
        place: As of `World`.
        face: Given actor, verb and arguments of the request; returns what the face answers, as plain JSON.
    """

    def __init__(self, registries: dict[str, Registry], place: str, face: Callable[..., dict[str, Any]]) -> None:
        super().__init__(registries, place)
        self._face, self._asked = face, False
        self._requests: dict[tuple[str, str], str] = {}

    def verdict(self, row: Row) -> tuple[str, list[str]]:
        """Do what happened before, make the request, and return its verdict with the sentences that say why."""
        self.prepare(row)
        self._asked = True
        try:
            made = self.do(row.request)
        except PromotionRefusedError as error:
            return "refused", list(error.reasons)
        except PodiumError as error:
            return error.code, [str(error)]
        if made.status == "pending":
            return ("pending" if made.changed else "unchanged-pending"), made.waiting_for
        return (made.status if made.changed else "unchanged"), made.reasons

    def holder(self) -> int | None:
        """Who holds production afterwards."""
        try:
            return self.registries["eve"].resolve(f"{self.model}:production").number
        except NotFoundError:
            return None

    def _promote(self, registry: Registry, version: str, stage: str, *flags: str, **more: Any) -> Any:
        if not self._asked:
            made = super()._promote(registry, version, stage, *flags, **more)
            if made.status == "pending":
                self._requests[version, stage] = made.id
            return made
        if more.get("expected") == "none":
            more["expected"] = None
        return self._through(registry, "promote", ref=self.ref(version), to=stage, **more, **dict.fromkeys(flags, True))

    def _approve(self, registry: Registry, version: str, stage: str = "production", **more: str) -> Any:
        if not self._asked:
            return super()._approve(registry, version, stage, **more)
        person = more.get("person") or self._actor(registry)
        return self._through(registry, "approve", request=self._requests[version, stage], person=person)

    def _reject(self, registry: Registry, version: str, stage: str = "production", comment: str = "") -> Any:
        if not self._asked:
            return super()._reject(registry, version, stage, comment)
        request, person = self._requests[version, stage], self._actor(registry)
        return self._through(registry, "reject", request=request, person=person, comment=comment)

    def _rollback(self, registry: Registry, stage: str = "production", **more: Any) -> Any:
        if not self._asked:
            return super()._rollback(registry, stage, **more)
        return self._through(registry, "rollback", model=self.model, stage=stage, **more)

    def _demote(self, registry: Registry, stage: str = "production", reason: str = "") -> Any:
        if not self._asked:
            return super()._demote(registry, stage, reason)
        return self._through(registry, "demote", model=self.model, stage=stage, reason=reason)

    def _through(self, registry: Registry, verb: str, **fields: Any) -> SimpleNamespace:
        said = self._face(self._actor(registry), verb, **fields)
        gates = [(gate["verdict"], gate["reason"]) for gate in said["gates"]]
        reasons, waiting = ([why for word, why in gates if word == verdict] for verdict in ("failed", "pending"))
        return SimpleNamespace(status=said["status"], changed=said["changed"], reasons=reasons, waiting_for=waiting)

    def _actor(self, registry: Registry) -> str:
        return next(name for name, own in self.registries.items() if own is registry)


def check_row(world: FaceWorld, row: Row) -> None:
    """The request ends with the verdict of the row, for the reasons of the row, and the stage is held as it says.

    An answer to a request that is decided is no error of a task that asked for it: it goes on by the decision.
    """
    verdict, reasons = world.verdict(row)
    if row.verdict == "conflict" and verdict in ("unchanged", "committed", "rejected"):
        assert row.request.split()[1] == "approve"
        assert row.reasons[0] in ("is committed", "is rejected")
    else:
        assert verdict == row.verdict, reasons
        for said, wanted in zip(reasons, row.reasons, strict=verdict in ("refused", "pending", "unchanged-pending")):
            assert wanted in said
    assert world.holder() == row.holder
