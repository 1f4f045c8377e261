"""The action ``webhook``: one POST of JSON to a web address, signed by Standard Webhooks where there is a secret."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from typing import Any

from podium.errors import InvalidValueError
from podium.plugins.actions import Action, ActionCall
from podium.plugins.channels import DeliveryFailedError
from podium.plugins.checking import as_mistake, check_web_address

# What credentials are called, and what they look like, or a reference to them.
_SECRETIVE = re.compile(
    r"authorization|cookie|token|secret|passw|credential|(api|access|auth|private|functions|subscription)-?key", re.I
)
_CREDENTIALS = re.compile(r"(bearer|basic)\s+\S|(env|file|airflow|prefect):\S", re.I)
_RESERVED = frozenset({"host", "content-length", "transfer-encoding", "connection"})


class WebhookAction(Action):
    """Posts JSON, such as to start the pipeline of a CI server.

    Settings: ``url``, or ``secret_url`` if the address itself is a secret; ``payload``, any JSON or the text of it, the
    fields of the event if left out; ``token``, sent as ``Authorization: Bearer``; ``secret``, one or several
    ``whsec_...`` to sign with; ``headers``, further ones, and ``secret_headers``, those that are secrets. Receivers
    know a repeat by the header ``webhook-id``.
    """

    name = "webhook"
    required = (("url", "secret_url"),)
    optional = ("payload", "token", "secret", "headers", "secret_headers")
    secrets = frozenset({"secret_url", "token", "secret", "secret_headers"})
    mappings = frozenset({"headers", "secret_headers"})
    documents = frozenset({"payload"})

    def check(self, settings: Mapping[str, Any]) -> None:
        """Judge the address and the headers; see `Action.check`."""
        check_web_address(settings, "url")
        secret, plain = settings.get("secret_headers") or {}, settings.get("headers")
        with as_mistake():
            names = _given_headers({"secret_headers": dict.fromkeys(secret, "")}, "secret_headers")
            given = _given_headers(settings, "headers") if isinstance(plain, Mapping) else {}
        _check_plain(given)
        told = [*given, *names, *(["Authorization"] if settings.get("token") else [])]
        lower = [name.lower() for name in told]
        if twice := [name for name in told if lower.count(name.lower()) > 1]:
            raise InvalidValueError(f"The header {twice[-1]!r} is given twice.", hint="Once is enough; 'token' is one.")

    def run(self, call: ActionCall, settings: Mapping[str, Any]) -> str:
        """Post; see `Action.run`.

        Returns:
            The status, such as ``HTTP 204``. The body of an answer is not read.
        """
        from podium.domain.automations import event_values
        from podium.domain.plain import to_plain
        from podium.plugins.deadline import Deadline
        from podium.plugins.web.addresses import AllowList
        from podium.plugins.web.answers import failure
        from podium.plugins.web.client import Request, send, target_of

        payload = settings.get("payload")
        if payload is None:
            payload = {**event_values(call.event), "podium": call.to_hand_on()}
        body = json.dumps(to_plain(payload), allow_nan=False)
        target = target_of(str(settings.get("secret_url") or settings.get("url") or "").strip())
        request = Request("POST", target, body.encode(), _headers(call.id, body, settings))
        answer = send(request, Deadline(call.seconds), AllowList.of_environment())
        if not 200 <= answer.status < 300:
            raise failure(answer)
        return f"HTTP {answer.status}"


def _headers(delivery: str, body: str, settings: Mapping[str, Any]) -> dict[str, str]:
    given = _given_headers(settings, "headers") | _given_headers(settings, "secret_headers")
    told = {name.lower() for name in given}
    usual = {"Content-Type": "application/json", "webhook-id": delivery}
    headers = {name: value for name, value in usual.items() if name.lower() not in told} | given
    if settings.get("token"):
        headers["Authorization"] = f"Bearer {settings['token']}"
    return headers | (_signature(delivery, body, str(settings["secret"])) if settings.get("secret") else {})


def _check_plain(headers: Mapping[str, str]) -> None:
    """Refuse what would be stored in clear, or sent as the text of a reference.

    Raises:
        InvalidValueError: A header is called, or looks, like a secret.
    """
    for name, value in headers.items():
        if _SECRETIVE.search(name) or _CREDENTIALS.match(value.strip()):
            raise InvalidValueError(
                f"The header {name!r} looks like a secret, and 'headers' are stored and sent as they are.",
                hint=f"Give a reference: secret_headers.{name}=env:NAME_OF_A_VARIABLE",
            )


def _given_headers(settings: Mapping[str, Any], setting: str) -> dict[str, str]:
    """Return the headers that a setting gives.

    Raises:
        DeliveryFailedError: One cannot be given; permanent. The text does not quote its value: it may be a secret.
    """
    given = settings.get(setting) or {}
    if not isinstance(given, Mapping):
        raise _unusable(f"The setting {setting!r} is no mapping.", "Give names and values.")
    headers = {}
    for key, value in given.items():
        name, text = str(key), str(value)
        if not (name.isascii() and name.replace("-", "").isalnum()) or name.lower() in _RESERVED:
            raise _unusable(f"{name!r} is no header that can be given.", f"Take it out of {setting!r}.")
        if not all(32 <= ord(char) < 127 for char in text):
            raise _unusable(f"The header {name!r} has a value that no header can have.", "Keep to plain characters.")
        headers[name] = text
    return headers


def _signature(delivery: str, body: str, secrets: str) -> dict[str, str]:
    """Return the headers of Standard Webhooks 1.0; there is a signature for each secret.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    at = str(int(time.time()))
    signed = f"{delivery}.{at}.{body}".encode()
    found = [hmac.new(_key(secret), signed, hashlib.sha256).digest() for secret in secrets.split()]
    signatures = " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in found)
    return {"webhook-timestamp": at, "webhook-signature": signatures}


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith("whsec_") or not 24 <= len(key) <= 64:
        # From None: what could not be read is the secret.
        hint = "It is whsec_ and 24 to 64 random bytes in base64: echo whsec_$(openssl rand -base64 32)"
        raise _unusable("A secret to sign with is not one of Standard Webhooks.", hint) from None
    return key


def _unusable(message: str, hint: str) -> DeliveryFailedError:
    return DeliveryFailedError(message, hint=hint, permanent=True)
