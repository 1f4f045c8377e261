"""Where a call comes from: an Airflow task, a Prefect task, or a plain script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from podium.domain.plain import Value


@dataclass(frozen=True, slots=True)
class Origin(Value):
    """The execution that made a change.

    Attributes:
        kind: ``airflow``, ``prefect``, ``script``, or a word of the plugin that knows.
        label: One line for people, such as ``DAG train_and_promote · task promote``.
        url: Where to look at it, if there is such a page.
        identity: The same text for every attempt of one task instance, so that a retry is known as one. None if the
            execution has no such identity (a plain script).
        details: What the host knows of it (``dag_id``, ``run_id``, ``flow_run_id``, ...), as plain JSON.
    """

    kind: str = "script"
    label: str = "script"
    url: str | None = None
    identity: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Origin:
        """Build an origin from what `to_json` gave."""
        return cls(**dict(data)) if data else cls()
