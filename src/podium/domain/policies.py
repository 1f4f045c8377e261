"""Policies: which stages a model has, in order, and what a version must show for each."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from podium.domain.checks import Severity
from podium.domain.plain import Value
from podium.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class RequiredCheck(Value):
    """A check that a stage asks for.

    Attributes:
        name: The check.
        max_age: How old its newest result may be, such as ``7d``; None for any age.
        severity: ``error`` refuses even what the check itself calls a warning, ``warn`` never refuses; None leaves it
            to the check.
    """

    name: str
    max_age: str | None = None
    severity: Severity | None = None

    def to_json(self) -> Any:
        """Return the name alone, or what goes with it."""
        more = {"max_age": self.max_age, "severity": self.severity}
        plain = {"name": self.name} | {key: value for key, value in more.items() if value is not None}
        return plain if len(plain) > 1 else self.name


@dataclass(frozen=True, slots=True)
class ApprovalRule(Value):
    """How many people have to agree, and who may.

    Attributes:
        count: How many different people.
        roles: Who approves has one of these; empty for anybody.
        not_author: Whether who asked for the promotion, and who logged the version, may not approve it.
        expires: How long a request waits, such as ``3d``; None for ever.
    """

    count: int = 1
    roles: tuple[str, ...] = ()
    not_author: bool = True
    expires: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the rule as a policy writes it."""
        plain: dict[str, Any] = {"count": self.count}
        # What is of another type than it should be stays as it is: whoever reads the policy says so.
        plain |= {"roles": _items(self.roles)} if self.roles != () else {}
        plain |= {"not_author": self.not_author} if self.not_author is not True else {}
        return plain | ({"expires": self.expires} if self.expires is not None else {})


@dataclass(frozen=True, slots=True)
class FreezeWindow(Value):
    """A time in which a stage takes no promotion.

    Attributes:
        start: A date, or a date and time, as ISO 8601.
        end: A date, which belongs to the window, or a date and time, at which it ends.
        reason: Why.
        timezone: IANA name, for what says no zone of its own.
    """

    start: str
    end: str
    reason: str
    timezone: str = "UTC"

    def to_json(self) -> dict[str, Any]:
        """Return the window as a policy writes it."""
        plain = {"from": self.start, "to": self.end, "reason": self.reason}
        return plain if self.timezone == "UTC" else plain | {"timezone": self.timezone}


@dataclass(frozen=True, slots=True)
class Stage(Value):
    """One stage of a policy.

    Attributes:
        name: By the rule of aliases.
        checks: Checks that must have passed on the digest being promoted: names, or `RequiredCheck`.
        from_stage: A stage that the version holds now or has held before.
        metrics: Expressions over the metrics of the version and of the holders of stages.
        approvals: Who has to agree; None for nobody.
        freeze: When the stage takes no promotion.
        plugins: Gate plugins that must be there and have no objection.
        archive_as: An alias that whoever loses the stage gets.
    """

    name: str
    checks: tuple[str | RequiredCheck, ...] = ()
    from_stage: str | None = None
    metrics: tuple[str, ...] = ()
    approvals: ApprovalRule | None = None
    freeze: tuple[FreezeWindow, ...] = ()
    plugins: tuple[str, ...] = ()
    archive_as: str | None = None

    def __post_init__(self) -> None:
        """Write what means the same in one way: lists as tuples, a check without more as its name."""
        for name in ("checks", "metrics", "freeze", "plugins"):
            value = getattr(self, name)
            if isinstance(value, list):
                object.__setattr__(self, name, tuple(value))
        if isinstance(self.checks, tuple):
            object.__setattr__(self, "checks", tuple(_shortest(item) for item in self.checks))

    @property
    def required(self) -> tuple[RequiredCheck, ...]:
        """The checks, each with its conditions."""
        return tuple(item if isinstance(item, RequiredCheck) else RequiredCheck(item) for item in self.checks)

    def to_json(self) -> dict[str, Any]:
        """Return the stage as a policy writes it, without what it does not ask for."""
        plain = {
            "name": self.name,
            "from": self.from_stage,
            "checks": _items(self.checks),
            "metrics": _items(self.metrics),
            "approvals": self.approvals.to_json() if isinstance(self.approvals, ApprovalRule) else self.approvals,
            "freeze": _items(self.freeze),
            "plugins": _items(self.plugins),
            "archive_as": self.archive_as,
        }
        return {key: value for key, value in plain.items() if key == "name" or value not in (None, [])}


@dataclass(frozen=True, slots=True)
class Policy(Value):
    """The stages of registered models, in order.

    Attributes:
        stages: At least one, each with its requirements.
    """

    stages: tuple[Stage, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the stages in order."""
        return tuple(stage.name for stage in self.stages)

    def stage(self, name: str) -> Stage:
        """Return the stage of this name.

        Raises:
            NotFoundError: The policy has no such stage.
        """
        for stage in self.stages:
            if stage.name == name:
                return stage
        near = difflib.get_close_matches(str(name), self.names, n=1)
        raise NotFoundError(
            f"There is no stage {name!r} here.",
            hint=(f"Did you mean {near[0]!r}? " if near else "") + f"The stages are {', '.join(self.names)}.",
            stage=name,
            stages=list(self.names),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the policy as its YAML says it."""
        return {"stages": _items(self.stages)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Policy:
        """Build a policy from plain data, such as ``{"stages": [{"name": "production", "checks": ["accuracy"]}]}``.

        Raises:
            InvalidNameError, InvalidValueError: It is no policy; the text says where and what.
        """
        from podium.domain.policy_reading import read_policy

        return read_policy(data)

    @classmethod
    def from_yaml(cls, text: str, name: str = "the policy") -> Policy:
        """Build a policy from YAML or JSON.

        Args:
            text: The text.
            name: What errors call it, such as the name of the file.

        Raises:
            InvalidNameError, InvalidValueError: It is no policy; the text says in which line and what.
        """
        from podium.domain.policy_text import parse_policy

        return parse_policy(text, name)

    def to_yaml(self) -> str:
        """Return the policy as YAML."""
        from podium.domain.policy_text import policy_yaml

        return policy_yaml(self)


DEFAULT_POLICY = Policy((Stage("staging"), Stage("production")))


def validate_policy(policy: Policy) -> Policy:
    """Return the policy if it makes sense, written in the one way in which it is kept.

    Raises:
        InvalidNameError: A stage or check has a bad name.
        InvalidValueError: It is no policy, or asks for what cannot be.
    """
    return Policy.from_json(policy.to_json())


def _shortest(item: str | RequiredCheck) -> str | RequiredCheck:
    return item.name if isinstance(item, RequiredCheck) and item == RequiredCheck(item.name) else item


def _items(values: Any) -> Any:
    if not isinstance(values, tuple | list):
        return values
    return [value.to_json() if isinstance(value, Value) else value for value in values]
