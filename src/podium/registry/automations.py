"""The verbs about what starts by itself: automations."""

from __future__ import annotations

import fnmatch
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from podium.delivery.actions import rendered_settings
from podium.delivery.outbox import Claim, Part
from podium.delivery.secrets import check_settings
from podium.domain.automations import AutomationTest, stopped_by
from podium.domain.delivery import Automation
from podium.domain.events import TYPES, Event
from podium.errors import InvalidValueError, NotFoundError
from podium.plugins.absent import absent
from podium.plugins.actions import Action
from podium.registry.base import Joint, now
from podium.sql.ids import new_id
from podium.usecases import firings, subscriptions
from podium.usecases.audit.querying import FindEvents, find_events

_log = logging.getLogger("podium.registry")
_MOST_LOOKED_AT = 2000


class AutomationVerbs(Joint):
    """What can be done about automations."""

    def automate(
        self,
        name: str,
        action: str,
        *,
        events: Iterable[str],
        settings: Mapping[str, Any] | None = None,
        model: str | None = None,
        filter: str = "",
        enabled: bool = True,
    ) -> Automation:
        """Let an action follow on events from now on; an automation of the same name is replaced.

        An event that the automation led to, directly or through others, does not fire it again: that is given up, and
        an event says so.

        Args:
            name: What to call it.
            action: The action of a plugin, such as ``airflow.trigger_dag`` or ``podium.set_alias``.
            events: Event types, ``*`` allowed.
            settings: What the action needs. Each text is a Jinja template over the fields of the event; secrets are
                references (``env:NAME``, ``file:/path``).
            model: Only events of this registry, project, artifact or model; ``*`` and ``?`` allowed.
            filter: An expression about the event.
            enabled: Whether it fires.

        Raises:
            ExpressionError: The filter cannot be understood; a kind of `InvalidValueError`.
            InvalidNameError, InvalidValueError: A name, event, setting or template cannot be used.
            PermissionDeniedError: It is, or was, about a registry that has admins, and the actor is none of them.
            PluginError: No plugin of this process has the action.
        """
        wanted = Automation(name, action, event_list(events), dict(settings or {}), model, filter, enabled)
        check_settings(self._action(action), wanted.settings, self.host)
        made = self._change(lambda unit: subscriptions.add_automation(unit, wanted))
        self._warn_of_nothing([made.model])
        return made

    def stop_automation(self, name: str) -> Automation:
        """Take an automation away; what it started, or has on its way, is not stopped.

        Raises:
            NotFoundError: There is none of this name.
            PermissionDeniedError: As `automate`.
        """
        return self._change(lambda unit: subscriptions.remove_automation(unit, name))

    def enable_automation(self, name: str) -> Automation:
        """Let an automation fire again, on what happens from now on; see `disable_automation`."""
        return self._change(lambda unit: subscriptions.switch_automation(unit, name, enabled=True))

    def disable_automation(self, name: str) -> Automation:
        """Let an automation rest; what it started, or has on its way, is not stopped.

        Raises:
            NotFoundError: There is none of this name.
            PermissionDeniedError: As `automate`.
        """
        return self._change(lambda unit: subscriptions.switch_automation(unit, name, enabled=False))

    def automations(self) -> list[Automation]:
        """Return all automations by name."""
        with self._read() as unit:
            return list(subscriptions.list_automations(unit))

    def automation(self, name: str) -> Automation:
        """Return one automation.

        Raises:
            NotFoundError: There is none of this name.
        """
        with self._read() as unit:
            return subscriptions.get_automation(unit, name)

    def test_automation(self, name: str, event: str | None = None, *, run: bool = False) -> AutomationTest:
        """Say what an automation would do about an event, or do it at once.

        Args:
            name: The automation; a disabled one as well.
            event: The id of an event, or the beginning of one; the newest one that fires it if left out.
            run: Do it: what it starts is started, and ``automation.fired`` is on record if it works. There is one
                attempt, with the time of an action, and no delivery.

        Raises:
            InvalidValueError: Several events begin with this id.
            NotFoundError: There is no such automation or event, or none has happened yet that fires it.
            PermissionDeniedError: ``run``, where the actor may not change the automation.
            PluginError: No plugin of this process has the action.
        """
        made = self.automation(name)
        action = self._action(made.action)
        with self._read() as unit:
            if run:
                subscriptions.require_asker(unit, name)
            found = firings.find_event(unit, event) if event is not None else _newest(unit, made)
        test = _tested(made, action, found)
        return self._ran(made, action, found, test) if run and test.error is None else test

    def _ran(self, made: Automation, action: Action, event: Event, test: AutomationTest) -> AutomationTest:
        settings = dict(made.settings)
        part = Part(new_id(), event, None)
        claimed = Claim(part.id, "automation", made.name, made.action, 1, settings, None, (part,), (), now(), None)
        outcome = self._automations.run_anyhow(claimed, action, action.seconds)
        if outcome.error is not None:
            return replace(test, ran=True, error=outcome.error)
        firing = firings.Firing(
            made.name, made.action, event, str(claimed.id), 1, outcome.value, None, asked_by=self.settings.actor
        )
        with self._automations.firings.acting(str(claimed.id), made.name, event):
            self._change(lambda unit: firings.record_firing(unit, firing))
        return replace(test, ran=True, receipt=outcome.value)

    def _warn_of_nothing(self, patterns: Iterable[str | None]) -> None:
        """Say in the log which patterns nothing fits yet: they are right, unless somebody misspelled one."""
        asked = [pattern for pattern in dict.fromkeys(patterns) if pattern is not None]
        if not asked:
            return
        with self._read() as unit:
            told = [subscriptions.nothing_fits(unit, pattern) for pattern in asked]
        for words in filter(None, told):
            _log.warning("%s", words)

    def _action(self, name: str) -> Action:
        found = self.host.action(name)
        if found is None:
            raise absent(self.host, "action", name)
        return found


