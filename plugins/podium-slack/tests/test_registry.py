"""From a change in a registry to a message in Slack, through the outbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from podium import InvalidValueError, Registry, open_registry
from podium.testing import FakeSlack, slack_text

MODEL = "model-registry/Digits classifier"
TOKEN = "xoxb-1234-very-secret"


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """A Slack with one channel."""
    with FakeSlack(token=TOKEN, channels=["#ml"]) as fake:
        yield fake


@pytest.fixture
def open_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Registry]]:
    """Open the registry of this test, with this plugin alone."""
    monkeypatch.setenv("PODIUM_PLUGINS_ALLOW", "slack")
    monkeypatch.setenv("SLACK_TOKEN", TOKEN)
    opened: list[Registry] = []

    def make() -> Registry:
        opened.append(open_registry(f"sqlite:///{tmp_path / 'podium.db'}", actor="anna"))
        return opened[-1]

    yield make
    for registry in opened:
        registry.close()


def subscribe(registry: Registry, slack: FakeSlack) -> None:
    """Send the usual events to Slack."""
    settings = {"token": "env:SLACK_TOKEN", "channel": "#ml", "base_url": slack.base_url}
    registry.subscribe("team", "slack", settings=settings)


def promote(registry: Registry, tmp_path: Path, content: str = "weights") -> None:
    """Log, link and promote one more version."""
    file = tmp_path / "model.bin"
    file.write_text(content, encoding="utf-8")
    version = registry.log("digits/classifier", file, metrics={"accuracy": 0.9 + len(content) / 100})
    linked = registry.link(version.ref, MODEL)
    registry.promote(linked.ref, to="production", reason="Better on <every> digit.")


def test_promotion_arrives(open_here: Callable[[], Registry], slack: FakeSlack, tmp_path: Path) -> None:
    """Whoever subscribed reads in Slack what was linked and promoted, and the outbox says that it was sent."""
    registry = open_here()
    subscribe(registry, slack)
    promote(registry, tmp_path)
    promote(registry, tmp_path, "better weights")
    registry.close()
    texts = [slack_text(message) for message in slack.messages]
    assert [text.split()[0] for text in texts] == ["🔗", "🚀", "🔗", "🚀"]
    assert all(words in texts[-1] for words in (MODEL, "accuracy 1.04 (+0.07)", "anna", "Better on <every> digit."))
    sent = registry.deliveries()
    assert [delivery.status for delivery in sent] == ["sent"] * 4
    assert sent[0].receipt is not None
    # The promotion answers the link.
    assert sent[0].receipt.split(" ")[0].endswith(":1700000000.000004:1700000000.000003")


def test_wrong_token_stops_no_promotion(
    open_here: Callable[[], Registry], slack: FakeSlack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a wrong token the promotion stands, and the deliveries say why nobody was told, without the token."""
    monkeypatch.setenv("SLACK_TOKEN", "xoxb-wrong-secret")
    registry = open_here()
    subscribe(registry, slack)
    promote(registry, tmp_path)
    registry.close()
    assert registry.resolve(f"{MODEL}:production").number == 0
    dead = registry.deliveries("dead")
    assert len(dead) == 2
    assert "invalid_auth" in str(dead[0].error)
    assert "wrong-secret" not in str(dead[0].error)


def test_message_arrives_when_slack_is_back(
    open_here: Callable[[], Registry], slack: FakeSlack, tmp_path: Path
) -> None:
    """While Slack is down the promotion stands and the message waits; once Slack is back it arrives, once."""
    registry = open_here()
    subscribe(registry, slack)
    slack.reply(503)
    promote(registry, tmp_path)
    registry.close()
    assert registry.resolve(f"{MODEL}:production").number == 0
    waiting = registry.deliveries("pending")
    # What came later waits for what came first.
    assert sorted(delivery.attempts for delivery in waiting) == [0, 1]
    assert any("Slack answered 503" in str(delivery.error) for delivery in waiting)
    slack.answer_as_usual()
    for delivery in waiting:
        registry.retry(delivery.id)
    assert registry.deliver().sent == 2
    assert len(slack.messages) == 2


def test_rate_limit_moves_the_next_attempt(open_here: Callable[[], Registry], slack: FakeSlack, tmp_path: Path) -> None:
    """The outbox waits as long as Slack asked, which is longer than its own schedule."""
    registry = open_here()
    subscribe(registry, slack)
    slack.limit_rate(900)
    promote(registry, tmp_path)
    registry.close()
    events = {event.id: event for event in registry.events(MODEL)}
    waits = [(row.next_at - events[row.event].at).total_seconds() for row in registry.deliveries("pending")]
    # The second message waits for the first, and is due when its turn comes.
    assert 900 <= max(waits) < 960
    assert len(slack.requests) == 1


def test_request_follows_its_approvals(open_here: Callable[[], Registry], slack: FakeSlack, tmp_path: Path) -> None:
    """The message that asked shows who agreed so far and then the end, wherever people decided; replies tell it too."""
    registry = open_here()
    settings = {"token": "env:SLACK_TOKEN", "channel": "#ml", "base_url": slack.base_url, "buttons": "yes"}
    registry.subscribe("team", "slack", settings=settings, events=["model_version.*"])
    promote(registry, tmp_path)
    registry.set_policy(MODEL, {"stages": [{"name": "production", "approvals": {"count": 2}}]})
    promote(registry, tmp_path, "better weights")
    (asked,) = (message for message in slack.shown() if "waits to become" in message["text"])
    (request,) = registry.list_requests()
    registry.approve(request.id, on_behalf_of="ben", comment="Fine & <!here> well.")
    (asked,) = (message for message in slack.shown() if message["ts"] == asked["ts"])
    assert "• ben approved: Fine & <!here> well." in slack_text(asked)
    assert "[Approve]" in slack_text(asked)
    registry.approve(request.id, on_behalf_of="eve")
    registry.close()
    (asked,) = (message for message in slack.shown() if message["ts"] == asked["ts"])
    assert slack_text(asked).startswith("✅ Digits classifier v1 became production")
    assert "[Approve]" not in slack_text(asked)
    linked = next(message for message in slack.shown() if "v1 is linked" in message["text"])
    replies = [message for message in slack.shown() if message.get("thread_ts") == linked["ts"]]
    assert [slack_text(reply).split()[0] for reply in replies] == ["✅", "👍", "👍", "🚀"]


def test_thread_goes_on_after_a_restart(open_here: Callable[[], Registry], slack: FakeSlack, tmp_path: Path) -> None:
    """Another process answers the same thread: what it needs is in the database."""
    registry = open_here()
    subscribe(registry, slack)
    promote(registry, tmp_path)
    registry.close()
    again = open_here()
    again.demote(MODEL, "production", reason="It answers 8 to everything.")
    again.close()
    first, *replies = slack.shown()
    assert [reply["thread_ts"] for reply in replies] == [first["ts"]] * 2
    assert slack_text(replies[-1]).startswith("⏬")


def test_token_in_clear_is_refused(open_here: Callable[[], Registry]) -> None:
    """A token is never stored: a subscription takes a reference to it only."""
    with pytest.raises(InvalidValueError, match="is a secret"):
        open_here().subscribe("team", "slack", settings={"token": TOKEN, "channel": "#ml"})
