"""A receiver on this machine: keeps every request that arrives and answers as the test told it to."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType, TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

_MOST_DELAY = 3600.0
_READ_SECONDS = 10.0
_LARGEST_BODY = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request that arrived.

    Attributes:
        method: Such as ``POST``.
        path: With the query, such as ``/hook?id=1``.
        headers: By name in small letters, because HTTP does not tell ``Content-Type`` from ``content-type``.
        body: The bytes.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON.

        Raises:
            json.JSONDecodeError: It is none.
        """
        return json.loads(self.body)

    def form(self) -> dict[str, str]:
        """Return the body as a form; of a field that came several times, the last value."""
        return {name: values[-1] for name, values in parse_qs(self.body.decode(), keep_blank_values=True).items()}


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered.

    Attributes:
        status: HTTP status.
        body: Text and bytes as they are; anything else as JSON.
        headers: Further headers.
        delay: Seconds to wait first; the receiver does not wait for them when it closes.
        reset: Break the connection instead of answering.
        times: For how many requests; None until another reply is told.
        raw: Sent as it is instead of an answer, to speak what is no HTTP.
        drip: Seconds between the bytes of the body.
    """

    status: int = 200
    body: Any = "ok"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    reset: bool = False
    times: int | None = None
    raw: bytes | None = None
    drip: float = 0.0

    def encoded(self) -> tuple[bytes, str]:
        """Return the body as bytes, and its media type."""
        if isinstance(self.body, bytes):
            return self.body, "application/octet-stream"
        if isinstance(self.body, str):
            return self.body.encode(), "text/plain; charset=utf-8"
        return json.dumps(self.body).encode(), "application/json; charset=utf-8"


class LoopbackReceiver:
    """Listens on a free port of 127.0.0.1 while its ``with`` block runs.

    It answers 200 ``ok`` unless told otherwise. Requests are served in threads, so that one that waits holds up no
    other; none of them outlives the block.

    Attributes:
        lag: Seconds to wait before each usual answer: a receiver that is slow and otherwise well.
    """

    def __init__(self) -> None:
        self.lag = 0.0
        self._server: _Server | None = None
        self._changed = threading.Condition()
        self._requests: list[ReceivedRequest] = []
        self._replies: deque[Reply] = deque()

    def __enter__(self) -> Self:
        self._server = _Server(self)
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        server, self._server = self._started(), None
        server.stop()

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://127.0.0.1:{self._started().server_port}"

    @property
    def requests(self) -> tuple[ReceivedRequest, ...]:
        """Everything that arrived so far, in order."""
        with self._changed:
            return tuple(self._requests)

    def reply(
        self,
        status: int = 200,
        body: Any = "ok",
        headers: Mapping[str, str] | None = None,
        delay: float = 0.0,
        times: int | None = None,
        *,
        reset: bool = False,
        raw: bytes | None = None,
        drip: float = 0.0,
    ) -> None:
        """Tell what to answer next.

        Replies with ``times`` are used up one after the other, then the usual answer comes again. A reply without it
        stays until another one is told.

        Args:
            status: HTTP status.
            body: Text or bytes, or a value that is sent as JSON.
            headers: Further headers, such as ``{"Retry-After": "30"}``.
            delay: Seconds to wait before answering, to be slow or to hang.
            times: For how many requests.
            reset: Break the connection instead of answering.
            raw: Send these bytes instead of an answer, to speak what is no HTTP.
            drip: Seconds between the bytes of the body: slow, though never silent.

        Raises:
            ValueError: ``times`` is less than 1.
        """
        if times is not None and times < 1:
            raise ValueError(f"A reply cannot be given {times} times.")
        told = Reply(status, body, dict(headers or {}), min(delay, _MOST_DELAY), reset, times, raw, drip)
        with self._changed:
            if self._replies and self._replies[-1].times is None:
                self._replies.pop()
            self._replies.append(told)

    def redirect(self, target: str, status: int = 302, times: int | None = None) -> None:
        """Tell to send whoever asks to another address."""
        self.reply(status, "", {"Location": target}, times=times)

    def hang(self, times: int | None = None) -> None:
        """Tell to take requests and never answer them."""
        self.reply(delay=_MOST_DELAY, times=times)

    def answer_as_usual(self) -> None:
        """Forget every reply that was told."""
        with self._changed:
            self._replies.clear()

    def wait_for(self, count: int, seconds: float = 5.0) -> tuple[ReceivedRequest, ...]:
        """Wait until so many requests arrived, and return them.

        Raises:
            TimeoutError: Fewer arrived in that time.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._requests) >= count, seconds):
                raise TimeoutError(f"{len(self._requests)} of {count} requests arrived within {seconds:g} s.")
            return tuple(self._requests)

    def usual_reply(self, request: ReceivedRequest) -> Reply:
        """Return what to answer when nothing was told; receivers that know a protocol override it."""
        return Reply()

    def receive(self, request: ReceivedRequest) -> Reply:
        """Keep a request and return the answer to it; the server calls this."""
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()
            if not self._replies:
                usual = self.usual_reply(request)
                return replace(usual, delay=max(usual.delay, self.lag))
            told = self._replies.popleft()
            left = None if told.times is None else told.times - 1
            if left != 0:
                self._replies.appendleft(replace(told, times=left))
            return told

    def _started(self) -> _Server:
        if self._server is None:
            raise RuntimeError(f"The {type(self).__name__} does not listen. Use it in a with block.")
        return self._server


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # with the five of the standard library, the sixth sender at a time waits a whole second

    def __init__(self, receiver: LoopbackReceiver) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.receiver = receiver
        self.stopping = threading.Event()
        self._busy: set[threading.Thread] = set()

    def start(self) -> None:
        """Listen in a thread."""
        thread = threading.Thread(target=self.serve_forever, args=(0.02,), name="loopback-receiver", daemon=True)
        self._busy.add(thread)
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection; the base class does not keep track of daemon threads, and closing wants to."""
        self._busy.add(threading.current_thread())
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._busy.discard(threading.current_thread())

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a sender that hangs up in the middle is what many a test is about."""

    def stop(self) -> None:
        """Let every reply that waits go now, and wait a moment for the threads."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        end = time.monotonic() + 2
        for thread in tuple(self._busy):
            thread.join(max(0.0, end - time.monotonic()))


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _READ_SECONDS  # of the socket: a sender that never ends its request is dropped

    def handle_one_request(self) -> None:
        """Read one request, whatever its method, and answer it; HTTP/1.0 ends the connection after it."""
        self.close_connection = True
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            return
        length = self.headers.get("Content-Length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > _LARGEST_BODY:
            return self.send_error(400)
        if "Transfer-Encoding" in self.headers:
            return self.send_error(411)  # a body in chunks would be taken for an empty one
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(length))
        request = ReceivedRequest(self.command, self.path, MappingProxyType(headers), body)
        return self._answer(self.server.receiver.receive(request))

    def _answer(self, reply: Reply) -> None:
        # A receiver that closes stops waiting; whoever still listens gets a broken connection, as from a real one.
        if self.server.stopping.wait(reply.delay) or reply.reset:
            return self._reset()
        if reply.raw is not None:
            self.wfile.write(reply.raw)
            return None
        body, media = reply.encoded()
        self.send_response(reply.status)
        for name, value in {"Content-Type": media, "Content-Length": str(len(body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self._write(body, reply.drip)
        return None

    def _write(self, body: bytes, drip: float) -> None:
        if not drip:
            self.wfile.write(body)
            return
        for byte in body:
            if self.server.stopping.wait(drip):
                return
            self.wfile.write(bytes([byte]))

    def _reset(self) -> None:
        # Lingering for zero seconds makes closing send RST instead of FIN.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the requests are kept."""
