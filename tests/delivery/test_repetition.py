"""``deduplicate`` leaves out a repetition of the same news, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from podium.errors import PromotionRefusedError
from podium.registry import Registry

MODEL = "model-registry/M"


@pytest.fixture
def registry(open_at, database_url, model_file) -> Registry:
    """A registry with two versions, that tells of everything later by a digest, without repeats."""
    made = open_at(database_url)
    for text in "ab":
        made.link(made.log("p/a", model_file(text)).ref, MODEL)
    made.subscribe("s", "console", digest="1d", deduplicate="10m", events=["*"], model=MODEL)
    return made


def told(registry: Registry) -> list[tuple[str, str]]:
    """Return type and version of what is told, oldest first."""
    return [(item.event_type, item.subject.rpartition(":")[2]) for item in reversed(registry.deliveries())]


def refused(registry: Registry) -> None:
    with pytest.raises(PromotionRefusedError):
        registry.promote(f"{MODEL}:v0", "production")


def set_to_and_fro(registry: Registry) -> None:
    for version in ("v0", "v1", "v0"):
        registry.set_alias(f"{MODEL}:{version}", "live")


def promote_back(registry: Registry) -> None:
    for version in ("v0", "v1", "v0"):
        registry.promote(f"{MODEL}:{version}", "production")


def check_again(registry: Registry) -> None:
    for status in ("pass", "pass", "fail", "pass"):
        registry.record_check(f"{MODEL}:v0", "bias", status)


def tag_both(registry: Registry) -> None:
    for tag in ("ready", "do-not-use"):
        registry.tag(f"{MODEL}:v0", tag)


def tag_anew(registry: Registry) -> None:
    registry.tag(f"{MODEL}:v0", "ready")
    registry.untag(f"{MODEL}:v0", "ready")
    registry.tag(f"{MODEL}:v0", "ready")


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (set_to_and_fro, [("alias.set", "live")] * 3),
        (promote_back, [("model_version.promoted", version) for version in ("v0", "v1", "v0")]),
        (check_again, [("model_version.checked", "v0")] * 3),
        (tag_both, [("tag.added", "v0")] * 2),
        (tag_anew, [("tag.added", "v0"), ("tag.removed", "v0"), ("tag.added", "v0")]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_news(registry, act: Callable[[Registry], None], expected) -> None:
    """Whatever says something else than the newest about the matter is told; what says the same is not."""
    act(registry)
    assert told(registry) == expected


def test_who_lost_a_role_is_news(registry) -> None:
    """What an event says may stand in what was: two people who lose the same role are two pieces of news."""
    registry.subscribe("s", "console", digest="1d", deduplicate="10m", events=["role.revoked"])
    for person in ("ann", "bob", "cy"):
        registry.grant_role("model-registry", person, "admin")
    for person in ("bob", "cy"):
        registry.revoke_role("model-registry", person, "admin")
    assert len(registry.deliveries(event_type="role.revoked")) == 2


def test_a_refusal_that_a_task_repeats(registry) -> None:
    """The same reasons are told once, whatever is told of other matters between; other reasons are told."""
    policy = {"stages": [{"name": "production", "checks": ["bias"]}]}
    registry.set_policy(MODEL, policy)
    refused(registry)
    registry.tag(f"{MODEL}:v1", "ready")
    refused(registry)
    refused(registry)
    policy["stages"][0]["checks"].append("drift")
    registry.set_policy(MODEL, policy)
    refused(registry)
    refused(registry)
    kinds = [kind for kind, _ in told(registry)]
    assert kinds.count("model_version.promotion_refused") == 2


def test_what_was_given_up_is_told_again(registry) -> None:
    """Nobody was told of it, so that it is no repetition."""
    registry.record_check(f"{MODEL}:v0", "bias", "fail")
    with registry._database.write() as connection:
        connection.execute(sa.text("update deliveries set status = 'dead'"))
    registry.record_check(f"{MODEL}:v0", "bias", "fail")
    registry.record_check(f"{MODEL}:v0", "bias", "fail")
    assert len(told(registry)) == 2


def test_at_the_same_time(registry, open_at, database_url) -> None:
    """Of the same news from several processes at once, one is told."""
    others = [open_at(database_url) for _ in range(4)]
    start = threading.Barrier(len(others))

    def check(other: Registry) -> None:
        start.wait(10)
        other.record_check(f"{MODEL}:v0", "bias", "fail")

    threads = [threading.Thread(target=check, args=(other,)) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert told(registry) == [("model_version.checked", "v0")]
    assert sum(event.type == "model_version.checked" for event in registry.events(MODEL)) == 4


def test_it_is_looked_up_by_index(open_at, tmp_path) -> None:
    """SQLite goes through no table: the deliveries of one subscription and collection, and their events by id."""
    from podium.usecases.outgoing import _TOLD

    made = open_at(f"sqlite:///{tmp_path / 'plan.db'}")
    with made._database.read() as connection:
        text = str(_TOLD.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True}))
        values = ("x",) * text.count("?")
        plan = [row.detail for row in connection.exec_driver_sql(f"explain query plan {text}", values)]
    assert any("ix_deliveries_subscription_stream_sequence" in line for line in plan), plan
    assert not [line for line in plan if line.startswith("SCAN") and "CONSTANT" not in line], plan
    assert not [line for line in plan if "TEMP B-TREE" in line], plan
