"""``podium promote`` and its ways back: what is shown of gates, waiting, and the guide's own commands."""

from __future__ import annotations

import re
import shlex
import threading
import time
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "promotion.md"
GATED = {
    "stages": [
        {"name": "staging"},
        {"name": "production", "from": "staging", "metrics": ["accuracy >= 0.9"], "approvals": {"count": 1}},
    ]
}


@pytest.fixture
def gated(model, ok):
    """The model with a policy of three gates; v0 is in staging."""
    from podium.registry import open_registry

    registry = open_registry()
    registry.set_policy(model, GATED)
    registry.close()
    ok("promote", f"{model}:v0", "--to", "staging")
    return model


def test_a_dry_run_shows_every_gate_with_its_facts(run, answer, gated):
    """Verdict, sentence and facts of each gate, the policy, the exit code to come; nothing is on record."""
    result = run("promote", f"{gated}:v1", "--to", "production", "--dry-run")
    assert result.exit_code == 1
    verdicts = re.findall(r"^  (passed|failed|waiting) +(.*)$", result.stdout, re.MULTILINE)
    assert verdicts == [
        ("failed", "from staging"),
        ("failed", "metric accuracy >= 0.9"),
        ("waiting", "approvals anybody"),
    ]
    assert "threshold: 0.9; values.accuracy: 0.5" in result.stdout
    assert f"Policy: {gated}, revision 1. Nothing was changed or recorded." in result.stdout
    assert max(map(len, result.stdout.splitlines()[:-1])) <= 80
    assert [made["stage"] for made in answer("requests", "ls", "--all")] == ["staging"]


def test_a_dry_run_of_what_holds_the_stage(ok, gated):
    """It says that nothing would change."""
    assert ok("promote", f"{gated}:v0", "--to", "staging", "--dry-run").endswith("nothing would change\n")


def test_a_refusal_names_the_other_gates_too(run, gated):
    """Below the reasons stands what passed and what waits, in JSON every gate."""
    result = run("promote", f"{gated}:v1", "--to", "production")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[1:] == [
        f"  - {gated}:v1 has not been in 'staging'.",
        "  - accuracy is 0.5; at least 0.9 is asked for.",
        "  Waits for people: approvals anybody",
    ]


@pytest.mark.parametrize("given", [("--timeout", "3s"), ("--wait", "--dry-run"), ("--wait", "--timeout", "soon")])
def test_options_that_make_no_sense(given, run, gated):
    """They are refused before anything is asked for."""
    assert run("promote", f"{gated}:v0", "--to", "production", *given).exit_code == 2
    assert run("requests", "ls").stdout == "Nothing waits for approvals\n"


def test_wait_ends_with_the_decision(run, gated, monkeypatch):
    """Somebody approves while the command waits: it ends with 0, and says who said what."""
    _meanwhile(monkeypatch, lambda registry, made: registry.approve(made.id, on_behalf_of="bob", comment="fine"))
    result = run("promote", f"{gated}:v0", "--to", "production", "--wait")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{gated}:v0 is production now\n")
    assert "bob approved: fine" in result.stderr


@pytest.mark.parametrize(
    ("verb", "words"), [("reject", "Rejected by bob: no"), ("withdraw", "Withdrawn by ann"), ("freeze", "frozen")]
)
def test_wait_ends_with_1_when_nothing_moves(verb, words, run, gated, monkeypatch):
    """A request that was rejected, withdrawn or refused at last ends with 1 and its reason."""
    acts = {
        "reject": lambda registry, made: registry.reject(made.id, "no", on_behalf_of="bob"),
        "withdraw": lambda registry, made: registry.withdraw(made.id),
        "freeze": _frozen_then_approved,
    }
    _meanwhile(monkeypatch, acts[verb])
    result = run("promote", f"{gated}:v0", "--to", "production", "--wait")
    assert (result.exit_code, result.stdout) == (1, "")
    assert words in result.stderr


