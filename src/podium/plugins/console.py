"""The built-in channel ``console``: messages on the standard error output, where they disturb no pipe."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from podium.plugins.channels import Channel, Message
from podium.plugins.hookspecs import hookimpl


class ConsoleChannel(Channel):
    """Prints each message on standard error."""

    name = "console"

    def send(self, message: Message, settings: Mapping[str, str]) -> str:
        """Print the message with its control characters made visible; see `Channel.send`.

        Only Podium makes lines: a line break of a user is a space (see `Message.as_text`), and all that follows the
        title is indented.
        """
        text = "".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in message.as_text())
        print(text.replace("\n", "\n  "), file=sys.stderr, flush=True)
        return "printed"


@hookimpl
def podium_channels() -> Sequence[Channel]:
    """Offer the console; see `podium.plugins.hookspecs`."""
    return [ConsoleChannel()]
