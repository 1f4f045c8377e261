"""Where models go: their names here, and whether they can go there. Names are never repaired."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from podium.domain.names import check_model, check_project, model_key
from podium.errors import InvalidNameError, InvalidValueError, NotFoundError
from podium.moving.mlflow.job import Job
from podium.moving.mlflow.naming import proposed_model


def check_place(job: Job) -> None:
    """Refuse a registry or project that cannot take models, before anything is read.

    Raises:
        InvalidNameError: The project cannot be called so.
        InvalidValueError: The project is a registry, or the registry takes no models.
        NotFoundError: There is no such registry.
    """
    wanted = job.options
    target = job.registry.registry(wanted.registry)
    if target.types is not None and "model" not in target.types:
        raise InvalidValueError(
            f"The registry {wanted.registry!r} accepts {', '.join(target.types)}, no models.", hint="Choose another."
        )
    check_project(wanted.project)
    if any(space.name == wanted.project for space in job.registry.registries()):
        raise InvalidValueError(
            f"{wanted.project!r} is a registry; files and runs come into a project.", hint="Give --project."
        )


def chosen_models(job: Job) -> list[str]:
    """Return MLflow's names of the models to import.

    Raises:
        InvalidValueError: A model is renamed that is not imported.
        NotFoundError: A model is asked for that MLflow has not got.
    """
    names = job.source.names()
    for name in job.options.models:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"It has {len(names)} models; 'mlflow ui' shows them."
            raise NotFoundError(f"MLflow has no registered model {name!r}.", hint=hint, name=name)
    chosen = [name for name in names if not job.options.models or name in job.options.models]
    for name in job.options.rename:
        if name not in chosen:
            raise InvalidValueError(f"No model {name!r} is imported.", hint="Check --rename OLD=NEW.", name=name)
    return chosen


def names_here(job: Job, models: Sequence[str]) -> dict[str, str]:
    """Return the names here of those models that can have one; the others are left out with a proposal."""
    registry = job.options.registry
    gone = {model_key(item.ref.partition("/")[2]) for item in job.registry.collections(registry, deleted=True)}
    taken = {
        model_key(item.ref.partition("/")[2]): item.ref.partition("/")[2] for item in job.registry.models(registry)
    }
    found: dict[str, str] = {}
    for model in models:
        name = job.options.rename.get(model, model)
        why = _refusal(name, taken, found, gone)
        if why is None:
            found[model] = name
            taken.setdefault(model_key(name), name)
        else:
            proposal = proposed_model(name)
            proposal = f"{proposal} (MLflow)" if proposal in (name, *taken.values()) else proposal
            job.note("left_out", model, "name", why, f"Give it another name: --rename '{model}={proposal}'.")
    return found


def _refusal(name: str, taken: dict[str, str], found: dict[str, str], gone: set[str]) -> str | None:
    try:
        check_model(name)
    except InvalidNameError as error:
        return f"{error.message} {error.hint}"
    if name in found.values():
        return f"Another model comes over as {name!r}."
    if taken.get(model_key(name), name) != name:
        return f"{name!r} differs only by case from {taken[model_key(name)]!r}, which is a model here."
    return f"The model {name!r} was deleted here." if model_key(name) in gone else None
