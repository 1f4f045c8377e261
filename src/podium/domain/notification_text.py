"""Subscriptions and automations from YAML: strict, and each mistake has its line, its column, and what was meant."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from podium.domain.delivery import DEFAULT_EVENTS, Automation, Subscription, Template
from podium.domain.expressions import near_names
from podium.domain.notification_rules import rules_of
from podium.domain.notification_schema import SCHEMA
from podium.domain.notifications import Notifications, Target
from podium.domain.policy_reading import Mistakes, Path, check_schema
from podium.domain.policy_text import Place, load_yaml, placed, words_of
from podium.errors import InvalidNameError, InvalidValueError

_EXAMPLE = "Write 'subscriptions:' and below it '- {name: team, channel: slack}'."
_LISTS = ("subscriptions", "automations")


def parse_notifications(text: str, name: str, check: Callable[[Target], None] | None = None) -> Notifications:
    """Return the subscriptions and automations that a YAML or JSON text says.

    Args:
        text: The text.
        name: What errors call it.
        check: Raises if the settings of one cannot be used.

    Raises:
        InvalidNameError, InvalidValueError: It cannot be used; ``line`` and ``line_column`` say where, from 1.
            ``others`` has the mistakes behind the first one.
    """
    places: dict[Path, Place] = {}
    data = load_yaml(text, name, places, _EXAMPLE)
    try:
        return read_notifications(data, check, words_of(places))
    except (InvalidNameError, InvalidValueError) as error:
        raise placed(error, name, places) from error


def read_notifications(
    data: Any, check: Callable[[Target], None] | None = None, words: Mapping[Path, str] | None = None
) -> Notifications:
    """Return the subscriptions and automations that plain data says.

    Args:
        data: Lists of both.
        check: Raises if the settings of one cannot be used.
        words: What single values are called in the text that the data is from: there, False may be ``no``.

    Raises:
        InvalidNameError, InvalidValueError: It cannot be used; ``path`` says where the mistake is, ``others`` has what
            else is wrong.
    """
    if not isinstance(data, Mapping) or not any(key in data for key in _LISTS):
        near = [name for key in data for name in near_names(str(key), _LISTS)] if isinstance(data, Mapping) else []
        hint = f"Did you mean {near[0]!r}? {_EXAMPLE}" if near else _EXAMPLE
        raise InvalidValueError("This has no list of 'subscriptions' or 'automations'.", hint=hint, path=())
    plain = copy.deepcopy(dict(data))
    mistakes = Mistakes(words)
    settings = _take_settings(plain, mistakes)
    check_schema(plain, SCHEMA, (), mistakes)
    subscriptions = [
        _subscription(item, settings.get(("subscriptions", number), {}))
        for number, item in enumerate(plain.get("subscriptions", ()))
    ]
    automations = [
        _automation(item, settings.get(("automations", number), {}))
        for number, item in enumerate(plain.get("automations", ()))
    ]
    _check_targets({"subscriptions": subscriptions, "automations": automations}, check)
    return Notifications(tuple(subscriptions), tuple(automations))


def _take_settings(plain: dict[str, Any], mistakes: Mistakes) -> dict[Path, dict[str, Any]]:
    """Take the settings out, whose keys only a channel or an action knows, and check what can be said of them."""
    taken: dict[Path, dict[str, Any]] = {}
    for kind in _LISTS:
        items = plain.get(kind)
        for number, item in enumerate(items if isinstance(items, list) else ()):
            if not isinstance(item, dict) or "settings" not in item:
                continue
            path: Path = (kind, number, "settings")
            found = item.pop("settings")
            with mistakes.at(path):
                if not isinstance(found, dict):
                    raise InvalidValueError("The settings are no mapping.", hint="Write settings: {key: value}.")
                taken[kind, number] = found
            for key, value in taken.get((kind, number), {}).items():
                with mistakes.at((*path, key)):
                    _check_key(key)
                    if kind == "subscriptions":
                        _check_text_setting(key, value, mistakes.words.get((*path, key)))
    return taken


def _check_key(key: object) -> None:
    if not isinstance(key, str):
        raise InvalidValueError(f"The key {key!r} is no text.", hint=f"Write it in quotes: '{key}'.")


def _check_text_setting(key: str, value: object, word: str | None) -> None:
    if isinstance(value, str):
        return
    if isinstance(value, dict | list) or value is None:
        hint = "Settings of a subscription are text."
    elif word is None and isinstance(value, bool):
        hint = f"Give a text, such as {'yes' if value else 'no'!r}."
    else:
        hint = f"Write it in quotes: '{value if word is None else word}'."
    raise InvalidValueError(f"The setting {key!r} is no text.", hint=hint)


def _check_targets(found: Mapping[str, list[Any]], check_settings: Callable[[Target], None] | None) -> None:
    mistakes = Mistakes()
    names: set[str] = set()
    now = datetime.now(UTC)  # whether a filter can be understood does not depend on it
    for kind, items in found.items():
        for number, item in enumerate(items):
            for field, check in rules_of(item, now):
                with mistakes.at((kind, number, *field)):
                    check()
            with mistakes.at((kind, number, "settings")):
                if check_settings is not None:
                    check_settings(item)
            with mistakes.at((kind, number, "name")):
                if item.name in names:
                    hint = "Subscriptions and automations share one list of names."
                    raise InvalidValueError(f"The name {item.name!r} stands here twice.", hint=hint)
            names.add(item.name)
    mistakes.tell()


def _subscription(plain: Mapping[str, Any], settings: Mapping[str, str]) -> Subscription:
    template = plain.get("template")
    return Subscription(
        name=plain["name"],
        channel=plain["channel"],
        events=tuple(plain.get("events", DEFAULT_EVENTS)),
        settings=settings,
        model=plain.get("model"),
        filter=plain.get("filter", ""),
        template=Template(**template) if template is not None else None,
        digest=plain.get("digest"),
        deduplicate=plain.get("deduplicate"),
    )


def _automation(plain: Mapping[str, Any], settings: Mapping[str, Any]) -> Automation:
    return Automation(
        name=plain["name"],
        action=plain["action"],
        events=tuple(plain["events"]),
        settings=settings,
        model=plain.get("model"),
        filter=plain.get("filter", ""),
        enabled=plain.get("enabled", True),
    )
