"""From a change in a registry to a request that verifies, through the outbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from podium import InvalidValueError, Registry, open_registry
from podium.testing import LoopbackReceiver

MODEL = "model-registry/Digits classifier"


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str) -> Iterator[Registry]:
    """The registry of this test, with this plugin alone."""
    monkeypatch.setenv("PODIUM_PLUGINS_ALLOW", "webhook")
    monkeypatch.setenv("HOOK_SECRET", secret)
    opened = open_registry(f"sqlite:///{tmp_path / 'podium.db'}", actor="anna")
    yield opened
    opened.close()


@pytest.fixture
def promote(registry: Registry, receiver: LoopbackReceiver, tmp_path: Path) -> Callable[[], None]:
    """Subscribe the receiver, then log, link and promote a version."""

    def act() -> None:
        registry.subscribe("hook", "webhook", settings={"url": receiver.url, "secret": "env:HOOK_SECRET"})
        (tmp_path / "model.bin").write_text("weights", encoding="utf-8")
        version = registry.log("digits/classifier", tmp_path / "model.bin", metrics={"accuracy": 0.97})
        registry.promote(registry.link(version.ref, MODEL).ref, to="production", reason="Better.")
        registry.close()

    return act


def test_promotion_arrives(
    registry: Registry, receiver: LoopbackReceiver, promote: Callable[[], None], secret: str
) -> None:
    """Each message verifies, and the outbox says that it was sent under the id that the receiver saw."""
    promote()
    bodies = [Webhook(secret).verify(request.body, dict(request.headers)) for request in receiver.requests]
    assert [body["type"] for body in bodies] == ["podium.model_version.linked", "podium.model_version.promoted"]
    assert bodies[1]["data"]["event"]["reason"] == "Better."
    sent = {delivery.id: delivery for delivery in registry.deliveries()}
    assert {request.headers["webhook-id"] for request in receiver.requests} == set(sent)
    assert {delivery.receipt for delivery in sent.values()} == {"HTTP 200"}


def test_a_test_message_is_known_by_machines(
    registry: Registry, receiver: LoopbackReceiver, promote: Callable[[], None], secret: str
) -> None:
    """A receiver that acts on promotions can tell that somebody only tries the subscription."""
    promote()
    assert registry.test_subscription("hook", "model_version.promoted").sent
    bodies = [Webhook(secret).verify(request.body, dict(request.headers)) for request in receiver.requests]
    assert [body["data"]["test"] for body in bodies] == [False, False, True]
    assert bodies[1]["type"] == bodies[2]["type"]


def test_the_same_id_on_repeats(registry: Registry, receiver: LoopbackReceiver, promote: Callable[[], None]) -> None:
    """A receiver that was down sees each message again under its id, and can tell what it has."""
    receiver.reply(500)
    promote()
    receiver.answer_as_usual()
    for delivery in registry.deliveries("pending"):
        registry.retry(delivery.id)
    assert registry.deliver().sent == 2
    ids = [request.headers["webhook-id"] for request in receiver.requests]
    assert len(ids) == 4
    assert len(set(ids)) == 2


def test_a_worker_that_may_reach_it_delivers(
    registry: Registry, receiver: LoopbackReceiver, promote: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the process of the change may not reach waits for the next attempt, and is sent where it may be reached."""
    monkeypatch.delenv("PODIUM_WEBHOOK_ALLOW")
    promote()
    assert [(delivery.status, delivery.attempts) for delivery in registry.deliveries()] == [("pending", 1)] * 2
    assert receiver.requests == ()
    monkeypatch.setenv("PODIUM_WEBHOOK_ALLOW", "127.0.0.1")
    for delivery in registry.deliveries("pending"):
        registry.retry(delivery.id)
    assert registry.deliver().sent == 2


def test_secret_in_clear_is_refused(registry: Registry, receiver: LoopbackReceiver, secret: str) -> None:
    """A secret is never stored: a subscription takes a reference to it only."""
    with pytest.raises(InvalidValueError, match="is a secret"):
        registry.subscribe("hook", "webhook", settings={"url": receiver.url, "secret": secret})
