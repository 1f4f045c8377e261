"""Mails keep the contract of channels."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import trustme
from podium_email import EmailChannel

from podium.testing import Arrived, ChannelContract, LoopbackMailServer, ReceivedMail

PASSWORD = "very-secret-password"
FAULTS: Mapping[str, dict[str, Any]] = {
    "slow": {"delay": 0.5},
    "failing": {"answer": "451 4.3.0 something went wrong"},
    "hanging": {"delay": 60},
    "malformed": {"answer": "\x01 this is no SMTP"},
    "reset": {"reset": True},
}


class TestEmail(ChannelContract):
    """Over STARTTLS, with a login."""

    most_seconds = 8.0
    permanent = (550, 554)
    asks_to_wait = False
    redirects = False

    @pytest.fixture(autouse=True)
    def _certificate(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(self.context)

    def make_channel(self) -> EmailChannel:
        return EmailChannel(seconds=3)

    def open_receiver(self) -> LoopbackMailServer:
        return LoopbackMailServer(self.context, user="podium", password=PASSWORD)

    def make_settings(self, receiver: LoopbackMailServer) -> Mapping[str, str]:
        place = {"host": receiver.host, "port": str(receiver.port), "user": "podium", "password": PASSWORD}
        return {**place, "from": "podium@example.com", "to": "anna@example.com", "reply_to": "ml@example.com"}

    def trouble(self, receiver: LoopbackMailServer, kind: str, detail: Any = None) -> None:
        receiver.answer_as_usual()
        receiver.reply("data", **(FAULTS[kind] if kind != "gone" else {"answer": f"{detail} 5.7.1 no"}))

    def read(self, receiver: LoopbackMailServer) -> Sequence[Arrived]:
        return [_arrived(mail) for mail in receiver.mails]

    def active(self, arrived: Arrived) -> Sequence[str]:
        """Tags and their attributes, but for line breaks in a quoted reason; and what mail programs make a link of."""
        page = _Page(arrived.payload.part("html"))
        found = re.findall(r"\w+://\S+|\bwww\.\S+", f"{arrived.payload.part('plain')}\n{page.words}", re.IGNORECASE)
        return [*page.tags, *found]


class _Page(HTMLParser):
    """A page's tags with their attributes, and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words = ""
        self.quoted = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "br" or attrs:
            self.tags.append(f"{tag} {attrs}")
        self.quoted = self.quoted or tag == "blockquote"
        self.words += "\n| " if self.quoted else "\n"  # a mail program shows a bar beside each line of a quote

    def handle_endtag(self, tag: str) -> None:
        self.quoted = self.quoted and tag != "blockquote"

    def handle_data(self, data: str) -> None:
        self.words += data


def _arrived(mail: ReceivedMail) -> Arrived:
    message = mail.message()
    text = f"{message['Subject']}\n{mail.part('plain')}\n{_Page(mail.part('html')).words}"
    headers = {name.lower(): str(value) for name, value in message.items()}
    return Arrived(headers["message-id"], text, headers, mail)
