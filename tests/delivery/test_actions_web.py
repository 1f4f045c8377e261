"""The actions that make calls: what arrives, and what each answer means for the next attempt."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from podium.airflow.actions import AssetEventAction, TriggerDagAction
from podium.delivery.actions import rendered_settings
from podium.domain.automations import automation_origin
from podium.plugins import DeliveryFailedError, Event, Origin
from podium.plugins.actions import Action, ActionCall
from podium.plugins.builtin.webhook import WebhookAction
from podium.prefect.actions import EmitEventAction, RunDeploymentAction
from podium.testing import LoopbackReceiver, ReceivedRequest
from podium.testing.receiver import Reply

SECRET = "whsec_c2VjcmV0IG9mIHRoaXJ0eS10d28gYnl0ZXMgLi4uLi4="
REF = "model-registry/Digits:v3"
CALL_ID = "01a20fb3-dc3c-7f47-9818-d04501bec0cf"


class Services(LoopbackReceiver):
    """Answers as Airflow and Prefect do."""

    def usual_reply(self, request: ReceivedRequest) -> Reply:
        if request.path.endswith("/dagRuns"):
            return Reply(body={"dag_run_id": request.json()["dag_run_id"]})
        if "/dagRuns/" in request.path:
            return Reply(body={"dag_run_id": request.path.rpartition("/")[2]})
        if request.path == "/events":
            return Reply(204, "")
        return Reply()


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackReceiver]:
    """A service that the operator of this process named."""
    with Services() as listening:
        monkeypatch.setenv("PODIUM_AIRFLOW_URL", listening.url)
        monkeypatch.setenv("PREFECT_API_URL", listening.url)
        monkeypatch.setenv("PODIUM_WEBHOOK_ALLOW", "127.0.0.1")
        yield listening


def call_of(**after: Any) -> ActionCall:
    facts = {"number": 3, "stage": "production", "metrics": {"accuracy": 0.97}, **after}
    at = datetime(2026, 11, 24, tzinfo=UTC)
    origin = Origin("airflow", "DAG d", details={"automations": ["first"]})
    event = Event(CALL_ID, "model_version.promoted", REF.partition(":")[0], 7, at, "ann", origin, REF, {}, facts)
    chain = tuple(automation_origin(CALL_ID, "deploy", event).details["automations"])
    return ActionCall(CALL_ID, "deploy", event, chain, None, 3.0)  # type: ignore[arg-type]  # these ask no registry


def run(action: Action, settings: Mapping[str, Any], **after: Any) -> str:
    return action.run(call_of(**after), settings)


CHAIN = {"automation": "deploy", "event": CALL_ID, "automations": ["first", "deploy"]}
LOGIN = {"token": "t0ken"}
CALLS = {
    "webhook": (WebhookAction(), {"url": "{url}/hook"}),
    "trigger_dag": (TriggerDagAction(), {"dag_id": "deploy", **LOGIN}),
    "asset_event": (AssetEventAction(), {"uri": "x-podium://m", **LOGIN}),
    "run_deployment": (RunDeploymentAction(), {"deployment": "f/d"}),
    "emit_event": (EmitEventAction(), {}),
}


@pytest.fixture(params=CALLS)
def either(request: pytest.FixtureRequest, receiver: LoopbackReceiver) -> tuple[Action, dict[str, Any]]:
    """Each action in turn, with settings that reach the receiver."""
    action, settings = CALLS[request.param]
    return action, {key: value.format(url=receiver.url) for key, value in settings.items()}


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(400, True), (401, True), (404, True), (422, True), (429, False), (500, False), (503, False)],
)
def test_what_an_answer_means(either, receiver, status, permanent) -> None:
    """What another attempt cannot mend is given up; the rest is tried again, when the service asks for it."""
    action, settings = either
    receiver.reply(status, {"detail": "No."}, {"Retry-After": "7"})
    with pytest.raises(DeliveryFailedError) as failed:
        run(action, settings)
    if action.name != "webhook":  # Standard Webhooks: nothing but 410 is for good
        assert failed.value.facts["permanent"] is permanent
        assert "No" in str(failed.value)
    assert failed.value.facts["retry_after"] == 7


@pytest.mark.parametrize(
    "answer", [{"reset": True}, {"body": b"\xff\x00 no json"}, {"body": [1, 2]}, {"delay": 30}], ids=str
)
def test_a_service_out_of_its_mind(either, receiver, answer) -> None:
    """Nothing that is answered breaks the worker: it is done, or an attempt that failed in time."""
    action, settings = either
    receiver.reply(**answer)
    with contextlib.suppress(DeliveryFailedError):
        assert isinstance(run(action, settings), str)


PAGE = "<!doctype html><title>Please sign in</title><p>hunter2</p>"
NO_SUCCESS = {
    "a login page": (PAGE, "with a page, not JSON"),
    "words": ("ok", "with something that is no JSON"),
    "nothing": ("", "answered 200 without"),
    "a list": ([], "answered 200 without"),
    "other JSON": ({"id": None, "status": "healthy"}, "answered 200 without"),
}
STEPS = {  # the answers that come before the one that counts
    "trigger_dag": (),
    "asset_event": ({"assets": [{"id": 7, "uri": "x-podium://m", "name": "m"}]}, {"asset_events": []}),
    "run_deployment": ({"id": "d1"},),
    "emit_event": (),
}


@pytest.mark.parametrize("what", NO_SUCCESS)
@pytest.mark.parametrize("name", STEPS)
def test_a_200_of_anybody_else_is_no_success(receiver, name, what) -> None:
    """What a login proxy says is a failed attempt, in words for people, tried again, and never quoted."""
    body, said = NO_SUCCESS[what]
    action, settings = CALLS[name]
    for before in range(len(STEPS[name]) + 1):  # at each step
        receiver.answer_as_usual()
        for answer in STEPS[name][:before]:
            receiver.reply(200, answer, times=1)
        receiver.reply(200, body)
        with pytest.raises(DeliveryFailedError, match=said) as failed:
            run(action, settings)
        assert failed.value.facts["permanent"] is False
        assert "address" in failed.value.hint
        assert "hunter2" not in f"{failed.value} {failed.value.hint}"


def test_a_dag_run_of_another_name_is_not_ours(receiver) -> None:
    """Also where an earlier attempt is said to have started it."""
    receiver.reply(409, {"detail": "exists"}, times=1)
    receiver.reply(200, {"dag_run_id": "manual__2026"}, times=1)
    with pytest.raises(DeliveryFailedError, match="without the DAG run"):
        run(TriggerDagAction(), {"dag_id": "d", **LOGIN})


def test_a_deployment_by_its_id_needs_a_flow_run_too(receiver) -> None:
    """With the id there is no look-up that would notice a wrong address first."""
    receiver.reply(200, "")
    with pytest.raises(DeliveryFailedError, match="without the id of the flow run"):
        run(RunDeploymentAction(), {"deployment": CALL_ID})


def test_an_answer_that_is_too_long_is_said_to_be_that(receiver, monkeypatch) -> None:
    """Half of a JSON text is no page."""
    monkeypatch.setattr("podium.plugins.web.service._MOST_READ", 1_000_000)
    receiver.reply(200, {"x": "y" * 1_000_000})
    with pytest.raises(DeliveryFailedError, match="more than 1 MB"):
        run(TriggerDagAction(), {"dag_id": "d", **LOGIN})


def test_a_redirect_is_not_followed(either, receiver) -> None:
    """It could lead anywhere."""
    action, settings = either
    with LoopbackReceiver() as elsewhere:
        receiver.reply(302, "", {"Location": f"{elsewhere.url}/x"})
        with pytest.raises(DeliveryFailedError):
            run(action, settings)
        assert elsewhere.requests == ()


@pytest.mark.parametrize("allowed", ["", "https://no-entry"])
@pytest.mark.parametrize(
    "url", ["http://169.254.169.254", "http://10.0.0.1:8080", "https://localhost", "http://1.1.1.1"]
)
def test_a_setting_leads_to_no_internal_place(either, monkeypatch, url, allowed) -> None:
    """Whoever may automate does not choose what this process reaches; its operator does, and one of another may."""
    action, settings = either
    monkeypatch.setenv("PODIUM_WEBHOOK_ALLOW", allowed)
    with pytest.raises(DeliveryFailedError, match="PODIUM_WEBHOOK_ALLOW") as failed:
        run(action, {**settings, "url": url})
    assert failed.value.facts["permanent"] is False


@pytest.mark.parametrize("url", ["file:///etc", "airflow.example", "https://", "https://user:pass@example.com"])
def test_a_setting_that_is_no_web_address(either, url) -> None:
    """No process can do anything with it, so it is given up."""
    action, settings = either
    with pytest.raises(DeliveryFailedError) as failed:
        run(action, {**settings, "url": url})
    assert failed.value.facts["permanent"] is True


def test_nobody_says_where_the_service_is(either, monkeypatch) -> None:
    """Another process may know, so it is not given up."""
    action, settings = either
    if action.name == "webhook":
        pytest.skip("its address is always a setting")
    for name in ("PODIUM_AIRFLOW_URL", "AIRFLOW__API__BASE_URL", "PREFECT_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("podium.prefect.actions._configured", lambda: None)
    with pytest.raises(DeliveryFailedError, match="does not know where") as failed:
        run(action, settings)
    assert failed.value.facts["permanent"] is False


def test_webhook_posts_what_the_event_is_about(receiver) -> None:
    """Without a payload it is the fields of the event, under an id that each attempt has, with the chain."""
    assert run(WebhookAction(), {"url": receiver.url, "token": "abc", "headers": {"X-Team": "ml"}}) == "HTTP 200"
    (request,) = receiver.requests
    body = request.json()
    assert (body["ref"], body["stage"], body["podium"]) == (REF, "production", CHAIN)
    assert (request.headers["authorization"], request.headers["x-team"]) == ("Bearer abc", "ml")
    assert request.headers["webhook-id"] == CALL_ID


@pytest.mark.parametrize(
    ("payload", "posted"),
    [
        ('{"text": "{{ model }}"}', {"text": "model-registry/Digits"}),
        (' [1, "{{ version }}"]\n', [1, "v3"]),
        ('{"why": "{{ after.said }}"}', {"why": 'say "no", "x": "y'}),
        ('{"n": {{ number }}, "why": {{ after.said | tojson }}}', {"n": 3, "why": 'say "no", "x": "y'}),
        ('{"n": "{{ number }}"}', {"n": 3}),
        ("{{ after.metrics }}", {"accuracy": 0.97}),
        ("{{ after.metrics | tojson }}", {"accuracy": 0.97}),
        ('{"n": {{ number }}, "why": "{{ after.said }}"}', {"n": 3, "why": 'say "no", "x": "y'}),
        ("{{ after.json }}", '{"deploy": "prod"}'),
        ('{"ok": {{ "true" if number == 3 else "false" }}}', {"ok": True}),
        ('{"acc": {{ "%.1f" | format(after.metrics.accuracy) }}}', {"acc": 1.0}),
        ('{"m": {{ after.metrics | tojson if after.metrics else "{}" }}}', {"m": {"accuracy": 0.97}}),
        (
            '{"stage": "{{ after["stage"] }}", "t": "a\\n{{ after["stage"] }}"}',
            {"stage": "production", "t": "a\nproduction"},
        ),
        ('{"a": [{% for n in after.metrics %}{{ n | tojson }}{% endfor %}]}', {"a": ["accuracy"]}),
        ("{{ model }} moved", "model-registry/Digits moved"),
        ("{no json}", "{no json}"),
        ("[NaN]", "[NaN]"),
        ("3", "3"),
        ({"text": '{"a": 1}'}, {"text": '{"a": 1}'}),
    ],
)
def test_a_payload_that_is_the_text_of_json_is_posted_as_that(receiver, payload, posted) -> None:
    """A text behind ``payload: |`` is the document that people see there; words of events never change its shape."""
    action, call = WebhookAction(), call_of(said='say "no", "x": "y', json='{"deploy": "prod"}')
    action.run(call, rendered_settings(action, {"url": receiver.url, "payload": payload}, call.event))
    assert receiver.requests[0].json() == posted


def test_webhook_is_signed_by_the_specification(receiver) -> None:
    """The reference library of Standard Webhooks verifies it, and nothing that was altered."""
    standard = pytest.importorskip("standardwebhooks", reason="installed with podium-webhook")
    run(WebhookAction(), {"url": receiver.url, "secret": SECRET, "payload": {"a": 1}})
    (request,) = receiver.requests
    verifier = standard.Webhook(SECRET)
    assert verifier.verify(request.body, dict(request.headers)) == {"a": 1}
    with pytest.raises(standard.WebhookVerificationError):
        verifier.verify(request.body + b" ", dict(request.headers))


@pytest.mark.parametrize(
    "headers",
    [{"X": "a\r\nY: b"}, {"X\r\nY": "a"}, {"Host": "evil"}, {"Content-Length": "0"}, ["X"], {"X": "\u202e"}],
    ids=str,
)
def test_webhook_takes_no_header_that_breaks_the_request(receiver, headers) -> None:
    """What came from an event cannot add a header or another request."""
    with pytest.raises(DeliveryFailedError):
        run(WebhookAction(), {"url": receiver.url, "headers": headers})
    assert receiver.requests == ()


@pytest.mark.parametrize("secret", ["abc", "whsec_", "whsec_###", "whsec_YWJj"])
def test_a_secret_that_is_none_is_not_shown(receiver, secret) -> None:
    """It may be a secret all the same."""
    with pytest.raises(DeliveryFailedError) as failed:
        run(WebhookAction(), {"url": receiver.url, "secret": f"{secret}"})
    assert secret not in str(failed.value) or secret == "whsec_"


def test_a_dag_run_is_named_by_the_delivery(receiver) -> None:
    """Its conf has what the event is about and the chain; its id is the same for each attempt."""
    run(TriggerDagAction(), {"dag_id": "deploy it/../x", **LOGIN})
    (request,) = receiver.requests
    body = request.json()
    assert request.path == "/api/v2/dags/deploy%20it%2F..%2Fx/dagRuns"
    assert (body["dag_run_id"], body["logical_date"]) == (f"podium__deploy__{CALL_ID}", None)
    assert body["conf"] == {
        **{"ref": REF, "model": "model-registry/Digits", "version": "v3", "number": 3},
        **{"stage": "production", "type": "model_version.promoted", "podium": CHAIN},
    }
    assert request.headers["authorization"] == "Bearer t0ken"


def test_a_dag_run_that_is_there_is_success_only_if_it_is_ours(receiver) -> None:
    """409 with the run of that id is a repeat; without it, something else is in the way."""
    receiver.reply(409, {"detail": "exists"}, times=1)
    assert run(TriggerDagAction(), {"dag_id": "d", **LOGIN}).endswith("started by an earlier attempt")
    receiver.reply(409, {"detail": "exists"}, times=1)
    receiver.reply(404, {"detail": "no such run"}, times=1)
    with pytest.raises(DeliveryFailedError, match="no such run"):
        run(TriggerDagAction(), {"dag_id": "d", **LOGIN})


def test_user_and_password_get_a_token(receiver) -> None:
    """The token that Airflow gives is what the call has; the password is in one request only."""
    receiver.reply(201, {"access_token": "fresh"}, times=1)
    run(TriggerDagAction(), {"dag_id": "d", "username": "tom", "password": "pw", "conf": {"a": 1}})
    login, call = receiver.requests
    assert (login.path, login.json()) == ("/auth/token", {"username": "tom", "password": "pw"})
    assert (call.headers["authorization"], call.json()["conf"]) == ("Bearer fresh", {"a": 1, "podium": CHAIN})


def test_an_asset_is_found_by_what_it_is_called_exactly(receiver) -> None:
    """Airflow's search is by pattern; one that is merely alike gets no event."""
    alike = {"id": 1, "uri": "x-podium://mm", "name": "x-podium://mm"}
    receiver.reply(200, {"assets": [alike]})
    with pytest.raises(DeliveryFailedError, match="knows no asset") as failed:
        run(AssetEventAction(), {"uri": "x-podium://m", **LOGIN})
    assert failed.value.facts["permanent"] is True


