"""The worker's connection to Slack: made anew when it is lost, and every trouble said.

The SDK would try again for ever and without a word, also with a token that was revoked, sleep as long as a rate limit
says, and notice the end of a connection only after 20 s.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web import WebClient

from podium.errors import SettingsError
from podium_slack.client import refusal, unreachable
from podium_slack.faults import passes
from podium_slack.transport import silent_logger

SECONDS = 10.0  # how long one call of Slack may take
_POLL = 0.5
_AT_THE_END = 0.1
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0
_STEADY = 30.0  # a connection that lasts as long is there again
_PATIENCE = 300.0  # seconds for which Slack may refuse the token before the worker ends
_PLACES = {
    "app": "It is an app-level token (xapp-...) with the scope connections:write, made under 'Basic Information'",
    "bot": "It is the bot token (xoxb-...) of the installed app, under 'OAuth & Permissions'",
}
_log = logging.getLogger("podium_slack.worker")


def asked(call: Callable[[], Any], token: str) -> Any:
    """Call Slack at the start, where nothing is tried again: whoever starts the process reads what is wrong.

    Raises:
        SettingsError: Slack does not take the token, or cannot be reached.
    """
    try:
        return call()
    except SlackApiError as error:
        if not passes(refusal(error)):
            raise _refused(error, token) from error
        raise SettingsError(_passing(error), hint="Start it again in a minute.") from error
    except Exception as error:
        said = unreachable(error, SECONDS).message
        hint = "Check the network, a proxy and --base-url, and start it again."
        raise SettingsError(said, hint=hint) from error


class Connection(SocketModeClient):
    """A connection by Socket Mode that is kept up.

    Args:
        app_token: The app-level token.
        client: Makes a client of the Web API for each call, so that each has its time.
        handle: Gets each envelope.
    """

    def __init__(
        self,
        app_token: str,
        client: Callable[[], WebClient],
        handle: Callable[[Any, SocketModeRequest], None],
    ) -> None:
        self._make_client = client
        self._trouble: Exception | None = None
        super().__init__(
            app_token,
            logger=silent_logger(),
            web_client=client(),
            auto_reconnect_enabled=False,  # `keep_up` does it, and says so
            on_error_listeners=[self._note],
        )
        self.socket_mode_request_listeners.append(handle)

    def issue_new_wss_url(self) -> str:
        """Ask Slack where to connect to; the SDK's own sleeps for as long as a rate limit says."""
        return str(self._make_client().apps_connections_open(app_token=self.app_token)["url"])

    def connect(self) -> None:
        """Connect.

        Raises:
            Exception: There is no connection; the SDK's own keeps that to itself.
        """
        self._trouble = None
        super().connect()
        session = self.current_session
        sock = session.sock if session is not None else None
        if session is None or sock is None:
            raise self._trouble or ConnectionError("what answered is no WebSocket")
        session.sock = _Watched(sock)  # type: ignore[assignment]  # it has all that the SDK uses of a socket

    def is_connected(self) -> bool:
        """Whether there is a connection that the other side has not closed."""
        session = self.current_session
        sock = session.sock if session is not None else None
        return sock is not None and not (isinstance(sock, _Watched) and sock.ended)

    def open(self) -> None:
        """Connect for the first time.

        Raises:
            SettingsError: Slack does not take the app-level token, or cannot be reached.
        """
        asked(self.connect, "app")
        _log.info("Connected to Slack.")

    def keep_up(self, stop: threading.Event) -> None:
        """Stay connected until told to stop.

        Raises:
            SettingsError: Slack has not taken the app-level token any more for minutes.
        """
        outage: _Outage | None = None
        back: float | None = None  # since when, as long as that may be for a moment only
        while not stop.wait(_POLL):
            if self.is_connected():
                if outage is not None and back is None:
                    back = time.monotonic()
                    _log.info("Connected to Slack again, after %.0f s.", outage.seconds())
                elif back is not None and time.monotonic() - back > _STEADY:
                    outage = back = None
                continue
            if outage is None or back is not None:
                _log.warning("The connection to Slack is lost; trying again.")
            if outage is None:
                outage = _Outage()
            elif back is not None:
                outage.goes_on()
            back = None
            self._try_again(outage)

    def _try_again(self, outage: _Outage) -> None:
        if outage.is_time():
            try:
                self.connect_to_new_endpoint()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is said, and tried again
                outage.failed(error)

    def _note(self, error: Exception) -> None:
        self._trouble = error


class _Outage:
    """A time without a connection: what is said about it, and when the next try is."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._refused_since: float | None = None
        self._said = ""
        self._pause = _FIRST_PAUSE
        self._next = 0.0

    def seconds(self) -> float:
        """Return how long it lasts."""
        return time.monotonic() - self._since

    def is_time(self) -> bool:
        """Whether it is time for the next try."""
        return time.monotonic() >= self._next

    def goes_on(self) -> None:
        """Let the next try wait: the connection was there for a moment only."""
        self._since = time.monotonic()
        self._next = self._since + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def failed(self, error: Exception) -> None:
        """Say why a try failed, and let the next one wait: longer than before, and as long as Slack asks.

        What passes is said when it changes; that Slack refuses the token each time, since somebody has to act.

        Raises:
            SettingsError: Slack has refused the token for long enough.
        """
        now = time.monotonic()
        asked_to = refusal(error).retry_after if isinstance(error, SlackApiError) else None
        self._next = now + max(self._pause, asked_to or 0)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        if isinstance(error, SlackApiError) and not passes(refusal(error)):
            self._refused_since = self._refused_since or now
            refused = _refused(error, "app")
            if now - self._refused_since >= _PATIENCE:
                raise refused from error
            _log.error("%s Trying again; if it stays so for %g minutes, this ends.", refused, _PATIENCE / 60)
            return
        self._refused_since = None
        said = _passing(error) if isinstance(error, SlackApiError) else unreachable(error, SECONDS).message
        if said != self._said:
            _log.warning("%s Trying again.", said)
        self._said = said


class _Watched:
    """A socket that knows when the other side has closed it: the SDK then reads nothing, over and over, for 20 s.

    It closes nothing itself, because the SDK's closing is not made for two threads.
    """

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self.ended = False

    def recv(self, size: int) -> bytes:
        """Receive something, or nothing at the end."""
        data: bytes = self._sock.recv(size)
        if not data:
            self.ended = True
            time.sleep(_AT_THE_END)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def _refused(error: SlackApiError, token: str) -> SettingsError:
    return SettingsError(
        f"Slack does not take the {token} token: {refusal(error).error or error.response.status_code}.",
        hint=f"{_PLACES[token]}; put one that is valid behind --{token}-token.",
    )


def _passing(error: SlackApiError) -> str:
    return f"Slack cannot serve this just now: {refusal(error).error or error.response.status_code}."
