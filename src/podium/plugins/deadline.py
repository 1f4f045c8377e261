"""A time limit over a whole conversation, however slowly the other side drips its answer."""

from __future__ import annotations

import io
import socket
import time
from typing import Any


class Deadline:
    """So many seconds from now on.

    A socket's own time limit counts for each call, so that a receiver that sends a byte per second is never too late.

    Args:
        seconds: How long all of it may take.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left, for ``settimeout``.

        Raises:
            TimeoutError: None are.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"no answer within {self.seconds:g} s")
        return left

    def reader(self, sock: socket.socket) -> io.BufferedReader:
        """Return a file that reads from a socket until the time is over; it does not close the socket."""
        return io.BufferedReader(_Reader(sock, self))


class _Reader(io.RawIOBase):
    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what there is, within the time that is left."""
        self._sock.settimeout(self._deadline.left())
        return self._sock.recv_into(buffer)
