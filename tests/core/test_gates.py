"""Gates of plugins: asked in the transaction, each guarded, and one that does not answer refuses."""

from __future__ import annotations

import threading
import time

import pytest

from podium.errors import PromotionRefusedError
from podium.plugins import PluginHost, hookimpl

MODEL = "model-registry/Digits classifier"


class Gate:
    """A gate that answers what it was made with, or raises it."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.asked: list[object] = []

    @hookimpl
    def podium_check_promotion(self, request: object) -> object:
        self.asked.append(request)
        if isinstance(self.answer, BaseException):
            raise self.answer
        if isinstance(self.answer, threading.Event):
            self.answer.wait(30)
        return self.answer


@pytest.fixture
def guarded(open_at, database_url, linked):
    """A registry with one linked version and the gates given."""

    def make(*answers: object):
        host = PluginHost(seconds=0.3, discover=False)
        gates = [Gate(answer) for answer in answers]
        for number, gate in enumerate(gates):
            host.register(gate, f"gate{number}")
        registry = open_at(database_url, host=host)
        linked(registry, 1)
        return registry, gates

    return make


def test_a_gate_that_has_no_objection(guarded) -> None:
    """None lets the version through; the verdict is on record in the gate's name."""
    registry, gates = guarded(None)
    made = registry.promote(MODEL, "production", reason="go")
    assert [(gate.gate, gate.passed) for gate in made.gates] == [("plugin:gate0", True)]
    asked = gates[0].asked[0]
    assert (asked.ref, asked.stage, asked.holder, asked.actor, asked.reason) == (
        f"{MODEL}:v0",
        "production",
        None,
        "ann",
        "go",
    )


def test_a_veto_is_a_reason(guarded) -> None:
    """A sentence refuses, and reaches whoever asked."""
    registry, _ = guarded("Not on Fridays.")
    with pytest.raises(PromotionRefusedError) as caught:
        registry.promote(MODEL, "production")
    assert caught.value.reasons == ["gate0: Not on Fridays."]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (RuntimeError("boom"), "could not decide: RuntimeError: boom"),
        (SystemExit(3), "could not decide: SystemExit"),
        (True, "answered True"),
        (False, "answered False"),
        ("", "answered ''"),
        ("  ", "answered"),
        (["no"], "answered"),
        ("bad \ud800 text \0", "bad"),
        (RuntimeError("bad \ud800 \0"), "could not decide"),
    ],
    ids=ascii,
)
def test_a_gate_that_does_not_answer_properly(guarded, answer, words) -> None:
    """Raising, exiting, or any other answer refuses in the gate's name, and the refusal is stored."""
    registry, _ = guarded(answer)
    with pytest.raises(PromotionRefusedError, match=words):
        registry.promote(MODEL, "production")
    assert registry.events(MODEL)[-1].type == "model_version.promotion_refused"
    assert "production" not in registry.model(MODEL).aliases


def test_a_gate_that_hangs(guarded) -> None:
    """After the time limit the promotion is refused; nobody waits longer."""
    registry, _ = guarded(threading.Event())
    start = time.monotonic()
    with pytest.raises(PromotionRefusedError, match=r"gave no answer within 0\.3 s"):
        registry.promote(MODEL, "production")
    assert time.monotonic() - start < 5


def test_every_gate_is_asked(guarded) -> None:
    """One gate that raises does not silence the next; each has its verdict."""
    registry, _ = guarded(RuntimeError("boom"), None, "Second veto.")
    with pytest.raises(PromotionRefusedError) as caught:
        registry.promote(MODEL, "production")
    assert sorted(caught.value.reasons) == [
        "The gate 'gate0' could not decide: RuntimeError: boom",
        "gate2: Second veto.",
    ]


def test_force_overrules_a_plugin(guarded) -> None:
    """A plugin's veto is overruled like any gate, with a reason."""
    registry, _ = guarded("No.")
    assert registry.promote(MODEL, "production", force=True, reason="now").forced


def test_the_fault_of_a_gate_is_listed(guarded) -> None:
    """A gate that raised is counted among the faults of plugins; a veto is no fault."""
    registry, _ = guarded(RuntimeError("boom"), "Veto.")
    for _ in range(2):
        with pytest.raises(PromotionRefusedError):
            registry.promote(MODEL, "production")
    registry.close()
    faults = [(fault.plugin, fault.hook, fault.error, fault.count) for fault in registry.plugin_faults()]
    assert faults == [("gate0", "podium_check_promotion", "RuntimeError: boom", 2)]


def test_no_gate_is_asked_for_the_holder(guarded) -> None:
    """Promoting what holds the stage asks nobody."""
    registry, gates = guarded(None)
    registry.promote(MODEL, "production")
    registry.promote(MODEL, "production")
    assert len(gates[0].asked) == 1


def test_a_policy_may_ask_for_a_gate_plugin(guarded) -> None:
    """One that is at work and has no objection passes; one that is missing refuses, each in its name."""
    registry, _ = guarded(None)
    registry.set_policy(MODEL, {"stages": [{"name": "production", "plugins": ["gate0", "compliance"]}]})
    with pytest.raises(PromotionRefusedError) as caught:
        registry.promote(MODEL, "production")
    (reason,) = caught.value.reasons
    assert reason.startswith("The policy asks for the gate plugin 'compliance'")
    registry.set_policy(MODEL, {"stages": [{"name": "production", "plugins": ["gate0"]}]})
    made = registry.promote(MODEL, "production")
    assert [(gate.gate, gate.verdict, gate.facts) for gate in made.gates] == [
        ("plugin:gate0", "passed", {"answered": True})
    ]


def test_a_plugin_without_the_hook_is_no_gate(open_at, database_url, linked) -> None:
    """A plugin of that name that implements no gate has not answered."""

    class Watcher:
        @hookimpl
        def podium_on_event(self, event: object) -> None:
            """Look at it."""

    host = PluginHost(discover=False)
    host.register(Watcher(), "compliance")
    registry = open_at(database_url, host=host)
    linked(registry, 1)
    registry.set_policy(MODEL, {"stages": [{"name": "production", "plugins": ["compliance"]}]})
    with pytest.raises(PromotionRefusedError, match="is not at work"):
        registry.promote(MODEL, "production")


class Meddler:
    """A gate that writes into what it was asked about."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    @hookimpl
    def podium_check_promotion(self, request: object) -> None:
        self.asked.append(request.metrics["accuracy"])
        request.metrics["accuracy"] = 99.0
        request.metadata["by"]["team"] = "others"


def test_a_gate_changes_nothing_of_what_it_is_asked_about(open_at, database_url, linked) -> None:
    """What it writes into the request reaches no other gate, and no event."""
    host, gates = PluginHost(discover=False), [Meddler(), Meddler()]
    for number, gate in enumerate(gates):
        host.register(gate, f"gate{number}")
    registry = open_at(database_url, host=host)
    linked(registry, 1, metrics={"accuracy": 0.9}, metadata={"by": {"team": "risk"}})
    registry.promote(MODEL, "production")
    assert registry.events(MODEL)[-1].after["metrics"] == {"accuracy": 0.9}
    assert [gate.asked for gate in gates] == [[0.9], [0.9]]
