"""Podium in Apache Airflow: a hook, and an operator for each step of a model's way to production.

Airflow and Podium import ``podium.airflow.plugin`` and ``podium.airflow.provider_info`` in every process, so importing
this package imports no Airflow: each name below is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from podium.airflow.approval import ApproveModelOperator
    from podium.airflow.hook import PodiumHook
    from podium.airflow.operators import LinkModelOperator, LogModelOperator, TestModelOperator
    from podium.airflow.promotion import DemoteModelOperator, PromoteModelOperator, RollbackModelOperator
    from podium.airflow.sensors import WaitForPromotionSensor

_HOME_OF = {
    "ApproveModelOperator": "podium.airflow.approval",
    "DemoteModelOperator": "podium.airflow.promotion",
    "LinkModelOperator": "podium.airflow.operators",
    "LogModelOperator": "podium.airflow.operators",
    "PodiumHook": "podium.airflow.hook",
    "PromoteModelOperator": "podium.airflow.promotion",
    "RollbackModelOperator": "podium.airflow.promotion",
    "TestModelOperator": "podium.airflow.operators",
    "WaitForPromotionSensor": "podium.airflow.sensors",
}

__all__ = [
    "ApproveModelOperator",
    "DemoteModelOperator",
    "LinkModelOperator",
    "LogModelOperator",
    "PodiumHook",
    "PromoteModelOperator",
    "RollbackModelOperator",
    "TestModelOperator",
    "WaitForPromotionSensor",
]


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
