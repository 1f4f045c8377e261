"""Freezes: a gate that fails, with a reason, until somebody or the clock ends it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from podium.errors import (
    InvalidNameError,
    InvalidValueError,
    NotFoundError,
    PermissionDeniedError,
    PromotionRefusedError,
)
from tests.core.promotion_truth import at

MODEL = "model-registry/Digits classifier"


def test_a_freeze_is_told_to_whom_it_stops(registry, linked, open_at, database_url) -> None:
    """The refusal says what is frozen, until when, by whom and why, and keeps it as facts."""
    linked(registry, 1)
    until = datetime(2999, 1, 1, tzinfo=UTC)
    frozen = open_at(database_url, actor="bob").freeze(MODEL, "production", reason="audit", until=until)
    with pytest.raises(PromotionRefusedError) as caught:
        registry.promote(MODEL, "production")
    assert caught.value.reasons == [f"'production' of {MODEL} is frozen until 2999-01-01 00:00 UTC (by bob): audit."]
    (gate,) = registry.list_requests(status="refused")[0].gates
    assert (gate.kind, gate.facts["freeze"], gate.facts["by"]) == ("freeze", frozen.id, "bob")


def test_a_freeze_is_an_event(registry, linked) -> None:
    """Of the model, or of the registry as a whole; ending it is one, too."""
    linked(registry, 1)
    registry.freeze(MODEL, reason="audit")
    registry.unfreeze(MODEL, reason="passed")
    told = [(event.type, event.reason) for event in registry.events(MODEL)[-2:]]
    assert told == [("stage.frozen", "audit"), ("stage.unfrozen", "passed")]
    registry.freeze("model-registry", "production", reason="audit")
    assert [event.subject for event in registry.audit_events("type = 'stage.frozen'")] == ["model-registry", MODEL]


def test_frozen_again(registry, linked, rows) -> None:
    """The same freeze again changes nothing; another one for the same stage takes its place."""
    linked(registry, 1)
    first = registry.freeze(MODEL, "production", reason="audit")
    before = rows(registry)
    assert registry.freeze(MODEL, "production", reason="audit") == first
    assert rows(registry) == before
    second = registry.freeze(MODEL, "production", reason="longer audit")
    assert [item.id for item in registry.list_freezes(MODEL)] == [second.id]
    replaced = registry.list_freezes(MODEL, ended=True)[0]
    assert (replaced.id, replaced.ended_by, replaced.ended_reason) == (
        first.id,
        "ann",
        "Another freeze took its place.",
    )


def test_unfrozen_again(registry, linked, rows) -> None:
    """Ending what has ended changes nothing, so that a task may be run again."""
    linked(registry, 1)
    registry.freeze(MODEL, reason="audit")
    ended = registry.unfreeze(MODEL)
    before = rows(registry)
    assert registry.unfreeze(MODEL) == ended
    assert rows(registry) == before


def test_what_is_frozen_is_listed(registry, linked) -> None:
    """A model is under its own freezes and under those of its registry, and under none that ended by the clock."""
    linked(registry, 1)
    registry.link("digits/mlp", "model-registry/Other")
    registry.freeze("model-registry", "staging", reason="all")
    registry.freeze(MODEL, "production", reason="one")
    registry.freeze("model-registry/Other", reason="other")
    with at("2h"):
        registry.freeze(MODEL, reason="short", until=datetime.now(UTC) - timedelta(hours=1))
    assert [item.reason for item in registry.list_freezes(MODEL)] == ["all", "one"]
    assert [item.reason for item in registry.list_freezes()] == ["all", "one", "other"]
    assert len(registry.list_freezes(ended=True)) == 4


def test_only_admins_freeze_where_there_are_any(registry, linked, rows) -> None:
    """In a closed registry a freeze and its end need the role."""
    linked(registry, 1)
    registry.grant_role("model-registry", "bob", "admin")
    before = rows(registry)
    for call in (lambda: registry.freeze(MODEL, reason="x"), lambda: registry.unfreeze(MODEL)):
        with pytest.raises(PermissionDeniedError):
            call()
    assert rows(registry) == before


@pytest.mark.parametrize(
    ("target", "stage", "more", "error"),
    [
        (MODEL, "prodcution", {}, NotFoundError),
        ("model-registry", "prodcution", {}, NotFoundError),
        ("model-registry/Other", None, {}, NotFoundError),
        ("digits", None, {}, NotFoundError),
        ("model-registry/Digits*", None, {}, InvalidNameError),
        (f"{MODEL}:v0", None, {}, InvalidNameError),
        (MODEL, None, {"reason": " "}, InvalidValueError),
        (MODEL, None, {"reason": "a\0"}, InvalidValueError),
        (MODEL, None, {"until": datetime(2999, 1, 1)}, InvalidValueError),
        (MODEL, None, {"until": datetime(2000, 1, 1, tzinfo=UTC)}, InvalidValueError),
        (MODEL, None, {"until": "tomorrow"}, InvalidValueError),
    ],
    ids=range(11),
)
def test_freezes_that_make_no_sense(registry, linked, rows, target, stage, more, error) -> None:
    """A slip of the pen, no reason, or an end that is none: a typed error with a hint, and nothing is frozen."""
    linked(registry, 1)
    before = rows(registry)
    with pytest.raises(error) as caught:
        registry.freeze(target, stage, **{"reason": "audit", **more})
    assert caught.value.hint
    assert rows(registry) == before


def test_ending_what_was_never_frozen(registry, linked) -> None:
    """It is an error that says what is in force, as the stage or the target may be meant differently."""
    linked(registry, 1)
    registry.freeze(MODEL, "production", reason="audit")
    with pytest.raises(NotFoundError, match=r"In force are: .*production"):
        registry.unfreeze(MODEL)


WINDOW = {"from": "2000-01-01", "to": "2999-12-31", "reason": "Campaign"}
BACK = {
    "rollback": lambda r, **more: r.rollback(MODEL, **more),
    "demote": lambda r, reason=" ": r.demote(MODEL, "production", reason=reason),
}


@pytest.mark.parametrize("back", BACK)
def test_a_way_back_through_a_window_of_the_policy(registry, linked, rows, back) -> None:
    """It needs a reason, as through a freeze, and its event names the window."""
    linked(registry, 2)
    for number in (0, 1):
        registry.promote(f"{MODEL}:v{number}", "production")
    registry.set_policy(MODEL, {"stages": [{"name": "production", "freeze": [WINDOW]}]})
    before = rows(registry)
    with pytest.raises(InvalidValueError):
        BACK[back](registry)
    assert rows(registry) == before
    BACK[back](registry, reason="It leaks")
    assert registry.events(MODEL)[-1].after["frozen"] == [{"window": WINDOW, "why": "Campaign"}]


def test_a_window_for_ever_and_a_request_for_a_century(registry, linked) -> None:
    """Dates at the end of time freeze, and the longest span waits; neither kills a promotion that is judged by them."""
    linked(registry, 1)
    window = {"from": "2026-01-01", "to": "9999-12-31T23:59", "timezone": "America/New_York", "reason": "closed"}
    registry.set_policy(MODEL, {"stages": [{"name": "live", "freeze": [window]}]})
    with pytest.raises(PromotionRefusedError, match="is frozen by the policy until 9999-12-31"):
        registry.promote(f"{MODEL}:v0", "live")
    registry.set_policy(MODEL, {"stages": [{"name": "live", "approvals": {"expires": "5217w"}}]})
    assert registry.promote(f"{MODEL}:v0", "live").expires_at.year >= 2125


@pytest.mark.parametrize("hours", [0, 14])
def test_a_freeze_of_centuries_is_read_everywhere(registry, linked, database_url, open_at, monkeypatch, hours) -> None:
    """The last time that can be given is kept and read also where the clock of the database is ahead of UTC."""
    linked(registry, 1)
    monkeypatch.setenv("PGTZ", f"Etc/GMT-{hours}")
    other = open_at(database_url)
    other.freeze(MODEL, reason="closed", until=datetime(9999, 12, 30, tzinfo=UTC))
    assert other.list_freezes(MODEL)[0].until.year == 9999


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-5)), timezone(timedelta(hours=5))])
def test_a_freeze_does_not_end_at_the_end_of_time(registry, linked, zone) -> None:
    """What no database tells in every zone is refused with what to do."""
    linked(registry, 1)
    with pytest.raises(InvalidValueError, match="Leave it out"):
        registry.freeze(MODEL, reason="closed", until=datetime.max.replace(tzinfo=zone))
