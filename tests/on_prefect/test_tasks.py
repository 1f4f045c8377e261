"""What the tasks do, called as plain functions: no server, no flow."""

import threading

import pytest
from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.states import Failed

import podium
from podium.prefect import ChecksFailedError, link_model, log_model, promote_model, test_model
from podium.prefect.connection import shared_registry

TASKS = (log_model, link_model, test_model, promote_model)
MODEL = "model-registry/Classifier"


@podium.check
def fine(model_version):
    return True


@podium.check
def bad(model_version):
    raise AssertionError("It reads ones as sevens.")


def test_log_model_logs_in_a_run_of_its_own(registry, model_file):
    """Metrics, metadata, aliases and what it was made from are all there, and the run has ended."""
    data = log_model.fn("p/data", model_file, type="dataset")
    made = log_model.fn(
        "p/a",
        {"weights.bin": model_file},
        metadata={"layers": 3},
        metrics={"accuracy": 0.9, "by": {"class": 1}},
        description="small",
        aliases=["best"],
        uses=[data, "p/data"],
    )
    version, run = registry.resolve("p/a:best"), registry.run(made.run)
    assert made.to_json() == {**version.to_json(), "created": True, "version": "v0"}
    assert (version.metadata, version.description) == ({"layers": 3}, "small")
    assert version.metrics == {"accuracy": 0.9, "by.class": 1.0}
    assert (run.status, run.project, run.summary) == ("finished", "p", {"accuracy": 0.9, "by.class": 1})


def test_logging_the_same_bytes_again_makes_no_version(model_file):
    """So a task that is run again adds nothing."""
    made = [log_model.fn("p/a", model_file) for _ in range(2)]
    assert [(item.ref, item.created) for item in made] == [("p/a:v0", True), ("p/a:v0", False)]


def test_a_failed_log_marks_its_run_as_failed(registry, model_file):
    """The error is the registry's own, and the run does not stay open."""
    with pytest.raises(podium.NotFoundError):
        log_model.fn("p/a", model_file, uses=["p/nothing"])
    assert [run.status for run in registry.runs("p")] == ["failed"]


def test_each_task_takes_the_result_of_another(registry, model_file):
    """Results are references, so a flow needs no strings between its tasks."""
    linked = link_model.fn(log_model.fn("p/a", model_file), MODEL, aliases=["candidate"])
    report = test_model.fn(linked, fine)
    moved = promote_model.fn(report, "staging", reason="good", expected=None)
    assert (linked.ref, linked.source, linked.created) == (f"{MODEL}:v0", "p/a:v0", True)
    assert (report.passed, report.results[0]["name"]) == (True, "fine")
    assert (moved.changed, moved.before, moved.reason) == (True, None, "good")
    assert registry.resolve(f"{MODEL}:staging").ref == moved.ref


def test_a_failed_check_fails_the_task_after_it_is_recorded(registry, linked):
    """The error says which check and why; the gates see the same result."""
    with pytest.raises(ChecksFailedError, match="reads ones as sevens") as caught:
        test_model.fn(f"{linked}:v0", [fine, bad])
    assert (caught.value.ref, caught.value.retryable) == (f"{linked}:v0", False)
    assert [item.result.status for item in registry.checks(f"{linked}:v0")] == ["pass", "fail"]


def test_a_failed_check_can_be_only_reported(linked):
    """`raise_on_failure=False` leaves the decision to the flow."""
    assert test_model.fn(f"{linked}:v0", bad, raise_on_failure=False).passed is False


def test_errors_of_the_registry_come_as_themselves(registry, linked):
    """A flow can catch them by type and read their facts."""
    registry.set_policy(linked, {"stages": [{"name": "production", "checks": ["accuracy"]}]})
    with pytest.raises(podium.PromotionRefusedError) as refused:
        promote_model.fn(f"{linked}:v0", "production")
    with pytest.raises(podium.NotFoundError):
        link_model.fn("p/nothing", linked)
    assert refused.value.reasons == [f"The required check 'accuracy' has not run on {linked}:v0."]


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (podium.DatabaseUnavailableError("gone"), True),
        (podium.ConflictError("moved"), True),
        (podium.PromotionRefusedError("no"), False),
        (podium.NotFoundError("nothing"), False),
        (ChecksFailedError("bad"), False),
        (ValueError("a mistake"), False),
    ],
)
def test_only_what_may_pass_is_retried(error, again):
    """`retryable` of the error decides; a mistake stays one."""
    assert promote_model.retry_condition_fn(promote_model, None, Failed(data=error)) is again


@pytest.mark.parametrize("task", TASKS)
def test_they_are_real_tasks_that_no_cache_answers(task):
    """So `.submit`, `.map` and `.with_options` work, and each call reaches the registry."""
    assert isinstance(task, Task)
    assert task.cache_policy == NO_CACHE
    assert (task.retries, task.retry_delay_seconds, task.retry_jitter_factor) == (2, [0.5, 1.0], 0.5)
    assert task.name in {"Log model", "Link model", "Test model", "Promote model"}


def test_tasks_of_one_process_share_a_registry_that_the_last_one_closes(home, monkeypatch):
    """Ten threads open one engine; another PODIUM_URL is another registry."""
    barrier, seen = threading.Barrier(10), []

    def work():
        with shared_registry() as registry:
            seen.append(registry)
            barrier.wait(30)

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    monkeypatch.setenv("PODIUM_URL", f"sqlite:///{home}/other.db")
    with shared_registry() as other:
        assert other is not seen[0]
    assert len(seen) == 10
    assert len(set(map(id, seen))) == 1


def test_messages_are_out_when_the_task_ends(registry, linked, capfd):
    """A worker process may end without saying goodbye."""
    registry.subscribe("screen", "console")
    promote_model.fn(f"{linked}:v0", "staging")
    assert "staging" in capfd.readouterr().err
