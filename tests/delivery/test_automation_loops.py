"""Circles of automations end by themselves, and are seen."""

from __future__ import annotations

import pytest

from podium.domain.automations import LONGEST_CHAIN, chain_of, handed_back, read_chain
from podium.plugins import Origin, hookimpl
from podium.registry import Registry
from tests.delivery.acting import MODEL, Act, drain, host_of, told


@pytest.fixture
def looped(open_at, database_url, model_file) -> Registry:
    """A registry with a model version, and no automation yet."""
    registry = open_at(database_url, host=host_of())
    registry.log("p/a", model_file("a"))
    registry.link("p/a", MODEL)
    return registry


def follow(registry: Registry, name: str, seen: str, makes: str) -> None:
    """When one alias is set, set another."""
    registry.automate(
        name, "podium.set_alias", events=["alias.set"], filter=f"after.alias = '{seen}'", settings={"alias": makes}
    )


def moves(registry: Registry) -> list[str]:
    return [move.alias for move in registry.history(MODEL) if move.alias != "latest"]


def failures(registry: Registry) -> list[dict]:
    return [event.after for event in registry.events(MODEL) if event.type == "automation.failed"]


def test_one_that_would_fire_itself(looped) -> None:
    """It does what it is for once; that it stopped there is an event, and a delivery that was given up."""
    looped.automate("a", "podium.set_alias", events=["alias.set"], settings={"alias": "after-{{ alias }}"})
    looped.set_alias(MODEL, "x")
    drain(looped)
    assert moves(looped) == ["x", "after-x"]
    assert told(looped) == [("automation.fired", "a"), ("automation.failed", "a")]
    (failed,) = failures(looped)
    assert (failed["loop"], failed["error"]) == (True, "It would go in circles: a > a.")
    assert [item.status for item in looped.deliveries("dead")] == ["dead"]


def test_two_that_fire_each_other(looped) -> None:
    """A leads to B, B would lead to A again: it stops there, each did its part once."""
    follow(looped, "to-b", "a", "b")
    follow(looped, "to-a", "b", "a")
    looped.set_alias(MODEL, "a")
    drain(looped)
    # The last move of the circle is none: the alias stands there already. Another version would make it one.
    assert told(looped) == [("automation.fired", "to-b"), ("automation.fired", "to-a")]
    assert moves(looped) == ["a", "b"]


def test_two_that_move_further_each_time(looped) -> None:
    """Where each round moves something new, nothing but the chain ends it, and it says so once."""
    looped.automate("ping", "podium.set_alias", events=["alias.set"], settings={"alias": "p{{ event.sequence }}"})
    looped.automate("pong", "podium.set_alias", events=["alias.set"], settings={"alias": "q{{ event.sequence }}"})
    looped.set_alias(MODEL, "start")
    drain(looped)
    # start fires both; each of their moves fires the other one; those moves would fire both again and do not.
    assert len(moves(looped)) == 5
    errors = sorted(failed["error"] for failed in failures(looped))
    assert errors == [
        "It would go in circles: ping > ping.",
        "It would go in circles: ping > pong > ping.",
        "It would go in circles: ping > pong > pong.",
        "It would go in circles: pong > ping > ping.",
        "It would go in circles: pong > ping > pong.",
        "It would go in circles: pong > pong.",
    ]
    assert len({failed["event"] + failed["automation"] for failed in failures(looped)}) == 6


def test_a_retry_of_a_circle_by_hand_stops_again(looped) -> None:
    """Nobody can start it by making the delivery due again."""
    looped.automate("a", "podium.set_alias", events=["alias.set"], settings={"alias": "after-{{ alias }}"})
    looped.set_alias(MODEL, "x")
    drain(looped)
    looped.retry(looped.deliveries("dead")[0].id)
    drain(looped)
    assert moves(looped) == ["x", "after-x"]


