"""What a subscription or automation must be to work, field by field; neither channel nor action is asked."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from podium.domain.automations import EVENT_NAMES
from podium.domain.delivery import Automation, Subscription
from podium.domain.durations import parse_duration
from podium.domain.event_fields import EVENTS
from podium.domain.events import TYPES
from podium.domain.expressions import read_expression
from podium.domain.names import check_label
from podium.domain.plain import check_text, plain_dict
from podium.domain.templates import check_templates, undeclared_names
from podium.errors import InvalidValueError

Rule = tuple[tuple[str | int, ...], Callable[[], object]]  # which field, and what raises if it is wrong
# What a template of a subscription may name; `podium.delivery.messages.template_fields` gives it.
MESSAGE_FIELDS = frozenset(
    [
        "model",
        "name",
        "version",
        "stage",
        "actor",
        "reason",
        "origin",
        "link",
        "previous",
        "title",
        "lines",
        "metrics",
        "event",
        "after",
        "before",
    ]
)
_PLACE = re.compile(r"[^/:]+(/[^/:]+)?")


def rules_of(target: Subscription | Automation, now: datetime) -> Iterator[Rule]:
    """Yield the rules of a subscription or automation, each with the field that it is about.

    Args:
        target: What is to be checked.
        now: What times in its filter count from.
    """
    kind = "subscription" if isinstance(target, Subscription) else "automation"
    yield ("name",), lambda: check_label(target.name, f"{kind} name")
    if isinstance(target, Subscription):
        yield ("channel",), lambda: check_label(target.channel, "channel name")
    else:
        yield ("action",), lambda: check_label(target.action, "action name")
    yield ("events",), lambda: _check_any(target)
    for number, pattern in enumerate(target.events):
        yield ("events", number), lambda pattern=pattern: check_event(pattern)  # type: ignore[misc]  # the loop's
    yield ("model",), lambda: _check_model(target.model)
    yield ("filter",), lambda: _check_filter(target.filter, now)
    if isinstance(target, Automation):
        yield ("settings",), lambda: plain_dict(target.settings, "The settings")
        for key, value in target.settings.items():
            yield ("settings", key), lambda value=value: _check_setting(value)  # type: ignore[misc]  # the loop's
        return
    yield ("digest",), lambda: _check_span(target.digest)
    yield ("deduplicate",), lambda: _check_span(target.deduplicate)
    template = target.template
    if template is not None:
        yield ("template", "title"), lambda: _check_title(template.title)
        yield ("template", "lines"), lambda: _check_words(template.lines or "", "The lines of the template")


def check_rules(target: Subscription | Automation, now: datetime) -> None:
    """Refuse what could not work.

    Raises:
        InvalidNameError: The name breaks the rules.
        InvalidValueError: An event, place, filter, template or span cannot be used.
    """
    for _, check in rules_of(target, now):
        check()


def _check_title(text: str) -> None:
    """Refuse a title that can say nothing."""
    if not text.strip():
        raise InvalidValueError(
            "The title of the template is empty.", hint="Write one line, such as '{{ model }} moved'."
        )
    _check_words(text, "The title of the template")


def _check_words(text: str, what: str) -> None:
    """Refuse a template that names what no message has: it would fail each time."""
    check_templates([text], what)
    _check_known(undeclared_names(text), MESSAGE_FIELDS, f"{what} names {{!r}}, which no message has.")


def _check_setting(value: Any) -> None:
    """Refuse a setting of an automation whose templates name what no event has: it would be given up each time."""
    check_templates(value, "The settings")
    _check_known(undeclared_names(value), EVENT_NAMES, "The settings name {!r}, which no event has.")


def _check_known(names: set[str], known: frozenset[str], what: str) -> None:
    for name in sorted(names - known):
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There is {', '.join(sorted(known))}."
        raise InvalidValueError(what.format(name), hint=hint)


def _check_any(target: Subscription | Automation) -> None:
    if not target.events:
        raise InvalidValueError(f"{target.name!r} is about no event.", hint="Name one, such as model_version.promoted.")


def check_event(pattern: object) -> None:
    """Refuse a pattern that no type of event fits.

    Raises:
        InvalidValueError: There is none.
    """
    if isinstance(pattern, str) and fnmatch.filter(TYPES, pattern):
        return
    raise no_such_event(pattern)


def no_such_event(name: object) -> InvalidValueError:
    """Return the error for a type of event, or a pattern, that there is not."""
    text = str(name)
    near = difflib.get_close_matches(text, TYPES, n=1) or [kind for kind in TYPES if kind.endswith(f".{text}")]
    hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"The events are {', '.join(TYPES)}."
    return InvalidValueError(f"No event is called {name!r}.", hint=hint, pattern=name)


def _check_model(model: str | None) -> None:
    check_text(model, "The model")
    if model is not None and not _PLACE.fullmatch(model):
        raise InvalidValueError(
            f"{model!r} names no model or registry.", hint="Write REGISTRY, REGISTRY/MODEL or REGISTRY/churn-*."
        )


def _check_filter(where: str, now: datetime) -> None:
    check_text(where, "The filter")
    read_expression(where, EVENTS, now)


def _check_span(span: str | None) -> None:
    if span is not None and not parse_duration(span):
        raise InvalidValueError(f"{span!r} is no time at all.", hint="Write a whole number and a unit: 30m or 1h.")
