"""The verbs about telling people: subscriptions, and the plugins that have the channels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from podium.delivery.sample import sample_event, sample_message, usual_type
from podium.delivery.secrets import check_settings
from podium.delivery.sending import send_message
from podium.delivery.worker import ATTEMPT_SECONDS
from podium.domain.delivery import DEFAULT_EVENTS, Subscription, SubscriptionTest, Template
from podium.domain.notifications import NotificationPlan, Notifications
from podium.errors import InvalidValueError
from podium.plugins.absent import absent
from podium.plugins.channels import Channel
from podium.plugins.host import PluginInfo
from podium.registry.automations import AutomationVerbs, event_list
from podium.registry.base import now
from podium.usecases import notifications, records, subscriptions
from podium.usecases.records import RecordedFault


class NotifyVerbs(AutomationVerbs):
    """What can be done about channels."""

    def subscribe(
        self,
        name: str,
        channel: str,
        *,
        events: Iterable[str] = DEFAULT_EVENTS,
        settings: Mapping[str, str] | None = None,
        model: str | None = None,
        filter: str = "",
        template: Template | Mapping[str, str] | None = None,
        digest: str | None = None,
        deduplicate: str | None = None,
    ) -> Subscription:
        """Send events to a channel from now on; a subscription of the same name is replaced.

        Args:
            name: What to call it.
            channel: The channel of a plugin, such as ``slack`` or ``console``.
            events: Event types, ``*`` allowed; links, promotions, refusals and rollbacks if left out.
            settings: What the channel needs; secrets as references (``env:NAME``, ``file:/path``).
            model: Only events of this registry, project, artifact or model; ``*`` and ``?`` allowed.
            filter: An expression about the event, such as ``actor != 'ci' and after.stage = 'production'``.
            template: Words in place of Podium's own, ``{"title": ..., "lines": ...}``: Jinja over the fields of the
                message.
            digest: How much time one message sums up, such as ``1h``; a message at once if left out.
            deduplicate: How long an event is not told that only repeats the newest one told about the same matter.

        Raises:
            ExpressionError: The filter cannot be understood; a kind of `InvalidValueError`.
            InvalidNameError, InvalidValueError: A name, event, setting, template or span cannot be used.
            PermissionDeniedError: It is, or was, about a registry that has admins, and the actor is none of them.
            PluginError: No plugin of this process has the channel.
        """
        words = _template(template)
        given = dict(settings or {})
        wanted = Subscription(name, channel, event_list(events), given, model, filter, words, digest, deduplicate)
        check_settings(self._channel(channel), wanted.settings, self.host)
        made = self._change(lambda unit: subscriptions.add_subscription(unit, wanted))
        self._warn_of_nothing([made.model])
        return made

    def unsubscribe(self, name: str) -> Subscription:
        """End a subscription; what is on its way already is still delivered.

        Raises:
            NotFoundError: There is none of this name.
            PermissionDeniedError: It is about a registry that has admins, and the actor is none of them.
        """
        return self._change(lambda unit: subscriptions.remove_subscription(unit, name))

    def subscriptions(self) -> list[Subscription]:
        """Return all subscriptions by name."""
        with self._read() as unit:
            return list(subscriptions.list_subscriptions(unit))

    def subscription(self, name: str) -> Subscription:
        """Return one subscription.

        Raises:
            NotFoundError: There is none of this name.
        """
        with self._read() as unit:
            return subscriptions.get_subscription(unit, name)

    def notifications(self) -> Notifications:
        """Return every subscription and automation as one document; ``to_yaml()`` gives it as a file.

        To put one in force, see `apply_notifications`.
        """
        with self._read() as unit:
            return notifications.read_notifications(unit)

    def apply_notifications(
        self, wanted: Notifications | Mapping[str, Any], *, prune: bool = False, dry_run: bool = False
    ) -> NotificationPlan:
        """Put a document of subscriptions and automations in force, all of it or nothing; again changes nothing.

        Args:
            wanted: The document, or the same as plain JSON; ``Notifications.from_yaml`` reads a file's text.
            prune: Remove what it does not name.
            dry_run: Write nothing; only say what would change.

        Raises:
            ExpressionError: A filter cannot be understood; a kind of `InvalidValueError`.
            InvalidNameError, InvalidValueError: Something in it cannot be used.
            PermissionDeniedError: As `subscribe`; then nothing is changed.
            PluginError: No plugin of this process has a channel or an action that it names.
        """
        made = wanted if isinstance(wanted, Notifications) else Notifications.from_json(wanted)
        for item in made.subscriptions:
            check_settings(self._channel(item.channel), item.settings, self.host)
        for automation in made.automations:
            check_settings(self._action(automation.action), automation.settings, self.host)
        if dry_run:
            with self._read() as unit:
                plan = notifications.preview_notifications(unit, made, prune=prune)
        else:
            plan = self._change(lambda unit: notifications.apply_notifications(unit, made, prune=prune))
        news = {change.name for change in plan.changes if change.what in ("added", "changed")}
        items = [item for found in made.by_kind().values() for item in found]
        self._warn_of_nothing(item.model for item in items if item.name in news)
        return plan

    def test_subscription(self, name: str, event: str | None = None) -> SubscriptionTest:
        """Send a message that says it is a test through the channel of a subscription, at once.

        It is about an event that never happened. Its filter and digest do not count, its template does. Nothing is
        stored: neither an event nor a delivery.

        Args:
            name: The subscription.
            event: The type of the event; what the subscription is most likely about if left out.

        Raises:
            InvalidValueError: There is no such type of event.
            NotFoundError: There is no such subscription.
            PluginError: No plugin of this process has the channel.
        """
        found = self.subscription(name)
        channel = self._channel(found.channel)
        kind = event if event is not None else usual_type(found)
        message, note = sample_message(found, sample_event(kind, now(), self.settings.actor, self._origin()))
        outcome = send_message(message, channel, found.settings, self.host, ATTEMPT_SECONDS)
        receipt = outcome.value if outcome.error is None else None
        return SubscriptionTest(name, found.channel, kind, message.title, receipt, outcome.error, note)

    def _channel(self, name: str) -> Channel:
        """Return a channel of this process.

        Raises:
            PluginError: There is none of that name.
        """
        found = self.host.channel(name, self.host.seconds)
        if found is None:
            raise absent(self.host, "channel", name)
        return found

    def plugins(self) -> tuple[PluginInfo, ...]:
        """Return the plugins of this process, those that failed to load included."""
        return self.host.plugins()

    def plugin_faults(self, *, here: bool = False) -> list[RecordedFault]:
        """Return what plugins did wrong while they were told about changes, in any process.

        Args:
            here: Only of plugins that this process takes, and only of the last 30 days: what is gone needs no repair.
        """
        taken = self.host.taken() if here else None
        with self._read() as unit:
            return records.list_faults(unit, taken)


def _template(given: Template | Mapping[str, str] | None) -> Template | None:
    if given is None or isinstance(given, Template):
        return given
    texts = {"title": given.get("title"), "lines": given.get("lines")} if isinstance(given, Mapping) else {}
    known = isinstance(given, Mapping) and set(given) <= set(texts)
    if not known or not isinstance(texts["title"], str) or not isinstance(texts["lines"], str | None):
        raise InvalidValueError(
            f"{given!r} is no template.", hint='Write {"title": "...", "lines": "..."}; lines may miss.'
        )
    return Template(texts["title"], texts["lines"])
