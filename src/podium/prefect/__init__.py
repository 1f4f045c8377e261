"""Podium for Prefect 3: tasks that log, link, test, promote and roll back, and that may run again without harm.

::

    from prefect import flow
    from podium.prefect import link_model, log_model, promote_model

    @flow
    def ship() -> None:
        logged = log_model("digits/classifier", "model.joblib", metrics={"accuracy": 0.97})
        promote_model(link_model(logged, "model-registry/Digits classifier"), "production")

Any other verb of `podium.open_registry()` may be called in any task or flow, too; it knows its flow run by itself.
Importing this package is cheap: Prefect is loaded with the first of the names below.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from podium.prefect.approval import ApprovalInput, ask_for_approval
    from podium.prefect.promotion import demote_model, promote_model, rollback_model, wait_for_promotion
    from podium.prefect.results import ChecksFailedError, ModelResult, NotPromotedError
    from podium.prefect.tasks import link_model, log_model, test_model

# podium.prefect.plugin is imported in every process that uses Podium, and with it this file: it must not load Prefect.
_HOMES = {
    "podium.prefect.approval": ("ApprovalInput", "ask_for_approval"),
    "podium.prefect.promotion": ("demote_model", "promote_model", "rollback_model", "wait_for_promotion"),
    "podium.prefect.results": ("ChecksFailedError", "ModelResult", "NotPromotedError"),
    "podium.prefect.tasks": ("link_model", "log_model", "test_model"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "ApprovalInput",
    "ChecksFailedError",
    "ModelResult",
    "NotPromotedError",
    "ask_for_approval",
    "demote_model",
    "link_model",
    "log_model",
    "promote_model",
    "rollback_model",
    "test_model",
    "wait_for_promotion",
]


def __getattr__(name: str) -> Any:
    """Load a public name at its first use."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'podium.prefect' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(__all__)
