"""The actions ``prefect.run_deployment`` and ``prefect.emit_event``, by the REST API of a Prefect server or Cloud.

They need no Prefect; where it is installed, its settings say where the API is if nobody else does.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any
from urllib.parse import quote

from podium.domain.automations import event_values
from podium.domain.plain import iso
from podium.plugins.actions import Action, ActionCall
from podium.plugins.channels import DeliveryFailedError
from podium.plugins.checking import as_mistake, check_list, check_texts, check_web_address, literal
from podium.plugins.deadline import Deadline
from podium.plugins.web.service import Service, base_url

_VARIABLES = ("PREFECT_API_URL", "PODIUM_PREFECT_URL")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ABOUT = ("ref", "model", "version", "number", "stage", "alias", "type", "actor", "reason", "subject")
_LABELLED = ("registry", "model", "version", "stage", "alias", "actor")


class RunDeploymentAction(Action):
    """Runs a deployment; a second attempt finds the flow run of the first.

    Settings: ``deployment``, as ``FLOW/DEPLOYMENT`` or its id; ``parameters``, a mapping; ``tags``, a list; ``url``,
    the API, ``PREFECT_API_URL`` if left out; ``key``, an API key of Prefect Cloud, or ``user:password`` of a server.
    """

    name = "prefect.run_deployment"
    required = ("deployment",)
    optional = ("parameters", "tags", "url", "key")
    secrets = frozenset({"key"})
    mappings = frozenset({"parameters"})

    def check(self, settings: Mapping[str, Any]) -> None:
        """Judge the deployment's name, the tags and the address; see `Action.check`."""
        check_texts(settings, "deployment")
        if wanted := literal(settings, "deployment"):
            with as_mistake():
                _flow_and_name(wanted)
        check_list(settings, "tags")
        check_web_address(settings, "url")

    def run(self, call: ActionCall, settings: Mapping[str, Any]) -> str:
        """Create the flow run, known by the delivery; see `Action.run`."""
        prefect = _prefect(call, settings)
        deployment = self._deployment(prefect, str(settings["deployment"]))
        tags = settings.get("tags") or []
        handed_on = call.to_hand_on()
        body = {
            "parameters": _mapping(settings, "parameters"),
            "tags": [str(tag) for tag in tags] if isinstance(tags, list) else [str(tags)],
            "idempotency_key": f"podium-{call.id}",
            "labels": {
                "podium.automation": call.automation,
                "podium.event": call.event.id,
                "podium.automations": ",".join(handed_on["automations"]),
            },
        }
        status, made = prefect.call("POST", f"/deployments/{deployment}/create_flow_run", body)
        if not isinstance(made, Mapping) or not made.get("id"):
            raise prefect.unlike(status, "the id of the flow run")
        earlier = ", created by an earlier attempt" if status == 200 else ""
        return f"flow run {made.get('name')} ({made['id']}){earlier}"

    def _deployment(self, prefect: Service, wanted: str) -> str:
        """Return the id of a deployment."""
        named = _flow_and_name(wanted)
        if named is None:
            return wanted
        flow, name = named
        status, found = prefect.call("GET", f"/deployments/name/{quote(flow, safe='')}/{quote(name, safe='')}")
        if not isinstance(found, Mapping) or not found.get("id"):
            raise prefect.unlike(status, "the id of the deployment")
        return str(found["id"])


class EmitEventAction(Action):
    """Emits an event to Prefect, which Prefect's own automations react to; the same one again counts once.

    Settings: ``event``, its name, ``podium.TYPE`` if left out; ``resource``, further labels of the resource;
    ``payload``, a mapping, what the event is about if left out; ``url`` and ``key`` as for ``prefect.run_deployment``.
    """

    name = "prefect.emit_event"
    optional = ("event", "resource", "payload", "url", "key")
    secrets = frozenset({"key"})
    mappings = frozenset({"resource", "payload"})

    def check(self, settings: Mapping[str, Any]) -> None:
        """Judge the event's name and the address; see `Action.check`."""
        check_texts(settings, "event")
        check_web_address(settings, "url")

    def run(self, call: ActionCall, settings: Mapping[str, Any]) -> str:
        """Emit the event under the id of the delivery; see `Action.run`."""
        prefect, event = _prefect(call, settings), call.event
        values = event_values(event)
        payload = _mapping(settings, "payload") if settings.get("payload") is not None else _payload(values)
        known = {f"podium.{key}": str(values[key]) for key in _LABELLED if values.get(key) is not None}
        more = {str(key): str(value) for key, value in _mapping(settings, "resource").items()}
        resource = {"prefect.resource.id": f"podium.{event.subject}", "prefect.resource.name": event.subject}
        body = {
            "id": call.id,
            "occurred": iso(event.at),
            "event": str(settings.get("event") or f"podium.{event.type}"),
            "resource": {**resource, **known, **more},
            "payload": {**payload, "podium": call.to_hand_on()},
        }
        status, _ = prefect.call("POST", "/events", [body], good=(200, 201, 202, 204))
        if status != 204:  # all that this endpoint of a server or of Cloud answers; a proxy answers otherwise
            raise prefect.unlike(status, "the 204 by which it takes an event")
        return f"event {body['event']} {call.id}"


def _flow_and_name(wanted: str) -> tuple[str, str] | None:
    """Return the flow and the name of a deployment; None if it is an id.

    Raises:
        DeliveryFailedError: It is neither; permanent.
    """
    if _UUID.fullmatch(wanted.lower()):
        return None
    flow, _, name = wanted.partition("/")
    if not (flow and name):
        raise DeliveryFailedError(
            f"{wanted!r} names no deployment.", hint="Write FLOW/DEPLOYMENT, or its id.", permanent=True
        )
    return flow, name


def _payload(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an event is about: without nulls, which templates of Prefect's automations stumble over."""
    return {key: values[key] for key in _ABOUT if values.get(key) is not None}


def _mapping(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    given = settings.get(name)
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise DeliveryFailedError(f"The setting {name!r} is no mapping.", hint="Give names and values.", permanent=True)
    return dict(given)


def _prefect(call: ActionCall, settings: Mapping[str, Any]) -> Service:
    given, key = settings.get("url"), str(settings.get("key") or "")
    configured = _configured() if not given and not any(os.environ.get(name) for name in _VARIABLES) else None
    url, trusted = (configured, True) if configured else base_url(given, _VARIABLES, "Prefect")
    if not key and trusted:
        key = os.environ.get("PREFECT_API_KEY") or os.environ.get("PREFECT_API_AUTH_STRING") or ""
    user = f"Basic {base64.b64encode(key.encode()).decode()}" if ":" in key else f"Bearer {key}"
    return Service("Prefect", url, Deadline(call.seconds), {"Authorization": user} if key else {}, trusted)


def _configured() -> str | None:
    """Return where Prefect's own settings, such as its profile, say that the API is."""
    if find_spec("prefect") is None:
        return None
    from prefect.settings import get_current_settings

    url = get_current_settings().api.url
    return url.rstrip("/") if url else None
