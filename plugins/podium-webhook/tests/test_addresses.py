"""Nothing internal is reached unless the environment of the process allows it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
from podium_webhook import WebhookChannel

from podium.plugins import DeliveryFailedError, Message
from podium.plugins.web.addresses import AllowList, address_of, is_public
from podium.plugins.web.client import target_of
from podium.testing import LoopbackReceiver

MakeMessage = Callable[..., Message]

# List U of the security notes, and more: every literal that leads, or may lead, into a network of one's own.
INTERNAL = [
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "100.64.0.1",
    "100.100.100.200",
    "192.0.0.192",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "192.88.99.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "::1",
    "::",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:a9fe:a9fe::",
    "2002:7f00:1::",
    "2001::1",
    "2001:0:a9fe:a9fe::",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "3fff::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
    "100::1",
    "5f00::1",
    "::ffff:0:127.0.0.1",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.215.14",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700:4700::1111",
    "2001:4860:4860::8888",
    "64:ff9b::808:808",
]
SPELLINGS = [
    "http://127.0.0.1",
    "https://127.0.0.1",
    "https://2130706433",
    "https://0x7f000001",
    "https://0177.0.0.1",
    "https://127.1",
    "https://0",
    "https://[::1]",
    "https://[::ffff:127.0.0.1]",
    "https://[::ffff:7f00:1]",
    "https://localhost",
    "https://localhost.",
    "https://LOCALHOST",
    "https://0.0.0.0",
    "https://[::]",
]


@pytest.mark.parametrize("text", INTERNAL)
def test_internal(text: str) -> None:
    """Not public, whatever form it is written in."""
    assert not is_public(address_of(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_public(text: str) -> None:
    """The control: an address of the internet is one."""
    assert is_public(address_of(text))


@pytest.fixture
def canary(receiver: LoopbackReceiver, monkeypatch: pytest.MonkeyPatch) -> LoopbackReceiver:
    """Listens on this machine, and nothing is allowed."""
    monkeypatch.delenv("PODIUM_WEBHOOK_ALLOW")
    return receiver


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_reaches_this_machine(
    spelling: str, canary: LoopbackReceiver, secret: str, make_message: MakeMessage
) -> None:
    """Refused with what to do, not for good, as another process may do it; the port that listens hears nothing."""
    url = f"{spelling}:{canary.url.rpartition(':')[2]}/hook"
    with pytest.raises(DeliveryFailedError) as caught:
        WebhookChannel().send(make_message(), {"url": url, "secret": secret})
    assert caught.value.permanent is False
    assert "PODIUM_WEBHOOK_ALLOW" in str(caught.value)
    assert canary.requests == ()


def resolver(*answers: str) -> Callable[..., Any]:
    """Answers one address after the other, the last one for ever; numbers are themselves."""
    left = list(answers)
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *args: Any, **more: Any) -> Any:
        if host != "rebind.example":
            return real(host, port, *args, **more)
        return real(left.pop(0) if len(left) > 1 else left[0], port, *args, **more)

    return resolve


def test_the_address_that_was_judged_is_the_one_that_is_called(
    receiver: LoopbackReceiver, secret: str, make_message: MakeMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that answers a good address to the judge and another one later (DNS rebinding) is resolved only once."""
    monkeypatch.setattr(socket, "getaddrinfo", resolver("127.0.0.1", "127.0.0.99"))
    url = receiver.url.replace("127.0.0.1", "rebind.example")
    assert WebhookChannel().send(make_message(), {"url": url, "secret": secret}) == "HTTP 200"
    assert receiver.requests[0].headers["host"] == url.removeprefix("http://")


