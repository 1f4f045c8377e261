"""How each kind of event looks at a glance: a sign, and one sentence that says whether to worry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from podium.plugins import Message
from podium_slack.text import time_text

_BAD = ("fail", "error")


@dataclass(frozen=True, slots=True)
class Look:
    """The look of one kind of event.

    Attributes:
        sign: One emoji, first in the header.
        verdict: What it means for whoever reads it; empty if the title says everything.
        details: The heading above the lines of the message.
        reason: The heading above what the person wrote.
    """

    sign: str
    verdict: str = ""
    details: str = "Details"
    reason: str = "Reason"


def look_of(message: Message) -> Look:
    """Return the look of a message; an event type of a later Podium gets a plain one."""
    if message.digest:
        return Look("📰")
    make = _LOOKS.get(message.event.type)
    return make(message) if make is not None else Look("ℹ️")  # noqa: RUF001 - the emoji is meant


def stage_of(message: Message) -> str:
    """Return the stage that an event is about, or nothing."""
    return str(message.event.after.get("stage") or message.event.before.get("stage") or "")


def _kept(message: Message) -> str:
    """Who holds the stage still, as a sentence."""
    stage = stage_of(message)
    return f"{stage} stays with {message.previous}." if message.previous else f"{stage} stays empty."


def _linked(message: Message) -> Look:
    return Look("🔗", "A new version to test and promote. No stage moved.")


def _promoted(message: Message) -> Look:
    stage, before = stage_of(message), message.previous
    verdict = f"It replaces {before} in {stage}." if before else f"Nothing was in {stage} before."
    if message.event.after.get("overruled") or message.event.after.get("reasons"):
        return Look("🚀", f"{verdict} Gates that failed were overruled.", "What failed")
    return Look("🚀", verdict)


def _refused(message: Message) -> Look:
    return Look("⛔", f"Nothing changed: {_kept(message)}", "Why")


def _forced(message: Message) -> Look:
    return Look("⚠️", f"Gates failed and were overruled by {message.actor}. Please have a look.", "What failed")


def _requested(message: Message) -> Look:
    return Look("⏳", f"Somebody has to agree. Until then {_kept(message)}", "It waits for")


def _approved(message: Message) -> Look:
    missing = message.event.after.get("missing")
    verdict = "Everybody agreed who has to." if missing == 0 else ""
    if isinstance(missing, int) and missing > 0:
        verdict = f"{missing} more {'approval is' if missing == 1 else 'approvals are'} needed. {_kept(message)}"
    return Look("👍", verdict, reason="Comment")


def _withdrawn(message: Message) -> Look:
    return Look("↩️", f"The request waits still. {_kept(message)}", reason="Comment")


def _rejected(message: Message) -> Look:
    return Look("❌", f"Nothing changed: {_kept(message)}", reason="Comment")


def _cancelled(message: Message) -> Look:
    return Look("🚫", "The request has ended, and nothing changed by it.", reason="Why")


def _rolled_back(message: Message) -> Look:
    taken = f" instead of {message.previous}" if message.previous else ""
    return Look("⏪", f"{message.version} is in {stage_of(message)} again{taken}.")


def _demoted(message: Message) -> Look:
    return Look("⏬", f"Nothing is in {stage_of(message)} now: what asks for it finds nothing.")


def _adopted(message: Message) -> Look:
    return Look("📌", f"From now on {stage_of(message)} moves by the rules of the policy only.")


def _frozen(message: Message) -> Look:
    until = message.event.after.get("until")
    end = f"until {time_text(until)}" if isinstance(until, str) else "until somebody opens it again"
    return Look("🧊", f"Nothing is promoted to {stage_of(message) or 'any stage'} {end}.")


def _unfrozen(message: Message) -> Look:
    return Look("☀️", f"{stage_of(message) or 'Every stage'} takes promotions again.")


def _checked(message: Message) -> Look:
    checks = [check for check in message.event.after.get("checks") or () if isinstance(check, Mapping)]
    bad = sum(check.get("status") in _BAD for check in checks)
    if bad:
        return Look("❌", f"{bad} of {len(checks)} checks did not pass.", "Checks")
    return Look("✅", "No check failed.", "Checks")


def _failed_automation(message: Message) -> Look:
    return Look("💥", "It was given up. 'podium deliveries retry' tries again once the cause is mended.")


def _plain(sign: str, verdict: str = "") -> Callable[[Message], Look]:
    return lambda message: Look(sign, verdict)


_LOOKS: Mapping[str, Callable[[Message], Look]] = {
    "registry.created": _plain("🏛️"),
    "registry.updated": _plain("🏛️"),
    "artifact.created": _plain("📦"),
    "artifact.updated": _plain("✏️"),
    "artifact.numbered": _plain("🔢"),
    "artifact.renamed": _plain("✏️", "Whoever asks for the earlier name is told the new one."),
    "artifact.deleted": _plain("🗑️", "It can be restored for a while."),
    "artifact.restored": _plain("♻️"),
    "artifact_version.logged": _plain("📦"),
    "artifact_version.updated": _plain("✏️"),
    "artifact_version.deleted": _plain("🗑️", "It can be restored for a while."),
    "artifact_version.restored": _plain("♻️"),
    "artifact_version.purged": _plain("🔥", "Its content is gone for good."),
    "model.created": _plain("✨"),
    "model.updated": _plain("✏️"),
    "model.numbered": _plain("🔢"),
    "model.renamed": _plain("✏️", "Whoever asks for the earlier name is told the new one."),
    "model.deleted": _plain("🗑️", "It can be restored for a while."),
    "model.restored": _plain("♻️"),
    "model_version.linked": _linked,
    "model_version.updated": _plain("✏️"),
    "model_version.unlinked": _plain("✂️", "It can be restored for a while."),
    "model_version.restored": _plain("♻️"),
    "model_version.checked": _checked,
    "model_version.promoted": _promoted,
    "model_version.promotion_refused": _refused,
    "model_version.promotion_forced": _forced,
    "model_version.promotion_requested": _requested,
    "model_version.promotion_approved": _approved,
    "model_version.promotion_rejected": _rejected,
    "model_version.promotion_cancelled": _cancelled,
    "model_version.approval_withdrawn": _withdrawn,
    "model_version.rolled_back": _rolled_back,
    "model_version.demoted": _demoted,
    "stage.adopted": _adopted,
    "stage.released": _plain("🔓", "No gate guards it from now on."),
    "stage.frozen": _frozen,
    "stage.unfrozen": _unfrozen,
    "alias.set": _plain("🏷️"),
    "alias.removed": _plain("🏷️"),
    "tag.added": _plain("🏷️"),
    "tag.removed": _plain("🏷️"),
    "policy.set": _plain("📜", "Promotions follow the new rules from now on."),
    "policy.removed": _plain("📜", "Promotions follow the rules that remain."),
    "role.granted": _plain("🔑"),
    "role.revoked": _plain("🔒"),
    "bundle.imported": _plain("📥"),
    "subscription.added": _plain("🔔"),
    "subscription.removed": _plain("🔕"),
    "automation.added": _plain("⚙️"),
    "automation.removed": _plain("⚙️"),
    "automation.fired": _plain("⚡"),
    "automation.failed": _failed_automation,
}
