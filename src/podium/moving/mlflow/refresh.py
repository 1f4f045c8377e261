"""What changed in MLflow since a version or model came over: tags, description, facts. What people did here stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podium.domain.versions import Collection, Version
from podium.moving.mlflow.job import REASON, Job
from podium.moving.mlflow.naming import (
    MODEL_TAGS,
    PARAMS,
    STAGE_TAGS,
    TAGS,
    labels,
    stage_labels,
    version_facts,
)
from podium.moving.mlflow.source import SourceModel, SourceVersion

_DESCRIPTION = "mlflow.description"
_PLACES = ("mlflow.registry",)  # the same registry may be reached in several ways


def refresh_version(
    job: Job, model: SourceModel, version: SourceVersion, here: Version, holders: dict[str, int]
) -> bool:
    """Bring a version that is here up to date, and return whether there was anything to do.

    What MLflow said the last time stands in the metadata; only what differs from that is taken over.
    """
    before = {key: value for key, value in here.metadata.items() if key.startswith("mlflow.")}
    after = version_facts(job.source.name, model, version)
    described = _description(job, version, here, before, after)
    old, new = labels(_below(TAGS, before)), labels(version.tags)
    stage = stage_labels(version, holders)
    there = set(here.tags)
    add = ((new - old) | stage) - there
    remove = ((old - new) | (STAGE_TAGS - stage)) & there
    facts = {key: value for key, value in after.items() if before.get(key) != value and key not in _PLACES}
    gone = {key for key in before if key not in after and not key.startswith(PARAMS)}
    if not (add or remove or facts or gone or described is not None):
        return False
    if not job.options.dry_run:
        # The facts last: as long as they are the old ones, an import that was interrupted knows what is left to do.
        _label(job, here.ref, add, remove)
        _write(job, here, facts, gone, described)
    return True


def refresh_model(job: Job, model: SourceModel, here: Collection, before: Mapping[str, Any] | None) -> bool:
    """Bring the text and tags of a model up to date, and return whether there was anything to do.

    Args:
        job: The import.
        model: As MLflow has it now.
        here: As it is here.
        before: The metadata of a version as the last import left it, None if this is the first.
    """
    old = labels(_below(MODEL_TAGS, before or {}))
    new = labels(model.tags)
    add, remove = (new - old) - set(here.tags), (old - new) & set(here.tags)
    text = model.description if _takes_text(job, model, here) else here.description
    if not (add or remove or text != here.description):
        return False
    if not job.options.dry_run:
        if text != here.description:
            job.registry.edit_collection(here.ref, description=text, reason=job.reason)
        _label(job, here.ref, add, remove)
    return True


def _label(job: Job, ref: str, add: set[str], remove: set[str]) -> None:
    if add:
        job.registry.tag(ref, sorted(add))
    if remove:
        job.registry.untag(ref, sorted(remove))


def _takes_text(job: Job, model: SourceModel, here: Collection) -> bool:
    if model.description == here.description:
        return False
    texts = [event for event in job.registry.events(here.ref) if "description" in event.after]
    changes = [event for event in texts if event.type == "model.updated"]
    if not changes or (changes[-1].reason or "").startswith(REASON) or job.options.overwrite:
        return model.description is not None or bool(changes)
    imported = [event for event in changes if (event.reason or "").startswith(REASON)]
    if (imported[-1].after["description"] if imported else None) != model.description:
        job.note(
            "conflict", model.name, "description", "It was changed in MLflow and here; the text here stays.", _TAKE
        )
    return False


_TAKE = "Take MLflow's with --overwrite."


def _description(
    job: Job, version: SourceVersion, here: Version, before: Mapping[str, Any], after: dict[str, Any]
) -> str | None:
    """Return the text to write, "" for none; None where it stays. A conflict keeps what MLflow said before."""
    old, new, now = before.get(_DESCRIPTION), version.description, here.description or None
    if new == now or (new == old and not job.options.overwrite):
        return None
    if now == old or job.options.overwrite:
        return new or ""
    what = f"v{version.number}"
    job.note(
        "conflict", version.model, what, "Its description was changed in MLflow and here; the text here stays.", _TAKE
    )
    after.pop(_DESCRIPTION, None)
    if old is not None:
        after[_DESCRIPTION] = old
    return None


def _write(job: Job, here: Version, facts: Mapping[str, Any], gone: set[str], described: str | None) -> None:
    """Edit the version behind the link, and the link too where it was edited here and shows its own."""
    more: dict[str, Any] = {} if described is None else {"description": described or None}
    for ref in (here.source, here.ref):
        job.registry.edit(ref, metadata=facts, remove_metadata=sorted(gone), reason=job.reason, **more)


def _below(prefix: str, metadata: Mapping[str, Any]) -> dict[str, str]:
    found = {key: value for key, value in metadata.items() if key.startswith(prefix)}
    return {key.removeprefix(prefix): value for key, value in found.items() if isinstance(value, str)}
