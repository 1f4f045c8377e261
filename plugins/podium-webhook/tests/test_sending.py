"""What a receiver's answer becomes, over real HTTP and TLS."""

from __future__ import annotations

import logging
import re
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

import pytest
import trustme
from podium_webhook import WebhookChannel

from podium.plugins import DeliveryFailedError, Message
from podium.testing import LoopbackReceiver

MakeMessage = Callable[..., Message]


def refused(message: Message, settings: dict[str, str], seconds: float = 15) -> DeliveryFailedError:
    """Send and return the error, which must hold no secret, neither in its text nor in its trace."""
    with pytest.raises(DeliveryFailedError) as caught:
        WebhookChannel(seconds).send(message, settings)
    told = str(caught.value) + "".join(traceback.format_exception(caught.value)) + repr(caught.value.facts)
    assert settings["secret"] not in told
    assert "team=ml" not in told
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_success(status: int, receiver: LoopbackReceiver, settings: dict[str, str], make_message: MakeMessage) -> None:
    """Every 2xx is a success, and the receipt says which."""
    receiver.reply(status)
    assert WebhookChannel().send(make_message(), settings) == f"HTTP {status}"


@pytest.mark.parametrize("status", [400, 401, 404, 422, 429, 500, 502, 503, 504])
def test_failure(status: int, receiver: LoopbackReceiver, settings: dict[str, str], make_message: MakeMessage) -> None:
    """Anything else is tried again later, as Standard Webhooks says; here it is called once."""
    receiver.reply(status, "secret words of the receiver")
    error = refused(make_message(), settings)
    assert (error.permanent, error.status) == (False, status)
    assert "words of the receiver" not in str(error)
    assert len(receiver.requests) == 1


def test_gone(receiver: LoopbackReceiver, settings: dict[str, str], make_message: MakeMessage) -> None:
    """410 is how a receiver says that it wants no more of this."""
    receiver.reply(410)
    assert refused(make_message(), settings).permanent is True


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after(
    status: int, receiver: LoopbackReceiver, settings: dict[str, str], make_message: MakeMessage
) -> None:
    """The seconds that the receiver asked for are handed on; nobody sleeps here."""
    receiver.reply(status, headers={"Retry-After": "120"})
    started = time.monotonic()
    assert refused(make_message(), settings).retry_after == 120
    assert time.monotonic() - started < 6


def test_retry_after_as_a_date(receiver: LoopbackReceiver, settings: dict[str, str], make_message: MakeMessage) -> None:
    """HTTP allows a date too."""
    receiver.reply(503, headers={"Retry-After": formatdate(time.time() + 90, usegmt=True)})
    assert 85 <= refused(make_message(), settings).retry_after <= 91


@pytest.mark.parametrize("value", ["soon", "-5", "1e9", "9999999999", "Wed, 99 Foo 2026"])
def test_odd_retry_after(
    value: str, receiver: LoopbackReceiver, settings: dict[str, str], make_message: MakeMessage
) -> None:
    """What is neither is left out; the schedule of the outbox counts."""
    receiver.reply(429, headers={"Retry-After": value})
    assert refused(make_message(), settings).retry_after is None


def test_reset(receiver: LoopbackReceiver, settings: dict[str, str], make_message: MakeMessage) -> None:
    """A connection that breaks is left to the outbox."""
    receiver.reply(reset=True)
    error = refused(make_message(), settings)
    assert error.permanent is False
    assert "could not be reached" in str(error)


def test_nobody_listens(secret: str, make_message: MakeMessage) -> None:
    """A place where nobody listens is not permanent."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
    error = refused(make_message(), {"url": url, "secret": secret})
    assert error.permanent is False
    assert "refused" in str(error)


def test_unknown_name(secret: str, make_message: MakeMessage) -> None:
    """A name that nobody knows may be known later."""
    error = refused(make_message(), {"url": "https://nobody.invalid/", "secret": secret})
    assert error.permanent is False


def test_hang(receiver: LoopbackReceiver, settings: dict[str, str], make_message: MakeMessage) -> None:
    """A receiver that does not answer costs the time limit once."""
    receiver.reply(delay=60)
    started = time.monotonic()
    assert "no answer within 1 s" in str(refused(make_message(), {**settings, "timeout": "1"}))
    assert time.monotonic() - started < 6


def read_request(connection: socket.socket) -> None:
    """Read a request to its end: closing before would break the connection under the answer."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    left = int(re.search(rb"(?i)content-length: (\d+)", head)[1]) - len(body)  # type: ignore[index]  # we send it
    while left > 0:
        left -= len(connection.recv(65536))


