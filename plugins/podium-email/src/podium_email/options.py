"""The settings of a subscription, read and checked before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from podium.plugins import DeliveryFailedError
from podium.plugins.words import visible

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")
_DOMAIN = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
# The dot-atom of RFC 5322: no quotes, no comments, no route, nothing that ends an address.
_ADDRESS = re.compile(rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~-]+)*@{_DOMAIN}")
_NAMED = re.compile(r"(?P<name>[^<>\"]*)<(?P<address>[^<>]*)>")
_LIST_ID = re.compile(_DOMAIN)
_LONGEST = 254
_MOST_RECEIVERS = 100
_PREFIX = 60


@dataclass(frozen=True, slots=True)
class Options:
    """How to send.

    Attributes:
        host: The mail server.
        port: Where it listens.
        security: ``starttls``, ``tls`` or ``none``.
        sender: The address that mails come from.
        sender_name: The name beside it.
        receivers: Addresses.
        user: To log in with, empty for not at all.
        password: Of the user.
        reply_to: Where answers go, or empty.
        list_id: What ``List-Id`` says, or empty for one by the registry's name.
        subject_prefix: First in each subject.
    """

    host: str
    port: int
    security: str
    sender: str
    sender_name: str
    receivers: tuple[str, ...]
    user: str
    password: str = field(repr=False)
    reply_to: str
    list_id: str
    subject_prefix: str

    @property
    def domain(self) -> str:
        """The domain of the sender."""
        return self.sender.rpartition("@")[2].lower()


def options_of(settings: Mapping[str, str]) -> Options:
    """Return the settings as options.

    Raises:
        DeliveryFailedError: One is missing or cannot be used; permanent.
    """
    told = {name: value.strip() for name, value in settings.items()}
    security = told.get("security", "").lower() or "starttls"
    if security not in _PORTS:
        raise unusable("The setting 'security' is none that there is.", "Use starttls, tls or none.")
    if not _HOST.fullmatch(told.get("host", "")):
        raise unusable("The setting 'host' is no name of a mail server.", "Give it without scheme and port.")
    name, sender = _named(told.get("from", ""), "from")
    _check_login(told, security)
    return Options(
        host=told["host"],
        port=_port(told.get("port", ""), _PORTS[security]),
        security=security,
        sender=sender,
        sender_name=visible(name, _PREFIX) or "Podium",
        receivers=_addresses(told.get("to", "")),
        user=told.get("user", ""),
        password=told.get("password", ""),
        reply_to=_named(told["reply_to"], "reply_to")[1] if told.get("reply_to") else "",
        list_id=_list_id(told.get("list_id", "")),
        subject_prefix=visible(told.get("subject_prefix", "") or "[Podium]", _PREFIX),
    )


def unusable(message: str, hint: str) -> DeliveryFailedError:
    """Return the error for what only a person can mend."""
    return DeliveryFailedError(message, hint=hint, permanent=True)


def _check_login(told: Mapping[str, str], security: str) -> None:
    user, password = told.get("user", ""), told.get("password", "")
    if bool(user) != bool(password):
        raise unusable("Only one of 'user' and 'password' is set.", "Set both, or none.")
    if password and security == "none":
        hint = "Use security=starttls or security=tls; a password is never sent in clear."
        raise unusable("There is a password, and the connection is not to be encrypted.", hint)
    if not (user + password).isascii() or not (user + password).isprintable():
        raise unusable("The user or the password is not plain ASCII.", "Check the secret behind 'password'.")


def _port(text: str, usual: int) -> int:
    if not text:
        return usual
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        raise unusable("The setting 'port' is no port.", "Give a number from 1 to 65535.")
    return int(text)


def _addresses(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(_named(part.strip(), "to")[1] for part in text.split(",") if part.strip()))
    if not 0 < len(found) <= _MOST_RECEIVERS:
        hint = f"Give 1 to {_MOST_RECEIVERS} addresses apart by commas; for more, use a mailing list."
        raise unusable("The setting 'to' has no receivers, or too many.", hint)
    return found


def _named(text: str, setting: str) -> tuple[str, str]:
    match = _NAMED.fullmatch(text)
    name, address = (match["name"].strip(), match["address"].strip()) if match else ("", text)
    if len(address) > _LONGEST or not _ADDRESS.fullmatch(address):
        hint = "Write name@example.com; a domain of another script as xn--..., and commas between addresses only."
        raise unusable(f"The setting {setting!r} holds what is no mail address.", hint)
    return name, address


def _list_id(text: str) -> str:
    if text and (len(text) > _LONGEST or not _LIST_ID.fullmatch(text)):
        raise unusable("The setting 'list_id' is no List-Id.", "It looks like models.example.com.")
    return text