def test_one_about_firings_ends(open_at, database_url, model_file) -> None:
    """An automation on what automations did hears of the others, never of itself."""
    act = Act()
    registry = open_at(database_url, host=host_of(act))
    registry.automate("works", "act", events=["model_version.linked"])
    registry.automate("watches", "act", events=["automation.fired", "automation.failed"])
    registry.log("p/a", model_file("a"))
    registry.link("p/a", MODEL)
    drain(registry)
    assert [call.automation for call in act.calls] == ["works", "watches"]
    assert told(registry) == [("automation.fired", "works"), ("automation.fired", "watches")]


def test_all_on_everything_ends(open_at, database_url, model_file) -> None:
    """Three automations on every event, each changing something: it ends, and every firing is told."""
    act = Act(do=lambda call, settings: call.registry.tag(MODEL, f"t{len(act.calls)}"))  # type: ignore[attr-defined]
    registry = open_at(database_url, host=host_of(act))
    for name in ("a", "b", "c"):
        registry.automate(name, "act", events=["tag.added"])
    registry.log("p/a", model_file("a"))
    registry.link("p/a", MODEL)
    registry.tag(MODEL, "start")
    drain(registry)
    chains = {tuple(event.origin.details["automations"]) for event in registry.events(MODEL) if "tag" in event.type[:3]
              and event.origin.kind == "automation"}  # fmt: skip
    assert len(act.calls) == 3 + 6 + 6
    assert all(len(set(chain)) == len(chain) for chain in chains)


def test_a_chain_that_is_too_long_ends(open_at, lite, model_file) -> None:
    """However many automations lead from one to the next, the longest chain is bounded, and its end is told."""

    class Host:
        @hookimpl
        def podium_origin(self) -> Origin:
            chain = [f"a{number}" for number in range(LONGEST_CHAIN)]
            return Origin("airflow", "DAG d · task t", identity="airflow:d/r/t/-1", details={"automations": chain})

    host = host_of(Act())
    host.register(Host(), "host")
    registry = open_at(lite.settings.url, host=host)
    registry.automate("next", "act", events=["model_version.linked"])
    registry.log("p/a", model_file("a"))
    registry.link("p/a", MODEL)
    drain(registry)
    (failed,) = failures(registry)
    assert (failed["loop"], "8 automations led" in failed["error"]) == (True, True)


def test_a_host_hands_the_chain_back(open_at, lite, model_file) -> None:
    """A change of a DAG run that an automation started does not start it again, though it comes from elsewhere."""
    act = Act()

    class Host:
        @hookimpl
        def podium_origin(self) -> Origin:
            details = handed_back(act.calls[0].to_hand_on()) if act.calls else {}
            return Origin("airflow", "DAG d · task t", identity="airflow:d/r/t/-1", details={"dag_id": "d", **details})

    host = host_of(act)
    host.register(Host(), "host")
    registry = open_at(lite.settings.url, host=host)
    registry.automate("deploy", "act", events=["model_version.linked"])
    registry.log("p/a", model_file("a"))
    registry.link("p/a", MODEL)
    drain(registry)
    registry.link("p/a", "model-registry/Other")  # what the task of the DAG run does
    drain(registry)
    assert len(act.calls) == 1
    assert told(registry, "model-registry/Other") == [("automation.failed", "deploy")]


@pytest.mark.parametrize(
    "given",
    [None, "x" * 100, ["a", 1, None, "../b", "a"], {"a": 1}, [["a"]], ["a"] * 1000, 7, "a,b\n,c d"],
    ids=lambda value: repr(value)[:20],
)
def test_a_chain_that_makes_no_sense(given) -> None:
    """What a host hands back is read carefully: names, each once, or nothing."""
    assert read_chain(given) in ((), ("a",))
    assert chain_of(Origin(details={"automations": given})) in ((), ("a",))
    assert handed_back({"automations": given, "automation": {"x": 1}, "event": 3}) in ({}, {"automations": ["a"]})