@contextmanager
def listening(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A receiver that talks as told on its one connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                read_request(connection)
                talk(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join(10)


def test_drip(secret: str, make_message: MakeMessage) -> None:
    """One that sends a letter now and then, for ever, costs no more: the limit is over the whole talk."""

    def drip(connection: socket.socket) -> None:
        for letter in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 200:
            try:
                connection.send(bytes([letter]))
            except OSError:
                return
            time.sleep(0.1)

    with listening(drip) as url:
        started = time.monotonic()
        assert "no answer within 1 s" in str(refused(make_message(), {"url": url, "secret": secret}, seconds=1))
        assert time.monotonic() - started < 6


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n",
        b"hello\r\n",
        b"HTTP/9.9 xx\r\n\r\n",
        b"HTTP/1.1 99999 x\r\n\r\n",
        b"\x00" * 70_000,
        b"220 smtp\r\n",
    ],
)
def test_answers_that_are_no_http(answer: bytes, secret: str, make_message: MakeMessage) -> None:
    """Whatever else answers is no success, and may be mended."""
    with listening(lambda connection: connection.sendall(answer)) as url:
        assert refused(make_message(), {"url": url, "secret": secret}).permanent is False


def test_an_endless_body_is_not_read(secret: str, make_message: MakeMessage) -> None:
    """The status is all that counts."""

    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                connection.sendall(b"4\r\nabcd\r\n" * 1000)
        except OSError:
            return

    with listening(endless) as url:
        assert WebhookChannel().send(make_message(), {"url": url, "secret": secret}) == "HTTP 200"


@contextmanager
def over_tls(authority: trustme.CA, name: str) -> Iterator[int]:
    """A receiver over TLS with a certificate for a name; gives its port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            try:
                with context.wrap_socket(connection, server_side=True) as secure:
                    read_request(secure)
                    secure.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            except OSError:
                connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(10)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that this process trusts."""
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("PODIUM_WEBHOOK_ALLOW", "localhost")
    return made


def test_tls(authority: trustme.CA, secret: str, make_message: MakeMessage) -> None:
    """A certificate of a trusted authority for this name is good."""
    with over_tls(authority, "localhost") as port:
        url = f"https://localhost:{port}/"
        assert WebhookChannel().send(make_message(), {"url": url, "secret": secret}) == "HTTP 204"


def test_certificate_for_another_name(authority: trustme.CA, secret: str, make_message: MakeMessage) -> None:
    """The name is verified although the connection goes to a number."""
    with over_tls(authority, "example.com") as port:
        error = refused(make_message(), {"url": f"https://localhost:{port}/", "secret": secret})
    assert "certificate" in str(error)
    assert error.permanent is False


def test_certificate_of_a_stranger(authority: trustme.CA, secret: str, make_message: MakeMessage) -> None:
    """An authority that nobody trusts is refused."""
    with over_tls(trustme.CA(), "localhost") as port:
        error = refused(make_message(), {"url": f"https://localhost:{port}/", "secret": secret})
    assert "certificate" in str(error)


@pytest.mark.parametrize("timeout", ["0", "31", "-1", "1.5", "soon", "9" * 20])
def test_odd_time_limit(timeout: str, settings: dict[str, str], make_message: MakeMessage) -> None:
    """A time limit that is none is said so."""
    assert refused(make_message(), {**settings, "timeout": timeout}).permanent is True


def test_logs_hold_no_secret(
    receiver: LoopbackReceiver, settings: dict[str, str], make_message: MakeMessage, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is written anywhere, with every logger turned up."""
    caplog.set_level(logging.DEBUG)
    WebhookChannel().send(make_message(), settings)
    assert caplog.text == ""


def test_many_threads(receiver: LoopbackReceiver, settings: dict[str, str], make_message: MakeMessage) -> None:
    """One channel serves all threads, and every message arrives under its own id."""
    channel = WebhookChannel()
    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda number: channel.send(make_message(id=f"m-{number}"), settings), range(80)))
    assert receipts == ["HTTP 200"] * 80
    assert {request.headers["webhook-id"] for request in receiver.requests} == {f"m-{number}" for number in range(80)}
