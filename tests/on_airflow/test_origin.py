"""Podium knows which task a call comes from, and a retry as the same task instance."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from podium.airflow.plugin import podium_origin


def task_instance(**values: Any) -> Any:
    """Return a real runtime task instance, as the task runner makes one."""
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    given = {"dag_id": "train", "run_id": "manual__1", "task_id": "fit", "try_number": 1, "map_index": -1, **values}
    return RuntimeTaskInstance.model_construct(id=uuid4(), **given)


def origin_in(instance: Any) -> Any:
    """Return what the plugin says while a task runs."""
    from airflow.sdk.execution_time.context import set_current_context

    with set_current_context({"ti": instance}):
        return podium_origin()


def test_a_task_is_named() -> None:
    """Label, page and details say which task it is."""
    origin = origin_in(task_instance())
    assert (origin.kind, origin.label) == ("airflow", "DAG train · task fit")
    assert origin.url == "http://localhost:8080/dags/train/runs/manual__1/tasks/fit?try_number=1"
    assert origin.details == {
        "dag_id": "train",
        "run_id": "manual__1",
        "task_id": "fit",
        "map_index": -1,
        "try_number": 1,
        "log_url": origin.url,
    }


def test_a_mapped_task_is_named_with_its_index() -> None:
    """Two of its instances are two executions."""
    first, second = origin_in(task_instance(map_index=0)), origin_in(task_instance(map_index=1))
    assert second.label == "DAG train · task fit [1]"
    assert (first.identity, second.identity) == ("airflow:train/manual__1/fit/0", "airflow:train/manual__1/fit/1")


def test_a_retry_has_the_identity_of_the_first_attempt() -> None:
    """The number of the try is in the details and not in the identity."""
    first, second = origin_in(task_instance()), origin_in(task_instance(try_number=2))
    assert first.identity == second.identity == "airflow:train/manual__1/fit/-1"
    assert second.details["try_number"] == 2


def test_another_dag_run_has_another_identity() -> None:
    """What was done for one run does not answer for the next."""
    assert origin_in(task_instance()).identity != origin_in(task_instance(run_id="manual__2")).identity


@pytest.mark.usefixtures("airflow_home")
def test_outside_a_task_there_is_no_origin() -> None:
    """Airflow in memory is not enough: no task runs here."""
    assert podium_origin() is None


def test_an_identity_does_not_need_a_page() -> None:
    """When Airflow cannot say the address, a retry is still known as one."""
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    class WithoutPage(RuntimeTaskInstance):
        @property
        def log_url(self) -> str:
            raise ValueError("no base_url")

    given = {"dag_id": "train", "run_id": "manual__1", "task_id": "fit", "try_number": 1, "map_index": None}
    origin = origin_in(WithoutPage.model_construct(id=uuid4(), **given))
    assert (origin.url, origin.identity) == (None, "airflow:train/manual__1/fit/-1")


def test_a_context_that_says_nothing_raises_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The change goes on without an origin, and the log says why."""
    assert origin_in(object()) is None
    assert "cannot be told" in caplog.text
