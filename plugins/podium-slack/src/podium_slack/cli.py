"""``podium-slack listen``: the worker behind the buttons, as a command."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import click

from podium.errors import PodiumError, SettingsError

_SETTING = "Give a reference: env:NAME_OF_A_VARIABLE or file:/path/of/a/file."
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TOKEN = re.compile(r"[!-~]+")
_LONG_ENOUGH = 8  # what is shorter is the value of a variable by chance


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Approve and reject promotions in Slack."""


@main.command()
@click.option("--app-token", required=True, metavar="REF", help="App-level token: env:NAME or file:/path.")
@click.option("--bot-token", required=True, metavar="REF", help="Bot token: env:NAME or file:/path.")
@click.option(
    "--people",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="YAML: Slack user id or e-mail address to the name in the registry.",
)
@click.option("--url", help="Database of the registry; PODIUM_URL if left out.")
@click.option("--actor", help="Who tells the registry what people decided; PODIUM_ACTOR if left out.")
@click.option("--base-url", default="https://slack.com/api/", show_default=True, help="The Web API of Slack.")
def listen(app_token: str, bot_token: str, people: Path, url: str | None, actor: str | None, base_url: str) -> None:
    """Listen to the buttons of requests for approval until SIGTERM or Ctrl-C.

    Subscriptions give their messages buttons by the setting buttons=yes.
    """
    # Both are heavy, and --help needs neither.
    from podium import open_registry
    from podium_slack.client import check_address
    from podium_slack.worker import Access, ApprovalWorker

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        base = check_address(base_url.rstrip("/") + "/", "base-url")
        access = Access(_secret(app_token, "app"), _secret(bot_token, "bot"), base)
        registry = open_registry(url, actor=actor)
        with contextlib.closing(registry), _stopped_by_signals() as stop:
            ApprovalWorker(registry, access, people).listen(stop)
    except PodiumError as error:
        raise click.ClickException(str(error)) from error


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """Give an event that SIGTERM and Ctrl-C set, so that what is in hand is finished."""
    stop = threading.Event()
    before = {name: signal.signal(name, lambda *_: stop.set()) for name in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _secret(reference: str, name: str) -> str:
    """Return the secret behind a reference; the secret itself is never taken, because others see command lines.

    Raises:
        SettingsError: It is no reference, or there is no token behind it. What may be a secret itself, put there by the
            shell, is not quoted.
    """
    scheme, _, place = reference.partition(":")
    if scheme == "file":
        known = Path(place).is_absolute()
    else:
        filled_in = len(place) >= _LONG_ENOUGH and place in os.environ.values()
        known = scheme == "env" and _VARIABLE.fullmatch(place) is not None and not filled_in
    if not known:
        hint = _SETTING + (" With no $: the shell puts the secret itself there." if place else "")
        raise SettingsError(f"--{name}-token is a secret and is not taken in clear.", hint=hint)
    if scheme == "env":
        value = os.environ.get(place, "")
    else:
        try:
            value = Path(place).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"The secret file {place} cannot be read.", hint="Check it.") from error
    if not value.strip():
        raise SettingsError(f"There is nothing behind {reference} for --{name}-token.", hint="Set it in this process.")
    if not _TOKEN.fullmatch(value.strip()):
        raise SettingsError(f"What is behind {reference} holds characters that no token has.", hint="Check it.")
    return value.strip()
