"""The truth table of promotion: policy x history x request -> verdict and reasons, as data.

Each row happens in a registry of its own with one model, `MODEL`, that has three versions, all logged by ann:

    v0  accuracy 0.90, latency 20
    v1  accuracy 0.95, latency 40
    v2  accuracy 0.94, no latency

A step and a request are lines: who, perhaps how long ago, the verb, its arguments. `World` carries them out in Python;
whoever tests another face of Podium carries the request out there, and looks for the same verdict.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from podium.domain.durations import parse_duration
from podium.domain.policies import Policy
from podium.errors import PodiumError
from podium.plugins.host import PluginHost
from podium.registry import Registry, base, open_registry

METRICS = ({"accuracy": 0.90, "latency": 20.0}, {"accuracy": 0.95, "latency": 40.0}, {"accuracy": 0.94})
NAME = "churn-eu"
ACTORS = ("ann", "bob", "cy", "dan", "eve")

POLICIES = {
    "free": "stages: [{name: staging}, {name: production}]",
    "check": "stages: [{name: staging}, {name: production, checks: [bias]}]",
    "check-error": "stages: [{name: production, checks: [{name: bias, severity: error}]}]",
    "check-warn": "stages: [{name: production, checks: [{name: bias, severity: warn}]}]",
    "check-age": "stages: [{name: production, checks: [{name: bias, max_age: 7d}]}]",
    "two-checks": "stages: [{name: production, checks: [bias, drift]}]",
    "from": "stages: [{name: staging}, {name: production, from: staging}]",
    "chain": "stages: [{name: dev}, {name: staging, from: dev}, {name: production, from: staging}]",
    "at-least": "stages: [{name: production, metrics: ['accuracy >= 0.95']}]",
    "at-most": "stages: [{name: production, metrics: ['latency <= 30']}]",
    "both": "stages: [{name: production, metrics: ['accuracy >= 0.92', 'latency <= 30']}]",
    "champion": "stages: [{name: staging}, {name: production, metrics: ['accuracy >= production.accuracy - 0.005']}]",
    "better": "stages: [{name: production, metrics: ['accuracy > production.accuracy']}]",
    "staged": "stages: [{name: staging}, {name: production, metrics: ['accuracy >= staging.accuracy']}]",
    "latency": "stages: [{name: production, metrics: ['latency <= production.latency * 1.5']}]",
    "either": "stages: [{name: production, metrics: ['accuracy >= 0.95 or latency <= 30']}]",
    "neither": "stages: [{name: production, metrics: ['not accuracy < 0.95']}]",
    "floor": "stages: [{name: production, metrics: ['accuracy >= 0.92 and accuracy >= production.accuracy']}]",
    "tag": "stages: [{name: production, metrics: [\"tag = 'gold'\"]}]",
    "one": "stages: [{name: staging}, {name: production, approvals: {count: 1}}]",
    "two": "stages: [{name: production, approvals: {count: 2}}]",
    "author": "stages: [{name: production, approvals: {count: 1, not_author: false}}]",
    "lead": "stages: [{name: production, approvals: {count: 1, roles: [lead]}}]",
    "leads": "stages: [{name: production, approvals: {count: 2, roles: [lead, risk]}}]",
    "day": "stages: [{name: production, approvals: {count: 1, expires: 1d}}]",
    "check-one": "stages: [{name: production, checks: [bias], approvals: {count: 1}}]",
    "frozen": "stages: [{name: production, freeze: [{from: 2000-01-01, to: 2999-12-31, reason: Audit}]}]",
    "thawed": "stages: [{name: production, freeze: [{from: 2000-01-01, to: 2000-12-31, reason: Audit}]}]",
    "later": "stages: [{name: production, freeze: [{from: 2998-01-01, to: 2999-12-31, reason: Audit}]}]",
    "plugin": "stages: [{name: production, plugins: [compliance]}]",
    "archive": "stages: [{name: production, archive_as: archived}]",
    "canary": "stages: [{name: canary}, {name: production, from: canary}]",
}


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: Of the test.
        policy: The policy of the model, a key of `POLICIES`; None for none of its own.
        steps: What happened before.
        request: What is asked.
        verdict: ``committed, unchanged, pending, refused, rejected, cancelled``, or the code of the error.
        reasons: What the sentences of the gates that fail, or else wait, hold; one each, in order. For another error,
            what its text holds.
        holder: The number of the version that holds production afterwards.
    """

    name: str
    policy: str | None
    steps: tuple[str, ...]
    request: str
    verdict: str
    reasons: tuple[str, ...] = ()
    holder: int | None = None


