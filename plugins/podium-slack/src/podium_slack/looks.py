"""How each kind of event looks at a glance: a sign, and one sentence that says whether to worry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from podium.plugins import Message

_BAD = ("fail", "error")


@dataclass(frozen=True, slots=True)
class Look:
    """The look of one kind of event.

    Attributes:
        sign: One emoji, first in the header.
        verdict: What it means for whoever reads it; empty if the title says everything.
        details: The heading above the lines of the message.
    """

    sign: str
    verdict: str = ""
    details: str = "Details"


def look_of(message: Message) -> Look:
    """Return the look of a message; an event type of a later Podium gets a plain one."""
    make = _LOOKS.get(message.event.type)
    return make(message) if make is not None else Look("ℹ️")  # noqa: RUF001 - the emoji is meant


def stage_of(message: Message) -> str:
    """Return the stage that an event is about, or nothing."""
    return str(message.event.after.get("stage") or "")


def _linked(message: Message) -> Look:
    return Look("🔗", "A new version to test and promote. No stage moved.")


def _promoted(message: Message) -> Look:
    stage, before = stage_of(message), message.previous
    verdict = f"It replaces {before} in {stage}." if before else f"Nothing was in {stage} before."
    if message.event.after.get("reasons"):
        verdict += " Gates that failed were overruled."
    return Look("🚀", verdict, "What failed")


def _refused(message: Message) -> Look:
    stage, holder = stage_of(message), message.previous
    kept = f"{stage} stays with {holder}." if holder else f"{stage} stays empty."
    return Look("⛔", f"Nothing changed: {kept}", "Why")


def _forced(message: Message) -> Look:
    return Look("⚠️", f"Gates failed and were overruled by {message.actor}. Please have a look.", "What failed")


def _rolled_back(message: Message) -> Look:
    taken = f" instead of {message.previous}" if message.previous else ""
    return Look("⏪", f"{message.version} is in {stage_of(message)} again{taken}.")


def _checked(message: Message) -> Look:
    checks = [check for check in message.event.after.get("checks") or () if isinstance(check, Mapping)]
    bad = sum(check.get("status") in _BAD for check in checks)
    if bad:
        return Look("❌", f"{bad} of {len(checks)} checks did not pass.", "Checks")
    return Look("✅", "No check failed.", "Checks")


def _plain(sign: str) -> Callable[[Message], Look]:
    return lambda message: Look(sign)


_LOOKS: Mapping[str, Callable[[Message], Look]] = {
    "artifact.created": _plain("📦"),
    "artifact_version.logged": _plain("📦"),
    "model.created": _plain("✨"),
    "model_version.linked": _linked,
    "model_version.checked": _checked,
    "model_version.promoted": _promoted,
    "model_version.promotion_refused": _refused,
    "model_version.promotion_forced": _forced,
    "model_version.rolled_back": _rolled_back,
    "alias.set": _plain("🏷️"),
    "alias.removed": _plain("🏷️"),
    "policy.set": _plain("📜"),
    "subscription.added": _plain("🔔"),
    "subscription.removed": _plain("🔕"),
}
