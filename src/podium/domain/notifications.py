"""Subscriptions and automations as one document, and what putting one in force changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any, Literal, TypeVar

from podium.domain.delivery import Automation, Subscription
from podium.domain.plain import Value, plain_dict
from podium.errors import InvalidValueError

Target = Subscription | Automation
Kind = Literal["subscription", "automation"]
What = Literal["added", "changed", "removed", "same"]
_Target = TypeVar("_Target", Subscription, Automation)
_KINDS: tuple[Kind, ...] = ("subscription", "automation")


@dataclass(frozen=True, slots=True)
class Notifications(Value):
    """Who is told of what, and what starts by itself.

    Attributes:
        subscriptions: Events to channels.
        automations: Events to actions.
    """

    subscriptions: tuple[Subscription, ...] = ()
    automations: tuple[Automation, ...] = ()

    @classmethod
    def from_yaml(
        cls, text: str, name: str = "the notifications", check: Callable[[Target], None] | None = None
    ) -> Notifications:
        """Return what a YAML or JSON text says.

        Args:
            text: The text.
            name: What errors call it, such as the name of the file.
            check: Raises if the settings of one cannot be used: only its channel or action knows them.

        Raises:
            InvalidNameError, InvalidValueError: It cannot be used; ``line`` and ``line_column`` say where. ``others``
                has the mistakes behind the first one.
        """
        from podium.domain.notification_text import parse_notifications

        return parse_notifications(text, name, check)

    @classmethod
    def from_json(cls, data: Any) -> Notifications:
        """Return what plain data says, as a file would.

        Raises:
            InvalidNameError, InvalidValueError: It cannot be used; ``path`` says where, ``others`` has what else is
                wrong.
        """
        from podium.domain.notification_text import read_notifications

        return read_notifications(data)

    def to_yaml(self, *, ascii_only: bool = False) -> str:
        """Return the document as YAML, always the same text for the same value.

        Args:
            ascii_only: Whether what is no ASCII is spelled out.
        """
        import yaml

        plain = {f"{kind}s": [_written(item) for item in found] for kind, found in self.by_kind().items() if found}
        return yaml.safe_dump(plain, sort_keys=False, allow_unicode=not ascii_only, width=100) if plain else ""

    def by_kind(self) -> dict[Kind, tuple[Target, ...]]:
        """Return both lists by what they are."""
        return {"subscription": self.subscriptions, "automation": self.automations}

    def only(self, names: Iterable[str]) -> Notifications:
        """Return those of these names."""
        kept = set(names)
        return Notifications(
            tuple(item for item in self.subscriptions if item.name in kept),
            tuple(item for item in self.automations if item.name in kept),
        )

    def as_stored(self) -> Notifications:
        """Return the document as a registry keeps it, by name; see `as_stored`."""
        return Notifications(
            tuple(sorted(map(as_stored, self.subscriptions), key=lambda item: item.name)),
            tuple(sorted(map(as_stored, self.automations), key=lambda item: item.name)),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all."""
        return tuple(item.name for found in self.by_kind().values() for item in found)


@dataclass(frozen=True, slots=True)
class NotificationChange(Value):
    """What becomes of one subscription or automation.

    Attributes:
        kind: ``subscription`` or ``automation``.
        name: Its name.
        what: ``added, changed, removed`` or ``same``.
    """

    kind: Kind
    name: str
    what: What


@dataclass(frozen=True, slots=True)
class NotificationPlan(Value):
    """What putting a document in force changes, or changed.

    Attributes:
        changes: Of each subscription and automation that it names, and of those that go.
        dry_run: Whether nothing was written.
    """

    changes: tuple[NotificationChange, ...]
    dry_run: bool = False

    @property
    def changed(self) -> bool:
        """Whether anything changes."""
        return any(change.what != "same" for change in self.changes)


def as_stored(item: _Target) -> _Target:
    """Return a subscription or automation as a registry keeps it: settings as plain JSON, each event once.

    Raises:
        InvalidValueError: A setting cannot be kept.
    """
    events = tuple(dict.fromkeys(item.events))
    return replace(item, events=events, settings=plain_dict(item.settings, "The settings"))


def plan_notifications(wanted: Notifications, there: Notifications, *, prune: bool) -> NotificationPlan:
    """Return what putting a document in force changes.

    Args:
        wanted: The document.
        there: What is in force.
        prune: Whether what the document does not name goes.

    Raises:
        InvalidValueError: A subscription has the name of an automation that stays, or the other way round.
    """
    changes: list[NotificationChange] = []
    for kind in _KINDS:
        old = {item.name: item for item in there.by_kind()[kind]}
        new = {item.name: item for item in wanted.by_kind()[kind]}
        other: Kind = "automation" if kind == "subscription" else "subscription"
        stays = () if prune else {item.name for item in there.by_kind()[other]}
        for name, item in new.items():
            if name in stays:
                taken = "an automation" if kind == "subscription" else "a subscription"
                raise InvalidValueError(
                    f"The {kind} {name!r} has the name of {taken}.", hint="Take another name: they share one list."
                )
            what: What = "added" if name not in old else "same" if old[name] == item else "changed"
            changes.append(NotificationChange(kind, name, what))
        gone = sorted(set(old) - set(new)) if prune else []
        changes += [NotificationChange(kind, name, "removed") for name in gone]
    return NotificationPlan(tuple(changes))


def _written(item: Target) -> dict[str, Any]:
    """Return a subscription or automation as a file has it: what it says by default is left out, its events are not."""
    plain = item.to_json()
    kept: dict[str, Any] = {}
    for each in fields(item):
        default = each.default if each.default is not MISSING else None
        if each.name in ("name", "events") or plain[each.name] not in (default, {}, [], None):
            kept[each.name] = (
                _in_order(plain[each.name]) if each.name == "settings" else _without_none(plain[each.name])
            )
    return kept


def _in_order(value: Any) -> Any:
    """Return settings with the keys of each mapping sorted: their order says nothing."""
    if isinstance(value, Mapping):
        return {key: _in_order(value[key]) for key in sorted(value)}
    return [_in_order(item) for item in value] if isinstance(value, list) else value


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: item for key, item in value.items() if item is not None}
    return value
