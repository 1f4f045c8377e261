"""One request to an address that was judged: resolved once, connected to what was found, nothing followed.

The name is resolved here and nowhere else. Every address that it gives is judged, and the connection goes to one of
those by number, so that a name that answers differently the next time (DNS rebinding) gains nothing. Neither proxies
of the environment nor redirects take part, and the body of an answer is read only by who asks for it.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

from podium.plugins.channels import DeliveryFailedError
from podium.plugins.deadline import Deadline
from podium.plugins.guard import call_within
from podium.plugins.web.addresses import VARIABLE, Address, AllowList, address_of, is_public, not_from_here
from podium.plugins.web.answers import Answer, seconds_of

_VISIBLE = re.compile(r"[!-~]+")
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
_PORTS = {"https": 443, "http": 80}
_AGAIN = "It is tried again; check the address and the network if it stays."


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes.

    Attributes:
        secure: Whether over TLS.
        host: Name or address, small letters, without brackets.
        port: Where it listens.
        path: With the query.
    """

    secure: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as the header ``Host`` has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS["https" if self.secure else "http"] else f"{host}:{self.port}"


def target_of(url: str) -> Target:
    """Return where an address leads.

    Raises:
        DeliveryFailedError: It is none that can be used; permanent. The text does not quote it: it may be a secret.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        parts, host, port = None, "", 0
    if parts is None or not port or "\\" in url or not _VISIBLE.fullmatch(url) or not _HOST.fullmatch(host):
        raise _unusable("The address of the receiver is no web address.", "It looks like https://example.com/hook.")
    if "@" in parts.netloc:
        hint = "Take it out; messages are signed, and an address that is a secret goes behind 'secret_url'."
        raise _unusable("The address of the receiver holds a user or a password.", hint)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme == "https", host, port, path)


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent.

    Attributes:
        method: Such as ``POST``.
        target: Where it goes.
        body: The bytes.
        headers: ``Host``, ``User-Agent`` and ``Connection`` are there already.
        read: How many bytes of the answer are wanted at most.
    """

    method: str
    target: Target
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    read: int = 0


def send(request: Request, deadline: Deadline, allow: AllowList | None) -> Answer:
    """Send one request and return what the receiver said; its certificate is verified.

    Args:
        request: What to send.
        deadline: When all of it must be over.
        allow: What may be reached although it is not public; None for everything, where it was the operator of this
            process who named the address.

    Raises:
        DeliveryFailedError: The address is not allowed here, could not be reached, or gave no answer in time; never
            permanent, because another process may be allowed more, and a receiver may come back.
    """
    try:
        sock = _connect(request.target, _judged(request.target, deadline, allow), deadline)
        with sock:
            return _exchange(sock, request, deadline)
    except TimeoutError as error:
        text = f"The receiver gave no answer within {deadline.seconds:g} s."
        raise DeliveryFailedError(text, hint=_AGAIN, permanent=False) from error
    except ssl.SSLCertVerificationError as error:
        text = f"The certificate of the receiver is not good: {error.verify_message.rstrip('.')}."
        hint = "SSL_CERT_FILE names the authorities that this process trusts, if it is one of your own."
        raise DeliveryFailedError(text, hint=hint, permanent=False) from error
    except (OSError, http.client.HTTPException) as error:
        # Only the words of the system: other texts may quote what was sent.
        why = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
        raise DeliveryFailedError(f"The receiver could not be reached: {why}.", hint=_AGAIN, permanent=False) from error


def _judged(target: Target, deadline: Deadline, allow: AllowList | None) -> list[Address]:
    """Return the addresses of the target that may be reached; the only place where a name is resolved."""
    ask = partial(socket.getaddrinfo, target.host, target.port, type=socket.SOCK_STREAM)
    outcome = call_within(ask, deadline.left())  # a resolver has no time limit of its own
    if outcome.value is None:
        if outcome.cause is None:
            raise TimeoutError
        raise DeliveryFailedError("The name of the receiver is not known.", hint=_AGAIN, permanent=False) from None
    found = dict.fromkeys(address_of(row[4][0]) for row in outcome.value)
    if allow is None:
        return list(found)
    good = [address for address in found if allow.permits(target.host, target.port, address)]
    if target.secure:
        good += [address for address in found if is_public(address) and address not in good]
    if good:
        return good
    if any(is_public(address) for address in found):
        hint = f"Correct the address, or allow the host in {VARIABLE} where deliveries are made."
        raise not_from_here("Messages go over https only.", hint)
    hint = f"If it is meant, who runs the process that delivers can allow the host or the network in {VARIABLE}."
    raise not_from_here("The address of the receiver leads to an internal place.", hint)


def _connect(target: Target, addresses: list[Address], deadline: Deadline) -> socket.socket:
    for place, address in enumerate(addresses):
        try:
            sock = socket.create_connection((str(address), target.port), deadline.left() / (len(addresses) - place))
            break
        except OSError:
            if place == len(addresses) - 1:
                raise
    if not target.secure:
        return sock
    try:
        sock.settimeout(deadline.left())
        return ssl.create_default_context().wrap_socket(sock, server_hostname=target.host)
    except BaseException:
        sock.close()
        raise


def _exchange(sock: socket.socket, request: Request, deadline: Deadline) -> Answer:
    target = request.target
    connection = http.client.HTTPConnection(target.host, target.port)
    connection.sock = sock
    own = {"Host": target.authority, "User-Agent": f"podium/{version('podium')}", "Connection": "close"}
    sock.settimeout(deadline.left())
    connection.request(request.method, target.path, request.body, {**own, **request.headers})
    response = http.client.HTTPResponse(_Source(sock, deadline), method=request.method)  # type: ignore[arg-type]  # see there
    response.begin()
    body = response.read(request.read) if request.read else b""
    answer = Answer(response.status, seconds_of(response.getheader("Retry-After")), body)
    response.close()
    return answer


@dataclass(frozen=True, slots=True)
class _Source:
    """What an `http.client.HTTPResponse` needs of a socket: a file to read from, here one that is never late."""

    sock: socket.socket
    deadline: Deadline

    def makefile(self, *_: Any) -> io.BufferedReader:
        return self.deadline.reader(self.sock)


def _unusable(message: str, hint: str) -> DeliveryFailedError:
    return DeliveryFailedError(message, hint=hint, permanent=True)
