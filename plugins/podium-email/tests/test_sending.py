"""The talk with a mail server, over real SMTP and TLS: what arrives, and what each answer becomes."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from podium_email import EmailChannel

from podium.plugins import DeliveryFailedError, Message
from podium.testing import LoopbackMailServer

MakeMessage = Callable[..., Message]
PASSWORD = "very-secret-password"


@pytest.fixture
def server() -> Iterator[LoopbackMailServer]:
    """A mail server of one's own network, without TLS."""
    with LoopbackMailServer() as listening:
        yield listening


def settings_for(server: LoopbackMailServer, **more: str) -> dict[str, str]:
    """The settings of a subscription, secrets resolved."""
    usual = {"host": server.host, "port": str(server.port), "from": "podium@example.com", "to": "anna@example.com"}
    return {**usual, "security": "none", **more}


def refused(message: Message, settings: dict[str, str], seconds: float = 15) -> DeliveryFailedError:
    """Send and return the error, which must hold no secret, neither in its text nor in its trace."""
    with pytest.raises(DeliveryFailedError) as caught:
        EmailChannel(seconds).send(message, settings)
    told = str(caught.value) + "".join(traceback.format_exception(caught.value)) + repr(caught.value.facts)
    assert PASSWORD not in told
    assert caught.value.hint
    return caught.value


def test_mail_arrives(server: LoopbackMailServer, make_message: MakeMessage) -> None:
    """The server takes it for the receivers, and the receipt is its Message-ID."""
    receipt = EmailChannel().send(make_message(), settings_for(server, to="anna@example.com, bob@example.org"))
    (mail,) = server.mails
    assert (mail.sender, mail.receivers) == ("podium@example.com", ("anna@example.com", "bob@example.org"))
    assert mail.message()["Message-ID"] == receipt == "<0192f0aa-delivery@example.com>"
    assert mail.message()["Subject"] == "[Podium] model-registry/Digits classifier v3 is now production after v2"


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What a server with a good certificate for ``localhost`` and its address needs."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return context_of(authority, "127.0.0.1")


def context_of(authority: trustme.CA, name: str) -> ssl.SSLContext:
    """The context of a server with a certificate for a name."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(made)
    return made


@pytest.mark.parametrize("implicit", [False, True])
def test_tls(implicit: bool, context: ssl.SSLContext, make_message: MakeMessage) -> None:
    """STARTTLS and TLS from the first byte: the login and the mail go encrypted."""
    with LoopbackMailServer(context, implicit=implicit, user="podium", password=PASSWORD) as server:
        login = {"user": "podium", "password": PASSWORD, "security": "tls" if implicit else "starttls"}
        EmailChannel().send(make_message(), settings_for(server, **login))
    (mail,) = server.mails
    assert (mail.encrypted, mail.user) == (True, "podium")


def test_starttls_is_the_usual_way_and_never_left_out(server: LoopbackMailServer, make_message: MakeMessage) -> None:
    """A server that offers no encryption gets nothing, unless the subscription says none."""
    settings = settings_for(server)
    del settings["security"]
    error = refused(make_message(), settings)
    assert error.permanent is True
    assert "no encryption" in str(error)
    assert server.mails == ()


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("name", ["example.com", "127.0.0.1"])
def test_bad_certificate(implicit: bool, name: str, context: ssl.SSLContext, make_message: MakeMessage) -> None:
    """A certificate of a stranger is refused, whether or not it is for this name."""
    with LoopbackMailServer(context_of(trustme.CA(), name), implicit=implicit) as server:
        error = refused(make_message(), settings_for(server, security="tls" if implicit else "starttls"))
    assert "certificate" in str(error)
    assert server.mails == ()


def test_certificate_for_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_message: MakeMessage
) -> None:
    """A good certificate for another name is refused."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with LoopbackMailServer(context_of(authority, "example.com")) as server:
        assert "certificate" in str(refused(make_message(), settings_for(server, security="starttls")))


