"""The truth table of promotion through the operators: same verdicts, same reasons."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

import podium.airflow as face
from podium.errors import ConflictError, PodiumError
from podium.registry import Registry
from tests.core.promotion_truth import ACTORS, opened_worlds
from tests.joint.truth import FaceWorld, check_row, rows_for_tasks

pytestmark = pytest.mark.slow
ROWS = rows_for_tasks()
OPERATORS = {"promote": "PromoteModelOperator", "rollback": "RollbackModelOperator", "demote": "DemoteModelOperator"}


@pytest.fixture(scope="module")
def registries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Registry]]:
    """A database, and a connection of Airflow's for each actor."""
    folder = tmp_path_factory.mktemp("truth")
    with opened_worlds(folder) as opened, pytest.MonkeyPatch.context() as patch:
        for actor in ACTORS:
            extra = {"dsn": opened[actor].url, "content": str(folder / "content"), "actor": actor}
            patch.setenv(f"AIRFLOW_CONN_PODIUM_{actor.upper()}", json.dumps({"conn_type": "podium", "extra": extra}))
        yield opened


def execute(actor: str, verb: str, **fields: Any) -> dict[str, Any]:
    """Make an operator and execute it; its failure is the error of the registry that caused it."""
    from airflow.sdk.exceptions import AirflowFailException

    try:
        if verb in OPERATORS:
            return getattr(face, OPERATORS[verb])(task_id="t", podium_conn_id=f"podium_{actor}", **fields).execute({})
        return _answer(verb, **fields)
    except AirflowFailException as failure:
        if isinstance(failure.__cause__, PodiumError) and str(failure) == str(failure.__cause__):
            raise failure.__cause__ from None
        raise ConflictError(str(failure)) from failure


def _answer(verb: str, request: str, person: str, comment: str = "") -> dict[str, Any]:
    """Answer as a person in Airflow; the process that tells it is somebody else's."""
    task = face.ApproveModelOperator(task_id="t", podium_conn_id="podium_eve", request=request)
    event = {"chosen_options": [verb.capitalize()], "params_input": {"comment": comment} if comment else {}}
    user = {"id": "1", "name": person}
    return task.execute_complete({}, {**event, "responded_at": datetime.now(UTC), "responded_by_user": user})


def test_the_table_is_large() -> None:
    """At least 150 rows are for tasks."""
    assert len(ROWS) >= 150


@pytest.mark.parametrize("number", range(len(ROWS)), ids=[row.name.replace(" ", "_") for row in ROWS])
def test_row(registries: dict[str, Registry], number: int) -> None:
    """As the row says."""
    check_row(FaceWorld(registries, f"truth{number}", execute), ROWS[number])
