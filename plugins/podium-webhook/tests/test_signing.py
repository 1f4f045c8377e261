"""Standard Webhooks, checked by its own reference library."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from podium_webhook import WebhookChannel
from podium_webhook.cloud_event import cloud_event
from podium_webhook.signing import signed_headers
from standardwebhooks import Webhook, WebhookVerificationError

from podium.plugins import DeliveryFailedError, Message
from podium.plugins.channels import Earlier
from podium.testing import LoopbackReceiver

MakeMessage = Callable[..., Message]


def flipped(text: str) -> str:
    """The text with its last letter changed."""
    return text[:-1] + ("0" if text[-1] != "0" else "1")


def accepted(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    """Whether the reference library takes a message."""
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


def test_a_thousand_messages_verify_and_no_altered_one_does(
    receiver: LoopbackReceiver, settings: dict[str, str], secret: str, other_secret: str, make_message: MakeMessage
) -> None:
    """1,000 of 1,000 verify as they came over the wire; with another id, time, body or key none does."""
    messages = [
        make_message(id=f"0192-{number}", title=f"Message {number} é中{'x' * number}") for number in range(1000)
    ]
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda message: WebhookChannel().send(message, settings), messages)) == {"HTTP 200"}
    good, bad = set(), []
    for request in receiver.requests:
        body, sent = request.body, dict(request.headers)
        if accepted(secret, body, sent):
            good.add(sent["webhook-id"])
        altered = {
            "id": (secret, body, {**sent, "webhook-id": flipped(sent["webhook-id"])}),
            "time": (secret, body, {**sent, "webhook-timestamp": str(int(sent["webhook-timestamp"]) + 1)}),
            "body": (secret, body.replace(b"Message", b"Massage"), sent),
            "key": (other_secret, body, sent),
        }
        bad += [what for what, (key, text, headers) in altered.items() if accepted(key, text, headers)]
    assert (len(good), bad) == (1000, [])


def test_what_arrives_verifies(
    receiver: LoopbackReceiver, settings: dict[str, str], secret: str, make_message: MakeMessage
) -> None:
    """A receiver that knows the secret verifies the request as it came over the wire."""
    assert WebhookChannel().send(make_message(title="Grün → 中"), settings) == "HTTP 200"
    (request,) = receiver.requests
    assert (request.method, request.path) == ("POST", "/hook?team=ml")
    verified = Webhook(secret).verify(request.body, dict(request.headers))
    assert verified["data"]["title"] == "Grün → 中"


def test_a_signature_that_others_published(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example that the reference libraries of all languages test comes out: no common fault of both sides hides."""
    at = datetime.fromtimestamp(1614265330, UTC)
    monkeypatch.setattr("podium_webhook.signing.datetime", type("Then", (), {"now": staticmethod(lambda tz: at)}))
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    headers = signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", '{"test": 2432232314}', [secret])
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_rotation(
    receiver: LoopbackReceiver, settings: dict[str, str], secret: str, other_secret: str, make_message: MakeMessage
) -> None:
    """While secrets change there is a signature for each, and both the old and the new one verify."""
    WebhookChannel().send(make_message(), {**settings, "previous_secret": other_secret})
    (request,) = receiver.requests
    assert len(request.headers["webhook-signature"].split(" ")) == 2
    assert [accepted(key, request.body, dict(request.headers)) for key in (secret, other_secret)] == [True, True]


def test_one_reference_may_hold_several_secrets(
    receiver: LoopbackReceiver, settings: dict[str, str], secret: str, other_secret: str, make_message: MakeMessage
) -> None:
    """Secrets apart by spaces or lines sign each, one that stands twice only once."""
    WebhookChannel().send(make_message(), {**settings, "secret": f"{secret}\n{other_secret} {secret}"})
    (request,) = receiver.requests
    assert len(request.headers["webhook-signature"].split(" ")) == 2
    assert accepted(other_secret, request.body, dict(request.headers))


