"""The verbs about telling people: subscriptions, deliveries, plugins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from podium.delivery import outbox
from podium.delivery.secrets import check_settings
from podium.delivery.worker import DeliveryReport
from podium.domain.delivery import DEFAULT_EVENTS, Delivery, Subscription
from podium.errors import PluginError
from podium.plugins.host import PluginInfo
from podium.registry.base import Joint, now
from podium.sql.errors import translated
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
    ) -> Subscription:
        """Send events to a channel from now on; a subscription of the same name is replaced.

        Args:
            name: What to call it.
            channel: The channel of a plugin, such as ``slack`` or ``console``.
            events: Event types, ``*`` allowed; links, promotions, refusals and rollbacks if left out.
            settings: What the channel needs; secrets as references (``env:NAME``, ``file:PATH``).

        Raises:
            InvalidNameError, InvalidValueError: A name, event or setting cannot be used.
            PluginError: No plugin of this process has the channel.
        """
        found = self.host.channels().get(channel)
        if found is None:
            raise PluginError(
                f"There is no channel {channel!r} here.",
                hint=f"There is {', '.join(sorted(self.host.channels()))}. Install a plugin, such as podium-{channel}.",
                channel=channel,
            )
        check_settings(found, settings or {})
        wanted = Subscription(name, channel, tuple(events), dict(settings or {}))
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
            return subscriptions.list_subscriptions(unit)

    def deliver(self, seconds: float | None = None) -> DeliveryReport:
        """Deliver everything that is due, from whichever process it came.

        Args:
            seconds: Start no further attempt after so long.
        """
        with translated(self.url):
            report = self._worker.deliver_due(seconds=seconds)
            self._note_faults()
        return report

    def deliveries(self, status: str | None = None, limit: int = 100) -> list[Delivery]:
        """Return deliveries, newest first; of one status (``pending, sending, sent, dead``) if given.

        Raises:
            InvalidValueError: There is no such status.
        """
        with self._read() as unit:
            return outbox.list_deliveries(unit.connection, status, limit)

    def retry(self, delivery: str | None = None) -> int:
        """Make a delivery due now, or all that were given up; return how many.

        Raises:
            NotFoundError: There is no such delivery, or it was sent.
        """
        return self._change(lambda unit: outbox.retry(unit.connection, now(), delivery))

    def plugins(self) -> tuple[PluginInfo, ...]:
        """Return the plugins of this process, those that failed to load included."""
        return self.host.plugins()

    def plugin_faults(self) -> list[RecordedFault]:
        """Return what plugins did wrong while they were told about changes, in any process."""
        with self._read() as unit:
            return records.list_faults(unit)
