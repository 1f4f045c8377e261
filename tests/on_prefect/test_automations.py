"""Automations start flow runs and emit events on a real Prefect server, once however often they are delivered."""

import time

import pytest

MODEL = "model-registry/Classifier"


@pytest.fixture
def api(server, monkeypatch):
    """The address of the server, where a process that delivers finds it; a client for it."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL

    monkeypatch.setenv("PREFECT_API_URL", PREFECT_API_URL.value())
    with get_client(sync_client=True) as client:
        yield client


@pytest.fixture
def deployment(api):
    """A deployment of a flow that links a version into another model, and its id."""
    from prefect import flow

    import podium

    @flow(name="retrain")
    def retrain(ref: str) -> None:
        registry = podium.open_registry()
        registry.set_alias(ref, "retrained")
        registry.close()

    flow_id = api.create_flow_from_name("retrain")
    return retrain, api._client.post("/deployments/", json={"name": "nightly", "flow_id": str(flow_id)}).json()["id"]


def drain(registry):
    registry.close()
    until = time.monotonic() + 60
    while registry.deliver() and registry.deliveries("pending"):
        assert time.monotonic() < until, [item.error for item in registry.deliveries("pending")]
        time.sleep(0.5)
    registry.close()


def runs_of(api, deployment):
    found = api._client.post("/flow_runs/filter", json={"deployments": {"id": {"any_": [deployment]}}})
    return found.json()


def test_a_promotion_runs_a_deployment_once_and_never_in_circles(registry, linked, api, deployment):
    """Parameters come from the event, a repeat finds the same flow run, and what the flow changes knows its chain."""
    retrain, deployment_id = deployment
    asked = {"deployment": "retrain/nightly", "parameters": {"ref": "{{ ref }}"}, "tags": ["podium"]}
    events = ["model_version.promoted", "alias.set"]
    registry.automate("retrain", "prefect.run_deployment", events=events, model=MODEL, settings=asked)
    registry.promote(f"{MODEL}:v1", "staging")
    drain(registry)
    (run,) = runs_of(api, deployment_id)
    assert (run["parameters"], run["tags"]) == ({"ref": f"{MODEL}:v1"}, ["podium"])
    assert run["id"] in registry.deliveries("sent")[0].receipt

    registry.retry(event_type="model_version.promoted", sent=True)
    drain(registry)
    assert len(runs_of(api, deployment_id)) == 1
    assert "earlier attempt" in registry.deliveries("sent")[0].receipt

    from prefect.flow_engine import run_flow

    run_flow(retrain, flow_run=api.read_flow_run(run["id"]), parameters=run["parameters"])
    drain(registry)
    (move,) = registry.history(MODEL, "retrained")
    assert (move.origin.kind, move.origin.details["automations"]) == ("prefect", ["retrain"])
    (stopped,) = [event for event in registry.events(MODEL) if event.type == "automation.failed"]
    assert stopped.after["error"] == "It would go in circles: retrain > retrain."
    assert len(runs_of(api, deployment_id)) == 1


def test_a_deployment_that_is_not_there_is_given_up(registry, linked, api):
    """The name is wrong and stays so: nobody waits for days to hear of it."""
    settings = {"deployment": "retrain/never"}
    registry.automate("a", "prefect.run_deployment", events=["model_version.promoted"], settings=settings)
    registry.promote(f"{MODEL}:v1", "staging")
    drain(registry)
    (dead,) = registry.deliveries("dead")
    assert "Prefect answered 404" in dead.error


def test_an_event_for_prefects_own_automations(registry, linked, api):
    """It arrives under the id of the delivery, with labels to choose by and the chain to hand on."""
    registry.automate("tell", "prefect.emit_event", events=["model_version.promoted"], settings={})
    registry.promote(f"{MODEL}:v1", "staging", reason="Good.")
    drain(registry)
    (delivery,) = registry.deliveries("sent")
    wanted = {"filter": {"event": {"name": ["podium.model_version.promoted"]}}}
    until = time.monotonic() + 30
    while not (found := api._client.post("/events/filter", json=wanted).json()["events"]):
        assert time.monotonic() < until
        time.sleep(0.5)
    (event,) = [item for item in found if item["id"] == delivery.id]
    resource, payload = event["resource"], event["payload"]
    assert resource["prefect.resource.id"] == f"podium.{MODEL}:v1"
    assert (resource["podium.model"], resource["podium.stage"]) == (MODEL, "staging")
    assert (payload["ref"], payload["number"], payload["reason"]) == (f"{MODEL}:v1", 1, "Good.")
    assert payload["podium"]["automations"] == ["tell"]


def test_a_flow_that_an_event_started_knows_the_chain_by_a_parameter(registry, linked, server):
    """An automation of Prefect's own can hand the chain on: ``podium: {{ event.payload.podium }}``."""
    from prefect import flow

    @flow
    def started(podium: dict) -> dict:
        return registry.set_alias(linked, "seen").origin.details

    handed_on = {"automation": "tell", "event": "e", "automations": ["first", "tell"]}
    assert started(handed_on)["automations"] == ["first", "tell"]
    assert "automations" not in started({"automations": "<b>"})


def test_a_secret_lives_in_a_block(server):
    """Of a secret block its value, of any other a field."""
    from prefect.blocks.notifications import SlackWebhook
    from prefect.blocks.system import Secret

    from podium.prefect.plugin import podium_resolve_secret

    Secret(value="xoxb-1").save("slack-token", overwrite=True)
    SlackWebhook(url="https://hooks.slack.com/services/T/B/X").save("models", overwrite=True)
    assert podium_resolve_secret("prefect", "secret/slack-token") == "xoxb-1"
    assert podium_resolve_secret("prefect", "slack-webhook/models/url") == "https://hooks.slack.com/services/T/B/X"
    assert podium_resolve_secret("env", "secret/slack-token") is None


def test_a_block_that_is_not_there_fails_the_attempt(registry, linked, server):
    """It is tried again, and the log says what is missing, not what was found."""
    from podium.errors import SettingsError
    from podium.prefect.plugin import podium_resolve_secret

    with pytest.raises(SettingsError, match="names no block"):
        podium_resolve_secret("prefect", "slack-token")
    with pytest.raises(ValueError, match="nothing"):
        podium_resolve_secret("prefect", "secret/nothing")


def test_prefects_own_settings_say_where_the_api_is(registry, linked, server, monkeypatch):
    """With a profile and no variable, a process that has Prefect finds the server."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    registry.tag(f"{MODEL}:v1", "ready")
    registry.automate("tell", "prefect.emit_event", events=["tag.added"])
    tried = registry.test_automation("tell", run=True)
    assert (tried.error, tried.receipt[:23]) == (None, "event podium.tag.added ")
