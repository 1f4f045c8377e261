"""The mail server that tests talk to: what arrives is kept, what was told is answered."""

from __future__ import annotations

import smtplib
import ssl
import time
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
import trustme

from podium.testing import LoopbackMailServer

SENDER, RECEIVERS = "a@example.com", ["b@example.com", "c@example.com"]


@pytest.fixture
def server() -> Iterator[LoopbackMailServer]:
    """A mail server that listens."""
    with LoopbackMailServer() as found:
        yield found


def send(server: LoopbackMailServer, text: str = "hello\n", context: ssl.SSLContext | None = None) -> None:
    """Send one mail, encrypted if there is a context."""
    mail = EmailMessage()
    mail["Subject"] = "subject"
    mail.set_content(text)
    mail.add_alternative(f"<p>{text}</p>", subtype="html")
    with smtplib.SMTP(server.host, server.port, timeout=5) as client:
        if context:
            client.starttls(context=context)
        client.send_message(mail, SENDER, RECEIVERS)


def test_a_mail_is_kept(server: LoopbackMailServer) -> None:
    """Envelope, headers and both parts are there to look at."""
    send(server)
    (mail,) = server.wait_for(1)
    assert (mail.sender, list(mail.receivers), mail.encrypted, mail.user) == (SENDER, RECEIVERS, False, None)
    assert mail.message()["Subject"] == "subject"
    assert (mail.part("plain").strip(), mail.part("html").strip()) == ("hello", "<p>hello\r\n</p>")


def test_encryption_is_seen() -> None:
    """With a certificate it offers STARTTLS, and says of a mail that it came that way."""
    authority, context = trustme.CA(), ssl.create_default_context()
    authority.configure_trust(context)
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(own)
    with LoopbackMailServer(own) as server:
        send(server, context=context)
        assert [mail.encrypted for mail in server.mails] == [True]


@pytest.mark.parametrize("step", ["mail", "rcpt", "data"])
def test_a_fault_is_told_at_its_step_and_used_up(step: str, server: LoopbackMailServer) -> None:
    """What was told comes as often as was said, then the mail is taken."""
    server.reply(step, "451 4.3.0 later", times=2 if step == "rcpt" else 1)
    with pytest.raises((smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused)):
        send(server)
    send(server)
    assert len(server.mails) == 1


def test_one_receiver(server: LoopbackMailServer) -> None:
    """A fault may be about one receiver."""
    server.reply("rcpt", "550 5.1.1 no such user", address=RECEIVERS[0])
    send(server)
    assert [mail.receivers for mail in server.mails] == [(RECEIVERS[1],)]


def test_reset_and_usual(server: LoopbackMailServer) -> None:
    """A connection can break, until the server is told to be itself again."""
    server.reply("data", reset=True)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(server)
    server.answer_as_usual()
    send(server)
    assert len(server.mails) == 1


def test_closing_waits_for_no_delay() -> None:
    """A reply that waits does not hold up the end of the block."""
    started = time.monotonic()
    with LoopbackMailServer() as server:
        server.reply("ehlo", delay=60)
        client = smtplib.SMTP(server.host, server.port, timeout=0.2)
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.ehlo()
        client.close()
    assert time.monotonic() - started < 10


def test_waiting_ends(server: LoopbackMailServer) -> None:
    """A mail that never comes is said so."""
    with pytest.raises(TimeoutError, match="0 of 1"):
        server.wait_for(1, seconds=0.1)
