"""The actions ``podium.promote`` and ``podium.set_alias``: a move follows on an event, and never undoes a later one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podium.plugins.actions import Action, ActionCall
from podium.plugins.channels import DeliveryFailedError
from podium.plugins.checking import as_mistake, check_texts, is_template, literal


class PromoteAction(Action):
    """Asks for a stage for the version that the event is about; gates and approvals count as for anybody.

    Settings: ``to``, the stage; ``ref``, another version than that of the event; ``reason``.
    """

    name = "podium.promote"
    required = ("to",)
    optional = ("ref", "reason")

    def check(self, settings: Mapping[str, Any]) -> None:
        """Judge the name of the stage and the version; see `Action.check`."""
        _check_move(settings, "to")

    def run(self, call: ActionCall, settings: Mapping[str, Any]) -> str:
        """Promote; see `Action.run`.

        Returns:
            What became of it; where approvals are missing, the id of the request.
        """
        ref, stage = ref_of(call, settings), text_of(settings, "to")
        if late := moved_by_a_later_event(call, ref, stage):
            return late
        made = call.registry.promote(ref, stage, reason=_reason(call, settings))
        if made.status == "pending":
            return f"{made.ref} waits for {stage}: request {made.id}"
        if made.status != "committed":  # an earlier attempt asked, and people have decided since
            return f"{made.ref} was {made.status} for {stage}: request {made.id}, {made.outcome}"
        return f"{made.ref} holds {stage}" + ("" if made.changed else " already")


class SetAliasAction(Action):
    """Gives an alias to the version that the event is about.

    Settings: ``alias``; ``ref``, another version than that of the event; ``reason``.
    """

    name = "podium.set_alias"
    required = ("alias",)
    optional = ("ref", "reason")

    def check(self, settings: Mapping[str, Any]) -> None:
        """Judge the alias and the version; see `Action.check`."""
        _check_move(settings, "alias")

    def run(self, call: ActionCall, settings: Mapping[str, Any]) -> str:
        """Set the alias; see `Action.run`."""
        ref, alias = ref_of(call, settings), text_of(settings, "alias")
        if late := moved_by_a_later_event(call, ref, alias):
            return late
        if moved_by_this_firing(call, ref, alias):  # its answer was lost; what people did since stays
            return f"{alias} of {ref.partition(':')[0]} was moved by an earlier attempt"
        move = call.registry.set_alias(ref, alias, reason=_reason(call, settings))
        return f"{alias} of {move.collection} is v{move.after}"


def check_ref(settings: Mapping[str, Any]) -> None:
    """Refuse a setting ``ref`` that names no version; see `podium.plugins.checking`.

    Raises:
        InvalidValueError: It names none, whatever there is.
    """
    from podium.domain.names import parse_reference

    check_texts(settings, "ref")
    if ref := literal(settings, "ref"):
        with as_mistake("The setting 'ref': "):
            parse_reference(ref)


def _check_move(settings: Mapping[str, Any], name: str) -> None:
    from podium.domain.names import check_alias

    check_texts(settings, name, "reason")
    if (wanted := settings.get(name)) and not is_template(wanted):
        with as_mistake(f"The setting {name!r}: "):
            check_alias(wanted.strip() if isinstance(wanted, str) else wanted)
    check_ref(settings)


def ref_of(call: ActionCall, settings: Mapping[str, Any]) -> str:
    """Return the version that an action is about: the setting ``ref``, or that of the event.

    Raises:
        DeliveryFailedError: There is none; permanent.
    """
    from podium.domain.automations import event_values

    ref = settings.get("ref") or event_values(call.event).get("ref")
    if not isinstance(ref, str):
        raise DeliveryFailedError(
            f"The event {call.event.type} is about no version.",
            hint="Choose events about versions, or give the setting 'ref'.",
            permanent=True,
        )
    return ref


def text_of(settings: Mapping[str, Any], name: str) -> str:
    """Return a setting that must be a text.

    Raises:
        DeliveryFailedError: It is none; permanent.
    """
    value = settings.get(name)
    if not isinstance(value, str) or not value.strip():
        raise DeliveryFailedError(f"The setting {name!r} is no text.", hint="Correct the automation.", permanent=True)
    return value.strip()


def moved_by_a_later_event(call: ActionCall, ref: str, alias: str) -> str | None:
    """Say if the same automation moved an alias or stage for a later event already, else None.

    An attempt may come late: after a failure, or by hand. It must not take back what has happened since.
    """
    model = ref.partition(":")[0]
    for move in call.registry.history(model, alias):
        then = move.origin.details
        mine = (then.get("automation"), then.get("stream")) == (call.automation, call.event.stream)
        if mine and then.get("sequence", 0) > call.event.sequence:
            return f"{alias} of {model} was moved for a later event already; nothing was done"
    return None


def moved_by_this_firing(call: ActionCall, ref: str, alias: str) -> bool:
    """Whether an earlier attempt moved the alias already: the outbox did not hear of it."""
    moves = call.registry.history(ref.partition(":")[0], alias)
    return any(move.origin.identity == f"automation:{call.id}" for move in moves)


def _reason(call: ActionCall, settings: Mapping[str, Any]) -> str:
    given = settings.get("reason")
    return given if isinstance(given, str) and given else f"After {call.event.type} by {call.event.actor}"
