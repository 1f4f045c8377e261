"""What a task knows of the automations that led to it, and secrets that live in Airflow connections."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from podium.airflow.plugin import podium_origin, podium_resolve_secret
from podium.domain.automations import chain_of
from podium.errors import SettingsError
from tests.on_airflow.test_origin import task_instance

HANDED_ON = {"automation": "deploy", "event": "e1", "automations": ["first", "deploy"]}


def origin_in(**dag_run: Any) -> Any:
    """Return what the plugin says while a task of a DAG run with these fields runs."""
    from airflow.sdk.execution_time.context import set_current_context

    with set_current_context({"ti": task_instance(), "dag_run": SimpleNamespace(**dag_run)}):
        return podium_origin()


def test_the_conf_of_a_dag_run_hands_the_chain_back() -> None:
    """What the run changes is known to follow on the automations that started it."""
    origin = origin_in(conf={"ref": "m:v1", "podium": HANDED_ON})
    assert chain_of(origin) == ("first", "deploy")
    assert (origin.details["dag_id"], origin.details["automation"], origin.details["event"]) == (
        "train",
        "deploy",
        "e1",
    )


def test_events_of_assets_hand_their_chains_back() -> None:
    """A run may answer several; it follows on the automations of all."""
    extras = [{"podium": HANDED_ON}, {}, None, {"podium": {**HANDED_ON, "automations": ["other", "deploy"]}}]
    events = [SimpleNamespace(extra=extra) for extra in extras]
    assert chain_of(origin_in(conf=None, consumed_asset_events=events)) == ("first", "deploy", "other")


@pytest.mark.parametrize("conf", [None, {}, {"podium": "x"}, {"podium": {"automations": [1, {}]}}, ["podium"]], ids=str)
def test_a_conf_of_somebody_else_is_none_of_it(conf: Any) -> None:
    """A run that no automation started has no chain, whatever its conf has."""
    assert "automations" not in origin_in(conf=conf).details


@pytest.fixture
def connection(airflow_home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection as the environment of a worker names it."""
    fields = {"conn_type": "http", "host": "airflow", "login": "podium", "password": "pw", "extra": {"token": "t0k"}}
    monkeypatch.setenv("AIRFLOW_CONN_MINE", json.dumps(fields))


@pytest.mark.parametrize(
    ("name", "secret"), [("mine", "pw"), ("mine/token", "t0k"), ("mine/login", "podium"), ("mine/host", "airflow")]
)
def test_a_secret_lives_in_a_connection(connection: None, name: str, secret: str) -> None:
    """The password, or a field that is named."""
    assert podium_resolve_secret("airflow", name) == secret
    assert podium_resolve_secret("prefect", name) is None


def test_a_field_that_is_not_there(connection: None) -> None:
    """The error names the field and shows nothing of the connection."""
    with pytest.raises(SettingsError, match="has no nothing") as failed:
        podium_resolve_secret("airflow", "mine/nothing")
    assert "pw" not in str(failed.value).replace("password", "")


def test_an_action_gets_the_secret_of_a_connection(connection: None, registry: Any, weights: Any) -> None:
    """The reference is what is stored; it is resolved by the plugin when the action is run."""
    from podium.testing import LoopbackReceiver

    with LoopbackReceiver() as receiver, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PODIUM_WEBHOOK_ALLOW", "127.0.0.1")
        settings = {"url": receiver.url, "token": "airflow:mine"}
        registry.automate("call", "webhook", events=["model_version.linked"], settings=settings)
        registry.log("p/a", weights)
        registry.link("p/a", "model-registry/M")
        registry.close()
        registry.deliver()
        (request,) = receiver.requests
    assert request.headers["authorization"] == "Bearer pw"
    assert registry.automation("call").settings["token"] == "airflow:mine"
