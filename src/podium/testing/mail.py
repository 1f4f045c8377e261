"""A mail server that listens on this machine: keeps what it is given, and answers as told. It speaks by aiosmtpd."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
import threading
from dataclasses import dataclass
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Literal, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

Step = Literal["ehlo", "mail", "rcpt", "data"]


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """One mail that arrived.

    Attributes:
        sender: The address that the client gave for bounces.
        receivers: The addresses that it is for.
        content: Headers and body as they came.
        encrypted: Whether the connection was.
        user: Who had logged in, or None.
    """

    sender: str
    receivers: tuple[str, ...]
    content: bytes
    encrypted: bool
    user: str | None

    def message(self) -> EmailMessage:
        """Return headers and parts as a mail program reads them."""
        return email.message_from_bytes(self.content, policy=email.policy.default)

    def part(self, kind: Literal["plain", "html"]) -> str:
        """Return the text or the HTML part; empty if there is none."""
        found = self.message().get_body((kind,))
        return str(found.get_content()) if found is not None else ""


@dataclass(slots=True)
class _Fault:
    """What is answered at one step."""

    step: Step
    answer: str
    address: str | None = None
    delay: float = 0.0
    reset: bool = False
    times: int | None = None


class LoopbackMailServer:
    """Listens on a free port of 127.0.0.1 while its ``with`` block runs.

    It takes every mail unless told otherwise::

        with LoopbackMailServer() as server:
            server.reply("rcpt", "451 4.7.1 greylisted", times=1)
            send_to(server.host, server.port)
            assert server.wait_for(1)[0].message()["Subject"] == "hello"

    Args:
        context: The certificate of the server; with it there is STARTTLS.
        implicit: Speak TLS from the first byte instead.
        user: Who may log in; None for nobody.
        password: Of the user.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        context: ssl.SSLContext | None = None,
        *,
        implicit: bool = False,
        user: str | None = None,
        password: str | None = None,
    ) -> None:
        self._login = (user, password)
        self._changed = threading.Condition()
        self._mails: list[ReceivedMail] = []
        self._faults: list[_Fault] = []
        options: dict[str, Any] = {"ssl_context" if implicit else "tls_context": context} if context else {}
        if user is not None:
            # aiosmtpd does not see TLS from the first byte; that a login is needed is checked at the sender.
            options |= {"authenticator": self._authenticate, "auth_require_tls": not implicit}
        # By a name of its own: asking for the name of this machine may take long.
        self._controller = _Controller(_Handler(self), hostname=self.host, server_hostname="mail.test", **options)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

    @property
    def needs_login(self) -> bool:
        """Whether it takes mails only from the user."""
        return self._login[0] is not None

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._controller.port)

    @property
    def mails(self) -> tuple[ReceivedMail, ...]:
        """Every mail that it took, in order."""
        with self._changed:
            return tuple(self._mails)

    def reply(
        self,
        step: Step,
        answer: str = "250 OK",
        *,
        address: str | None = None,
        delay: float = 0.0,
        reset: bool = False,
        times: int | None = None,
    ) -> None:
        """Tell what to answer at a step of the talk.

        Args:
            step: ``ehlo``, ``mail`` (the sender), ``rcpt`` (a receiver) or ``data`` (the mail itself).
            answer: Code and text, such as ``451 4.3.0 later``; a text without a code is no SMTP.
            address: At ``rcpt``, for this receiver only.
            delay: Seconds to wait first.
            reset: Break the connection instead of answering.
            times: How often; None for always.
        """
        with self._changed:
            self._faults.append(_Fault(step, answer, address, delay, reset, times))

    def answer_as_usual(self) -> None:
        """Forget every reply that was told."""
        with self._changed:
            self._faults.clear()

    def wait_for(self, count: int, seconds: float = 5.0) -> tuple[ReceivedMail, ...]:
        """Wait until so many mails arrived, and return them.

        Raises:
            TimeoutError: Fewer arrived in that time.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._mails) >= count, seconds):
                raise TimeoutError(f"{len(self._mails)} of {count} mails arrived within {seconds:g} s.")
            return tuple(self._mails)

    def keep(self, mail: ReceivedMail) -> None:
        """Keep a mail; the server calls this."""
        with self._changed:
            self._mails.append(mail)
            self._changed.notify_all()

    def fault(self, step: Step, address: str | None = None) -> _Fault | None:
        """Return what was told for a step, and use it up; the server calls this."""
        with self._changed:
            for fault in self._faults:
                if fault.step != step or fault.address not in (None, address) or fault.times == 0:
                    continue
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        sent = (data.login.decode(), data.password.decode()) if isinstance(data, LoginPassword) else None
        return AuthResult(success=sent == self._login, handled=False, auth_data=sent[0] if sent else None)


class _Controller(Controller):
    def __init__(self, handler: _Handler, **options: Any) -> None:
        super().__init__(handler, port=0, **options)

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]  # of asyncio.Server
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd is half typed


class _Handler:
    """The hooks of aiosmtpd, named as it calls them."""

    def __init__(self, owner: LoopbackMailServer) -> None:
        self._owner = owner

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        told = await self._told(server, "ehlo")
        return [told] if told else responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        told = await self._told(server, "mail")
        if self._owner.needs_login and not session.authenticated:
            told = "530 5.7.0 Authentication required"
        if told is None or told.startswith("2"):
            envelope.mail_from = address
        return told or "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        told = await self._told(server, "rcpt", address)
        if told is None or told.startswith("2"):
            envelope.rcpt_tos.append(address)
        return told or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        told = await self._told(server, "data")
        if told is None or told.startswith("2"):
            user = str(session.auth_data) if session.authenticated else None
            content = bytes(envelope.original_content or b"")
            sender, receivers = str(envelope.mail_from), tuple(envelope.rcpt_tos)
            encrypted = server.transport is not None and bool(server.transport.get_extra_info("sslcontext"))
            self._owner.keep(ReceivedMail(sender, receivers, content, encrypted, user))
        return told or "250 OK"

    async def _told(self, server: SMTP, step: Step, address: str | None = None) -> str | None:
        fault = self._owner.fault(step, address)
        if fault is None:
            return None
        await asyncio.sleep(fault.delay)
        if fault.reset and isinstance(server.transport, asyncio.WriteTransport):
            server.transport.abort()
            return "421 reset"  # nobody reads it; the mail was not taken
        return fault.answer