class World:
    """One registry for one row.

    Args:
        registries: Actor to the registry as that actor opened it.
        place: The name of the registry.
    """

    def __init__(self, registries: dict[str, Registry], place: str) -> None:
        self.registries, self.place, self.model = registries, place, f"{place}/{NAME}"

    def prepare(self, row: Row) -> None:
        """Make the model and do what happened before; a step may be refused, that is history too."""
        ann = self.registries["ann"]
        ann.create_registry(self.place)
        for number in range(len(METRICS)):
            ann.link(f"truth/churn:v{number}", self.model)
        if row.policy is not None:
            ann.set_policy(self.model, Policy.from_yaml(POLICIES[row.policy]))
        for step in row.steps:
            with contextlib.suppress(PodiumError):
                self.do(step)

    def do(self, line: str) -> Any:
        """Carry out one line in Python."""
        who, verb, *words = shlex.split(line)
        who, _, ago = who.partition("@")
        named = dict(word.split("=", 1) for word in words if "=" in word)
        plain = [word for word in words if "=" not in word]
        with at(ago):
            return getattr(self, f"_{verb}")(self.registries[who], *plain, **named)

    def ref(self, version: str) -> str:
        return f"{self.model}:{version}"

    def _target(self, word: str) -> str:
        return {".": self.model, "*": self.place}.get(word, f"{self.place}/{word}")

    def _promote(self, registry: Registry, version: str, stage: str, *flags: str, **more: Any) -> Any:
        if more.get("expected") == "none":
            more["expected"] = None
        return registry.promote(self.ref(version), stage, **more, **dict.fromkeys(flags, True))

    def _check(self, registry: Registry, version: str, name: str, status: str, severity: str = "error") -> Any:
        return registry.record_check(self.ref(version), name, status, severity=severity)  # type: ignore[arg-type]

    def _approve(self, registry: Registry, version: str, stage: str = "production", **more: str) -> Any:
        return registry.approve(self.ref(version), stage=stage, on_behalf_of=more.get("person"))

    def _reject(self, registry: Registry, version: str, stage: str = "production", comment: str = "") -> Any:
        return registry.reject(self.ref(version), comment, stage=stage)

    def _withdraw(self, registry: Registry, version: str, stage: str = "production") -> Any:
        return registry.withdraw(self.ref(version), stage=stage)

    def _freeze(self, registry: Registry, target: str, stage: str | None = None, **more: Any) -> Any:
        ends = base.now() + parse_duration(more["lasts"]) if "lasts" in more else None
        return registry.freeze(self._target(target), stage, reason=more["reason"], until=ends)

    def _unfreeze(self, registry: Registry, target: str, stage: str | None = None) -> Any:
        return registry.unfreeze(self._target(target), stage)

    def _role(self, registry: Registry, person: str, role: str) -> Any:
        return registry.grant_role(self.place, person, role)

    def _unrole(self, registry: Registry, person: str, role: str) -> Any:
        return registry.revoke_role(self.place, person, role)

    def _policy(self, registry: Registry, target: str, name: str, *flags: str) -> Any:
        made = Policy.from_yaml(POLICIES[name])
        return registry.set_policy(self._target(target), made, adopt="adopt" in flags)

    def _rollback(self, registry: Registry, stage: str = "production", **more: Any) -> Any:
        return registry.rollback(self.model, stage, **more)

    def _demote(self, registry: Registry, stage: str = "production", reason: str = "") -> Any:
        return registry.demote(self.model, stage, reason=reason)

    def _tag(self, registry: Registry, version: str, tag: str) -> Any:
        return registry.tag(self.ref(version), tag)

    def _alias(self, registry: Registry, version: str, alias: str) -> Any:
        return registry.set_alias(self.ref(version), alias)

    def _unlink(self, registry: Registry, version: str) -> Any:
        return registry.unlink(self.ref(version), force=True, reason="gone")


@contextlib.contextmanager
def at(ago: str) -> Iterator[None]:
    """Let registries believe that it is so long ago."""
    if not ago:
        yield
        return
    real: Callable[[], datetime] = base.now
    back: timedelta = parse_duration(ago)
    with patch.object(base, "now", lambda: real() - back):
        yield


def _read() -> Iterator[Row]:
    """Yield the rows of the file beside this one."""
    for line in Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, policy, steps, request, verdict, reasons, holder = (part.strip() for part in line.split(" | "))
            yield Row(
                name,
                None if policy == "-" else policy,
                _several(steps),
                request,
                verdict,
                _several(reasons),
                None if holder == "-" else int(holder.removeprefix("v")),
            )


def _several(text: str) -> tuple[str, ...]:
    return () if text == "-" else tuple(text.split(" // "))


ROWS: tuple[Row, ...] = tuple(_read())


@contextlib.contextmanager
def opened_worlds(folder: Path, url: str | None = None) -> Iterator[dict[str, Registry]]:
    """Open one database for all rows, by each actor, with the versions that all rows link; SQLite if no other."""
    url = url or f"sqlite:///{folder / 'podium.db'}"
    with contextlib.ExitStack() as after:
        opened = {
            actor: after.enter_context(
                contextlib.closing(
                    open_registry(url, content=folder / "content", actor=actor, host=PluginHost(discover=False))
                )
            )
            for actor in ACTORS
        }
        for number, metrics in enumerate(METRICS):
            (folder / "model.bin").write_text(f"model {number}")
            opened["ann"].log("truth/churn", folder / "model.bin", metrics=metrics)
        yield opened
