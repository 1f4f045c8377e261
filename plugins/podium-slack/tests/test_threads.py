"""Which message answers which, and what becomes of the message that asked for approvals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from podium_slack import SlackChannel
from podium_slack.threads import Receipt, read_receipt

from podium.plugins import DeliveryFailedError, Message
from podium.plugins.channels import Earlier
from podium.testing import FakeSlack, slack_text

MakeMessage = Callable[..., Message]
MODEL = "model-registry/Digits classifier"
TOKEN = "xoxb-1234-very-secret"
REQUEST = "01920000-0000-7000-8000-000000000001"
ASKED = "model_version.promotion_requested"


class Subscription:
    """Sends one message after the other, and remembers what was sent, as the outbox does."""

    def __init__(self, slack: FakeSlack, **settings: str) -> None:
        self.settings = {"token": TOKEN, "channel": "#ml", "base_url": slack.base_url, **settings}
        self.earlier: tuple[Earlier, ...] = ()

    def send(self, message: Message) -> Receipt:
        """Send a message, and return where it stands."""
        receipt = SlackChannel().send(replace(message, earlier=self.earlier), self.settings)
        self.earlier += (Earlier(message.event.type, receipt, message.request),)
        found = read_receipt(receipt)
        assert found is not None
        return found


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """A Slack with two channels."""
    with FakeSlack(token=TOKEN, channels=["#ml", "#other"]) as fake:
        yield fake


@pytest.fixture
def team(slack: FakeSlack) -> Subscription:
    """A subscription that was told nothing yet."""
    return Subscription(slack)


@pytest.fixture
def asked(make_message: MakeMessage) -> Message:
    """A message that asks for approvals."""
    return make_message(ASKED, f"{MODEL} v3 waits to become production", request=REQUEST)


@pytest.fixture
def decided(make_message: MakeMessage) -> Message:
    """A message that tells the end of the request."""
    after = {"stage": "production", "number": 3, "person": "ben", "comment": "The digit 8 is worse."}
    title = f"{MODEL} v3 was rejected for production by ben"
    return make_message("model_version.promotion_rejected", title, request=REQUEST, after=after)


def test_later_events_answer_the_first_message(team: Subscription, make_message: MakeMessage) -> None:
    """Whatever is told of a version stands in one thread, under the first message."""
    first = team.send(make_message("model_version.linked", "linked"))
    others = [team.send(make_message(kind, "T")) for kind in ("model_version.checked", "model_version.promoted")]
    assert first.thread is None
    assert [(other.channel, other.thread) for other in others] == [(first.channel, first.ts)] * 2


def test_thread_is_found_by_a_reply(slack: FakeSlack, team: Subscription, make_message: MakeMessage) -> None:
    """Where the first message is no longer among those remembered, a reply knows it still."""
    first = team.send(make_message("model_version.linked", "linked"))
    team.send(make_message("model_version.checked", "checked"))
    team.earlier = team.earlier[1:]
    assert team.send(make_message()).thread == first.ts


def test_what_matters_is_shown_in_the_channel_too(
    slack: FakeSlack, team: Subscription, make_message: MakeMessage
) -> None:
    """A promotion reaches those who do not follow the thread; checks do not."""
    for kind in ("model_version.linked", "model_version.checked", "model_version.promoted"):
        team.send(make_message(kind, "T"))
    assert [message.get("reply_broadcast") for message in slack.messages] == [None, False, True]


def test_forced_promotion_is_shown_once(slack: FakeSlack, team: Subscription, make_message: MakeMessage) -> None:
    """Of a forced promotion the channel reads the warning, and the thread that it is done."""
    team.send(make_message("model_version.linked", "T"))
    for kind in ("model_version.promotion_forced", "model_version.promoted"):
        team.send(make_message(kind, "T", request=REQUEST))
    assert [message.get("reply_broadcast") for message in slack.messages] == [None, True, False]


@pytest.mark.parametrize(("setting", "expected"), [("threads", [None, None]), ("broadcast", [None, False])])
def test_switches(setting: str, expected: list[bool | None], slack: FakeSlack, make_message: MakeMessage) -> None:
    """Threads, and showing replies in the channel, can be turned off."""
    team = Subscription(slack, **{setting: "no"})
    team.send(make_message("model_version.linked", "T"))
    assert (team.send(make_message()).thread is None) is (setting == "threads")
    assert [message.get("reply_broadcast") for message in slack.messages] == expected


def test_other_channel_gets_a_thread_of_its_own(
    slack: FakeSlack, team: Subscription, make_message: MakeMessage
) -> None:
    """A subscription that goes to another channel from now on leaves its old threads alone."""
    team.send(make_message("model_version.linked", "T"))
    team.settings["channel"] = "#other"
    team.send(make_message())
    assert ["thread_ts" in request.json() for request in slack.requests] == [False, False]


def test_channel_by_id_finds_its_threads(slack: FakeSlack, team: Subscription, make_message: MakeMessage) -> None:
    """The same channel, named by its id from now on, is the same channel."""
    first = team.send(make_message("model_version.linked", "T"))
    team.settings["channel"] = first.channel
    assert team.send(make_message()).thread == first.ts


def test_thread_with_one_person(make_message: MakeMessage) -> None:
    """A subscription that writes to a person, by the id of the user, has threads too."""
    with FakeSlack(token=TOKEN) as slack:
        team = Subscription(slack, channel="U012AB3CD")
        team.earlier = (Earlier("model_version.linked", "D012AB3CD:1700000000.000001 U012AB3CD", None),)
        SlackChannel().send(replace(make_message(), earlier=team.earlier), team.settings)
        assert slack.requests[0].json()["thread_ts"] == "1700000000.000001"


def test_no_version_no_thread(team: Subscription, make_message: MakeMessage) -> None:
    """What is about a whole model begins no thread that grows for ever."""
    about = {"subject": MODEL, "version": None}
    receipts = [team.send(make_message("policy.set", "T", **about)) for _ in range(2)]
    assert [receipt.thread for receipt in receipts] == [None, None]


def test_the_end_of_a_freeze_answers_the_freeze(team: Subscription, make_message: MakeMessage) -> None:
    """Who opened a stage again is read below who froze it last."""
    about = {"subject": MODEL, "version": None}
    team.send(make_message("stage.frozen", "T", **about))
    frozen = team.send(make_message("stage.frozen", "T", **about))
    assert team.send(make_message("stage.unfrozen", "T", **about)).thread == frozen.ts


@pytest.mark.parametrize("code", ["thread_not_found", "cannot_reply_to_message", "restricted_action_thread_locked"])
def test_thread_that_is_gone(code: str, slack: FakeSlack, team: Subscription, make_message: MakeMessage) -> None:
    """If the first message was deleted or takes no answers, the next one is told beside it, not lost."""
    team.send(make_message("model_version.linked", "T"))
    slack.fail(code, times=1)
    assert team.send(make_message()).thread is None
    assert len(slack.messages) == 2


def test_broadcast_that_is_refused(slack: FakeSlack, team: Subscription, make_message: MakeMessage) -> None:
    """In a channel that takes threads only, a reply is a reply."""
    first = team.send(make_message("model_version.linked", "T"))
    slack.fail("restricted_action_thread_only_channel", times=1)
    assert team.send(make_message()).thread == first.ts
    assert "reply_broadcast" not in slack.messages[-1]


def test_webhook_has_no_threads(slack: FakeSlack, make_message: MakeMessage) -> None:
    """A webhook names no message, so that each stands by itself."""
    earlier = (Earlier("model_version.linked", "ok", None),)
    SlackChannel().send(make_message(earlier=earlier), {"webhook_url": slack.webhook_url})
    assert "thread_ts" not in slack.messages[0]


@pytest.mark.parametrize("text", ["ok", "", "C1:2", "#ml:1.2", "C1:1.2\n", "c1:1.2"])
def test_what_is_no_receipt(text: str) -> None:
    """Whatever else an older Podium or another channel kept, is answered by nobody."""
    assert read_receipt(text) is None


@pytest.mark.parametrize(
    "receipt", [Receipt("C1", "1.2"), Receipt("C1", "1.2", "1.1"), Receipt("C1", "1.2", None, "#a b")]
)
def test_receipt_is_read_back(receipt: Receipt) -> None:
    """A receipt says all that is needed to find the message again."""
    assert read_receipt(str(receipt)) == receipt


def test_decision_updates_what_asked(slack: FakeSlack, team: Subscription, asked: Message, decided: Message) -> None:
    """The message that asked shows the decision, loses its buttons, and the decision is told in its thread as well."""
    team.settings["buttons"] = "yes"
    first = team.send(asked)
    reply = team.send(decided)
    now = slack.shown()[0]
    assert slack_text(now).startswith("❌ Digits classifier v3 was rejected for production")
    assert "ben rejected: The digit 8 is worse." in slack_text(now)
    assert "[Approve]" not in slack_text(now)
    assert reply.thread == first.ts


def test_partial_approval_keeps_the_buttons(
    slack: FakeSlack, team: Subscription, asked: Message, make_message: MakeMessage
) -> None:
    """While somebody is missing, the message says who agreed and can be clicked still."""
    team.settings["buttons"] = "yes"
    team.send(asked)
    after = {"stage": "production", "number": 3, "person": "ben", "approved": ["ben"], "missing": 1}
    team.send(make_message("model_version.promotion_approved", "T", request=REQUEST, after=after))
    text = slack_text(slack.shown()[0])
    assert "• ben approved" in text
    assert "[Approve]  [Reject]" in text


def test_other_request_is_left_alone(slack: FakeSlack, team: Subscription, asked: Message, decided: Message) -> None:
    """The decision about one request changes no message about another."""
    team.send(replace(asked, request="01920000-0000-7000-8000-000000000002"))
    team.send(decided)
    assert slack.updates == ()


def test_late_approval_does_not_reopen(
    slack: FakeSlack, team: Subscription, asked: Message, decided: Message, make_message: MakeMessage
) -> None:
    """An approval that is replayed after the end was told does not make the request look open again."""
    team.send(asked)
    team.send(decided)
    after = {"stage": "production", "number": 3, "person": "ben", "approved": ["ben"], "missing": 1}
    team.send(make_message("model_version.promotion_approved", "T", request=REQUEST, after=after))
    assert slack_text(slack.shown()[0]).startswith("❌")


@pytest.mark.parametrize("code", ["message_not_found", "edit_window_closed", "cant_update_message", "block_mismatch"])
def test_update_that_cannot_be_made(
    code: str, slack: FakeSlack, team: Subscription, asked: Message, decided: Message
) -> None:
    """A message that was deleted, or may no longer be changed, keeps nobody from reading the decision."""
    team.send(asked)
    slack.fail(code, method="chat.update")
    team.send(decided)
    assert len(slack.messages) == 2


def test_failed_update_repeats_no_reply(slack: FakeSlack, team: Subscription, asked: Message, decided: Message) -> None:
    """An update that fails for the moment fails the attempt before the reply: the retry makes both, each once."""
    team.send(asked)
    slack.fail("internal_error", times=1, method="chat.update")
    with pytest.raises(DeliveryFailedError) as caught:
        team.send(decided)
    assert caught.value.permanent is False
    assert len(slack.messages) == 1
    team.send(decided)
    assert (len(slack.messages), len(slack.updates)) == (2, 1)


def test_failed_reply_repeats_the_update_harmlessly(
    slack: FakeSlack, team: Subscription, asked: Message, decided: Message
) -> None:
    """A reply that fails for the moment is made by the retry; the update made twice leaves the same message."""
    team.send(asked)
    slack.fail("fatal_error", times=1, method="chat.postMessage")
    with pytest.raises(DeliveryFailedError):
        team.send(decided)
    team.send(decided)
    assert len(slack.messages) == 2
    assert slack.updates[0] == slack.updates[1]


def test_rate_limit_of_an_update(slack: FakeSlack, team: Subscription, asked: Message, decided: Message) -> None:
    """A rate limit of the update is handed on before anything is posted."""
    team.send(asked)
    slack.limit_rate(60, times=1, method="chat.update")
    with pytest.raises(DeliveryFailedError) as caught:
        team.send(decided)
    assert caught.value.retry_after == 60
    assert len(slack.messages) == 1
