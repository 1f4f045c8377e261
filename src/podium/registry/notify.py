"""The verbs about telling people: subscriptions, and the plugins that have the channels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from podium.delivery.secrets import check_settings
from podium.domain.delivery import DEFAULT_EVENTS, Subscription, Template
from podium.errors import PluginError
from podium.plugins.channels import Channel
from podium.plugins.host import PluginInfo
from podium.registry.base import Joint
from podium.usecases import records, subscriptions
from podium.usecases.records import RecordedFault


class NotifyVerbs(Joint):
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
        template: Template | None = None,
        digest: str | None = None,
        deduplicate: str | None = None,
    ) -> Subscription:
        """Send events to a channel from now on; a subscription of the same name is replaced.

        Args:
            name: What to call it.
            channel: The channel of a plugin, such as ``slack`` or ``console``.
            events: Event types, ``*`` allowed; links, promotions, refusals and rollbacks if left out.
            settings: What the channel needs; secrets as references (``env:NAME``, ``file:PATH``).
            model: Only events of this registry, project, artifact or model; ``*`` and ``?`` allowed.
            filter: An expression about the event, such as ``actor != 'ci' and after.stage = 'production'``.
            template: Words in place of Podium's own: Jinja over the fields of the message.
            digest: How much time one message sums up, such as ``1h``; a message at once if left out.
            deduplicate: How long an event of the same type about the same subject and stage is not told again.

        Raises:
            ExpressionError: The filter cannot be understood; a kind of `InvalidValueError`.
            InvalidNameError, InvalidValueError: A name, event, setting, template or span cannot be used.
            PluginError: No plugin of this process has the channel.
        """
        wanted = Subscription(
            name, channel, tuple(events), dict(settings or {}), model, filter, template, digest, deduplicate
        )
        check_settings(self._channel(channel), wanted.settings, self.host)
        return self._change(lambda unit: subscriptions.add_subscription(unit, wanted))

    def unsubscribe(self, name: str) -> Subscription:
        """End a subscription; what is on its way already is still delivered.

        Raises:
            NotFoundError: There is none of this name.
        """
        return self._change(lambda unit: subscriptions.remove_subscription(unit, name))

    def subscriptions(self) -> list[Subscription]:
        """Return all subscriptions by name."""
        with self._read() as unit:
            return list(subscriptions.list_subscriptions(unit))

    def _channel(self, name: str) -> Channel:
        """Return a channel of this process.

        Raises:
            PluginError: There is none of that name.
        """
        found = self.host.channel(name, self.host.seconds)
        if found is not None:
            return found
        known = ", ".join(sorted(self.host.channels())) or "none"
        raise PluginError(
            f"There is no channel {name!r} here.",
            hint=f"There is {known}. Install a plugin, such as podium-{name}.",
            channel=name,
        )

    def plugins(self) -> tuple[PluginInfo, ...]:
        """Return the plugins of this process, those that failed to load included."""
        return self.host.plugins()

    def plugin_faults(self) -> list[RecordedFault]:
        """Return what plugins did wrong while they were told about changes, in any process."""
        with self._read() as unit:
            return records.list_faults(unit)