def test_a_name_of_an_internal_address_is_refused(
    canary: LoopbackReceiver, secret: str, make_message: MakeMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the address that counts, not how harmless the name looks."""
    monkeypatch.setattr(socket, "getaddrinfo", resolver("127.0.0.1"))
    url = canary.url.replace("http://127.0.0.1", "https://rebind.example")
    with pytest.raises(DeliveryFailedError, match="internal place"):
        WebhookChannel().send(make_message(), {"url": url, "secret": secret})
    assert canary.requests == ()


def test_public_addresses_over_http_are_refused(
    canary: LoopbackReceiver, secret: str, make_message: MakeMessage
) -> None:
    """In clear goes nothing that the environment does not allow; the address is judged before anybody is called."""
    with pytest.raises(DeliveryFailedError, match="https only") as caught:
        WebhookChannel().send(make_message(), {"url": "http://1.1.1.1/hook", "secret": secret})
    assert caught.value.permanent is False


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(
    status: int, receiver: LoopbackReceiver, settings: dict[str, str], make_message: MakeMessage
) -> None:
    """Not even to an address that is allowed; what moved for good is given up at once."""
    receiver.reply(status, headers={"Location": f"{receiver.url}/elsewhere"})
    with pytest.raises(DeliveryFailedError, match="Redirects are not followed") as caught:
        WebhookChannel().send(make_message(), settings)
    assert caught.value.permanent is (status in (301, 308))
    assert [request.path for request in receiver.requests] == ["/hook?team=ml"]


def test_no_proxy_of_the_environment_takes_part(
    receiver: LoopbackReceiver, settings: dict[str, str], make_message: MakeMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would resolve the name anew, behind the back of the judge."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert WebhookChannel().send(make_message(), settings) == "HTTP 200"


@pytest.mark.parametrize(
    ("text", "host", "port", "address", "expected"),
    [
        ("127.0.0.1", "localhost", 80, "127.0.0.1", True),
        ("127.0.0.1", "localhost", 80, "127.0.0.2", False),
        ("127.0.0.1", "localhost", 80, "::ffff:127.0.0.1", True),
        ("127.0.0.1:8080", "localhost", 8080, "127.0.0.1", True),
        ("127.0.0.1:8080", "localhost", 80, "127.0.0.1", False),
        ("10.0.0.0/8", "x.corp", 443, "10.1.2.3", True),
        ("10.0.0.0/8", "x.corp", 443, "172.16.0.1", False),
        ("hooks.corp", "hooks.corp", 443, "10.1.2.3", True),
        ("HOOKS.corp", "hooks.corp", 443, "10.1.2.3", True),
        ("hooks.corp", "evil-hooks.corp", 443, "10.1.2.3", False),
        ("*.corp", "hooks.corp", 443, "10.1.2.3", True),
        ("*.corp", "corp", 443, "10.1.2.3", False),
        ("*.corp", "notcorp", 443, "10.1.2.3", False),
        ("a.corp, [::1]:8443 10.1.0.0/16", "x", 8443, "::1", True),
        ("::1", "x", 8443, "::1", True),
        ("fd00::/8", "x", 8443, "fd00::5", True),
        ("", "x", 443, "10.0.0.1", False),
    ],
)
def test_allow_list(text: str, host: str, port: int, address: str, expected: bool) -> None:
    """An entry is a name, an address or a network, for one port or all."""
    assert AllowList(text).permits(host, port, address_of(address)) is expected


@pytest.mark.parametrize("text", ["https://x", "*", "a b/c", "10.0.0.0/99", "x:port", "*.*.corp"])
def test_an_allow_list_that_cannot_be_read_allows_nothing(
    text: str, canary: LoopbackReceiver, secret: str, make_message: MakeMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A typo is an answer, not a hole and not a riddle; another process may have none."""
    monkeypatch.setenv("PODIUM_WEBHOOK_ALLOW", text)
    with pytest.raises(DeliveryFailedError, match="allow-list") as caught:
        WebhookChannel().send(make_message(), {"url": canary.url, "secret": secret})
    assert caught.value.permanent is False
    assert canary.requests == ()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com/x",
        "ftp://example.com",
        "file:///etc/passwd",
        "gopher://example.com",
        "https://",
        "https://user:pass@example.com/x",
        "https://example.com:99999/x",
        "https://example.com:pw/x",
        "https://exa mple.com",
        "https://example.com/\r\nX: y",
        "https://example.com\\@127.0.0.1/",
        "https://①②⑦.0.0.1/",
        "https://[::1/",
        "https://exämple.com/",
    ],
)
def test_what_is_no_web_address(url: str, secret: str, make_message: MakeMessage) -> None:
    """It is permanent, and is not quoted: it may be a secret."""
    with pytest.raises(DeliveryFailedError) as caught:
        WebhookChannel().send(make_message(), {"secret_url": url, "secret": secret})
    assert caught.value.permanent is True
    assert "pass" not in caught.value.message.replace("password", "")


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("https://Example.com", "example.com", "/"),
        ("https://example.com:443/a?b=c#d", "example.com", "/a?b=c"),
        ("https://example.com:8443/a", "example.com:8443", "/a"),
        ("http://[::1]:80/", "[::1]", "/"),
    ],
)
def test_target(url: str, authority: str, path: str) -> None:
    """Host and path are those of the address; what follows # stays here."""
    target = target_of(url)
    assert (target.authority, target.path) == (authority, path)
