"""What each operator does in one call, without a DAG around it."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import psutil
import pytest

import podium
import podium.airflow as face

CHECKS = str(Path(__file__).parent / "size_checks.py")
MODEL = "model-registry/Small"


def run(operator: str, **fields: Any) -> Any:
    """Make an operator and execute it."""
    return getattr(face, operator)(task_id="task", **fields).execute({})


@pytest.fixture
def linked(registry: podium.Registry, weights: Path) -> podium.Version:
    """A model version."""
    return registry.link(registry.log("digits/small", weights).ref, MODEL)


def test_log_makes_a_version_from_a_run(registry: podium.Registry, weights: Path) -> None:
    """The run holds the metrics, what was used and what was made, and it has ended."""
    data = registry.log("digits/data", weights, type="dataset")
    made = run(
        "LogModelOperator",
        artifact="digits/small",
        files=str(weights),
        metadata={"depth": 3},
        metrics={"accuracy": 0.9},
        aliases=["candidate"],
        uses=[data.to_json()],
    )
    (info,) = registry.runs("digits")
    assert (made["ref"], made["created"], made["run"]) == ("digits/small:v0", True, info.id)
    assert made["metrics"] == info.summary == {"accuracy": 0.9}
    assert (info.status, set(made["aliases"]), made["metadata"]) == ("finished", {"candidate", "latest"}, {"depth": 3})


@pytest.mark.usefixtures("registry")
def test_log_again_gives_the_same_version(weights: Path) -> None:
    """The same bytes add nothing."""
    first, second = (run("LogModelOperator", artifact="digits/small", files=str(weights)) for _ in range(2))
    assert (first["ref"], second["ref"], second["created"]) == ("digits/small:v0", "digits/small:v0", False)


def test_log_that_fails_ends_its_run_as_failed(registry: podium.Registry, weights: Path) -> None:
    """What it was to be made from does not come by trying again."""
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException, match="nothing"):
        run("LogModelOperator", artifact="digits/small", files=str(weights), uses=["digits/nothing:v0"])
    assert [info.status for info in registry.runs("digits")] == ["failed"]
    assert registry.artifacts("digits") == []


def test_log_of_a_file_that_is_not_there_leaves_nothing(registry: podium.Registry) -> None:
    """It fails at once, before a run is started."""
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException, match=r"nowhere\.bin"):
        run("LogModelOperator", artifact="digits/small", files="/nowhere.bin")
    assert registry.collections() == []


def test_an_operator_leaves_no_connection_open(registry: podium.Registry, weights: Path) -> None:
    """A task's process ends without running what waits for its exit, so the operator waits for messages and closes."""
    run("LogModelOperator", artifact="digits/small", files=str(weights))
    database = registry.url.removeprefix("sqlite:///")
    assert database not in {file.path for file in psutil.Process().open_files()}


def test_link_takes_what_a_task_returned(registry: podium.Registry, weights: Path) -> None:
    """Text and dict mean the same, and the second link changes nothing."""
    version = registry.log("digits/small", weights)
    first = run("LinkModelOperator", ref=version.to_json(), model=MODEL, aliases=["newest"])
    second = run("LinkModelOperator", ref=version.ref, model=MODEL)
    assert (first["ref"], first["created"], second["created"]) == (f"{MODEL}:v0", True, False)
    assert registry.resolve(f"{MODEL}:newest").number == 0


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize("ref", [{"version": "v1"}, None, 3])
def test_what_names_no_version_is_refused(ref: Any) -> None:
    """With a sentence, and without a retry."""
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException, match="names no version"):
        run("LinkModelOperator", ref=ref, model=MODEL)


def test_test_records_what_came_out(registry: podium.Registry, linked: podium.Version) -> None:
    """The report is what it returns."""
    report = run("TestModelOperator", ref=linked.to_json(), checks=CHECKS)
    assert (report["ref"], report["passed"], report["results"][0]["status"]) == (linked.ref, True, "pass")
    assert [item.result.name for item in registry.checks(linked.ref)] == ["not_empty"]


def test_a_failed_check_fails_the_task_with_a_summary(registry: podium.Registry, linked: podium.Version) -> None:
    """And it is on record."""
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException) as caught:
        run("TestModelOperator", ref=linked.ref, checks=[CHECKS, f"{CHECKS}:empty"])
    assert str(caught.value).splitlines() == [
        f"2 checks on {linked.ref}, 1 failed.",
        "  pass    not_empty: -",
        "  fail    empty: -",
    ]
    assert [item.result.status for item in registry.checks(linked.ref)] == ["pass", "fail"]


