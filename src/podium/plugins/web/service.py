"""A service with a JSON interface, as actions call it: one that the operator of this process named, or a public one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from podium.plugins.channels import DeliveryFailedError
from podium.plugins.deadline import Deadline
from podium.plugins.web.addresses import AllowList
from podium.plugins.web.client import Request, send, target_of

_MOST_READ = 8_000_000
_LONGEST_DETAIL = 300
_PASSING = frozenset({408, 425, 429})  # of 4xx, what another attempt may mend


@dataclass(frozen=True, slots=True)
class Service:
    """Where calls go.

    Attributes:
        name: What to call it in messages.
        url: Its base, without a slash at the end.
        deadline: When all calls must be over.
        headers: That each call has.
        trusted: Whether the operator of this process named the address. One that comes from a setting must be public,
            or on the allow-list, because whoever may automate chose it.
    """

    name: str
    url: str
    deadline: Deadline
    headers: Mapping[str, str] = field(default_factory=dict)
    trusted: bool = False

    def call(self, method: str, path: str, body: Any = None, good: Sequence[int] = (200, 201, 204)) -> tuple[int, Any]:
        """Make one call.

        Args:
            method: Such as ``POST``.
            path: Behind the base, with a slash at its beginning, quoted.
            body: Plain JSON.
            good: The statuses that are no failure.

        Returns:
            The status, and the JSON that was answered, None if there was nothing.

        Raises:
            DeliveryFailedError: It cannot be reached, did not accept, or what it answered is no JSON, as the page of a
                login is none; ``permanent`` where trying again cannot help.
        """
        data = b"" if body is None else json.dumps(body, allow_nan=False).encode()
        headers = {"Accept": "application/json", "Content-Type": "application/json", **self.headers}
        request = Request(method, target_of(self.url + path), data, headers, _MOST_READ)
        answer = send(request, self.deadline, None if self.trusted else AllowList.of_environment())
        try:
            said, read = json.loads(answer.body) if answer.body else None, True
        except (ValueError, RecursionError):
            said, read = None, False
        if answer.status not in good:
            raise self._failure(answer.status, said, answer.retry_after)
        if not read:
            raise self._not_json(answer.status, answer.body)
        return answer.status, said

    def unlike(self, status: int, missing: str) -> DeliveryFailedError:
        """Return the error for an answer in which something is missing that every such answer of the service has.

        Args:
            status: What was answered.
            missing: What should be in it, such as ``the id of the flow run``.
        """
        return DeliveryFailedError(
            f"{self.name} answered {status} without {missing}.",
            hint=f"Is the address that of {self.name}'s API? It is tried again by the schedule.",
            permanent=False,
            status=status,
        )

    def _not_json(self, status: int, body: bytes) -> DeliveryFailedError:
        """Return the error for an answer that is no JSON; what is in it is not quoted, nobody knows what it is."""
        if len(body) >= _MOST_READ:
            said, hint = f"more than {_MOST_READ // 1_000_000} MB", "It is tried again by the schedule."
        else:
            said = "a page, not JSON" if body.lstrip()[:1] == b"<" else "something that is no JSON"
            hint = "Is the address right, does a proxy ask for a login? It is tried again by the schedule."
        return DeliveryFailedError(
            f"{self.name} answered {status} with {said}.", hint=hint, permanent=False, status=status
        )

    def _failure(self, status: int, said: Any, wait: int | None) -> DeliveryFailedError:
        detail = _detail(said)
        hint = "It is tried again by the schedule."
        if status in (401, 403):
            hint = f"Check the token or password for {self.name} and what its user may do there."
        elif 300 <= status < 400:
            hint = "Redirects are not followed; give the final address."
        elif 400 <= status < 500 and status not in _PASSING:
            hint = "Correct the settings of the automation, then: podium deliveries retry ID"
        return DeliveryFailedError(
            f"{self.name} answered {status}{': ' + detail if detail else ''}.",
            hint=hint,
            permanent=300 <= status < 500 and status not in _PASSING,
            retry_after=wait,
            status=status,
        )


def base_url(given: object, variables: Sequence[str], service: str) -> tuple[str, bool]:
    """Return the address of a service, and whether the operator of this process named it.

    Args:
        given: What the automation says; empty to take it from the environment.
        variables: Of the environment, the first that is set counts.
        service: What to call it in messages.

    Raises:
        DeliveryFailedError: Nobody says where it is; another process may know.
    """
    known = [value.rstrip("/") for name in variables if (value := os.environ.get(name, "").strip())]
    if isinstance(given, str) and given.strip():
        url = given.strip().rstrip("/")
        return url, url in known
    if not known:
        raise DeliveryFailedError(
            f"This process does not know where {service} is.",
            hint=f"Set {variables[0]} where deliveries are made, or give the automation the setting 'url'.",
            permanent=False,
        )
    return known[0], True


def _detail(said: Any) -> str:
    """Return the words of an error, whichever of the usual keys has them."""
    found = said
    for key in ("detail", "message", "title", "reason"):
        if isinstance(said, Mapping) and said.get(key):
            found = said[key]
            break
    text = found if isinstance(found, str) else json.dumps(found) if found else ""
    return " ".join(text.split())[:_LONGEST_DETAIL].rstrip(".")