def test_wrong_password(context: ssl.SSLContext, make_message: MakeMessage) -> None:
    """It is permanent, and says where to look."""
    with LoopbackMailServer(context, user="podium", password="another") as server:
        login = {"user": "podium", "password": PASSWORD, "security": "starttls"}
        error = refused(make_message(), settings_for(server, **login))
    assert (error.permanent, error.status) == (True, 535)
    assert "'password'" in error.hint


def test_no_login_offered(context: ssl.SSLContext, make_message: MakeMessage) -> None:
    """A server that takes no login is told apart from a wrong one."""
    with LoopbackMailServer(context) as server:
        server.reply("ehlo", "250 HELP")
        login = {"user": "podium", "password": PASSWORD, "security": "tls"}
        assert refused(make_message(), settings_for(server, **{**login, "security": "starttls"})).permanent is True


@pytest.mark.parametrize("step", ["mail", "rcpt", "data"])
@pytest.mark.parametrize(("answer", "permanent"), [("451 4.3.0 later", False), ("550 5.7.1 never", True)])
def test_refusals(
    step: str, answer: str, permanent: bool, server: LoopbackMailServer, make_message: MakeMessage
) -> None:
    """A code of the 400s is tried again, one of the 500s is not; the server's words are not told on."""
    server.reply(step, f"{answer} {PASSWORD}")
    error = refused(make_message(), settings_for(server))
    assert (error.permanent, error.status) == (permanent, int(answer[:3]))
    assert server.mails == ()


def test_one_receiver_for_good(server: LoopbackMailServer, make_message: MakeMessage) -> None:
    """One address that does not exist keeps no mail from the others, and the receipt says how many got it."""
    server.reply("rcpt", "550 5.1.1 no such user", address="gone@example.com")
    receipt = EmailChannel().send(make_message(), settings_for(server, to="gone@example.com,anna@example.com"))
    assert receipt.endswith("to 1 of 2 receivers")
    assert [mail.receivers for mail in server.mails] == [("anna@example.com",)]


def test_one_receiver_for_now(server: LoopbackMailServer, make_message: MakeMessage) -> None:
    """One that is greylisted delays all, so that the next attempt tells nobody twice."""
    server.reply("rcpt", "451 4.7.1 greylisted", address="bob@example.com", times=1)
    settings = settings_for(server, to="anna@example.com,bob@example.com")
    assert refused(make_message(), settings).permanent is False
    assert server.mails == ()
    EmailChannel().send(make_message(), settings)
    assert [mail.receivers for mail in server.mails] == [("anna@example.com", "bob@example.com")]


@pytest.mark.parametrize("step", ["ehlo", "mail", "rcpt", "data"])
def test_reset(step: str, server: LoopbackMailServer, make_message: MakeMessage) -> None:
    """A connection that breaks is left to the outbox."""
    server.reply(step, reset=True)
    error = refused(make_message(), settings_for(server))
    assert error.permanent is False
    assert "could not be reached" in str(error)


@pytest.mark.parametrize("step", ["ehlo", "mail", "rcpt", "data"])
def test_hang(step: str, server: LoopbackMailServer, make_message: MakeMessage) -> None:
    """A server that does not answer costs the time limit once, wherever it hangs."""
    server.reply(step, delay=30)
    started = time.monotonic()
    assert "no answer within 1 s" in str(refused(make_message(), settings_for(server), seconds=1))
    assert time.monotonic() - started < 6