def test_the_id_stays_and_the_time_moves(
    receiver: LoopbackReceiver, settings: dict[str, str], make_message: MakeMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another attempt has the same id and body and the time of its own, so that it is not taken for a replay."""
    message = make_message()
    receiver.reply(500, times=1)
    with pytest.raises(DeliveryFailedError):
        WebhookChannel().send(message, settings)
    later = datetime.fromtimestamp(datetime.now(UTC).timestamp() + 60, UTC)
    monkeypatch.setattr("podium_webhook.signing.datetime", type("Later", (), {"now": staticmethod(lambda tz: later)}))
    WebhookChannel().send(message, settings)
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == message.id
    assert first.body == second.body
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) >= 59


@pytest.mark.parametrize(
    "secret",
    [
        "",
        " ",
        "no-prefix",
        "whsec_",
        "whsec_!!!!",
        "whsec_" + base64.b64encode(b"x" * 23).decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
        base64.b64encode(b"x" * 32).decode(),
        "whsec_grün",
    ],
)
def test_what_is_no_secret_sends_nothing(
    secret: str, receiver: LoopbackReceiver, settings: dict[str, str], make_message: MakeMessage
) -> None:
    """A secret that the specification does not allow is permanent, is not quoted, and nothing is sent."""
    with pytest.raises(DeliveryFailedError) as caught:
        WebhookChannel().send(make_message(), {**settings, "secret": secret})
    assert caught.value.permanent is True
    assert len(secret.strip()) < 7 or secret not in str(caught.value)
    assert receiver.requests == ()


@pytest.mark.parametrize("message_id", ["a.b", "a\r\nX-Evil: 1", "", "ü"])
def test_an_id_that_no_header_can_carry(message_id: str, settings: dict[str, str], make_message: MakeMessage) -> None:
    """An id with a full stop or a line break is refused: it would make the signed content ambiguous."""
    with pytest.raises(DeliveryFailedError, match="cannot stand in a header"):
        WebhookChannel().send(make_message(id=message_id), settings)


def test_the_body_is_a_cloud_event(
    receiver: LoopbackReceiver, settings: dict[str, str], make_message: MakeMessage
) -> None:
    """The CloudEvents SDK reads it in structured mode, with the attributes of the event."""
    from cloudevents.core.bindings.http import HTTPMessage, from_structured
    from cloudevents.core.formats.json import JSONFormat
    from cloudevents.core.v1.event import CloudEvent

    WebhookChannel().send(make_message(), {**settings, "source": "https://podium.example.com/prod"})
    (request,) = receiver.requests
    message = HTTPMessage(headers=dict(request.headers), body=request.body)
    event = from_structured(message, JSONFormat(), CloudEvent)
    assert (event.get_id(), event.get_type()) == ("0192-event", "podium.model_version.promoted")
    assert event.get_source() == "https://podium.example.com/prod"
    assert event.get_subject() == "model-registry/Digits classifier:v3"
    assert event.get_time() == datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    assert event.get_data()["metrics"][0] == {"name": "accuracy", "value": 0.97778, "change": 0.01111}


def test_the_content_type_is_structured_mode(
    receiver: LoopbackReceiver, settings: dict[str, str], make_message: MakeMessage
) -> None:
    """The media type says CloudEvents, and type, timestamp and data are there as Standard Webhooks recommends."""
    WebhookChannel().send(make_message(), settings)
    (request,) = receiver.requests
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert {"type", "timestamp", "data", "specversion"} <= set(request.json())


def test_a_digest_is_an_event_of_its_own(
    receiver: LoopbackReceiver, settings: dict[str, str], make_message: MakeMessage
) -> None:
    """It has an id of its own, since that of its newest event is told by itself too, and holds each message."""
    inside = (make_message(id="one"), make_message(id="two"))
    WebhookChannel().send(make_message(id="three", digest=inside), settings)
    body = receiver.requests[0].json()
    assert (body["id"], body["type"]) == ("three", "podium.digest")
    assert [part["id"] for part in body["data"]["digest"]] == ["one", "two"]


def test_halves_of_characters_are_not_sent(make_message: MakeMessage) -> None:
    """Strict readers of JSON refuse a whole body for one; a whole emoji arrives."""
    body = cloud_event(make_message(title="half \ud83d, whole \U0001f680"), "/podium")
    assert json.loads(body)["data"]["title"] == "half ?, whole \U0001f680"


def test_what_was_sent_before_changes_nothing(make_message: MakeMessage) -> None:
    """The body is the same at every attempt, whatever else was sent in between."""
    earlier = (Earlier("model_version.linked", "HTTP 200", None),)
    assert cloud_event(make_message(earlier=earlier), "/x") == cloud_event(make_message(), "/x")


def test_hostile_words_are_data_and_nothing_else(
    receiver: LoopbackReceiver, settings: dict[str, str], make_message: MakeMessage
) -> None:
    """Whatever stands in a field arrives letter by letter in the JSON, makes no header, and hides in no log."""
    words = "<!channel> <a href=x>\r\nX-Evil: 1\r\n\r\n=cmd() \u202e\u2028 🚀 {{7*7}}"
    fields = dict.fromkeys(("title", "model", "version", "actor", "origin", "previous"), words)
    WebhookChannel().send(make_message(**fields, lines=(words,), reason=words, after={"stage": words}), settings)
    (request,) = receiver.requests
    own = {"host", "accept-encoding", "content-length", "content-type", "user-agent", "connection"}
    assert set(request.headers) == own | {"webhook-id", "webhook-timestamp", "webhook-signature"}
    assert request.body.isascii()
    data = json.loads(request.body)["data"]
    assert {data[name] for name in fields} == {words}
    assert data["event"]["after"] == {"stage": words}
