"""The contract that every channel keeps, as tests that the author of one inherits."""

from __future__ import annotations

import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from podium.delivery.secrets import check_settings
from podium.domain.names import check_label
from podium.errors import InvalidValueError
from podium.plugins import Channel, DeliveryFailedError, hookimpl
from podium.testing import contract_tools as tools
from podium.testing.contract_case import ContractCase, Trouble
from podium.testing.events import (
    EVENT_TYPES,
    FORGED,
    HOSTILE_TEXTS,
    MARK,
    make_digest,
    make_hostile_message,
    make_message,
)
from podium.testing.receiver import LoopbackReceiver

_WAIT = 7
_NOWHERE = "http://127.0.0.1:9/elsewhere"
_FAILURES = ("failing", "hanging", "limited", "gone", "malformed", "reset", "redirect")


class ChannelContract(ContractCase):
    """What a channel must do, whatever its medium; each test says one thing.

    An author inherits it and says three things::

        class TestMyChannel(ChannelContract):
            def make_channel(self):
                return MyChannel()

            def make_settings(self, receiver):
                return {"url": receiver.url, "token": "a-token-for-tests"}

            def read(self, receiver):
                return [Arrived(r.headers["x-id"], r.json()["text"]) for r in receiver.requests]

    For a medium that is not HTTP, `open_receiver` and `trouble` are overridden as well; see `ContractCase`.
    """

    def test_has_a_name(self, channel: Channel) -> None:
        """The channel is called as an alias may be, so that a subscription can name it."""
        assert check_label(channel.name, "channel name") == channel.name

    def test_declares_its_settings(self, channel: Channel, settings: dict[str, str]) -> None:
        """What it needs, may have and keeps secret is declared, and the settings of this test are among it."""
        needed = [name for item in channel.required for name in ([item] if isinstance(item, str) else item)]
        known = [*needed, *channel.optional]
        assert len(known) == len(set(known)), "A setting is declared twice."
        assert all(isinstance(name, str) and name for name in known)
        assert set(channel.secrets) <= set(known), "A secret is no setting."
        assert set(settings) <= set(known), "The settings of the test are not declared."

    def test_takes_secrets_by_reference_only(self, channel: Channel, settings: dict[str, str]) -> None:
        """A subscription that holds a reference to each secret is taken; one that holds a secret is not.

        A setting that is called a token, a password, a secret or a key is one.
        """
        references = {name: "env:SOME_NAME" if name in channel.secrets else settings[name] for name in settings}
        check_settings(channel, references)
        channel.check(references)
        assert [name for name in settings if tools.SECRETIVE.search(name) and name not in channel.secrets] == []
        for name in set(settings) & set(channel.secrets):
            with pytest.raises(InvalidValueError):
                check_settings(channel, {**references, name: settings[name]})

    @pytest.mark.parametrize("kind", EVENT_TYPES)
    def test_tells_every_event(self, kind: str, channel: Channel, receiver: Any, settings: dict[str, str]) -> None:
        """A message about any event is accepted, gives a receipt in words, and says which model it is about."""
        message = make_message(kind)
        receipt = self.attempt(channel, settings, message)
        assert isinstance(receipt, str), f"send returned or raised {receipt!r} instead of a text."
        assert receipt.strip(), "The receipt is empty."
        (arrived,) = self.read(receiver)
        assert message.model.rpartition("/")[2] in arrived.text

    def test_tells_a_digest(self, channel: Channel, receiver: Any, settings: dict[str, str]) -> None:
        """Of a message that sums up several, every one is told."""
        digest = make_digest(3)
        assert isinstance(self.attempt(channel, settings, digest), str)
        text = " ".join(arrived.text for arrived in self.read(receiver))
        assert [number for number in range(3) if f"v{number} is now production" not in text] == []

    def test_the_same_message_has_the_same_id(self, channel: Channel, receiver: Any, settings: dict[str, str]) -> None:
        """A message that comes twice can be told from another one, because delivery is at least once."""
        once, other = make_message(), make_message()
        for message in (once, other, once):
            assert isinstance(self.attempt(channel, settings, message), str)
        first, second, again = (arrived.id for arrived in self.read(receiver))
        assert first == again != second
        assert first

    def test_serves_several_threads(self, channel: Channel, receiver: Any, settings: dict[str, str]) -> None:
        """Messages that are sent at the same time all arrive, each once and whole."""
        messages = [make_message(title=f"{MARK}{number:03}") for number in range(24)]
        with ThreadPoolExecutor(8) as pool:
            receipts = list(pool.map(lambda message: self.attempt(channel, settings, message), messages))
        assert [receipt for receipt in receipts if not isinstance(receipt, str)] == []
        assert len({arrived.id for arrived in self.read(receiver)}) == len(messages)

    def test_waits_for_a_slow_receiver(self, channel: Channel, receiver: Any, settings: dict[str, str]) -> None:
        """An answer that takes half a second is an answer."""
        self.trouble(receiver, "slow")
        assert isinstance(self.attempt(channel, settings), str)

    def test_a_receiver_that_fails(self, channel: Channel, receiver: Any, settings: dict[str, str]) -> None:
        """An answer such as 500 is an error that time may mend."""
        self.trouble(receiver, "failing")
        self.refused(channel, settings)

    def test_a_receiver_that_hangs(self, channel: Channel, receiver: Any, settings: dict[str, str]) -> None:
        """A receiver that never answers is given up in time, by the channel itself."""
        self.trouble(receiver, "hanging")
        start = time.monotonic()
        self.refused(channel, settings)
        assert time.monotonic() - start < self.most_seconds

    def test_a_receiver_that_limits_the_rate(self, channel: Channel, receiver: Any, settings: dict[str, str]) -> None:
        """How long the receiver asks to wait is handed on, as `retry_after`."""
        if not self.asks_to_wait:  # mail has no Retry-After: the author says so, and there is nothing to hand on
            pytest.skip("this medium cannot ask to wait")
        self.trouble(receiver, "limited", _WAIT)
        found = self.refused(channel, settings)
        assert isinstance(found, DeliveryFailedError)
        assert float(str(found.facts.get("retry_after"))) == _WAIT

    def test_what_trying_again_cannot_help(self, channel: Channel, receiver: Any, settings: dict[str, str]) -> None:
        """An answer that only a person can mend is `permanent`, so that it is given up at once and seen."""
        for answer in self.permanent:
            self.trouble(receiver, "gone", answer)
            self.refused(channel, settings, permanent=True)

    @pytest.mark.parametrize("kind", ["malformed", "reset"])
    def test_an_answer_that_is_none(
        self, kind: Trouble, channel: Channel, receiver: Any, settings: dict[str, str]
    ) -> None:
        """Bytes that are no answer, and a broken connection, are errors that time may mend."""
        self.trouble(receiver, kind)
        self.refused(channel, settings)

    def test_nobody_listens(self, channel: Channel, receiver: Any) -> None:
        """A receiver that is not there is an error that time may mend."""
        with self.open_receiver() as gone:
            settings = self.make_settings(gone)
        self.refused(channel, settings)

    def test_follows_no_redirect(self, channel: Channel, receiver: Any, settings: dict[str, str]) -> None:
        """Who answers cannot send the message, and the secrets with it, to anybody else."""
        if not self.redirects:  # mail knows no redirect: the author says so, and there is nothing to follow
            pytest.skip("this medium cannot send the channel elsewhere")
        with LoopbackReceiver() as elsewhere:
            for status in (301, 302, 307, 308):
                self.trouble(receiver, "redirect", (status, f"{elsewhere.url}/{status}"))
                found = self.attempt(channel, settings)
                assert isinstance(found, Exception), f"A redirect counts as sent: {found!r}"
            assert elsewhere.requests == ()

    @pytest.mark.parametrize("name", HOSTILE_TEXTS)
    def test_words_stay_words(self, name: str, channel: Channel, receiver: Any, settings: dict[str, str]) -> None:
        """What somebody wrote arrives as words: no mention, link, header, markup or hidden character comes of it."""
        for words in ("harmless", HOSTILE_TEXTS[name]):
            found = self.attempt(channel, settings, make_hostile_message(words))
            assert isinstance(found, str), f"It was not sent: {found!r}"
        harmless, hostile = self.read(receiver)
        assert MARK in hostile.text, "The words are lost."
        assert sorted(set(self.active(hostile)) - set(self.active(harmless))) == []
        assert tools.hidden_characters(hostile.text) == []
        assert set(hostile.headers) <= set(harmless.headers) | {"content-length"}
        assert tools.forged_lines(hostile.text, FORGED) == [], "A line break makes a line of its own."

    @pytest.mark.parametrize("kind", ["", *_FAILURES, "absent"])
    def test_shows_no_secret(
        self,
        kind: Any,
        channel: Channel,
        receiver: Any,
        settings: dict[str, str],
        caplog: pytest.LogCaptureFixture,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        """No secret stands in a receipt, an error with its causes, the channel itself, a log or the output."""
        # Mail, say, knows neither: the author says so, and there is no such failure whose words could be looked at.
        if (kind == "limited" and not self.asks_to_wait) or (kind == "redirect" and not self.redirects):
            pytest.skip("this medium cannot do that")
        if kind == "absent":
            with self.open_receiver() as gone:
                settings = dict(self.make_settings(gone))
        secrets = tools.secrets_of(channel.secrets, settings)
        short = [name for name, secret in secrets.items() if len(secret) < tools.SHORTEST_SECRET]
        assert short == [], "Give longer secrets, to be found."
        details = {"gone": self.permanent, "limited": [_WAIT], "redirect": [(302, _NOWHERE)]}.get(kind, [None])
        with caplog.at_level(logging.DEBUG):
            for detail in details:
                if kind in _FAILURES:
                    self.trouble(receiver, kind, detail)
                self.attempt(channel, settings)  # looks at what comes of it
        logged = [logging.Formatter().format(record) for record in caplog.records]
        output, errors = capfd.readouterr()
        places = {"the channel": channel, "its attributes": getattr(channel, "__dict__", None)}
        printed = {"the output": output, "the standard error": errors}
        assert tools.leaks(secrets, {**places, "a log": "\n".join(logged), **printed}) == []

    def test_changes_nothing_in_the_process(self, channel: Channel, receiver: Any, settings: dict[str, str]) -> None:
        """What other code shares is as before: the environment, time limits of sockets, proxies, the root logger."""
        self.attempt(channel, settings)  # what is imported at first use may set up loggers, openers and hooks
        before = tools.import_state()
        self.attempt(channel, settings)
        self.trouble(receiver, "failing")
        self.attempt(channel, settings)
        changed = tools.changed(before, tools.import_state())
        assert sorted(changed | self.changed_by(channel)) == []

    def test_does_nothing_at_import(self, channel: Channel) -> None:
        """Importing it opens no connection, starts no process or thread, and writes no file."""
        assert tools.import_effects(type(channel)) == []

    def test_from_a_change_to_the_receiver(
        self,
        channel: Channel,
        receiver: Any,
        settings: dict[str, str],
        podium_registry: Any,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Through a registry: a change is told, and its database holds no secret."""
        references = dict(settings)
        for name in set(settings) & set(channel.secrets):
            monkeypatch.setenv(f"TEST_{name.upper()}", settings[name])
            references[name] = f"env:TEST_{name.upper()}"
        podium_registry.host.register(_Offer(channel), "under-test")
        podium_registry.subscribe("team", channel.name, events=["artifact_version.logged"], settings=references)
        (tmp_path / "model.bin").write_bytes(b"a model")
        podium_registry.log("digits/svm", tmp_path / "model.bin")
        podium_registry.close()
        assert [(item.status, item.error) for item in podium_registry.deliveries()] == [("sent", None)]
        assert "svm" in self.read(receiver)[-1].text
        database = Path(os.environ["PODIUM_HOME"]).glob("podium.db*")
        stored = b"".join(path.read_bytes() for path in database)
        assert [name for name in channel.secrets if name in settings and settings[name].encode() in stored] == []


class _Offer:
    """A plugin with one channel."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    @hookimpl
    def podium_channels(self) -> list[Channel]:
        """Offer it."""
        return [self._channel]
