"""Automations at work: an action is run when its delivery is due, guarded and bounded in time, and that is an event."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa

from podium.delivery.outbox import Claim
from podium.delivery.secrets import error_without_secrets, resolve_settings, without_secrets
from podium.domain.automations import chain_of, event_values, stopped_by
from podium.domain.events import Event
from podium.domain.plain import storable
from podium.domain.templates import render_templates
from podium.errors import PodiumError, SettingsError, StorageError
from podium.plugins.actions import Action, ActionCall, ActionRegistry
from podium.plugins.channels import DeliveryFailedError
from podium.plugins.guard import Outcome, call_within
from podium.plugins.host import PluginHost

Connection = sa.Connection
_LONGEST_RECEIPT = 500
_LEAST_SECONDS = 1.0
# What a text that is almost JSON is made of: strings, with placeholders in them, and placeholders outside of them.
_PIECES = re.compile(r'"(?:\\.|\{\{.*?\}\}|[^"\\])*"|\{\{(?P<expression>.*?)\}\}', re.DOTALL)
_PLACEHOLDER = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_LOOKUP = re.compile(r"\s*\w+(?:\.\w+)*\s*")
_RAW = "\0raw"  # the key under which an expression stands that says JSON
_FILL_SECONDS = 5.0  # templates are those of users: a loop in a loop never ends


class Firings(Protocol):
    """What the registry lends to its worker: a delivery knows no use case."""

    def acting(self, delivery: str, automation: str, event: Event) -> AbstractContextManager[ActionRegistry]:
        """Give the registry; each change in the block is one of the automation."""

    def record(self, connection: sa.Connection, claimed: Claim, *, receipt: str | None, error: str | None) -> list[str]:
        """Record in an open transaction what an automation did, and return the ids of the events."""

    def tell(self, events: Sequence[str]) -> None:
        """Tell observers of events that are there."""


@dataclass(frozen=True, slots=True)
class Automations:
    """Runs actions.

    Attributes:
        host: Who resolves secrets.
        firings: The registry.
    """

    host: PluginHost
    firings: Firings

    def run(self, claimed: Claim, action: Action, seconds: float) -> Outcome:
        """Run the action of a delivery that was claimed, and return its receipt or what went wrong."""
        why = stopped_by(claimed.subscription, claimed.event)
        return _given_up(why) if why else self.run_anyhow(claimed, action, seconds)

    def run_anyhow(self, claimed: Claim, action: Action, seconds: float) -> Outcome:
        """Run an action even if it goes in circles, because somebody asked for it."""
        began, event = time.monotonic(), claimed.event
        filled = call_within(lambda: rendered_settings(action, claimed.settings, event), min(seconds, _FILL_SECONDS))
        if filled.error is not None:  # the event will never say anything else, nor the template be quicker
            return _given_up(f"The settings cannot be filled in: {filled.cause or filled.error}")
        try:
            settings = resolve_settings(action, filled.value, self.host)
        except SettingsError as error:
            return Outcome(error=str(error), cause=error)
        seconds = max(seconds - (time.monotonic() - began), _LEAST_SECONDS)
        with self.firings.acting(str(claimed.id), claimed.subscription, event) as registry:
            chain = (*chain_of(event.origin), claimed.subscription)
            call = ActionCall(str(claimed.id), claimed.subscription, event, chain, registry, seconds)
            outcome = call_within(lambda: storable(str(action.run(call, settings))), seconds)
        receipt = without_secrets(outcome.value or "", action, settings)[:_LONGEST_RECEIPT]
        return Outcome(receipt, error_without_secrets(outcome, action, settings), _as_failure(outcome.cause))

    def settled(self, connection: sa.Connection, claimed: Claim, outcome: Outcome, verdict: str) -> list[str]:
        """Record that the action was done, or given up; see `podium.delivery.worker.Automations`."""
        if verdict == "failed":  # it is tried again
            return []
        receipt = outcome.value if outcome.error is None else None
        return self.firings.record(connection, claimed, receipt=receipt, error=outcome.error)

    def committed(self, events: Sequence[str]) -> None:
        """Tell observers; see `podium.delivery.worker.Automations`."""
        self.firings.tell(events)


def rendered_settings(action: Action, settings: Mapping[str, Any], event: Event) -> dict[str, Any]:
    """Return settings with their templates rendered; secrets stay the references that they are.

    Raises:
        InvalidValueError: A template names what the event does not have, or fails.
    """
    values = event_values(event)
    rendered: dict[str, Any] = {}
    for name, value in settings.items():
        if name in action.secrets:
            rendered[name] = value
        elif name in action.documents:
            # Read before it is filled in, so that nobody's words make a key; after that only what has blocks.
            read = _filled(render_templates(_document(value), values))
            rendered[name] = _document(read) if isinstance(value, str) and "{%" in value else read
        else:
            rendered[name] = render_templates(value, values)
    return rendered


def _document(value: Any) -> Any:
    """Return what a text means if it is the JSON of an object or a list, else the value as it is.

    A placeholder that stands for a value as a whole, ``{"n": {{ number }}}``, may do without quotes.
    """
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        return json.loads(_PIECES.sub(_in_quotes, value), parse_constant=_no_json)
    except (ValueError, RecursionError):
        return value


def _in_quotes(found: re.Match[str]) -> str:
    """Return a string or a placeholder of a text that is almost JSON as JSON."""
    expression = found.group("expression")
    if expression is None:  # a string, whose placeholders may have quotes of their own
        try:
            json.loads(found.group())
        except ValueError:
            return _PLACEHOLDER.sub(lambda inner: json.dumps(inner.group())[1:-1], found.group())
        return found.group()
    text = f"{{{{{expression}}}}}"
    return json.dumps(text if _LOOKUP.fullmatch(expression) else {_RAW: text})


def _filled(value: Any) -> Any:
    """Put in what expressions without quotes say: JSON, as `tojson` writes it, or a text."""
    if isinstance(value, Mapping):
        if value.keys() == {_RAW}:
            return _json_or_text(value[_RAW])
        return {key: _filled(item) for key, item in value.items()}
    return [_filled(item) for item in value] if isinstance(value, list) else value


def _json_or_text(said: Any) -> Any:
    try:
        return json.loads(said, parse_constant=_no_json) if isinstance(said, str) else said
    except (ValueError, RecursionError):
        return said


def _no_json(word: str) -> Any:
    raise ValueError(word)


def _given_up(why: str) -> Outcome:
    return Outcome(error=why, cause=DeliveryFailedError(why, permanent=True))


def _as_failure(cause: BaseException | None) -> BaseException | None:
    """Say of an error of the registry whether trying again can help, as the outbox asks."""
    if isinstance(cause, PodiumError) and not isinstance(cause, DeliveryFailedError | SettingsError):
        return DeliveryFailedError(str(cause), permanent=not (cause.retryable or isinstance(cause, StorageError)))
    return cause
