"""What a plugin answered, made sure of before it counts."""

from __future__ import annotations

from collections.abc import Callable

from podium.domain.gates import GateResult, sentence
from podium.domain.origin import Origin
from podium.domain.plain import plain_dict, storable
from podium.plugins.guard import Outcome


def verdict(plugin: str, outcome: Outcome) -> GateResult:
    """Return what a gate said; one that did not answer properly refuses in its own name."""
    if outcome.error is not None:
        reason = f"The gate {plugin!r} could not decide: {outcome.error}"
        return GateResult("plugin", plugin, "failed", reason, {"answered": False, "error": outcome.error})
    if outcome.value is None:
        return GateResult("plugin", plugin, "passed", f"The gate {plugin!r} has no objection.", {"answered": True})
    if isinstance(outcome.value, str) and outcome.value.strip():
        said = storable(outcome.value.strip())
        return GateResult("plugin", plugin, "failed", f"{plugin}: {sentence(said)}", {"answered": True, "said": said})
    reason = f"The gate {plugin!r} answered {outcome.value!r} instead of a sentence or None."
    return GateResult("plugin", plugin, "failed", storable(reason), {"answered": False})


def usable_origin(function: Callable[[], object]) -> Origin | None:
    """Ask one plugin; an answer that could not be kept with a change is an error of the plugin, not of the change.

    Raises:
        TypeError: It is no origin, or one that holds what is no text.
        InvalidValueError: It holds what no database can keep.
    """
    answer = function()
    if answer is None:
        return None
    if not isinstance(answer, Origin):
        raise TypeError(f"it answered {type(answer).__name__} instead of an Origin or None")
    for text in (answer.kind, answer.label, answer.url or "", answer.identity or ""):
        if not isinstance(text, str):
            raise TypeError("kind, label, url and identity of an Origin are text")
    return Origin.from_json(plain_dict(answer.to_json(), "The origin"))
