"""The rules of a whole registry: policies for all of its models or for patterns of names, roles, and freezes.

They stand in the stream of the registry, not in that of a model, so that a model can come to a registry with others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from podium.domain.plain import Value
from podium.domain.policies import DEFAULT_POLICY, Policy
from podium.domain.policy_targets import fits_name

Row = Mapping[str, Any]
RulesState = Literal["brought", "same", "kept"]


@dataclass(frozen=True, slots=True)
class RegistryRules(Value):
    """What an import does with the rules of a registry that is there with a stream of its own.

    Attributes:
        registry: Its name.
        state: ``brought`` where it had none and takes over those of the bundle, ``same`` where they are as they are
            there, ``kept`` where it has some of its own: then nothing of them was changed.
        default_policy: 1 if the default policy is meant: what was brought, what is the same, or what was not brought.
        patterns: As much of the policies for patterns of names.
        roles: As much of the roles of people.
        freezes: As much of the freezes of the registry as a whole.
        admins: Those who become admins; from then on it is closed to everybody else.
        ungoverned: ``REGISTRY/MODEL:STAGE`` of each stage in the bundle that is an ordinary alias here.
        other_gates: ``REGISTRY/MODEL:STAGE`` of each stage in the bundle that asks for something else here.
    """

    registry: str
    state: RulesState
    default_policy: int = 0
    patterns: int = 0
    roles: int = 0
    freezes: int = 0
    admins: tuple[str, ...] = ()
    ungoverned: tuple[str, ...] = ()
    other_gates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a registry that are in force.

    Attributes:
        default: The default policy as plain JSON, None if there is none.
        patterns: Pattern to policy as plain JSON, the most specific first.
        roles: Key of a person and role to the person.
        freezes: Stage, None for all of them, to when it ends.
        reasons: Stage to why it is frozen.
    """

    default: Row | None = None
    patterns: Mapping[str, Row] = field(default_factory=dict)
    roles: Mapping[tuple[str, str], str] = field(default_factory=dict)
    freezes: Mapping[str | None, datetime | None] = field(default_factory=dict)
    reasons: Mapping[str | None, str] = field(default_factory=dict)

    @classmethod
    def of(cls, policies: Iterable[Row], roles: Iterable[Row], freezes: Iterable[Row], now: datetime) -> Rules:
        """Return the rules that records of one registry, or rows, say; those of single models are left out."""
        whole = sorted(
            (row for row in policies if row["current"] and row["collection_id"] is None),
            key=lambda row: (-row["weight"], row["pattern"] or ""),
        )
        lasting = [
            row
            for row in freezes
            if row["collection_id"] is None and row["ended_at"] is None and (row["until"] is None or now < row["until"])
        ]
        return cls(
            next((row["body"] for row in whole if row["pattern"] is None), None),
            {row["pattern"]: row["body"] for row in whole if row["pattern"] is not None},
            {(row["person_key"], row["role"]): row["person"] for row in roles},
            {row["stage"]: row["until"] for row in lasting},
            {row["stage"]: row["reason"] for row in lasting},
        )

    def without(self, other: Rules) -> Rules:
        """Return those that another registry has not; why something is frozen makes no other freeze."""
        return Rules(
            None if self.default == other.default else self.default,
            _without(self.patterns, other.patterns),
            {key: person for key, person in self.roles.items() if key not in other.roles},
            _without(self.freezes, other.freezes),
            self.reasons,
        )

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.default is not None or self.patterns or self.roles or self.freezes)

    @property
    def admins(self) -> tuple[str, ...]:
        """Those who are admins."""
        return tuple(sorted(person for (_, role), person in self.roles.items() if role == "admin"))


def policy_among(policies: Iterable[Row], collection_id: UUID, name: str) -> Policy:
    """Return the policy that is in force for a model, of those that a registry has.

    The same as `podium.usecases.policies.effective_policy` answers, for policies that are in no database.
    """
    fitting = [
        row
        for row in policies
        if row["current"]
        and row["collection_id"] in (None, collection_id)
        and (row["pattern"] is None or fits_name(row["pattern"], name))
    ]
    if not fitting:
        return DEFAULT_POLICY
    return Policy.from_json(max(fitting, key=lambda row: (row["weight"], row["revision"]))["body"])


def _without(ours: Mapping[Any, Any], theirs: Mapping[Any, Any]) -> dict[Any, Any]:
    return {key: value for key, value in ours.items() if key not in theirs or theirs[key] != value}