def test_a_suite_of_pytest_and_a_check_that_is_built_in(
    registry: podium.Registry, linked: podium.Version, tmp_path: Path
) -> None:
    """Every test is a check; the summary names what failed and what `-x` left out."""
    from airflow.sdk.exceptions import AirflowFailException

    suite = tmp_path / "test_suite.py"
    suite.write_text(
        "def test_small(model_version):\n    assert model_version.version.size < 100\n"
        "def test_worse():\n    assert False, 'It reads ones as sevens.'\n"
        "def test_last():\n    pass\n"
    )
    with pytest.raises(AirflowFailException) as caught:
        run(
            "TestModelOperator",
            ref=linked.ref,
            checks="max_size('1 MB')",
            suite=str(suite),
            pytest_options=["-x"],
            timeout=60,
        )
    lines = str(caught.value).splitlines()
    assert lines[0] == f"3 checks on {linked.ref}, 1 failed."
    assert [line.split()[:2] for line in lines if "test_" in line] == [
        ["pass", "test_suite-test_small:"],
        ["fail", "test_suite-test_worse:"],
        ["not", "run"],
    ]
    assert "It reads ones as sevens" in lines[3]
    assert len(registry.checks(linked.ref)) == 3


@pytest.mark.usefixtures("registry")
def test_a_failed_check_may_only_be_told(linked: podium.Version) -> None:
    """Then the next task decides."""
    assert run("TestModelOperator", ref=linked.ref, checks=f"{CHECKS}:empty", fail_on_error=False)["passed"] is False


def test_promote_moves_the_stage_and_hands_the_reference_on(registry: podium.Registry, linked: podium.Version) -> None:
    """What it returns can be the reference of the next promotion."""
    staged = run("PromoteModelOperator", ref=linked.to_json(), to="staging", reason="First.")
    made = run("PromoteModelOperator", ref=staged, to="production", expected=None)
    assert (made["ref"], made["status"], made["changed"]) == (linked.ref, "committed", True)
    assert registry.model(MODEL).aliases == {"staging": 0, "production": 0, "latest": 0}


def test_a_refusal_is_final_and_says_why(registry: podium.Registry, linked: podium.Version) -> None:
    """Airflow does not retry it."""
    from airflow.sdk.exceptions import AirflowFailException

    registry.set_policy(MODEL, podium.Policy((podium.Stage("production", checks=("accuracy",)),)))
    with pytest.raises(AirflowFailException, match="required check 'accuracy' has not run"):
        run("PromoteModelOperator", ref=linked.ref, to="production")


@pytest.mark.usefixtures("registry")
def test_a_conflict_is_left_for_airflow_to_retry(linked: podium.Version) -> None:
    """Somebody else was faster: the next attempt may see another state."""
    with pytest.raises(podium.ConflictError):
        run("PromoteModelOperator", ref=linked.ref, to="production", expected="v7")


@pytest.mark.usefixtures("registry")
def test_promoting_what_holds_the_stage_may_skip(linked: podium.Version) -> None:
    """So that what depends on the task runs for a new holder only."""
    from airflow.sdk.exceptions import AirflowSkipException

    first = run("PromoteModelOperator", ref=linked.ref, to="production", skip_if_unchanged=True)
    assert first["changed"]
    assert run("PromoteModelOperator", ref=linked.ref, to="production")["changed"] is False
    with pytest.raises(AirflowSkipException, match="held 'production' already"):
        run("PromoteModelOperator", ref=linked.ref, to="production", skip_if_unchanged=True)


@pytest.mark.usefixtures("registry")
def test_everything_returned_is_plain_json(weights: Path) -> None:
    """Another task reads it from XCom, where no class of ours may be needed."""
    log = run("LogModelOperator", artifact="digits/small", files={"w.bin": str(weights)})
    link = run("LinkModelOperator", ref=log, model=MODEL)
    test = run("TestModelOperator", ref=link, checks=CHECKS)
    promoted = run("PromoteModelOperator", ref=test, to="production")
    for value in (log, link, test, promoted):
        assert json.loads(json.dumps(value)) == value


@pytest.mark.parametrize("name", [name for name in face.__all__ if name.endswith("Operator")])
def test_the_templated_fields_are_arguments(name: str) -> None:
    """Airflow finds out about a wrong one at run time only."""
    operator = getattr(face, name)
    assert set(operator.template_fields) <= set(inspect.signature(operator.__init__).parameters)
