"""``podium history --explain``: what an auditor reads a year later, from the events alone."""

from __future__ import annotations

import sqlite3

import pytest

POLICY = {
    "stages": [
        {"name": "staging"},
        {"name": "production", "metrics": ["accuracy >= production.accuracy - 0.005"], "approvals": {"count": 1}},
    ]
}


@pytest.fixture
def story(run, ok, model):
    """v0 was approved for production, v1 refused, v0 demoted and brought back, and v1 forced in."""
    from podium.registry import open_registry

    registry = open_registry()
    registry.set_policy(model, POLICY)
    registry.close()
    run("promote", f"{model}:v0", "--to", "production", "--reason", "first")
    ok("approve", f"{model}:v0", "--actor", "bob", "--comment", "fine")
    run("promote", f"{model}:v1", "--to", "production", "--reason", "cheaper")
    ok("demote", model, "--stage", "production", "--reason", "audit")
    ok("rollback", model, "--reason", "passed")
    ok("promote", f"{model}:v1", "--to", "production", "--force", "--reason", "fire")
    return model


def test_each_attempt_is_told_newest_first(ok, story):
    """What became of it stands in the first line of each."""
    text = ok("history", story, "--explain", "--stage", "production")
    told = [line[21:] for line in text.splitlines() if line[:1] == "2"]
    assert told == [
        "production given to v1  by force, gates were overruled",
        "production rolled back to v0",
        "production taken from v0",
        "production refused to v1",
        "production given to v0",
    ]


def test_a_refusal_has_values_thresholds_people_and_policy(ok, story):
    """Who asked, when, why, by which policy; each gate with its numbers; who held the stage; the events."""
    text = " ".join(ok("history", story, "--explain").partition("production refused to v1")[2].split())
    for words in (
        "Holder before v0",
        "by ann from",
        "Why cheaper",
        f"Policy {story}, revision 1 (podium policy show '{story}' --revision 1)",
        "failed metric accuracy >= production.accuracy - 0.005",
        "accuracy is 0.5; at least 0.945 is asked for",
        "threshold: 0.945; values.accuracy: 0.5; values.production.accuracy: 0.95",
        "holders.production.number: 0",
        "waiting approvals anybody",
    ):
        assert words in text


def test_what_people_said_is_told(ok, story):
    """The approval stands there with its comment and time, and who decided."""
    text = " ".join(ok("history", story, "--explain").rpartition("production given to v0")[2].split())
    assert "UTC bob approved: fine" in text
    assert "Outcome Approved by bob." in text


@pytest.mark.tampers
def test_it_is_told_from_the_events_alone(ok, story, tmp_path):
    """Without the rows of attempts, approvals, checks and policies the explanation is the same."""
    before = ok("history", story, "--explain")
    with sqlite3.connect(tmp_path / "home" / "podium.db") as connection:
        for table in ("approvals", "transitions", "checks", "policies"):
            connection.execute(f"DELETE FROM {table}")
    connection.close()
    assert ok("history", story, "--explain") == before


def test_as_json(answer, story):
    """The same for machines, with limit and stage."""
    (newest,) = answer("history", story, "--explain", "--limit", "1")
    assert (newest["version"], newest["forced"], newest["reason"]) == ("v1", True, "fire")
    assert answer("history", story, "--explain", "--stage", "staging") == []


def test_lines_fit_the_terminal(ok, story):
    """Nothing is wider than 80 columns."""
    assert max(map(len, ok("history", story, "--explain").splitlines())) <= 80


@pytest.mark.parametrize(
    ("code", "args"),
    [
        (2, ("{model}", "--limit", "1")),
        (2, ("{model}", "--explain", "--limit", "0")),
        (2, ("{model}", "--explain", "--stage", "no stage")),
        (3, ("digits/mlp", "--explain")),
        (3, ("model-registry/None", "--explain")),
    ],
)
def test_mistakes(code, args, run, model):
    """Each is one line."""
    result = run("history", *(part.format(model=model) for part in args))
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (code, "", 1)


def test_nothing_to_explain(ok, model):
    """It says so."""
    assert ok("history", model, "--explain") == f"Nobody tried to move a stage of {model} yet\n"


def test_history_tells_requests_and_freezes_with_stage_and_person(ok, story):
    """The plain history names the stage and the person of what happened."""
    ok("freeze", story, "--stage", "production", "--reason", "audit")
    text = ok("history", story, "--stage", "production")
    for words in (
        "v0 asked for production",
        "v0 approved for production by bob",
        "production taken from v0",
        "production frozen",
    ):
        assert words in text


def test_what_a_policy_took_over_is_told_with_the_policy(ok, model):
    """An alias became a stage: who says so is the policy, and nobody held the stage before."""
    from podium.registry import open_registry

    ok("alias", "set", f"{model}:v0", "live")
    registry = open_registry()
    registry.set_policy(model, {"stages": [{"name": "live"}]}, adopt=True)
    registry.close()
    text = ok("history", model, "--explain", "--stage", "live")
    assert "live taken over for v0" in text
    assert f"{model}, revision 1 (podium policy show '{model}' --revision 1)" in " ".join(text.split())
    assert "Holder before" not in text
