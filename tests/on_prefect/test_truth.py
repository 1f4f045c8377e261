"""The truth table of promotion through the tasks: same verdicts, same reasons."""

import pytest

from podium.errors import ConflictError
from podium.prefect import NotPromotedError, demote_model, promote_model, rollback_model
from podium.prefect.approval import _record_decision
from tests.core.promotion_truth import opened_worlds
from tests.joint.truth import FaceWorld, check_row, rows_for_tasks

pytestmark = pytest.mark.slow
ROWS = rows_for_tasks()
TASKS = {"promote": promote_model, "rollback": rollback_model, "demote": demote_model}


@pytest.fixture(scope="module")
def registries(tmp_path_factory):
    """A database for all rows."""
    with opened_worlds(tmp_path_factory.mktemp("truth")) as opened:
        yield opened


@pytest.fixture
def call(registries, monkeypatch):
    """Call a task as the actor that the environment of a worker names; a person's answer is told by somebody else."""

    def call(actor, verb, **fields):
        monkeypatch.setenv("PODIUM_URL", registries["ann"].url)
        monkeypatch.setenv("PODIUM_CONTENT", registries["ann"].url.removeprefix("sqlite:///") + "/../content")
        monkeypatch.setenv("PODIUM_ACTOR", actor if verb in TASKS else "eve")
        try:
            if verb in TASKS:
                return TASKS[verb].fn(**fields).to_json()
            return _record_decision.fn(fields["request"], verb, fields["person"], fields.get("comment", "")).to_json()
        except NotPromotedError as error:
            if error.status == "rejected" and verb == "reject":
                return {"status": "rejected", "changed": True, "gates": []}
            raise ConflictError(str(error)) from error

    return call


@pytest.mark.parametrize("number", range(len(ROWS)), ids=[row.name.replace(" ", "_") for row in ROWS])
def test_row(registries, call, number):
    """As the row says."""
    check_row(FaceWorld(registries, f"truth{number}", call), ROWS[number])
