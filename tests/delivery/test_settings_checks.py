"""What a channel or an action judges when people say it: a setting that can never work is refused there and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from podium.airflow.actions import AssetEventAction, TriggerDagAction
from podium.delivery.secrets import check_settings
from podium.errors import InvalidValueError
from podium.plugins.actions import Action
from podium.plugins.builtin.moves import PromoteAction, SetAliasAction
from podium.plugins.builtin.testing import TestAction
from podium.plugins.builtin.webhook import WebhookAction
from podium.prefect.actions import EmitEventAction, RunDeploymentAction
from podium.registry import Registry
from tests.delivery.acting import Act, host_of

URL = {"url": "https://example.com"}
DAG = {"dag_id": "deploy", "token": "env:TOKEN"}
ASSET = {"asset": "m", "token": "env:TOKEN"}
FLOW = {"deployment": "f/d"}
TEST = {"checks": ['max_size("1 MB")']}
UUID = "01a20fb3-dc3c-7f47-9818-d04501bec0cf"


@pytest.mark.parametrize(
    ("action", "settings", "words"),
    [
        (WebhookAction(), {"url": "example.com/hook"}, "'url': The address of the receiver is no web address"),
        (WebhookAction(), {"url": "https://tom:pw@example.com"}, "holds a user or a password"),
        (WebhookAction(), {**URL, "headers": "X-Team: ml"}, "headers:=JSON"),
        (WebhookAction(), {**URL, "headers": {"Host": "x"}}, "'Host' is no header"),
        (WebhookAction(), {**URL, "headers": {"X-Team": "a\nb"}}, "no header can have"),
        (WebhookAction(), {**URL, "headers": {"Authorization": "Bearer hunter2"}}, "secret_headers.Authorization=env:"),
        (WebhookAction(), {**URL, "headers": {"X-Api-Key": "hunter2"}}, "secret_headers.X-Api-Key=env:"),
        (WebhookAction(), {**URL, "headers": {"PRIVATE-TOKEN": "{{ actor }}"}}, "secret_headers.PRIVATE-TOKEN=env:"),
        (WebhookAction(), {**URL, "headers": {"cookie": "hunter2"}}, "looks like a secret"),
        (WebhookAction(), {**URL, "headers": {"X-Team": "env:hunter2"}}, "looks like a secret"),
        (WebhookAction(), {**URL, "headers": {"X-Team": "Basic hunter2"}}, "looks like a secret"),
        (WebhookAction(), {**URL, "secret_headers": {"X-Key": "hunter2"}}, "'secret_headers.X-Key' of the action"),
        (WebhookAction(), {**URL, "secret_headers": {"X-Key": {"a": "env:X"}}}, "never stored"),
        (WebhookAction(), {**URL, "secret_headers": "env:X"}, "'secret_headers' is no mapping"),
        (WebhookAction(), {**URL, "secret_headers": "{{ after }}"}, "never stored"),
        (WebhookAction(), {**URL, "secret_headers": {"Host": "env:X"}}, "'Host' is no header"),
        (WebhookAction(), {**URL, "token": "env:X", "secret_headers": {"authorization": "env:Y"}}, "given twice"),
        (WebhookAction(), {**URL, "headers": {"X-A": "1"}, "secret_headers": {"x-a": "env:Y"}}, "given twice"),
        (WebhookAction(), {**URL, "token": {"a": "env:X"}}, "never stored"),
        (TriggerDagAction(), {**DAG, "url": "airflow"}, "'url'"),
        (TriggerDagAction(), {"dag_id": "x", "password": "env:P"}, "no user"),
        (TriggerDagAction(), {**DAG, "dag_id": ["a"]}, "'dag_id' is no text"),
        (TriggerDagAction(), {**DAG, "dag_id": "  "}, "'dag_id' is empty"),
        (TriggerDagAction(), {**DAG, "conf": "notjson"}, "conf:=JSON"),
        (TriggerDagAction(), {**DAG, "conf": '{"ref": 1}'}, 'conf:={"ref": 1}'),
        (TriggerDagAction(), {**DAG, "conf": "{{ ref }} and {{ stage }}"}, "'conf' is no mapping"),
        (TriggerDagAction(), {**DAG, "conf": [1]}, "'conf' is no mapping"),
        (AssetEventAction(), {**ASSET, "extra": "x"}, "extra:=JSON"),
        (AssetEventAction(), {"uri": "u", "password": "env:P"}, "no user"),
        (RunDeploymentAction(), {"deployment": "nightly"}, "FLOW/DEPLOYMENT"),
        (RunDeploymentAction(), {**FLOW, "parameters": '{"ref": "x"}'}, "parameters:="),
        (RunDeploymentAction(), {**FLOW, "tags": "a,b"}, "tags:='["),
        (RunDeploymentAction(), {**FLOW, "tags": '["a"]'}, "tags:='["),
        (RunDeploymentAction(), {**FLOW, "tags": [{"a": 1}]}, "no list of texts"),
        (EmitEventAction(), {"payload": "x"}, "payload:=JSON"),
        (EmitEventAction(), {"resource": "team=ml"}, "resource:=JSON"),
        (EmitEventAction(), {"url": "prefect"}, "'url'"),
        (PromoteAction(), {"to": "v3"}, "looks like a version number"),
        (PromoteAction(), {"to": ["production"]}, "'to' is no text"),
        (PromoteAction(), {"to": "production", "ref": "M"}, "is not a reference"),
        (SetAliasAction(), {"alias": "the best"}, "not a valid alias"),
        (TestAction(), {"checks": [1]}, "names no checks"),
        (TestAction(), {**TEST, "timeout": "soon"}, "no time"),
        (TestAction(), {**TEST, "timeout": 0}, "no time"),
        (TestAction(), {**TEST, "ref": "M"}, "is not a reference"),
    ],
    ids=lambda value: value.name if isinstance(value, Action) else "",
)
def test_what_can_never_work_is_refused(action, settings, words) -> None:
    """People hear of it when they make the automation, not when the first firing is dead; and what to write."""
    with pytest.raises(InvalidValueError) as refused:
        check_settings(action, settings)
    assert words in str(refused.value)
    assert refused.value.hint
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("action", "settings"),
    [
        (WebhookAction(), {"url": "{{ after.url }}", "headers": {"X-Ref": "{{ ref }}"}}),
        (WebhookAction(), {"secret_url": "env:URL", "payload": "{{ ref }}"}),
        (WebhookAction(), {**URL, "secret_headers": {"X-Api-Key": "env:KEY", "Cookie": "file:/für/uns"}}),
        (WebhookAction(), {**URL, "headers": {"Idempotency-Key": "{{ id }}", "Content-Type": "text/plain"}}),
        (WebhookAction(), {"url": "http://10.0.0.1:8080/x", "payload": [1], "headers": {"X-N": 5}}),
        (TriggerDagAction(), {**DAG, "conf": "{{ after }}", "note": "{{ reason }}", "url": "http://airflow:8080"}),
        (TriggerDagAction(), {"dag_id": 5, "password": "env:P", "username": "tom", "conf": {"ref": "{{ ref }}"}}),
        (AssetEventAction(), {**ASSET, "extra": {}}),
        (RunDeploymentAction(), {"deployment": UUID, "tags": "one", "parameters": {}}),
        (RunDeploymentAction(), {"deployment": "{{ name }}/x", "tags": ["a", "{{ stage }}", 3]}),
        (RunDeploymentAction(), {**FLOW, "tags": "{{ after.tags }}"}),
        (EmitEventAction(), {"payload": "{{ after }}", "resource": {"team": "ml"}, "event": "x"}),
        (PromoteAction(), {"to": "{{ stage }}", "ref": "{{ after.source }}"}),
        (PromoteAction(), {"to": " production ", "ref": "model-registry/M:v3", "reason": "Because."}),
        (SetAliasAction(), {"alias": "after-{{ alias }}"}),
        (TestAction(), {**TEST, "timeout": "2.5", "champion": "{{ stage }}"}),
        (TestAction(), {"suite": "/srv/checks", "timeout": 30}),
    ],
    ids=lambda value: value.name if isinstance(value, Action) else "",
)
def test_what_may_work_passes(action, settings) -> None:
    """What only an event, a secret or another process knows is not judged."""
    given = {key: dict(value) if isinstance(value, dict) else value for key, value in settings.items()}
    check_settings(action, settings)
    assert settings == given


@pytest.fixture
def with_actions(open_at: Callable[..., Registry], tmp_path) -> Callable[..., Registry]:
    """Open a registry that has these actions."""
    return lambda *actions: open_at(f"sqlite:///{tmp_path / 'podium.db'}", host=host_of(*actions))


class Judge(Act):
    """An action whose judgement is that of the test."""

    def __init__(self, judge: Any) -> None:
        super().__init__(optional=("text", "deep", "token"))
        self.judge = judge

    def check(self, settings: Mapping[str, Any]) -> None:
        self.judge(settings)


def refuse(settings: Any) -> None:
    raise InvalidValueError("The text is odd.", hint="Write an even one.")


def spoil(settings: Any) -> None:
    settings["deep"]["n"] = 2
    settings.clear()


@pytest.mark.parametrize("judge", [lambda _: 1 / 0, lambda _: sys.exit(3), lambda _: time.sleep(30)], ids=range(3))
def test_a_judge_that_fails_refuses_nothing(with_actions, monkeypatch, judge) -> None:
    """What it does wrong is its plugin's fault, is listed as one, and takes no longer than its time."""
    monkeypatch.setattr("podium.delivery.secrets._CHECK_SECONDS", 0.2)
    registry = with_actions(Judge(judge))
    began = time.monotonic()
    registry.automate("a", "act", events=["alias.set"], settings={"text": "x"})
    assert time.monotonic() - began < 5
    assert [made.name for made in registry.automations()] == ["a"]
    registry.close()
    assert "check" in {fault.hook for fault in [*registry.host.faults, *registry.plugin_faults()]}


