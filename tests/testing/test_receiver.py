"""The receiver that tests talk to: what arrives is kept, what was told is answered, and nothing outlives the block."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from podium.testing import LoopbackReceiver


@pytest.fixture
def receiver() -> Iterator[LoopbackReceiver]:
    """A receiver that listens."""
    with LoopbackReceiver() as found:
        yield found


def call(
    receiver: LoopbackReceiver,
    path: str = "/",
    body: bytes | None = None,
    method: str = "POST",
    headers: dict[str, str] | None = None,
    seconds: float = 5,
) -> tuple[int, bytes, http.client.HTTPMessage]:
    """Send one request and return status, body and headers."""
    connection = http.client.HTTPConnection(urlsplit(receiver.url).netloc, timeout=seconds)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.read(), response.headers
    finally:
        connection.close()


def test_keeps_what_arrives(receiver: LoopbackReceiver) -> None:
    """Method, path with query, headers and body are there as they were sent."""
    assert call(receiver, "/hook?id=1", b'{"a": 1}', "PUT", {"X-Signature": "s"})[:2] == (200, b"ok")
    (request,) = receiver.requests
    assert (request.method, request.path, request.body) == ("PUT", "/hook?id=1", b'{"a": 1}')
    assert request.headers["x-signature"] == "s"
    assert request.json() == {"a": 1}


def test_reads_forms(receiver: LoopbackReceiver) -> None:
    """A form is read with its escapes and its empty fields."""
    call(receiver, body=b"text=a+%26+b&empty=")
    assert receiver.requests[0].form() == {"text": "a & b", "empty": ""}


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PROPFIND"])
def test_takes_any_method(method: str, receiver: LoopbackReceiver) -> None:
    """No method is refused."""
    assert call(receiver, method=method)[0] == 200


def test_url_ends_without_slash(receiver: LoopbackReceiver) -> None:
    """A path can be put behind the url."""
    assert receiver.url.startswith("http://127.0.0.1:")
    assert not receiver.url.endswith("/")


def test_replies_are_used_up_in_order(receiver: LoopbackReceiver) -> None:
    """Replies with times are given that often, one after the other; then the usual answer comes again."""
    receiver.reply(503, times=2)
    receiver.reply(429, headers={"Retry-After": "7"}, times=1)
    answers = [call(receiver) for _ in range(4)]
    assert [status for status, _, _ in answers] == [503, 503, 429, 200]
    assert answers[2][2]["Retry-After"] == "7"


def test_reply_without_times_stays(receiver: LoopbackReceiver) -> None:
    """A reply without times is given until another is told."""
    receiver.reply(500)
    assert [call(receiver)[0] for _ in range(3)] == [500] * 3
    receiver.reply(201, {"made": True})
    assert call(receiver)[:2] == (201, b'{"made": true}')
    receiver.answer_as_usual()
    assert call(receiver)[:2] == (200, b"ok")


def test_times_must_be_positive(receiver: LoopbackReceiver) -> None:
    """A reply for no request at all is a mistake of the test."""
    with pytest.raises(ValueError, match="0 times"):
        receiver.reply(500, times=0)


def test_resets(receiver: LoopbackReceiver) -> None:
    """A reset is a broken connection for the sender, and the request is kept all the same."""
    receiver.reply(reset=True, times=1)
    with pytest.raises(ConnectionResetError):
        call(receiver)
    assert len(receiver.requests) == 1
    assert call(receiver)[0] == 200


def test_hangs_without_holding_up_others(receiver: LoopbackReceiver) -> None:
    """A request that waits for its reply lets others through."""
    receiver.reply(delay=30, times=1)
    with pytest.raises(TimeoutError):
        call(receiver, seconds=0.2)
    assert call(receiver)[0] == 200


def test_waits_for_requests(receiver: LoopbackReceiver) -> None:
    """Waiting returns as soon as enough arrived."""
    timer = threading.Timer(0.2, call, (receiver, "/late"))
    timer.start()
    assert [request.path for request in receiver.wait_for(1)] == ["/late"]
    timer.join()


def test_waiting_ends(receiver: LoopbackReceiver) -> None:
    """Waiting for what never comes ends with a sentence."""
    with pytest.raises(TimeoutError, match=r"0 of 1 requests arrived within 0\.1 s"):
        receiver.wait_for(1, 0.1)


def test_many_senders(receiver: LoopbackReceiver) -> None:
    """Requests that arrive at the same time are all kept and all answered."""
    receiver.reply(503, times=20)
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda place: call(receiver, f"/{place}")[0], range(60)))
    assert sorted(statuses) == [200] * 40 + [503] * 20
    assert len({request.path for request in receiver.requests}) == 60


def test_closing_waits_for_nobody() -> None:
    """Closing ends a reply that waits, the thread behind it and the listening, and what arrived can still be read."""
    before = set(threading.enumerate())

    def hang() -> None:
        with pytest.raises(OSError, match="reset"):
            call(receiver)

    with LoopbackReceiver() as receiver:
        receiver.reply(delay=600)
        thread = threading.Thread(target=hang)
        thread.start()
        receiver.wait_for(1)
        place, started = urlsplit(receiver.url), time.monotonic()
    thread.join(5)
    assert time.monotonic() - started < 2
    assert {found for found in threading.enumerate() if found not in before and found.is_alive()} <= {thread}
    assert len(receiver.requests) == 1
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((place.hostname, place.port), 1)


def test_nothing_before_the_block() -> None:
    """Making one opens no socket; asking for its url then says what to do."""
    with pytest.raises(RuntimeError, match="with block"):
        _ = LoopbackReceiver().url


@pytest.mark.parametrize(
    ("headers", "status"), [({"Content-Length": "-1"}, 400), ({"Transfer-Encoding": "chunked"}, 411)]
)
def test_bodies_it_cannot_read_are_refused(headers: dict[str, str], status: int, receiver: LoopbackReceiver) -> None:
    """A body that would be taken for another one is refused, not kept."""
    assert call(receiver, headers=headers)[0] == status
    assert receiver.requests == ()


def test_lags(receiver: LoopbackReceiver) -> None:
    """A receiver that lags takes its time and is otherwise well; what was told has a delay of its own."""
    receiver.lag = 0.3
    start = time.monotonic()
    assert call(receiver)[:2] == (200, b"ok")
    assert time.monotonic() - start >= 0.3
    receiver.reply(500, times=1)
    start = time.monotonic()
    assert call(receiver)[0] == 500
    assert time.monotonic() - start < 0.3


def test_drips(receiver: LoopbackReceiver) -> None:
    """A body comes byte for byte, so that no single wait is long and the whole is."""
    receiver.reply(body="0123456789", drip=0.1, times=1)
    start = time.monotonic()
    assert call(receiver, seconds=0.5)[1] == b"0123456789"
    assert time.monotonic() - start >= 0.9


def test_redirects(receiver: LoopbackReceiver) -> None:
    """A redirect names the other address, by the status that was told."""
    receiver.redirect("http://127.0.0.1:9/elsewhere", 307, times=1)
    status, _, headers = call(receiver)
    assert (status, headers["Location"]) == (307, "http://127.0.0.1:9/elsewhere")
    assert call(receiver)[0] == 200


def test_speaks_no_http(receiver: LoopbackReceiver) -> None:
    """Bytes that are no answer are sent as they are."""
    receiver.reply(raw=b"no HTTP at all\r\n", times=1)
    with pytest.raises(http.client.BadStatusLine, match="no HTTP at all"):
        call(receiver)


def test_never_answers(receiver: LoopbackReceiver) -> None:
    """A receiver that hangs takes the request and says nothing."""
    receiver.hang(times=1)
    with pytest.raises(TimeoutError):
        call(receiver, seconds=0.3)
    assert len(receiver.wait_for(1)) == 1


def test_many_at_the_same_moment(receiver: LoopbackReceiver) -> None:
    """Connections that arrive together are all taken at once: none is sent away to come back a second later."""
    receiver.reply(delay=0.2)
    start = time.monotonic()
    with ThreadPoolExecutor(40) as pool:
        list(pool.map(lambda _: call(receiver), range(40)))
    assert time.monotonic() - start < 1.1
