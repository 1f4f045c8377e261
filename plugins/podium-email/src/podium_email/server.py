"""The talk with the mail server: encrypted, within a time limit, and all receivers or none."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from email.message import EmailMessage
from typing import Any

from podium.plugins import DeliveryFailedError
from podium.plugins.deadline import Deadline
from podium_email.options import Options, unusable

_AGAIN = "It is tried again; check 'host', 'port' and the network if it stays."
_LOGIN = "Check 'user' and the secret behind 'password'."
_LOG = "The log of the mail server says why."
_NO_CODE = -1  # as smtplib has it, for a line that begins with no number
_TLS = "Use security=tls (port 465), or security=none for a server of your own network that has no TLS."


def submit(letter: EmailMessage, options: Options, seconds: float) -> tuple[str, ...]:
    """Hand a mail to the server.

    If it refuses a receiver for now (a full mailbox, greylisting), nobody gets the mail yet: the next attempt would
    send it twice to all others.

    Returns:
        The receivers that it refuses for good, while it took the mail for the others.

    Raises:
        DeliveryFailedError: It did not take the mail. ``permanent`` if only a person can mend it. The text has the
            server's numbers, never its words: they may quote what was sent.
    """
    try:
        session = _Session(options, Deadline(seconds))
        try:
            return session.submit(letter)
        finally:
            session.leave()
    except (smtplib.SMTPException, OSError) as error:
        raise _failure(error, seconds) from None


def _failure(error: Exception, seconds: float) -> DeliveryFailedError:
    """Return what an exception of the library or the system means; their texts may quote what was sent."""
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        text = f"The mail server gave no answer within {seconds:g} s."
        return DeliveryFailedError(text, hint=_AGAIN, permanent=False)
    if isinstance(error, ssl.SSLCertVerificationError):
        text = f"The certificate of the mail server is not good: {error.verify_message.rstrip('.')}."
        hint = "'host' must be the name in it; SSL_CERT_FILE names the authorities that this process trusts."
        return DeliveryFailedError(text, hint=hint, permanent=False)
    if isinstance(error, smtplib.SMTPDataError):
        return _refused(error.smtp_code, "the mail", _LOG)
    if isinstance(error, smtplib.SMTPConnectError | smtplib.SMTPHeloError):
        return _refused(error.smtp_code, "the connection", _LOG)
    if isinstance(error, smtplib.SMTPResponseException):  # a line that never ends
        return _refused(_NO_CODE, "the connection")
    system = isinstance(error, OSError) and not isinstance(error, smtplib.SMTPException)
    why = (error.strerror if isinstance(error, OSError) and system else None) or "it hung up"
    return DeliveryFailedError(f"The mail server could not be reached: {why}.", hint=_AGAIN, permanent=False)


class _Session(smtplib.SMTP):
    """A session whose every step counts against one time limit.

    The library's own limit counts for each byte that arrives, and it would go on in clear where a server offers no TLS.
    """

    def __init__(self, options: Options, deadline: Deadline) -> None:
        self._options = options
        self._deadline = deadline
        self._context = ssl.create_default_context()
        # By its domain, not by the name of this machine, which is nobody's business.
        super().__init__(options.host, options.port, local_hostname=options.domain, timeout=deadline.left())

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock = socket.create_connection((host, port), timeout)
        if self._options.security != "tls":
            return sock
        try:
            sock.settimeout(self._deadline.left())
            return self._context.wrap_socket(sock, server_hostname=host)
        except BaseException:
            sock.close()
            raise

    def getreply(self) -> tuple[int, bytes]:
        """Read an answer within the time that is left; see `smtplib.SMTP.getreply`."""
        if self.file is None and self.sock is not None:
            self.file = self._deadline.reader(self.sock)
        return super().getreply()

    def send(self, s: Any) -> None:
        """Send within the time that is left; see `smtplib.SMTP.send`."""
        if self.sock is not None:
            self.sock.settimeout(self._deadline.left())
        super().send(s)

    def submit(self, letter: EmailMessage) -> tuple[str, ...]:
        """Encrypt, log in, and hand the mail over; see the function of this name."""
        self._begin()
        _check(self.mail(self._options.sender), "the sender", "Check 'from', and whether the user may send from it.")
        codes = {receiver: self.rcpt(receiver)[0] for receiver in self._options.receivers}
        refused = tuple(receiver for receiver, code in codes.items() if code >= 500)
        later = [code for code in codes.values() if not 200 <= code < 300 and code < 500]
        if later or len(refused) == len(codes):
            code = later[0] if later else max(codes.values())
            raise _refused(code, "the receiver", "Check 'to', and whether this server sends to them.")
        _check(self.data(letter.as_bytes()), "the mail", _LOG)
        return refused

    def leave(self) -> None:
        """Say goodbye and go: whatever the server answers to that, it took the mail or it did not."""
        with contextlib.suppress(smtplib.SMTPException, OSError):
            self.putcmd("quit")
        self.close()

    def _begin(self) -> None:
        self.ehlo_or_helo_if_needed()
        if self._options.security == "starttls":
            if not self.has_extn("starttls"):
                raise unusable("The mail server offers no encryption.", _TLS)
            _check(self.starttls(context=self._context), "encryption", _TLS)
            self.ehlo()
        if self._options.user:
            self._log_in()

    def _log_in(self) -> None:
        try:
            self.login(self._options.user, self._options.password)
        except smtplib.SMTPNotSupportedError:
            raise unusable("The mail server takes no login here.", "Leave 'user' and 'password' out.") from None
        except smtplib.SMTPAuthenticationError as error:
            # From None: the answer of a server may quote what was sent.
            raise _refused(error.smtp_code, "the login", _LOGIN) from None
        except smtplib.SMTPServerDisconnected:
            raise
        except smtplib.SMTPException:
            raise unusable("The mail server knows no login that this plugin knows.", "It has PLAIN or LOGIN.") from None


def _check(answer: tuple[int, bytes], what: str, hint: str) -> None:
    if not 200 <= answer[0] < 300:
        raise _refused(answer[0], what, hint)


def _refused(code: int, what: str, hint: str = _AGAIN) -> DeliveryFailedError:
    if code == _NO_CODE:
        return DeliveryFailedError("What the mail server answered is no SMTP.", hint=_AGAIN, permanent=False)
    permanent = code >= 500
    then = hint if permanent else "It is tried again by the schedule; look at the mail server if it stays."
    return DeliveryFailedError(f"The mail server refused {what}: {code}.", hint=then, permanent=permanent, status=code)
