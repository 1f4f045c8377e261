"""A channel: messages at the end of a text file.

podium notify add log --channel file --setting path=/var/log/models.txt
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from podium.plugins import Channel, Message, hookimpl
from podium.plugins.words import visible

_LONGEST = 500


class FileChannel(Channel):
    """Appends each message, with its id, to the file that the setting ``path`` names."""

    name = "file"
    required = ("path",)

    def send(self, message: Message, settings: Mapping[str, str]) -> str:
        """Write one message; see `Channel.send`."""
        lines = [visible(line, _LONGEST) for line in message.as_text().split("\n")]
        text = f"[{message.id}] " + "\n    ".join(lines) + "\n"
        with Path(settings["path"]).open("ab", buffering=0) as file:
            file.write(text.encode())
        return "written"


@hookimpl
def podium_channels() -> Sequence[Channel]:
    """Offer the channel."""
    return [FileChannel()]
