"""What the author of a channel tells the contract: how to make it, where it sends, and how to read what arrived."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Literal

import pytest

from podium.plugins import Channel, DeliveryFailedError, Message
from podium.plugins.guard import call_within
from podium.testing import contract_tools as tools
from podium.testing.contract_tools import Arrived
from podium.testing.events import make_message
from podium.testing.receiver import LoopbackReceiver

Trouble = Literal["slow", "failing", "hanging", "limited", "malformed", "reset", "redirect", "gone"]


class ContractCase:
    """The part of a contract that its author overrides.

    Attributes:
        most_seconds: After so long the channel must have given up a receiver that never answers, by a time limit of its
            own; the worker of Podium waits 20 s.
        permanent: The answers that trying again cannot help; `trouble` is told one of them.
        asks_to_wait: Whether the medium can say how long to wait (``Retry-After``).
        redirects: Whether the medium can send the channel elsewhere.
    """

    most_seconds: ClassVar[float] = 20.0
    permanent: ClassVar[Sequence[int]] = (401, 404, 410)
    asks_to_wait: ClassVar[bool] = True
    redirects: ClassVar[bool] = True

    # What the attempts of this process changed in it, by the channel. For all tests together, since what stays changed
    # is changed by the first attempt only, whichever test that is in.
    _changed: ClassVar[defaultdict[type[Channel], set[str]]] = defaultdict(set)

    # The three below are what only the author knows. They raise instead of being abstract, as pytest makes an object of
    # each class that it collects, and an abstract one would fail without saying what to override.
    def make_channel(self) -> Channel:
        """Return the channel; a short time limit makes the test of a receiver that hangs a short one."""
        raise NotImplementedError("Override make_channel(): return the channel under test.")

    def make_settings(self, receiver: Any) -> Mapping[str, str]:
        """Return the settings of a subscription that leads to the receiver, secrets in clear text.

        Every secret that the channel declares and can use at once should be there, at least 8 characters long.
        """
        raise NotImplementedError("Override make_settings(): return settings that lead to the receiver.")

    def read(self, receiver: Any) -> Sequence[Arrived]:
        """Return what arrived and was accepted, in order, as a person reads it there."""
        raise NotImplementedError("Override read(): return an Arrived for each message that the receiver got.")

    def active(self, arrived: Arrived) -> Sequence[str]:
        """Return what in a message is more than words where it is shown: mentions, links, markup.

        Override it where the medium shows as mere words what `podium.testing.active_parts` finds, or finds more.
        """
        return tools.active_parts(arrived.text)

    def open_receiver(self) -> AbstractContextManager[Any]:
        """Return the receiver, which listens while its ``with`` block runs."""
        return LoopbackReceiver()

    def trouble(self, receiver: Any, kind: Trouble, detail: Any = None) -> None:
        """Tell the receiver to make trouble from now on.

        Args:
            receiver: What `open_receiver` returned.
            kind: ``slow`` (by half a second, and otherwise well), ``failing`` (for now), ``hanging``, ``limited`` (asks
                to wait for `detail` seconds), ``malformed`` (no answer of the protocol), ``reset`` (breaks the
                connection), ``redirect`` (`detail`: status and address) or ``gone`` (the permanent answer `detail`).
            detail: See there.
        """
        if kind == "slow":
            receiver.lag = 0.5
        elif kind == "limited":
            receiver.reply(429, headers={"Retry-After": str(detail)})
        elif kind == "malformed":
            receiver.reply(raw=b"\x00\xff\xfe this is no HTTP \r\n\r\n")
        elif kind == "redirect":
            status, address = detail
            receiver.redirect(address, status)
        elif kind == "hanging":
            receiver.hang()
        elif kind == "reset":
            receiver.reply(reset=True)
        else:
            receiver.reply(detail if kind == "gone" else 500, "something went wrong")

    @pytest.fixture
    def receiver(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
        """The receiver, without a proxy on the way."""
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, "127.0.0.1,localhost")
        with self.open_receiver() as receiver:
            yield receiver

    @pytest.fixture
    def channel(self) -> Channel:
        """The channel."""
        return self.make_channel()

    @pytest.fixture
    def settings(self, receiver: Any) -> dict[str, str]:
        """Settings that lead to the receiver."""
        return dict(self.make_settings(receiver))

    def attempt(self, channel: Channel, settings: Mapping[str, str], message: Message | None = None) -> Any:
        """Send in a thread with a limit, as the worker does; return the receipt, or the exception.

        Neither may show a secret, whatever the test is about: a channel may leak in one way to fail and in no other.
        """
        told = message if message is not None else make_message()
        before = tools.process_state()
        outcome = call_within(lambda: channel.send(told, settings), self.most_seconds)
        self._changed[type(channel)] |= tools.changed(before, tools.process_state())
        assert outcome.thread is None, f"The channel has no time limit of its own: {outcome.error}."
        secrets = tools.secrets_of(channel.secrets, settings)
        long = {name: secret for name, secret in secrets.items() if len(secret) >= tools.SHORTEST_SECRET}
        place, found = ("the receipt", outcome.value) if outcome.cause is None else ("the error", outcome.cause)
        assert tools.leaks(long, {place: found}) == []
        return found

    def changed_by(self, channel: Channel) -> set[str]:
        """Return what all attempts with such a channel, in this process, changed in it."""
        return set(self._changed[type(channel)])

    def refused(self, channel: Channel, settings: Mapping[str, str], *, permanent: bool = False) -> Exception:
        """Send what must fail, for good or for now."""
        found = self.attempt(channel, settings)
        assert isinstance(found, Exception), f"It was not accepted, and the channel returned {found!r}."
        lasting = bool(found.facts.get("permanent")) if isinstance(found, DeliveryFailedError) else False
        assert lasting == permanent, f"permanent is {lasting} in {found!r}"
        return found
