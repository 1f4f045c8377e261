"""What a message says about each event."""

from __future__ import annotations

import pytest

from podium.domain.events import TYPES
from podium.domain.policies import Policy, Stage
from podium.errors import PromotionRefusedError

MODEL = "model-registry/Digits"


@pytest.fixture
def messages(with_channels, probe, model_file):
    """Every message of a story, by event type; the last one of each."""
    channel = probe()
    registry = with_channels(channel)
    registry.subscribe("s", "probe", events=["*"])
    for number, acc in enumerate((0.5, 0.75)):
        registry.log("p/a", model_file(str(number)), metrics={"acc": acc})
        registry.link("p/a", MODEL)
        registry.promote(MODEL, "production", reason="better")
    registry.set_alias(MODEL, "best")
    registry.remove_alias(MODEL, "best")
    registry.rollback(MODEL, reason="bad")
    registry.record_check(MODEL, "bias", "fail", "too much")
    registry.set_policy(MODEL, Policy((Stage("production", ("bias",)),)))
    with pytest.raises(PromotionRefusedError):
        registry.promote(MODEL, "production")
    registry.promote(MODEL, "production", force=True, reason="now")
    registry.close()
    return {message.event.type: message for message in channel.sent}


TITLES = {
    "artifact_version.logged": "p/a v1 was logged",
    "model_version.linked": f"{MODEL} v1 is linked from p/a:v1",
    "model_version.promoted": f"{MODEL} v1 is now production after v0",
    "model_version.promotion_refused": f"{MODEL} v1 was refused for production",
    "model_version.promotion_forced": f"{MODEL} v1 was forced into production past its gates",
    "model_version.rolled_back": f"production of {MODEL} is rolled back to v0 from v1",
    "alias.set": f"best of {MODEL} is now v1",
    "alias.removed": f"best of {MODEL} was removed from v1",
}


@pytest.mark.parametrize("kind", TITLES)
def test_the_title(messages, kind) -> None:
    """The title says in one sentence what happened to which version."""
    assert messages[kind].title == TITLES[kind]


def test_every_event_has_words(messages) -> None:
    """No event type leaves a reader with nothing."""
    assert all(message.title and message.as_text() for message in messages.values())
    assert set(messages) <= set(TYPES)


def test_metrics_with_the_change_against_the_previous_holder(messages) -> None:
    """A promotion shows the metrics and how they changed against who held the stage before."""
    message = messages["model_version.rolled_back"]
    assert (message.previous, message.version) == ("v1", "v0")
    assert [(metric.name, metric.value, metric.change) for metric in message.metrics] == [("acc", 0.5, -0.25)]
    assert "acc 0.5 (-0.25)" in message.as_text()


def test_a_refusal_says_why(messages) -> None:
    """Each reason is a line, and so is the result of a check."""
    assert messages["model_version.promotion_refused"].lines == (
        "The check 'bias' failed on model-registry/Digits:v1: too much",
    )
    assert messages["model_version.checked"].lines == ("bias: fail, too much",)
    assert messages["model_version.promotion_forced"].lines[-1] == "Reason: now"


def test_by_whom_and_from_where(messages) -> None:
    """The last line says who did it, and in which execution."""
    assert messages["alias.set"].as_text().splitlines()[-1].startswith("by ann from script ")
