"""Retries, mapped tasks and lineage in real flow runs on a real server."""

import time

import pytest
from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.sorting import TaskRunSort

import podium
from podium.plugins import PluginHost
from podium.prefect import NotPromotedError, link_model, log_model, promote_model
from podium.prefect.plugin import podium_origin

pytestmark = pytest.mark.usefixtures("server")

MODEL = "model-registry/Classifier"


class Boom(RuntimeError):
    """What breaks an attempt."""


@task(task_run_name="see {value}")
def origin_of(value=None):
    """Return what the plugin says in here."""
    return podium_origin()


def task_runs(flow_run_id, count):
    """Read the task runs of a flow run by id; the server hears of them by events, so they come a little later."""
    until = time.monotonic() + 60
    found = []
    while time.monotonic() < until and sum(run.state is not None and run.state.is_final() for run in found) < count:
        with get_client(sync_client=True) as client:
            chosen = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id]))
            # The server of Prefect 3.8 refuses the nulls that its client sends for a sort and a limit left out.
            found = client.read_task_runs(flow_run_filter=chosen, sort=TaskRunSort.ID_DESC, limit=100)
        time.sleep(0.05)
    assert len(found) == count
    return {str(run.id): run for run in found}


def inputs(run):
    """The task runs that a task run depends on."""
    return {str(item.id) for items in run.task_inputs.values() for item in items if hasattr(item, "id")}


def test_a_change_says_which_task_of_which_flow_run_made_it(registry, model_file):
    """Enough to find the run again, as plain JSON; the page only because a server is configured."""

    @flow
    def shipping():
        return log_model("p/a", model_file)

    state = shipping(return_state=True)
    origin = registry.resolve(state.result().ref).origin
    flow_run = str(state.state_details.flow_run_id)
    (task_run,) = task_runs(flow_run, 1).values()
    assert (origin.kind, origin.label) == ("prefect", "flow shipping · task Log model")
    assert origin.url.endswith(f"/runs/flow-run/{flow_run}")
    assert origin.identity.startswith(f"prefect:{flow_run}/log_model-")
    name = origin.details.pop("flow_run_name")
    assert isinstance(name, str)
    assert origin.details == {
        "flow": "shipping",
        "flow_run_id": flow_run,
        "flow_run_count": 1,
        "task_run_id": str(task_run.id),
        "task_run_name": "log p/a",
        "task_name": "Log model",
        "task_key": task_run.task_key,
        "run_count": 1,
    }


def test_a_flow_body_and_a_subflow_have_origins_of_their_own():
    """The innermost execution made the call, also when a task calls a flow."""

    @flow
    def inner():
        return podium_origin()

    @task
    def calls_a_flow():
        return podium_origin(), inner(), podium_origin()

    @flow
    def outer():
        return podium_origin(), *calls_a_flow()

    found = outer()
    assert [origin.label for origin in found] == [
        "flow outer",
        "flow outer · task calls_a_flow",
        "flow inner",
        "flow outer · task calls_a_flow",
    ]
    assert found[0].identity == f"prefect:{found[0].details['flow_run_id']}/flow"
    assert found[1] == found[3]
    assert found[2].details["flow_run_id"] != found[0].details["flow_run_id"]


def test_a_task_outside_a_flow_has_no_identity(registry, model_file):
    """No later attempt could be known as the same; the origin still says which task."""
    made = registry.resolve(log_model("p/a", model_file).ref).origin
    assert (made.label, made.identity, made.url) == ("task Log model", None, None)
    assert made.details["task_name"] == "Log model"


def test_mapped_tasks_have_different_identities_and_the_same_ones_in_the_next_attempt():
    """Also tasks that are given the same; and a flow retry finds each again."""
    seen = []

    @flow(retries=1)
    def mapped():
        seen.append([origin.identity for origin in origin_of.map(["a", "b", "c", "a"]).result()])
        if len(seen) == 1:
            raise Boom

    mapped()
    assert len(set(seen[0])) == 4
    assert sorted(seen[0]) == sorted(seen[1])
    assert seen[0][1:3] == seen[1][1:3]


def test_a_retried_task_adds_nothing(registry, model_file, rows):
    """It fails after its changes are made, and its second attempt finds them."""
    before = []

    @task(retries=1)
    def ship():
        logged = registry.log("p/a", model_file, aliases=["best"])
        linked = registry.link(logged.ref, MODEL, ["candidate"])
        moved = registry.promote(linked.ref, "production")
        if not before:
            before.append(rows())
            raise Boom
        return logged.created, linked.created, moved.changed

    assert flow(ship)() == (False, False, False)
    assert rows() == before[0]


def test_a_retried_flow_adds_nothing(model_file, rows):
    """The tasks of Podium run again, and find what they did."""
    before = []

    @flow(retries=1)
    def ship():
        linked = link_model(log_model("p/a", model_file, metrics={"loss": 1.0}), MODEL, aliases=["candidate"])
        moved = promote_model(linked, "staging")
        if not before:
            before.append(rows())
            raise Boom
        return linked.created, moved.changed

    assert ship() == (False, False)
    assert rows() == before[0]


