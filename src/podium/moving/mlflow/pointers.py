"""Aliases and stages: what MLflow's point at, and moving Podium's there unless somebody moved them here."""

from __future__ import annotations

from collections.abc import Collection as Several
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from podium.domain.names import LATEST, check_alias
from podium.domain.versions import Collection
from podium.errors import (
    ConflictError,
    InvalidNameError,
    InvalidValueError,
    PermissionDeniedError,
    PromotionRefusedError,
)
from podium.moving.mlflow.job import REASON, Job, is_ours
from podium.moving.mlflow.naming import STAGES, proposed_alias, stage_holders
from podium.moving.mlflow.source import SourceModel


@dataclass(frozen=True, slots=True)
class Pointers:
    """Where aliases and stages shall point.

    Attributes:
        aliases: Alias to number.
        stages: Stage to number, in the order of the policy.
        policy: The names that are stages here.
    """

    aliases: Mapping[str, int]
    stages: Mapping[str, int]
    policy: Sequence[str]


def read_pointers(job: Job, model: SourceModel, policy: Sequence[str]) -> Pointers:
    """Return what MLflow's aliases and stages mean here, where `policy` says which names are stages."""
    holders = stage_holders(model.versions)
    aliases: dict[str, int] = {}
    for given, number in sorted(model.aliases.items()):
        alias = job.options.rename_alias.get(given, given)
        if alias in policy:
            _overrule(job, model, alias, number, holders)
        elif _legal(job, model, given, alias):
            aliases[alias] = number
    _note_shared(job, model, holders)
    for stage in [stage for stage in holders if stage not in policy]:
        hint = f"Its stages are {', '.join(policy)}; add {stage!r} to its policy and import again."
        job.note("left_out", model.name, f"stage {stage}", f"The policy here has no stage {stage!r}.", hint)
    return Pointers(aliases, {stage: holders[stage] for stage in policy if stage in holders}, policy)


def move_pointers(
    job: Job, model: SourceModel, here: Collection | None, wanted: Pointers, numbers: Several[int]
) -> dict[str, int | None]:
    """Move aliases and stages to where they are in MLflow, and take away those that an import set and that are gone.

    Args:
        job: The import.
        model: As MLflow has it.
        here: As it is here; None in a dry run before the first import.
        wanted: What `read_pointers` gave.
        numbers: The versions that are here, or would be.

    Returns:
        What moved, or would move.
    """
    moved: dict[str, int | None] = {}
    for names, kind in ((wanted.stages, "stage"), (wanted.aliases, "alias")):
        for name, number in names.items():
            if number not in numbers:
                message = f"It names v{number}, which is not here."
                job.note("left_out", model.name, f"{kind} {name}", message, "It comes with that version.")
            elif _move(job, model, here, name, number, stage=kind == "stage"):
                moved[name] = number
    known = {LATEST, *wanted.stages, *wanted.aliases}
    for name in sorted(set(here.aliases) - known) if here is not None else ():
        assert here is not None
        if _remove(job, model, here, name, stage=name in wanted.policy):
            moved[name] = None
    return moved


def _move(job: Job, model: SourceModel, here: Collection | None, name: str, number: int, *, stage: bool) -> bool:
    if here is None:
        return True
    holder = here.aliases.get(name)
    what = f"{'stage' if stage else 'alias'} {name}"
    if holder == number:
        return False
    if not job.options.overwrite and not is_ours(job.registry.history(here.ref, name)):
        says = f"v{holder}" if holder is not None else "nothing"
        message = f"It was moved here and names {says}; in MLflow it names v{number}."
        job.note("conflict", model.name, what, message, "It stays; take MLflow's with --overwrite.")
        return False
    if job.options.dry_run:
        return True
    with _told(job, model, what):
        ref = f"{here.ref}:v{number}"
        if not stage:
            return job.registry.set_alias(ref, name, expected=holder, reason=job.reason).changed
        made = job.registry.promote(ref, name, expected=holder, reason=job.reason)
        if made.status == "committed":
            return made.changed
        hint = "Import again when it is decided."
        job.note("left_out", model.name, what, f"The transition of v{number} is {made.status}.", hint)
    return False


@contextmanager
def _told(job: Job, model: SourceModel, what: str) -> Iterator[None]:
    """Report what keeps an alias or stage from moving; the import goes on."""
    try:
        yield
    except PromotionRefusedError as error:
        job.note("left_out", model.name, what, f"It was refused: {' '.join(error.reasons)}", error.hint)
    except (InvalidValueError, PermissionDeniedError) as error:
        job.note_error("left_out", model.name, what, error)
    except ConflictError as error:
        job.note_error("conflict", model.name, what, error)


def _remove(job: Job, model: SourceModel, here: Collection, name: str, *, stage: bool) -> bool:
    """Take an alias or stage away that an import set and that MLflow has no more."""
    moves = job.registry.history(here.ref, name)
    if not moves or not (moves[-1].reason or "").startswith(REASON):
        return False  # somebody set it here
    if job.options.dry_run:
        return True
    taken = False
    with _told(job, model, f"{'stage' if stage else 'alias'} {name}"):
        take = job.registry.demote if stage else job.registry.remove_alias
        taken = take(here.ref, name, expected=here.aliases[name], reason=job.reason).changed
    return taken


def _overrule(job: Job, model: SourceModel, alias: str, number: int, holders: dict[str, int]) -> None:
    """Let an alias that is called like a stage decide who holds it: MLflow's stages are the older way."""
    other = holders.get(alias)
    if other not in (None, number):
        message = f"MLflow's alias {alias!r} names v{number}, its stage v{other}; the alias decides."
        job.note("note", model.name, f"stage {alias}", message)
    holders[alias] = number


def _legal(job: Job, model: SourceModel, given: str, alias: str) -> bool:
    try:
        check_alias(alias)
    except InvalidNameError as error:
        hint = f"{error.hint} Give it another name: --rename-alias '{given}={proposed_alias(given)}'."
        job.note("left_out", model.name, f"alias {given}", error.message, hint)
        return False
    return True


def _note_shared(job: Job, model: SourceModel, holders: Mapping[str, int]) -> None:
    for said, stage in STAGES.items():
        others = [f"v{version.number}" for version in model.versions if version.stage == said]
        if len(others) > 1:
            message = f"{', '.join(others)} share it in MLflow; here v{holders[stage]} alone holds it."
            hint = f"The others have the tag mlflow-{stage}."
            job.note("note", model.name, f"stage {stage}", message, hint)
