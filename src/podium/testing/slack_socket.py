"""The Socket Mode side of `FakeSlack`: a WebSocket server on this machine that hands envelopes to an app.

As https://docs.slack.dev/apis/events-api/using-socket-mode says: the server greets with ``hello``, sends envelopes, and
takes an answer that names the envelope within three seconds. Of RFC 6455 it speaks what that needs: text, ping, close.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import struct
import threading
from typing import Any, BinaryIO

ACK_SECONDS = 3.0  # how long Slack waits for an app
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # of RFC 6455
_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA

Json = dict[str, Any]


class SocketServer:
    """Listens on a free port of 127.0.0.1 until it is closed. Of several connections, the newest gets the envelopes."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._changed = threading.Condition()
        self._connections: list[socket.socket] = []
        self._acks: dict[str, Json] = {}
        self._opened = 0
        threading.Thread(target=self._accept, name="fake-slack-socket", daemon=True).start()

    @property
    def url(self) -> str:
        """Where an app connects to."""
        return f"ws://127.0.0.1:{self._listener.getsockname()[1]}/link/?ticket=loopback"

    def wait_for_connection(self, count: int = 1, seconds: float = 10.0) -> None:
        """Wait until apps connected so often, counting those that went away.

        Raises:
            TimeoutError: None did.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._opened >= count and bool(self._connections), seconds):
                raise TimeoutError(f"{self._opened} of {count} connections within {seconds:g} s.")

    def deliver(self, envelope: Json) -> Json:
        """Send an envelope and return the answer to it.

        Raises:
            TimeoutError: No app is connected, or it does not answer within three seconds.
        """
        self.wait_for_connection()
        with self._changed:
            self._acks.pop(envelope["envelope_id"], None)
            self._send(self._connections[-1], envelope)
            if not self._changed.wait_for(lambda: envelope["envelope_id"] in self._acks, ACK_SECONDS):
                raise TimeoutError("The app did not acknowledge the envelope within 3 s.")
            return self._acks.pop(envelope["envelope_id"])

    def disconnect(self, reason: str = "refresh_requested") -> None:
        """Ask the app to come back by another connection, as Slack does every few hours, and close this one."""
        with self._changed:
            connection = self._connections[-1]
            self._send(connection, {"type": "disconnect", "reason": reason, "debug_info": {"host": "loopback"}})
        self._drop(connection)

    def drop(self) -> None:
        """End the connection without a word, as a network or a proxy does."""
        with self._changed:
            connection = self._connections[-1]
        self._drop(connection)

    def close(self) -> None:
        """Close every connection, and listen no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # closing alone does not wake who waits for a connection
        self._listener.close()
        for connection in tuple(self._connections):
            self._drop(connection)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._serve, args=(connection,), name="fake-slack-app", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        try:
            connection.sendall(_handshake(stream))
            with self._changed:
                self._send(connection, {"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"}})
                self._connections.append(connection)
                self._opened += 1
                self._changed.notify_all()
            while self._answer(connection, *_frame(stream)):
                pass
        except (OSError, ValueError):  # the app hung up, or speaks something else
            pass
        finally:
            self._drop(connection)

    def _answer(self, connection: socket.socket, opcode: int, data: bytes) -> bool:
        if opcode == _PING:
            with self._changed:
                connection.sendall(_framed(_PONG, data))
        elif opcode == _TEXT:
            found = json.loads(data)
            with self._changed:
                self._acks[str(found.get("envelope_id"))] = found
                self._changed.notify_all()
        return opcode != _CLOSE

    def _send(self, connection: socket.socket, message: Json) -> None:
        connection.sendall(_framed(_TEXT, json.dumps(message).encode()))

    def _drop(self, connection: socket.socket) -> None:
        with self._changed:
            if connection in self._connections:
                self._connections.remove(connection)
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()


def _handshake(stream: BinaryIO) -> bytes:
    """Read the request of a client and return the answer that makes a WebSocket of its connection."""
    headers: dict[bytes, bytes] = {}
    stream.readline()
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        headers[name.strip().lower()] = value.strip()
    if b"sec-websocket-key" not in headers:
        raise ValueError("This is no WebSocket client.")
    accept = base64.b64encode(hashlib.sha1(headers[b"sec-websocket-key"] + _MAGIC, usedforsecurity=False).digest())
    lines = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade"]
    return b"\r\n".join([*lines, b"Sec-WebSocket-Accept: " + accept, b"", b""])


def _frame(stream: BinaryIO) -> tuple[int, bytes]:
    """Read one frame of a client, whose payload is masked."""
    first, second = _exactly(stream, 2)
    length = second & 0x7F
    if length == 126:
        (length,) = struct.unpack("!H", _exactly(stream, 2))
    elif length == 127:
        (length,) = struct.unpack("!Q", _exactly(stream, 8))
    mask = _exactly(stream, 4) if second & 0x80 else bytes(4)
    data = _exactly(stream, length)
    return first & 0x0F, bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))


def _framed(opcode: int, data: bytes) -> bytes:
    """Return one frame of a server, which masks nothing."""
    size = len(data)
    if size < 126:
        return bytes([0x80 | opcode, size]) + data
    if size < 1 << 16:
        return bytes([0x80 | opcode, 126]) + struct.pack("!H", size) + data
    return bytes([0x80 | opcode, 127]) + struct.pack("!Q", size) + data


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise ValueError("The connection ended.")
    return data