def test_a_judge_that_refuses(with_actions) -> None:
    """Its words and its hint are what people read, in add and in apply, and nothing is stored."""
    registry = with_actions(Judge(refuse))
    with pytest.raises(InvalidValueError, match=r"odd\. Write an even"):
        registry.automate("a", "act", events=["alias.set"], settings={"text": "x"})
    document = {"automations": [{"name": "a", "action": "act", "events": ["alias.set"]}]}
    with pytest.raises(InvalidValueError, match="odd"):
        registry.apply_notifications(document)
    assert registry.automations() == []


def test_a_judge_gets_a_copy_and_references(with_actions) -> None:
    """It sees no secret, and what it does to the settings nobody else sees."""
    seen: list[Any] = []
    registry = with_actions(Judge(lambda settings: (seen.append(dict(settings)), spoil(settings))))
    settings = {"deep": {"n": 1}, "token": "env:THE_TOKEN"}
    registry.automate("a", "act", events=["alias.set"], settings=settings)
    assert seen[0]["token"] == "env:THE_TOKEN"
    assert registry.automation("a").settings == settings == {"deep": {"n": 1}, "token": "env:THE_TOKEN"}


def test_a_channel_judges_too(with_channels, probe) -> None:
    """The same for subscriptions."""
    channel = probe()
    channel.check = refuse
    registry = with_channels(channel)
    with pytest.raises(InvalidValueError, match="The text is odd"):
        registry.subscribe("s", "probe", settings={"token": "env:X"})
    assert registry.subscriptions() == []
