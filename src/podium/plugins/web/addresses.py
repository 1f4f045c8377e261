"""Which addresses may be reached: public ones, and what the operator of this process allows.

Who may subscribe or automate decides where this process sends requests, and this process can see more of the network
than they can. So nothing internal is reached unless the environment of the process says so; a setting cannot.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Self

from podium.plugins.channels import DeliveryFailedError

VARIABLE = "PODIUM_WEBHOOK_ALLOW"
Address = IPv4Address | IPv6Address

# https://www.iana.org/assignments/iana-ipv4-special-registry, multicast, reserved, and Azure's metadata service, which
# sits at a public address. Written out: `is_global` of the standard library has changed its mind between releases.
_NOT_PUBLIC_4 = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "168.63.129.16/32",
    )
)
# Of IPv6 only what is handed out to the public, without tunnels (Teredo, 6to4), benchmarks and documentation.
_PUBLIC_6 = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(ip_network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
_LAST_PORT = 65535
_MAPPED, _NAT64 = IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96")
_NAME = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
_ENTRY = re.compile(r"\[(?P<literal>[^\]]+)\](:(?P<port>[0-9]{1,5}))?|(?P<host>[^:]+)(:(?P<port2>[0-9]{1,5}))?")


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, whatever form it is written in."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if address in _MAPPED or address in _NAT64:
        return is_public(IPv4Address(address.packed[-4:]))
    return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)


@dataclass(frozen=True, slots=True)
class AllowList:
    """What may be reached although it is not public.

    Attributes:
        text: Entries apart by commas or spaces: an address, a network, a name or ``*.name``; each with ``:port`` or
            for every port.
    """

    text: str = ""

    @classmethod
    def of_environment(cls) -> Self:
        """Return the list of this process."""
        return cls(os.environ.get(VARIABLE, ""))

    def permits(self, host: str, port: int, address: Address) -> bool:
        """Whether an entry names this place, by the name that was asked for or by the address that was found.

        Raises:
            DeliveryFailedError: The list cannot be read; another process may have a better one.
        """
        plain = IPv4Address(address.packed[-4:]) if isinstance(address, IPv6Address) and address in _MAPPED else address
        return any(
            only in (None, port) and (_names(entry, host) or _contains(entry, plain)) for entry, only in self._entries()
        )

    def problems(self) -> Iterator[DeliveryFailedError]:
        """Yield an error for each entry that cannot be read."""
        for entry in self._words():
            try:
                _read(entry)
            except DeliveryFailedError as error:
                yield error

    def _entries(self) -> Iterator[tuple[str, int | None]]:
        return map(_read, self._words())

    def _words(self) -> list[str]:
        return self.text.replace(",", " ").lower().split()


def address_of(text: str) -> Address:
    """Return an address as the resolver gives it, without the interface."""
    return ip_address(text.partition("%")[0])


def not_from_here(message: str, hint: str) -> DeliveryFailedError:
    """Return the error for what this process may not reach: no fact about the delivery, so it is tried again."""
    return DeliveryFailedError(message, hint=hint, permanent=False)


def _names(entry: str, host: str) -> bool:
    if entry.startswith("*."):
        return host.endswith(entry[1:])
    return host == entry


def _contains(entry: str, address: Address) -> bool:
    return _is_network(entry) and address in ip_network(entry, strict=False)


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _read(entry: str) -> tuple[str, int | None]:
    """Return the place and the port of an entry.

    Raises:
        DeliveryFailedError: It cannot be read.
    """
    found = _ENTRY.fullmatch(entry)
    if found is None and not _is_network(entry):
        raise _unreadable(entry)
    name = (found["literal"] or found["host"]) if found else entry  # an IPv6 address without brackets
    if not _is_network(name) and not _NAME.fullmatch(name):
        raise _unreadable(entry)
    port = (found["port"] or found["port2"]) if found else None
    if port is not None and not 1 <= int(port) <= _LAST_PORT:
        raise _unreadable(entry)
    return name, int(port) if port is not None else None


def _unreadable(entry: str) -> DeliveryFailedError:
    hint = f"Entries of {VARIABLE} look like hooks.example.com, *.example.com:8443, 10.1.0.0/16 or [::1]:8080."
    return not_from_here(f"This process has an allow-list with {entry!r}.", hint)