def event_list(events: Iterable[str]) -> tuple[str, ...]:
    """Return patterns of events; a text is no list of them, though each of its letters is a text.

    Raises:
        InvalidValueError: It is no list.
    """
    if isinstance(events, str) or not isinstance(events, Iterable):
        raise InvalidValueError(f"The events {events!r} are no list.", hint=f"Give a list: [{str(events)!r}].")
    return tuple(events)


def _tested(made: Automation, action: Action, event: Event) -> AutomationTest:
    """Say what an automation would do about an event."""
    settings: dict[str, Any] = {}
    why_not, error = _why_not(made, event), None
    try:
        settings = rendered_settings(action, made.settings, event)
    except InvalidValueError as wrong:
        error = str(wrong)
    about = (event.id, event.type, event.subject)
    return AutomationTest(made.name, made.action, *about, why_not is None, why_not, settings, error=error)


def _why_not(made: Automation, event: Event) -> str | None:
    if not made.enabled:
        return "It is disabled."
    if not made.wants(event):
        return "The event is of another type or model, or does not fit the filter."
    return stopped_by(made.name, event)


def _newest(unit: Any, made: Automation) -> Event:
    """Return the newest event that fires an automation, of those that happened lately.

    Raises:
        NotFoundError: There is none.
    """
    asked = replace(made, enabled=True)
    types = [kind for pattern in made.events for kind in fnmatch.filter(TYPES, pattern)]
    where = f"type in ({', '.join(repr(kind) for kind in dict.fromkeys(types))})"
    command: FindEvents | None = FindEvents(where, limit=500)
    looked_at = 0
    while command is not None and looked_at < _MOST_LOOKED_AT:
        page = find_events(unit, command)
        for event in page.items:
            if asked.wants(event) and stopped_by(made.name, event) is None:
                return event
        looked_at += len(page.items)
        command = replace(command, after=page.next) if page.next is not None else None
    raise NotFoundError(
        f"Nothing has happened lately that fires {made.name!r}.",
        hint="Name an event by its id: podium audit ls --json shows them.",
        name=made.name,
    )
