"""The example flows do what they say, as often as they are run."""

import os
import subprocess
import sys

import pytest

FEW = ["naive_bayes", "logistic_regression"]
MODEL = "model-registry/Digits classifier"


@pytest.fixture
def train(server, load_flow):
    return load_flow("train_and_promote")


@pytest.fixture
def refuse(server, load_flow):
    return load_flow("refuse_and_roll_back")


def held(registry):
    """Which artifact holds each stage."""
    model = registry.model(MODEL)
    stages = {stage: number for stage, number in model.aliases.items() if stage in ("staging", "production")}
    return {stage: registry.resolve(f"{MODEL}:v{number}").source for stage, number in stages.items()}


def test_the_best_candidate_comes_to_production(registry, train):
    """Data, candidates, link, checks and both promotions leave what the DAG of the same name leaves, too."""
    promoted = train(candidates=FEW)
    best = registry.resolve(promoted.ref)
    assert [item.ref for item in registry.artifacts("digits")] == [
        "digits/digits-dataset",
        "digits/logistic-regression",
        "digits/naive-bayes",
    ]
    assert (best.source, best.metadata) == ("digits/logistic-regression:v0", {"candidate": "logistic_regression"})
    assert set(best.metrics) == {"accuracy", "f1_macro", "log_loss"}
    assert {"candidate", "staging", "production", "latest"} <= set(best.aliases)
    assert {item.result.name: item.result.status for item in registry.checks(best.ref)} == {
        "held_out_accuracy": "pass",
        "not_worse_than_champion": "pass",
    }
    files = [entry.path for entry in registry.files(best.ref).manifest.entries]
    assert files == ["confusion_matrix.csv", "model.joblib", "predictions.csv"]


def test_the_same_run_again_adds_nothing(train, rows):
    """No version, link, alias move, policy or promotion."""
    first, before = train(candidates=FEW), rows()
    again = train(candidates=FEW)
    assert rows() == before
    assert (first.changed, again.changed, again.ref) == (True, False, first.ref)


def test_the_whole_demonstration_can_be_shown_twice(registry, train, refuse, rows):
    """Two promotions, a refusal and a rollback; the second time there is nothing new to log or to link."""
    counts = []
    for _ in range(2):
        train(candidates=FEW)
        assert held(registry)["production"] == "digits/logistic-regression:v0"
        train()
        assert held(registry)["production"] == "digits/support-vectors:v0"
        reasons = refuse()
        assert "has not been in 'staging'" in reasons[0]
        assert "not_worse_than_champion" in reasons[1]
        assert "the rule is 'accuracy >= production.accuracy - 0.005'" in reasons[-1]
        assert held(registry)["production"] == "digits/logistic-regression:v0"
        counts.append(rows())
    assert registry.resolve(f"{MODEL}:candidate").source == "digits/support-vectors:v0"
    assert [counts[1][table] - counts[0][table] for table in ("versions", "memberships", "policies")] == [0, 0, 0]


@pytest.mark.slow
def test_a_flow_runs_as_a_script(flows, home, rows):
    """`python flows/train_and_promote.py` needs nothing but the environment, and can be repeated."""
    said, counts = [], []
    for _ in range(2):
        command = [sys.executable, str(flows / "train_and_promote.py")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, env=dict(os.environ))
        assert done.returncode == 0, done.stderr
        said.append(done.stdout.splitlines()[-1])
        counts.append(rows())
    assert said == [f"{MODEL}:v0 is in production.", f"{MODEL}:v0 is in production, as before."]
    assert counts[0] == counts[1]