def test_wait_ends_when_time_is_up(run, gated):
    """Exit code 6; the request stands."""
    start = time.monotonic()
    result = run("promote", f"{gated}:v0", "--to", "production", "--wait", "--timeout", "1s")
    assert (result.exit_code, time.monotonic() - start < 30) == (6, True)
    assert "waits to become production" in result.stdout
    assert "pending" in run("requests", "ls").stdout


def test_ctrl_c_leaves_the_request_standing(run, answer, gated, monkeypatch):
    """It says so, with the id, and ends with 130."""

    def stop(_seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("podium.cli.waiting.time.sleep", stop)
    result = run("promote", f"{gated}:v0", "--to", "production", "--wait")
    assert result.exit_code == 130
    (waiting,) = answer("requests", "ls")
    assert f"The request {waiting['id']} stands" in result.stderr


def test_wait_outlives_a_short_outage(run, gated, monkeypatch):
    """A database that cannot be reached for some looks does not end the wait."""
    from podium.errors import DatabaseUnavailableError
    from podium.registry import Registry

    looks = iter(range(100))
    real = Registry.transition

    def flaky(self, request):
        if next(looks) < 3:
            raise DatabaseUnavailableError("gone")
        self.approve(request, on_behalf_of="bob")
        return real(self, request)

    monkeypatch.setattr(Registry, "transition", flaky)
    monkeypatch.setattr("podium.cli.waiting.time.sleep", lambda _seconds: None)
    assert run("promote", f"{gated}:v0", "--to", "production", "--wait").exit_code == 0


def test_demote_and_back(run, ok, gated):
    """Nobody holds the stage, then its last holder again; a reason is needed, and a holder."""
    assert run("demote", gated, "--stage", "staging").exit_code == 2
    assert "Nobody holds staging" in ok("demote", gated, "--stage", "staging", "--reason", "over")
    assert run("demote", gated, "--stage", "staging", "--reason", "over").exit_code == 3
    assert ok("rollback", gated, "--stage", "staging") == f"{gated}:v0 is staging now\n"


def test_rollback_to_a_named_holder(run, ok, model):
    """An earlier holder can be named; one that never held the stage is refused with who did."""
    for version in ("v0", "v1"):
        ok("promote", f"{model}:{version}", "--to", "production")
    assert "v1 was before" in ok("rollback", model, "--to", "v0", "--reason", "wrong")
    assert "Before, it was held by v1" in run("rollback", model, "--to", "v7").stderr


def test_the_commands_of_the_guide(run, model):
    """Each command of the guide runs, in its order, and ends with the exit code that stands beside it."""
    section = GUIDE.read_text(encoding="utf-8").partition("## On the command line")[2]
    Path("policy.yaml").write_text(re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)[0], encoding="utf-8")
    lines = re.findall(r"^\$ podium (.*)$", section, re.MULTILINE)
    assert len(lines) > 20
    for line in lines:
        words, _, comment = line.partition("   # exit code ")
        result = run(*shlex.split(words))
        assert result.exit_code == int(comment or 0), (line, result.output)


def _meanwhile(monkeypatch, act) -> None:
    """Let something happen while the command waits, from another thread as from another machine."""
    from podium.registry import open_registry

    def decide() -> None:
        registry = open_registry()
        act(registry, registry.list_requests()[0])
        registry.close()

    def sleep(_seconds: float) -> None:
        if not done:
            done.append(True)
            other = threading.Thread(target=decide)
            other.start()
            other.join(60)

    done: list[bool] = []
    monkeypatch.setattr("podium.cli.waiting.time.sleep", sleep)


def _frozen_then_approved(registry, made) -> None:
    from podium.errors import PromotionRefusedError

    registry.freeze(made.collection, reason="audit")
    with pytest.raises(PromotionRefusedError):
        registry.approve(made.id, on_behalf_of="bob")
