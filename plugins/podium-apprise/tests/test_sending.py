"""The talk with Apprise, over real HTTP: what arrives, and what its yes or no becomes."""

from __future__ import annotations

import logging
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from podium_apprise import AppriseChannel

from podium.plugins import DeliveryFailedError, Message
from podium.testing import LoopbackReceiver

MakeMessage = Callable[..., Message]
SECRET = "very-secret-token"


@pytest.fixture
def receiver() -> Iterator[LoopbackReceiver]:
    """Listens, and takes everything."""
    with LoopbackReceiver() as listening:
        yield listening


@pytest.fixture
def place(receiver: LoopbackReceiver) -> str:
    """The receiver as Apprise's URLs name it, with a path that is a secret."""
    return f"{receiver.url.removeprefix('http://')}/{SECRET}"


def refused(message: Message, url: str) -> DeliveryFailedError:
    """Send and return the error, which must hold no secret, neither in its text nor in its trace."""
    with pytest.raises(DeliveryFailedError) as caught:
        AppriseChannel().send(message, {"url": url})
    told = str(caught.value) + "".join(traceback.format_exception(caught.value)) + repr(caught.value.facts)
    assert SECRET not in told
    assert caught.value.hint
    return caught.value


def test_message_arrives(receiver: LoopbackReceiver, place: str, make_message: MakeMessage) -> None:
    """The service gets title, body and the kind of news, and the receipt is its name."""
    assert AppriseChannel().send(make_message(), {"url": f" json://{place}\n"}) == "JSON"
    (request,) = receiver.requests
    sent = request.json()
    assert sent["title"] == "Podium: model-registry/Digits classifier v3 is now production after v2"
    assert sent["type"] == "success"
    assert "- accuracy 0.9778 (+0.0111)\n- log_loss 0.0853 (-0.0312)\n" in sent["message"]
    assert "Run: https://airflow.example.com/dags/train_and_promote/runs/manual__2026-11-24" in sent["message"]


@pytest.mark.parametrize(
    "url",
    [
        "json://{}/x",
        "xml://{}/x",
        "form://{}/x",
        "ntfy://{}/topic",
        "gotify://{}/" + "t" * 15,
        "mmost://{}/" + "t" * 24,
    ],
)
def test_several_services(url: str, receiver: LoopbackReceiver, make_message: MakeMessage) -> None:
    """Whatever Apprise knows is reached by its URL, in the form of that service."""
    AppriseChannel().send(make_message(), {"url": url.format(receiver.url.removeprefix("http://"))})
    assert b"Digits classifier" in receiver.requests[0].body.replace(b"+", b" ")


def test_many_threads(receiver: LoopbackReceiver, place: str, make_message: MakeMessage) -> None:
    """One channel serves all threads: every message arrives, each thread gets its own answer, and none logs."""
    channel = AppriseChannel()

    def send(number: int) -> str:
        return channel.send(make_message(title=f"Message {number}."), {"url": f"json://{place}"})

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(send, range(80))) == ["JSON"] * 80
    assert len({request.json()["title"] for request in receiver.requests}) == 80


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 503])
def test_no_is_tried_again(status: int, receiver: LoopbackReceiver, place: str, make_message: MakeMessage) -> None:
    """Apprise says no more than no, so every refusal is tried again by the outbox, and once here."""
    receiver.reply(status, "words of the service", headers={"Retry-After": "120"})
    error = refused(make_message(), f"json://{place}")
    assert (error.permanent, error.status) == (False, status)
    assert "words of the service" not in str(error)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("extra", ["?retry=3&wait=5", "?optional=yes", "?retry=3&optional=yes"])
def test_nothing_in_the_url_makes_a_failure_a_success(
    extra: str, receiver: LoopbackReceiver, place: str, make_message: MakeMessage
) -> None:
    """Neither does Apprise try again by itself nor swallow a failure: both belong to the outbox."""
    receiver.reply(500)
    started = time.monotonic()
    assert refused(make_message(), f"json://{place}{extra}").status == 500
    assert time.monotonic() - started < 6
    assert len(receiver.requests) == 1


def test_reset(receiver: LoopbackReceiver, place: str, make_message: MakeMessage) -> None:
    """A connection that breaks is left to the outbox."""
    receiver.reply(reset=True)
    assert refused(make_message(), f"json://{place}").permanent is False


def test_no_redirect_is_followed(receiver: LoopbackReceiver, place: str, make_message: MakeMessage) -> None:
    """What is moved was not taken: the page at the other end would answer 200 to anything."""
    receiver.reply(302, headers={"Location": f"{receiver.url}/login"}, times=1)
    assert refused(make_message(), f"json://{place}").status == 302
    assert len(receiver.requests) == 1


def test_nobody_listens(make_message: MakeMessage) -> None:
    """A place where nobody listens is not permanent."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert refused(make_message(), f"json://127.0.0.1:{port}/{SECRET}").permanent is False


def test_hang(receiver: LoopbackReceiver, place: str, make_message: MakeMessage) -> None:
    """A service that does not answer costs Apprise's own time limit, which the URL may set."""
    receiver.reply(delay=30)
    started = time.monotonic()
    assert refused(make_message(), f"json://{place}?rto=1").permanent is False
    assert time.monotonic() - started < 8


@pytest.mark.parametrize(
    "url",
    [
        "",
        SECRET,
        f"https://example.com/{SECRET}",
        f"nosuch://{SECRET}",
        f"slack://{SECRET}",
        f"discord://{SECRET}",
        f"json://a.example/{SECRET}, json://b.example/{SECRET}",
        f"json://a.example/{SECRET} json://b.example/{SECRET}",
    ],
)
def test_urls_that_cannot_be_used(url: str, make_message: MakeMessage) -> None:
    """A URL that names no service, or several, is permanent."""
    assert refused(make_message(), url).permanent is True


def test_logs_hold_no_secret(
    receiver: LoopbackReceiver, place: str, make_message: MakeMessage, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even with every logger turned up is the URL written, whether or not it is taken."""
    caplog.set_level(logging.DEBUG)
    for name in ("apprise", "urllib3.connectionpool"):
        caplog.set_level(logging.DEBUG, logger=name)
    AppriseChannel().send(make_message(), {"url": f"json://{place}"})
    receiver.reply(500)
    refused(make_message(), f"json://{place}")
    refused(make_message(), f"slack://{SECRET}")
    assert SECRET not in caplog.text
    logging.getLogger("apprise").warning("afterwards")
    assert caplog.messages == ["afterwards"]


def test_other_threads_log_as_ever(
    receiver: LoopbackReceiver, place: str, make_message: MakeMessage, caplog: pytest.LogCaptureFixture
) -> None:
    """While a message is sent, what somebody else does with Apprise stays in the log."""
    caplog.set_level(logging.DEBUG, logger="apprise")
    receiver.reply(delay=1, times=1)
    sender = threading.Thread(target=AppriseChannel().send, args=(make_message(), {"url": f"json://{place}"}))
    sender.start()
    receiver.wait_for(1)
    logging.getLogger("apprise").warning("of somebody else")
    sender.join()
    assert caplog.messages == ["of somebody else"]
