"""The verbs about deliveries: make them, look at them, send them again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from podium.delivery import listing
from podium.delivery.worker import DeliveryReport
from podium.domain.delivery import Automation, Delivery, DeliveryChoice, DeliveryDetails, Subscription
from podium.domain.plain import check_text, storable
from podium.errors import InvalidValueError
from podium.registry.base import Joint, now
from podium.sql.errors import translated
from podium.usecases.subscriptions import list_automations, list_subscriptions, require_senders
from podium.usecases.unit import Unit

_LONGEST_ERROR = 500
_CHANNEL_SECONDS = 5.0  # for the plugin of a channel, to know whether it wants order


class DeliveryVerbs(Joint):
    """What can be done with deliveries."""

    def deliver(self, seconds: float | None = None, until: Callable[[], bool] | None = None) -> DeliveryReport:
        """Deliver everything that is due, from whichever process it came; each delivery is tried once.

        Args:
            seconds: Start no further attempt after so long.
            until: Asked before each attempt; start no further one once it says yes, such as after a signal.

        Raises:
            DatabaseUnavailableError: The database cannot be reached.
        """
        with translated(self.url):
            report = self._worker.deliver_due(seconds=seconds, until=until)
            self._faults.now()
        return report

    def deliveries(
        self,
        status: str | None = None,
        limit: int = 100,
        *,
        subscription: str | None = None,
        channel: str | None = None,
        event_type: str | None = None,
        model: str | None = None,
        since: datetime | None = None,
        late: timedelta | None = None,
        after: str | None = None,
    ) -> list[Delivery]:
        """Return deliveries, newest first.

        Args:
            status: ``pending, sending, sent`` or ``dead`` (given up); None for all.
            limit: At most so many.
            subscription: Of this subscription or automation.
            channel: To this channel or action.
            event_type: About events of this type, ``*`` allowed.
            model: About this registry, project, artifact or model; ``*`` and ``?`` allowed.
            since: About events from this time on.
            late: Only what was due so long ago and is not sent, or was left behind by a worker that died.
            after: The id of the last one of the page before.

        Raises:
            InvalidValueError: There is no such status, or an argument cannot be used.
            NotFoundError: There is no delivery ``after``.
        """
        choice = DeliveryChoice(status, subscription, channel, event_type, model, since, late)
        with self._read() as unit:
            return listing.list_deliveries(unit.connection, choice, unit.now, limit, after, ordered=self._ordered)

    def delivery(self, delivery: str) -> DeliveryDetails:
        """Return one delivery with the log of its attempts.

        Args:
            delivery: Its id, or the beginning of one.

        Raises:
            InvalidValueError: Several begin so.
            NotFoundError: There is none.
        """
        with self._read() as unit:
            return listing.show_delivery(unit.connection, delivery, unit.now, ordered=self._ordered)

    def _ordered(self, channel: str) -> bool:
        found = self.host.channel(channel, _CHANNEL_SECONDS)
        return found is not None and found.ordered

    def retry(
        self,
        delivery: str | None = None,
        *,
        subscription: str | None = None,
        channel: str | None = None,
        event_type: str | None = None,
        model: str | None = None,
        since: datetime | None = None,
        sent: bool = False,
    ) -> int:
        """Make a delivery due now, or all that were given up and fit; return how many. `deliver` sends them.

        Each takes the channel or action, settings and template that its subscription or automation has now, a disabled
        one too; if there is none of its name any more, or it is about other places, it keeps what it has.

        Args:
            delivery: The id of one, or the beginning of it; it may wait as well.
            subscription: Of this subscription or automation.
            channel: To this channel or action.
            event_type: About events of this type, ``*`` allowed.
            model: About this registry, project, artifact or model; ``*`` and ``?`` allowed.
            since: About events from this time on.
            sent: Also what was sent; it goes out again under the same id.

        Raises:
            InvalidValueError: Both an id and a filter, several deliveries begin with the id, it is being sent at this
                moment, or everything that ever was sent would be sent again.
            NotFoundError: There is no such delivery, or it was sent and ``sent`` is not set.
            PermissionDeniedError: An automation would act again on what happened in a registry that has admins, and the
                actor is none of them.
        """
        choice = _one_of_two(delivery, DeliveryChoice(None, subscription, channel, event_type, model, since))

        def make_due(unit: Unit) -> int:
            require_senders(
                unit, lambda: listing.places_of_actions(unit.connection, delivery, choice, now(), sent=sent)
            )
            targets: list[Subscription | Automation] = [*list_subscriptions(unit), *list_automations(unit)]
            if delivery is None:
                return listing.retry_deliveries(unit.connection, now(), choice, targets, sent=sent)
            return listing.retry_delivery(unit.connection, now(), delivery, targets, sent=sent)

        return self._change(make_due)

    def drop_deliveries(
        self,
        delivery: str | None = None,
        *,
        subscription: str | None = None,
        channel: str | None = None,
        event_type: str | None = None,
        model: str | None = None,
        since: datetime | None = None,
        reason: str | None = None,
    ) -> int:
        """Give a delivery up that waits, or all that wait and fit, and return how many; `retry` brings them back.

        It is not tried any more and holds nothing up. It says who gave it up, and why. What a worker has in hand at
        this moment is left to it.

        Args:
            delivery: The id of one, or the beginning of it.
            subscription: Of this subscription or automation.
            channel: To this channel or action.
            event_type: About events of this type, ``*`` allowed.
            model: About this registry, project, artifact or model; ``*`` and ``?`` allowed.
            since: About events from this time on.
            reason: Why.

        Raises:
            InvalidValueError: Both an id and a filter, or neither; several deliveries begin with the id, or it is being
                sent at this moment.
            NotFoundError: There is no such delivery, or it does not wait.
            PermissionDeniedError: It is about a registry that has admins, and the actor is none of them.
        """
        choice = _one_of_two(delivery, DeliveryChoice(None, subscription, channel, event_type, model, since))
        check_text(reason, "The reason")

        def drop(unit: Unit) -> int:
            require_senders(unit, lambda: listing.places_of_waiting(unit.connection, delivery, choice, now()))
            error = storable(f"Given up by {unit.actor}" + (f": {reason}" if reason else "."))[:_LONGEST_ERROR]
            if delivery is None:
                return listing.drop_deliveries(unit.connection, now(), choice, error)
            return listing.drop_delivery(unit.connection, now(), delivery, error)

        return self._change(drop)


def _one_of_two(delivery: str | None, choice: DeliveryChoice) -> DeliveryChoice:
    """Return the filter; whoever gives one beside an id may mean either."""
    if delivery is not None and choice != DeliveryChoice():
        raise InvalidValueError("Both a delivery and a filter are given.", hint="Give one of the two.")
    return choice
