"""The worker behind the buttons: listens to Slack by Socket Mode and decides requests in the registry.

This module alone needs a registry, and of Podium only its face. Who may decide is the registry's business: roles, and
that an author does not approve, are asked there at every click, and its refusal is shown to the person.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import SectionBlock
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from podium.errors import (
    ConflictError,
    InvalidValueError,
    NotFoundError,
    PermissionDeniedError,
    PluginError,
    PodiumError,
    PromotionRefusedError,
    SettingsError,
)
from podium.plugins.deadline import Deadline
from podium_slack.buttons import Click, comment_modal, missing_comment, read_click
from podium_slack.client import refusal
from podium_slack.connection import SECONDS, Connection, asked
from podium_slack.decisions import render_standing, standing_now
from podium_slack.people import find_person, read_people
from podium_slack.rich import plain
from podium_slack.text import clean, escape
from podium_slack.transport import SlackWebClient, retries, silent_logger

if TYPE_CHECKING:
    from podium import Registry
    from podium.domain.transitions import Transition

_FAULT = "This did not work ({}). Whoever runs 'podium-slack listen' sees why in its log; please try again later."
_REMEMBERED = 1000  # envelopes
# What the registry says to the person; other errors are for whoever runs the worker, and may name what is inside.
_ANSWERS = (
    ConflictError,
    InvalidValueError,
    NotFoundError,
    PermissionDeniedError,
    PluginError,
    PromotionRefusedError,
)
_log = logging.getLogger("podium_slack.worker")


@dataclass(frozen=True, slots=True)
class Access:
    """What the worker needs to speak with Slack.

    Attributes:
        app_token: The app-level token, ``xapp-...``, with ``connections:write``.
        bot_token: The bot token, ``xoxb-...``.
        base_url: Where the Web API is.
    """

    app_token: str
    bot_token: str
    base_url: str = SlackWebClient.BASE_URL

    def client(self, seconds: float = SECONDS) -> SlackWebClient:
        """Return a client whose calls, retries included, take no longer than that."""
        return SlackWebClient(
            self.bot_token,
            base_url=self.base_url,
            timeout=max(1, int(seconds)),
            logger=silent_logger(),
            retry_handlers=retries(Deadline(seconds)),
        )


class ApprovalWorker:
    """Answers clicks on the buttons of requests. Several may run: Slack gives each click to one of them.

    Args:
        registry: Where requests are decided, in the name of whoever clicked.
        access: To Slack.
        people: The file that says who is who; it is read anew at every click.

    Raises:
        SettingsError: The file of people cannot be used, or Slack does not take the bot token.
    """

    def __init__(self, registry: Registry, access: Access, people: Path) -> None:
        self._registry = registry
        self._access = access
        self._people = people
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()
        read_people(people)
        self._team = str(asked(lambda: access.client().auth_test(), "bot")["team_id"])

    def listen(self, stop: threading.Event) -> None:
        """Listen until told to stop; what is being decided then is decided first.

        A connection that Slack ends, as it does every few hours, or that breaks, is followed by another one.

        Raises:
            SettingsError: Slack does not take the app-level token, cannot be reached at all, or has refused the token
                for minutes.
        """
        connection = Connection(self._access.app_token, self._access.client, self.handle)
        try:
            connection.open()
            connection.keep_up(stop)
        finally:
            connection.close()

    def handle(self, socket: BaseSocketModeClient, request: SocketModeRequest) -> None:
        """Answer one envelope: at once, because Slack waits for three seconds, and only then do what it asks for."""
        click = read_click(request.payload) if request.type == "interactive" else None
        if click is not None and click.comment == "" and click.verb == "reject":
            _acknowledge(socket, request, missing_comment())
            return
        _acknowledge(socket, request)
        if click is not None and self._is_new(request.envelope_id):
            self._serve(click)

    def _serve(self, click: Click) -> None:
        try:
            person = find_person(read_people(self._people), click, self._team, self._profile)
            said = self._decide(click, person) if click.comment is not None else self._ask(click)
        except PodiumError as error:
            _log.warning("%s of request %s by %s: %s", click.verb, click.request, click.user, clean(error, 500))
            said = str(error) if isinstance(error, _ANSWERS) else _FAULT.format(error.code)
        except SlackApiError as error:
            code = refusal(error).error
            _log.warning("Slack refused a form: %s", code)
            said = f"Slack did not show the form ({code}). Please click again."
        except Exception as error:  # noqa: BLE001 - whoever clicked is told, and the worker goes on
            _log.exception("A click could not be served.")
            said = _FAULT.format(type(error).__name__)
        if said:
            self._whisper(click, said)

    def _ask(self, click: Click) -> str:
        """Open the modal, unless there is nothing to decide any more."""
        made = self._registry.transition(click.request)
        if made.status != "pending":
            self._refresh(click, made)
            return f"{_about(made)}: {standing_now(made).outcome or made.status}"
        view = comment_modal(
            click, f"{_about(made)}, asked by {made.actor}" + (f": {made.reason}" if made.reason else ".")
        )
        self._access.client(3).views_open(trigger_id=click.trigger, view=view)
        return ""

    def _decide(self, click: Click, person: str) -> str:
        comment = click.comment or None
        try:
            if click.verb == "approve":
                made = self._registry.approve(click.request, comment=comment, on_behalf_of=person)
            else:
                made = self._registry.reject(click.request, comment or "", on_behalf_of=person)
        except PodiumError:
            self._refresh(click, self._registry.transition(click.request))
            raise
        _log.info("%s: %s by %s (%s), now %s", click.request, click.verb, person, click.user, made.status)
        self._refresh(click, self._registry.transition(click.request))
        return _thanks(made, click)

    def _refresh(self, click: Click, made: Transition) -> None:
        """Let the message show how the request stands, also where no subscription tells of it."""
        text, blocks = render_standing(standing_now(made), buttons=True)
        client = self._access.client()
        try:
            client.chat_update(channel=click.channel, ts=click.ts, text=text, blocks=blocks, parse="none")
        except Exception as error:  # noqa: BLE001 - the decision stands, whatever the message shows
            _log.warning("The message of request %s could not be updated: %s", made.id, type(error).__name__)

    def _whisper(self, click: Click, said: str) -> None:
        """Tell the person alone."""
        text = clean(said, 2000)
        blocks = [SectionBlock(text=plain(text))]
        client = self._access.client()
        try:
            client.chat_postEphemeral(
                channel=click.channel,
                user=click.user,
                thread_ts=click.thread,
                text=escape(text),
                blocks=blocks,
                parse="none",
            )
        except Exception as error:  # noqa: BLE001 - nobody is left to tell
            _log.warning("%s could not be told: %s", click.user, type(error).__name__)

    def _profile(self, user: str) -> Mapping[str, Any]:
        """Return a profile; trigger ids live for three seconds, so nobody waits long for it."""
        try:
            found = self._access.client(2).users_info(user=user).get("user")
        except SlackApiError as error:
            code = refusal(error).error
            raise SettingsError(
                f"Slack does not say who you are: {code}.",
                hint="The app needs the scopes users:read and users:read.email where people are known by address.",
            ) from error
        return found if isinstance(found, dict) else {}

    def _is_new(self, envelope: str) -> bool:
        """Whether an envelope was not served yet: one that Slack sends twice asks for nothing twice."""
        with self._lock:
            if envelope in self._seen:
                return False
            self._seen[envelope] = None
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
            return True


def _acknowledge(
    socket: BaseSocketModeClient, request: SocketModeRequest, payload: dict[str, Any] | None = None
) -> None:
    socket.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id, payload=payload))


def _about(made: Transition) -> str:
    return f"{made.ref} for {made.stage}"


def _thanks(made: Transition, click: Click) -> str:
    if made.status == "committed":
        return f"Done: {made.ref} is {made.stage} now."
    if made.status == "rejected":
        return f"Done: {_about(made)} is rejected."
    missing = " ".join(made.waiting_for)
    said = "Your approval counts." if made.changed else "You approved this before; it counts once."
    return f"{said} {_about(made)} waits still: {missing}"
