"""Podium in Apache Airflow: a hook, and an operator for each step of a model's way to production.

Airflow and Podium import ``podium.airflow.plugin`` and ``podium.airflow.provider_info`` in every process, so importing
this package imports no Airflow: each name below is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from podium.airflow.hook import PodiumHook
    from podium.airflow.operators import (
        LinkModelOperator,
        LogModelOperator,
        PromoteModelOperator,
        TestModelOperator,
    )

_HOME_OF = {
    "LinkModelOperator": "podium.airflow.operators",
    "LogModelOperator": "podium.airflow.operators",
    "PodiumHook": "podium.airflow.hook",
    "PromoteModelOperator": "podium.airflow.operators",
    "TestModelOperator": "podium.airflow.operators",
}

__all__ = ["LinkModelOperator", "LogModelOperator", "PodiumHook", "PromoteModelOperator", "TestModelOperator"]


def __getattr__(name: str) -> Any:
    """Load a public name at its first use."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'podium.airflow' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return list(__all__)
