"""Headers that are secrets: each a reference, resolved where it is sent, and in no text that is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from podium.delivery.secrets import resolve_settings, without_secrets
from podium.errors import SettingsError
from podium.plugins.builtin.webhook import WebhookAction, _headers
from podium.registry import Registry
from podium.testing import LoopbackReceiver
from tests.delivery.acting import drain, host_of

KEY, COOKIE = "a-key-4711-for-tests", "sid=a-cookie-4712"
HEADERS = {"X-Api-Key": "env:CI_KEY", "Cookie": "env:CI_COOKIE"}


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackReceiver]:
    monkeypatch.setenv("PODIUM_WEBHOOK_ALLOW", "127.0.0.1")
    monkeypatch.setenv("CI_KEY", KEY)
    monkeypatch.setenv("CI_COOKIE", f"{COOKIE}\n")
    with LoopbackReceiver() as listening:
        yield listening


@pytest.fixture
def call(open_at: Callable[..., Registry], tmp_path: Path, receiver: LoopbackReceiver, model_file) -> Registry:
    """A registry in which a link fires a webhook with secret headers; it has not happened yet."""
    registry = open_at(f"sqlite:///{tmp_path / 'podium.db'}", host=host_of())
    settings = {"url": receiver.url, "headers": {"X-Team": "ml"}, "secret_headers": HEADERS}
    registry.automate("call", "webhook", events=["model_version.linked"], settings=settings)
    registry.log("p/a", model_file("a"))
    return registry


def test_they_arrive_and_are_not_stored(call, receiver, tmp_path) -> None:
    """The receiver gets the secrets; the database, what is shown and the audit have the references."""
    call.link("p/a", "model-registry/M")
    drain(call)
    headers = receiver.requests[0].headers
    assert (headers["x-api-key"], headers["cookie"], headers["x-team"]) == (KEY, COOKIE, "ml")
    assert call.automation("call").settings["secret_headers"] == HEADERS
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("podium.db*"))
    assert b"env:CI_KEY" in stored
    assert KEY.encode() not in stored
    assert COOKIE.encode() not in stored


def test_a_test_shows_the_references(call) -> None:
    """What people are shown of a firing are the names, not the secrets."""
    call.link("p/a", "model-registry/M")
    assert call.test_automation("call").settings["secret_headers"] == HEADERS


@pytest.mark.parametrize(("name", "value"), [("CI_KEY", ""), ("PODIUM_SECRETS_ALLOW", "env:OTHER_*")])
def test_one_that_cannot_be_looked_up_fails_the_attempt(call, receiver, monkeypatch, name, value) -> None:
    """It is tried again, says which header it is about, and nothing is sent."""
    monkeypatch.setenv(name, value)
    call.link("p/a", "model-registry/M")
    drain(call)
    (waiting,) = call.deliveries("pending")
    assert "CI_" in waiting.error
    assert receiver.requests == ()


def test_a_secret_that_no_header_can_have(call, receiver, monkeypatch) -> None:
    """The error names the header and shows nothing of what is behind it."""
    monkeypatch.setenv("CI_KEY", f"{KEY}\u202e")
    call.link("p/a", "model-registry/M")
    drain(call)
    (dead,) = call.deliveries("dead")
    assert "'X-Api-Key'" in dead.error
    assert KEY not in dead.error
    assert receiver.requests == ()


def test_they_are_taken_out_of_what_is_kept(monkeypatch) -> None:
    """Each of them, the longer one first where one is a part of another."""
    monkeypatch.setenv("A", "short-one")
    monkeypatch.setenv("B", "short-one-and-more")
    action = WebhookAction()
    settings = resolve_settings(action, {"secret_headers": {"X-A": "env:A", "X-B": "env:B"}, "token": "env:A"})
    assert settings["secret_headers"] == {"X-A": "short-one", "X-B": "short-one-and-more"}
    said = without_secrets("It has short-one-and-more and short-one.", action, settings)
    assert said == "It has *** and ***."


def test_each_is_bounded_by_what_the_process_may_look_up(monkeypatch) -> None:
    """The list of the operator holds for every entry, and the error names the entry."""
    monkeypatch.setenv("PODIUM_SECRETS_ALLOW", "env:CI_KEY")
    monkeypatch.setenv("CI_KEY", KEY)
    with pytest.raises(SettingsError, match=r"secret_headers\.Cookie"):
        resolve_settings(WebhookAction(), {"secret_headers": HEADERS})


def test_a_header_of_the_user_takes_the_place_of_the_usual_one() -> None:
    """Whatever its letters are: two of one name would be read differently by each receiver."""
    headers = _headers("id", "{}", {"headers": {"content-type": "text/plain"}})
    assert headers == {"webhook-id": "id", "content-type": "text/plain"}
