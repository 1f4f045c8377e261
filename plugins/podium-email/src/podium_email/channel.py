"""The channel: from a message to the mail server's answer."""

from __future__ import annotations

from collections.abc import Mapping

from podium.plugins import Channel, Message
from podium.plugins.checking import as_mistake


class EmailChannel(Channel):
    """Sends a mail with a text and an HTML part over SMTP.

    Settings: ``host``, ``from`` and ``to`` (addresses apart by commas); ``port``; ``security``, ``starttls`` if not
    said, ``tls`` or ``none``; ``user`` and ``password``; ``reply_to``; ``list_id``; ``subject_prefix``.

    Args:
        seconds: How long the mail server may take for one message.
    """

    name = "email"
    required = ("host", "from", "to")
    optional = ("port", "security", "user", "password", "reply_to", "list_id", "subject_prefix")
    secrets = frozenset({"password"})

    def __init__(self, seconds: float = 15) -> None:
        self.seconds = seconds

    def check(self, settings: Mapping[str, str]) -> None:
        """Judge all but the password; see `Channel.check`."""
        from podium_email.options import options_of

        with as_mistake():
            options_of({**settings, "password": "***" if settings.get("password") else ""})

    def send(self, message: Message, settings: Mapping[str, str]) -> str:
        """Send one message; see `Channel.send`.

        Returns:
            The Message-ID, and how many receivers the server took if it did not take all.

        Raises:
            DeliveryFailedError: The server did not take it. ``permanent`` if only a person can mend it.
        """
        # The mail package is loaded with the first message: Airflow loads plugins in every process that parses a DAG.
        from podium_email.letter import letter_of
        from podium_email.options import options_of
        from podium_email.server import submit

        options = options_of(settings)
        letter = letter_of(message, options)
        refused = submit(letter, options, self.seconds)
        taken = len(options.receivers) - len(refused)
        receipt = str(letter["Message-ID"])
        return receipt if not refused else f"{receipt} to {taken} of {len(options.receivers)} receivers"
