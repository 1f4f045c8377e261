"""Where a version is linked to, looked at before its bytes are logged for it."""

from __future__ import annotations

from podium.domain.names import check_alias, check_model
from podium.errors import InvalidValueError, NotFoundError
from podium.registry import Registry
from podium.usecases.aliases import free_aliases
from podium.usecases.places import collection_reference


def check_target(registry: Registry, type: str, target: str, aliases: tuple[str, ...]) -> None:
    """Find out what would refuse a link; linking itself looks again.

    Raises:
        InvalidNameError: A name or alias breaks the rules.
        InvalidValueError: The registry or model takes other types, or an alias is a stage.
        NotFoundError: There is no such registry.
    """
    ref = collection_reference(target)
    check_model(ref.name)
    accepted = registry.registry(ref.namespace).types
    if accepted is not None and type not in accepted:
        raise InvalidValueError(
            f"The registry {ref.namespace!r} accepts {', '.join(accepted)}, not {type}.",
            hint="Link it into another registry, or let this one accept the type ('podium registry edit').",
            types=list(accepted),
        )
    ruled_by = ref.namespace
    try:
        model = registry.model(ref.collection)
    except NotFoundError:
        pass  # the first link makes it
    else:
        require_type(model.ref, model.type, type)
        ruled_by = model.ref
    stages = registry.policy(ruled_by).names
    for alias in free_aliases(aliases):
        if check_alias(alias) in stages:
            raise InvalidValueError(
                f"{alias!r} is a stage of {ref.collection}; only a promotion moves it.",
                hint=f"Link it, then registry.promote(ref, to={alias!r}).",
                stage=alias,
            )


def require_type(what: str, found: str, wanted: str | None) -> None:
    """Refuse what has another type than the one asked for.

    Raises:
        InvalidValueError: It has.
    """
    if wanted is not None and found != wanted:
        raise InvalidValueError(
            f"{what} is of type {found!r}, not {wanted!r}.", hint="Check the name, or ask for that type."
        )