@contextmanager
def listening(talk: Callable[[socket.socket], None]) -> Iterator[dict[str, str]]:
    """A server that talks as told on its one connection; gives settings for it."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                talk(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield {
            "host": "127.0.0.1",
            "port": str(server.getsockname()[1]),
            "from": "podium@example.com",
            "to": "anna@example.com",
            "security": "none",
        }
        thread.join(10)


def test_drip(make_message: MakeMessage) -> None:
    """One that sends a letter now and then, for ever, costs no more: the limit is over the whole talk."""

    def drip(connection: socket.socket) -> None:
        for letter in b"220-" + b"x" * 200:
            try:
                connection.send(bytes([letter]))
            except OSError:
                return
            time.sleep(0.1)

    with listening(drip) as settings:
        started = time.monotonic()
        assert "no answer within 1 s" in str(refused(make_message(), settings, seconds=1))
        assert time.monotonic() - started < 6


@pytest.mark.parametrize("answer", [b"", b"\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"\x00" * 20_000, b"hello\r\n" * 50])
def test_answers_that_are_no_smtp(answer: bytes, make_message: MakeMessage) -> None:
    """Whatever else answers takes no mail, and may be mended."""
    with listening(lambda connection: connection.sendall(answer)) as settings:
        assert refused(make_message(), settings).permanent is False


@pytest.mark.parametrize("step", ["mail", "rcpt", "data"])
def test_nonsense_in_the_middle(step: str, server: LoopbackMailServer, make_message: MakeMessage) -> None:
    """An answer without a code is no yes."""
    server.reply(step, "hello")
    error = refused(make_message(), settings_for(server))
    assert error.permanent is False
    assert "no SMTP" in str(error)


def test_nobody_listens(make_message: MakeMessage) -> None:
    """A place where nobody listens is not permanent."""
    with listening(lambda connection: None) as settings:
        socket.create_connection(("127.0.0.1", int(settings["port"]))).close()
    error = refused(make_message(), settings)
    assert error.permanent is False
    assert "refused" in str(error)


@pytest.mark.parametrize(
    "change",
    [
        {"host": ""},
        {"host": "smtp://mail.example.com"},
        {"host": "mail.example.com\r\nX"},
        {"port": "0"},
        {"port": "65536"},
        {"port": "smtp"},
        {"security": "ssl3"},
        {"from": ""},
        {"from": "podium"},
        {"from": "a@b, c@d"},
        {"from": "Podium <podium@example.com>\r\nBcc: evil@example.com"},
        {"to": ""},
        {"to": ",,"},
        {"to": "anna@example.com\nbob@example.com"},
        {"to": "anna@example.com>\r\nRCPT TO:<evil@example.com"},
        {"to": "anna@exam ple.com"},
        {"to": '"a b"@example.com'},
        {"to": ",".join(f"a{number}@example.com" for number in range(101))},
        {"reply_to": "nobody"},
        {"list_id": "a b"},
        {"list_id": "x>\r\nBcc: evil@example.com"},
        {"user": "podium"},
        {"password": PASSWORD},
        {"user": "podium", "password": PASSWORD},
        {"user": "podium", "password": f"{PASSWORD}\nx", "security": "tls"},
        {"user": "podium", "password": f"{PASSWORD}ü", "security": "tls"},
    ],
)
def test_settings_that_cannot_be_used(
    change: dict[str, str], server: LoopbackMailServer, make_message: MakeMessage
) -> None:
    """Settings that cannot be used are permanent, a password in clear among them, and nobody is called."""
    assert refused(make_message(), settings_for(server, **change)).permanent is True
    assert server.mails == ()


def test_logs_hold_no_secret(
    context: ssl.SSLContext, make_message: MakeMessage, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is written by this side, with every logger turned up."""
    caplog.set_level(logging.DEBUG)
    with LoopbackMailServer(context, user="podium", password=PASSWORD) as server:
        login = {"user": "podium", "password": PASSWORD, "security": "starttls"}
        EmailChannel().send(make_message(), settings_for(server, **login))
    assert {record.name.partition(".")[0] for record in caplog.records} <= {"mail", "asyncio"}  # of the server


def test_many_threads(server: LoopbackMailServer, make_message: MakeMessage) -> None:
    """One channel serves all threads, and every mail arrives under its own id."""
    channel, settings = EmailChannel(), settings_for(server)
    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda number: channel.send(make_message(id=f"m-{number}"), settings), range(80)))
    assert {mail.message()["Message-ID"] for mail in server.mails} == set(receipts)
    assert len(server.mails) == 80