def test_a_retried_flow_does_not_take_a_stage_back(registry, linked):
    """Between two attempts somebody promoted another version: that is later, and stays."""
    attempts = []

    @flow(retries=1)
    def ship():
        moved = promote_model(f"{MODEL}:v0", "production")
        attempts.append(moved.changed)
        if len(attempts) == 1:
            somebody = podium.open_registry(host=PluginHost(discover=False))  # no part of this flow
            somebody.promote(f"{MODEL}:v1", "production")
            somebody.close()
            raise Boom

    ship()
    assert attempts == [True, False]
    assert registry.resolve(f"{MODEL}:production").version == "v1"


def test_a_retried_flow_does_not_ask_people_again(registry, linked):
    """It fails with what they said meanwhile; the next flow run asks them anew."""
    registry.set_policy(linked, {"stages": [{"name": "production", "approvals": {"count": 1}}]})
    asked = []

    @flow(retries=1)
    def ship():
        asked.append(promote_model(f"{linked}:v0", "production"))
        registry.reject(asked[0].id, "No.", on_behalf_of="bob")
        raise Boom

    with pytest.raises(NotPromotedError, match=r"Rejected by bob: No\."):
        ship()
    assert (len(asked), registry.list_requests()) == (1, [])
    assert flow(lambda: promote_model(f"{linked}:v0", "production").status, name="next")() == "pending"


def test_promoting_to_and_fro_in_one_flow_run_is_no_retry(registry, linked):
    """The third call is given the same as the first, and is still a call of its own."""

    @flow
    def to_and_fro():
        return [promote_model(f"{MODEL}:v{number}", "production").changed for number in (0, 1, 0)]

    assert to_and_fro() == [True, True, True]
    assert registry.resolve(f"{MODEL}:production").version == "v0"


def test_other_bytes_from_the_same_call_name_what_they_supersede(registry, model_file):
    """Training that gives other bytes in the next attempt is seen as such."""
    attempts = []

    @flow(retries=1)
    def train():
        attempts.append(1)
        model_file.write_text(f"attempt {len(attempts)}")
        log_model("p/a", model_file, metrics={"loss": len(attempts)})
        log_model("p/b", model_file)
        if len(attempts) == 1:
            raise Boom

    train()
    assert [version.supersedes for version in registry.versions("p/a")] == [0, None]
    assert [version.supersedes for version in registry.versions("p/b")] == [0, None]


def test_a_refusal_is_not_retried(registry, linked):
    """A gate does not change its mind in a second: one attempt, one refusal on record."""
    registry.set_policy(linked, {"stages": [{"name": "production", "checks": ["accuracy"]}]})

    @flow
    def ship():
        promote_model(f"{MODEL}:v0", "production")

    state = ship(return_state=True)
    error = state.result(raise_on_failure=False)
    (run,) = task_runs(state.state_details.flow_run_id, 1).values()
    assert isinstance(error, podium.PromotionRefusedError)
    assert error.reasons[0] in state.message
    assert run.run_count == 1
    assert [event.type for event in registry.events(linked)].count("model_version.promotion_refused") == 1


def test_a_conflict_is_retried(registry, linked):
    """What may pass gets two more attempts, then fails as itself."""
    registry.promote(f"{MODEL}:v1", "production")

    @flow
    def ship():
        promote_model(f"{MODEL}:v0", "production", expected=None)

    state = ship(return_state=True)
    (run,) = task_runs(state.state_details.flow_run_id, 1).values()
    assert run.run_count == 3
    with pytest.raises(podium.ConflictError, match="v1"):
        state.result()


def test_results_tie_together_only_what_belongs_together(model_file, tmp_path):
    """Two models of the same project, type and alias: each link depends on its own log, and the plain task on none."""
    other = tmp_path / "other.bin"
    other.write_bytes(b"other")

    @flow
    def two():
        logged = [log_model(f"p/{name}", path, aliases=["same"]) for name, path in (("a", model_file), ("b", other))]
        for made in reversed(logged):
            link_model(made, f"{MODEL} {made.ref[2]}", aliases=["same"])
        origin_of(logged[0].aliases[-1])
        origin_of(logged[1].to_json()["type"])

    state = two(return_state=True)
    state.result()
    runs = task_runs(state.state_details.flow_run_id, 6)
    made = {run.name: {runs[key].name for key in inputs(run)} for run in runs.values()}
    assert made["link p/a:v0"] == {"log p/a"}
    assert made["link p/b:v0"] == {"log p/b"}
    assert (made["see same"], made["see model"]) == (set(), set())


def test_futures_and_concurrent_tasks_work(registry, tmp_path):
    """Twelve tasks in threads: each logs its version, and the next takes its future."""
    files = [tmp_path / f"{number}.bin" for number in range(12)]
    for number, file in enumerate(files):
        file.write_text(str(number))

    @flow
    def many():
        logged = log_model.map([f"p/m{number}" for number in range(12)], files)
        return link_model.map(logged, MODEL).result()

    made = many()
    assert sorted(result.number for result in made) == list(range(12))
    assert len(registry.versions(MODEL)) == 12