def test_an_asset_event_is_reported_once(receiver) -> None:
    """An attempt after a lost answer finds the event by the delivery in its extra."""
    assets = {"assets": [{"id": 7, "uri": "u", "name": "n"}]}
    receiver.reply(200, assets, times=1)
    receiver.reply(200, {"asset_events": []}, times=1)
    receiver.reply(200, {"id": 9}, times=1)
    assert run(AssetEventAction(), {"uri": "u", **LOGIN}) == "event 9 of asset n"
    sent = receiver.requests[-1].json()
    receiver.reply(200, assets, times=1)
    receiver.reply(200, {"asset_events": [{"id": 9, "extra": sent["extra"]}]}, times=1)
    assert run(AssetEventAction(), {"asset": "n", **LOGIN}) == "event 9 of asset n, reported by an earlier attempt"
    assert (sent["asset_id"], len(receiver.requests)) == (7, 5)


def test_a_flow_run_is_known_by_the_delivery(receiver, monkeypatch) -> None:
    """Prefect drops the repeat by its key; labels carry the chain; the key of the operator goes with it."""
    monkeypatch.setenv("PREFECT_API_KEY", "pnu_1")
    receiver.reply(200, {"id": "d1"}, times=1)
    receiver.reply(201, {"id": "r1", "name": "calm-otter"}, times=1)
    settings = {"deployment": "my flow/nightly", "parameters": {"ref": REF}}
    assert run(RunDeploymentAction(), settings) == "flow run calm-otter (r1)"
    looked, made = receiver.requests
    assert looked.path == "/deployments/name/my%20flow/nightly"
    assert made.json()["idempotency_key"] == f"podium-{CALL_ID}"
    assert made.json()["labels"]["podium.automations"] == "first,deploy"
    assert made.headers["authorization"] == "Bearer pnu_1"


def test_a_key_of_the_operator_goes_nowhere_else(receiver, monkeypatch) -> None:
    """An address that a setting names gets only the key that a setting names."""
    monkeypatch.setenv("PREFECT_API_KEY", "pnu_1")
    with Services() as other:
        run(EmitEventAction(), {"url": other.url})
        assert "authorization" not in other.requests[0].headers


def test_an_event_has_no_nulls_and_the_id_of_the_delivery(receiver) -> None:
    """Prefect's own templates stumble over nulls; the same id counts once."""
    run(EmitEventAction(), {"resource": {"team": "ml"}}, alias=None)
    (event,) = receiver.requests[0].json()
    assert (event["id"], event["event"], event["resource"]["team"]) == (CALL_ID, "podium.model_version.promoted", "ml")
    assert None not in event["payload"].values()
    assert json.loads(json.dumps(event["payload"]["podium"])) == CHAIN
