"""The actions ``airflow.trigger_dag`` and ``airflow.asset_event``, by Airflow's REST API v2.

They import no Airflow: whoever delivers only has to reach its API server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from podium.domain.automations import event_values
from podium.errors import InvalidValueError
from podium.plugins.actions import Action, ActionCall
from podium.plugins.channels import DeliveryFailedError
from podium.plugins.checking import check_texts, check_web_address
from podium.plugins.deadline import Deadline
from podium.plugins.web.service import Service, base_url

_VARIABLES = ("PODIUM_AIRFLOW_URL", "AIRFLOW__API__BASE_URL")
_API = "/api/v2"
_ABOUT = ("ref", "model", "version", "number", "stage", "alias", "type")
_LOOKED_AT = 100


class TriggerDagAction(Action):
    """Starts a DAG run; a second attempt finds the run of the first.

    Settings: ``dag_id``; ``conf``, a mapping, which has ``ref, model, version, number, stage, alias, type`` of the
    event if left out; ``note``; ``url`` of the API server, ``PODIUM_AIRFLOW_URL`` if left out; ``token``, or
    ``username`` and ``password``.
    """

    name = "airflow.trigger_dag"
    required = ("dag_id", ("token", "password"))
    optional = ("conf", "note", "url", "username")
    secrets = frozenset({"token", "password"})
    mappings = frozenset({"conf"})

    def check(self, settings: Mapping[str, Any]) -> None:
        """Judge the address, the user and the texts; see `Action.check`."""
        check_texts(settings, "dag_id", "note")
        _check_access(settings)

    def run(self, call: ActionCall, settings: Mapping[str, Any]) -> str:
        """Start the DAG run, named by the delivery; see `Action.run`."""
        airflow = _airflow(call, settings)
        dag, run = str(settings["dag_id"]), f"podium__{call.automation}__{call.id}"
        conf = {**mapping_of(settings, "conf", call), "podium": call.to_hand_on()}
        note = settings.get("note") or f"Automation {call.automation}: {call.event.type} of {call.event.subject}"
        body = {"dag_run_id": run, "logical_date": None, "conf": conf, "note": str(note)[:1000]}
        path = f"{_API}/dags/{quote(dag, safe='')}/dagRuns"
        status, made = airflow.call("POST", path, body, good=(200, 201, 409))
        earlier = status == 409
        if earlier:  # an attempt before this one got through; if it was something else, this call fails
            status, made = airflow.call("GET", f"{path}/{quote(run, safe='')}")
        if not isinstance(made, Mapping) or made.get("dag_run_id") != run:
            raise airflow.unlike(status, "the DAG run that it was asked to start")
        return f"DAG run {dag}/{run}" + (", started by an earlier attempt" if earlier else "")


class AssetEventAction(Action):
    """Reports an event of an asset, so that whatever is scheduled on it runs; a second attempt reports nothing more.

    Settings: ``uri`` or ``asset`` (its name); ``extra``, a mapping, which has the same as ``conf`` of
    ``airflow.trigger_dag`` if left out; ``url``; ``token``, or ``username`` and ``password``.
    """

    name = "airflow.asset_event"
    required = (("uri", "asset"), ("token", "password"))
    optional = ("extra", "url", "username")
    secrets = frozenset({"token", "password"})
    mappings = frozenset({"extra"})

    def check(self, settings: Mapping[str, Any]) -> None:
        """Judge the address, the user and the texts; see `Action.check`."""
        check_texts(settings, "uri", "asset")
        _check_access(settings)

    def run(self, call: ActionCall, settings: Mapping[str, Any]) -> str:
        """Report the event; see `Action.run`."""
        airflow = _airflow(call, settings)
        asset, name = self._asset(airflow, settings)
        if (earlier := self._reported(airflow, asset, call.id)) is not None:
            return f"event {earlier} of asset {name}, reported by an earlier attempt"
        handed_on = {**call.to_hand_on(), "delivery": call.id}
        extra = {**mapping_of(settings, "extra", call), "podium": handed_on}
        status, made = airflow.call("POST", f"{_API}/assets/events", {"asset_id": asset, "extra": extra})
        if not isinstance(made, Mapping) or not isinstance(made.get("id"), int):
            raise airflow.unlike(status, "the id of the asset event")
        return f"event {made['id']} of asset {name}"

    def _asset(self, airflow: Service, settings: Mapping[str, Any]) -> tuple[int, str]:
        """Return the number of an asset, which is all that Airflow takes, and its name."""
        field, pattern = ("uri", "uri_pattern") if settings.get("uri") else ("name", "name_pattern")
        wanted = str(settings.get("uri") or settings.get("asset"))
        query = urlencode({pattern: wanted, "limit": _LOOKED_AT})
        for item in _items(airflow, f"{_API}/assets?{query}", "assets"):
            if item.get(field) == wanted and isinstance(item.get("id"), int):
                return item["id"], str(item.get("name") or wanted)
        raise DeliveryFailedError(
            f"Airflow knows no asset with the {field} {wanted!r}.",
            hint="It must stand in a DAG that Airflow has read. Correct it, then: podium deliveries retry ID",
            permanent=True,
        )

    def _reported(self, airflow: Service, asset: int, delivery: str) -> Any:
        query = urlencode({"asset_id": asset, "order_by": "-timestamp", "limit": _LOOKED_AT})
        for item in _items(airflow, f"{_API}/assets/events?{query}", "asset_events"):
            extra = item.get("extra")
            handed_on = extra.get("podium") if isinstance(extra, Mapping) else None
            if isinstance(handed_on, Mapping) and handed_on.get("delivery") == delivery:
                return item.get("id")
        return None


def mapping_of(settings: Mapping[str, Any], name: str, call: ActionCall) -> dict[str, Any]:
    """Return a setting that is a mapping; what the event is about if it is left out.

    Raises:
        DeliveryFailedError: It is no mapping; permanent.
    """
    given = settings.get(name)
    if given is None:
        values = event_values(call.event)
        return {key: values[key] for key in _ABOUT if key in values}
    if not isinstance(given, Mapping):
        raise DeliveryFailedError(f"The setting {name!r} is no mapping.", hint="Give names and values.", permanent=True)
    return dict(given)


def _check_access(settings: Mapping[str, Any]) -> None:
    check_web_address(settings, "url")
    if not settings.get("token") and not settings.get("username"):
        raise InvalidValueError("There is a password and no user.", hint="Give 'username', or 'token' instead.")


def _airflow(call: ActionCall, settings: Mapping[str, Any]) -> Service:
    """Return Airflow's API, with a token: the one that was given, or one that user and password get."""
    url, trusted = base_url(settings.get("url"), _VARIABLES, "Airflow")
    airflow = Service("Airflow", url, Deadline(call.seconds), trusted=trusted)
    token = str(settings.get("token") or "")
    if not token:
        if not settings.get("username"):
            raise DeliveryFailedError("There is a password and no user.", hint="Give 'username'.", permanent=True)
        login = {"username": str(settings["username"]), "password": settings.get("password")}
        _, said = airflow.call("POST", "/auth/token", login)
        token = str(said.get("access_token") or "") if isinstance(said, Mapping) else ""
    if not token:
        raise DeliveryFailedError(
            "Airflow gave no token for this user.", hint="Its auth manager may have none; use 'token'.", permanent=True
        )
    scheme = "" if token.startswith(("Bearer ", "Basic ")) else "Bearer "
    headers = {"Authorization": f"{scheme}{token}"}
    return Service("Airflow", url, airflow.deadline, headers, trusted)


def _items(airflow: Service, path: str, key: str) -> list[Mapping[str, Any]]:
    """Return the items of a listing; an answer that has none is not Airflow's, and says nothing of what is there."""
    status, found = airflow.call("GET", path)
    items = found.get(key) if isinstance(found, Mapping) else None
    if not isinstance(items, list):
        raise airflow.unlike(status, f"a list of {key}")
    return [item for item in items if isinstance(item, Mapping)]
