"""Namespaces and collections: find them, make them, lock them."""

from __future__ import annotations

import difflib
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.events import GENESIS
from podium.domain.names import Reference, check_project, model_key, parse_reference
from podium.domain.plain import iso
from podium.domain.versions import Collection, CollectionKind
from podium.errors import AlreadyExistsError, InvalidNameError, InvalidValueError, NotFoundError
from podium.sql import tables as t
from podium.sql.ids import new_id
from podium.sql.rows import load_collections
from podium.sql.write import insert_missing
from podium.usecases.unit import Stream, Unit

MODEL_REGISTRY = "model-registry"  # exists from the start

COLLECTIONS = sa.select(t.collections, t.namespaces.c.name.label("namespace")).join(
    t.namespaces, t.namespaces.c.id == t.collections.c.namespace_id
)

# Made once, not at each call. The key is what has an index: the name itself, or folded if it is a model's.
_NAMED = COLLECTIONS.where(
    t.namespaces.c.name == sa.bindparam("namespace"),
    t.collections.c.name_key.in_([sa.bindparam("key"), sa.bindparam("folded")]),
    t.collections.c.name == sa.bindparam("name"),
)
_NAMED_LOCKED = _NAMED.with_for_update(of=t.collections)
_KEYED = COLLECTIONS.where(
    t.collections.c.namespace_id == sa.bindparam("space"), t.collections.c.name_key == sa.bindparam("key")
)
_KEYED_LOCKED = _KEYED.with_for_update(of=t.collections)
_MODEL_LOCKED = (
    COLLECTIONS.add_columns(t.namespaces.c.types.label("accepts"))
    .where(
        t.namespaces.c.name == sa.bindparam("namespace"),
        t.namespaces.c.kind == "registry",
        t.collections.c.name_key == sa.bindparam("key"),
    )
    .with_for_update(of=t.collections)
)
_SPACE = sa.select(t.namespaces).where(t.namespaces.c.name == sa.bindparam("space"))
_SPACE_LOCKED = _SPACE.with_for_update()


def ensure_project(unit: Unit, name: str) -> Any:
    """Return the row of a project, making it if it is new.

    Raises:
        InvalidValueError: The name is the name of a registry.
    """
    row = find_namespace(unit, name)
    if row is None:
        new = {"id": new_id(), "name": name, "kind": "project", "sequence": 0, "head": GENESIS, **unit.who}
        insert_missing(unit.connection, t.namespaces, [new])
        row = find_namespace(unit, name)
    require_project(row)
    return row


def require_project(row: Any) -> None:
    """Refuse a namespace that is a registry.

    Raises:
        InvalidValueError: It is one.
    """
    if row.kind != "project":
        raise InvalidValueError(
            f"{row.name!r} is a registry; artifacts are logged in projects.",
            hint="Log into a project and link the version into the registry.",
            name=row.name,
        )


def find_namespace(unit: Unit, name: str, *, lock: bool = False) -> Any:
    """Return the row of a project or registry, or None."""
    return unit.connection.execute(_SPACE_LOCKED if lock else _SPACE, {"space": name}).one_or_none()


def require_namespace(unit: Unit, name: str) -> Any:
    """Return the row of a project or registry.

    Raises:
        InvalidNameError: The name breaks the rules.
        NotFoundError: There is none.
    """
    row = find_namespace(unit, check_project(name))
    if row is None:
        raise _unknown_namespace(unit, name)
    return row


def require_registry(unit: Unit, name: str, *, lock: bool = False) -> Any:
    """Return the row of a registry.

    Raises:
        NotFoundError: There is no registry of this name.
    """
    row = find_namespace(unit, name, lock=lock)
    if row is None or row.kind != "registry":
        what = "is a project, not a registry" if row is not None else "does not exist"
        raise NotFoundError(
            f"The registry {name!r} {what}.", hint="Link into 'model-registry/NAME OF THE MODEL'.", name=name
        )
    return row


def ensure_collection(unit: Unit, space: Any, name: str, kind: CollectionKind, type_: str) -> tuple[Any, bool]:
    """Return the locked row of a collection and whether this unit made it.

    Raises:
        AlreadyExistsError: A model of a name that differs only by case exists.
        InvalidValueError: It exists with another type.
    """
    key = model_key(name) if kind == "model" else name
    keys = {"space": space.id, "key": key}
    row = unit.connection.execute(_KEYED_LOCKED, keys).one_or_none()
    made = row is None
    if row is None:
        wanted = _make_collection(unit, space, name, key, kind, type_)
        row = unit.connection.execute(_KEYED_LOCKED, keys).one()
        made = row.id == wanted
    return row, take_collection(unit, row, name, type_) or made


def lock_model(unit: Unit, ref: Reference) -> Any:
    """Return the locked row of a registered model, with the types that its registry ``accepts``, or None."""
    keys = {"namespace": ref.namespace, "key": model_key(ref.name)}
    return unit.connection.execute(_MODEL_LOCKED, keys).one_or_none()


def take_collection(unit: Unit, row: Any, name: str, type_: str) -> bool:
    """Make sure that a locked collection is the one meant, and bring it back if it was deleted: then return True.

    Raises:
        AlreadyExistsError: Its name differs by case.
        InvalidValueError: It has another type.
    """
    if row.name != name:
        raise AlreadyExistsError(
            f"The registry has a model {row.name!r}; {name!r} differs only by case.",
            hint=f"Use {row.name!r}, or choose another name.",
            name=row.name,
        )
    require_type(row, type_)
    if row.deleted_at is None:
        return False
    # Made again under the name of a deleted one, it counts on from there.
    unit.connection.execute(sa.update(t.collections).where(t.collections.c.id == row.id).values(deleted_at=None))
    return True


def find_artifact(unit: Unit, space: Any, name: str) -> Any:
    """Return the row of an artifact of a project, deleted or not, or None."""
    return unit.connection.execute(_KEYED, {"space": space.id, "key": name}).one_or_none()


def require_type(row: Any, type_: str) -> None:
    """Refuse a type that is not the collection's.

    Raises:
        InvalidValueError: It is another.
    """
    if row.type != type_:
        raise InvalidValueError(
            f"{row.namespace}/{row.name} holds versions of type {row.type!r}, not {type_!r}.",
            hint=f"Pass type={row.type!r}, or choose another name.",
            type=row.type,
        )


def _make_collection(unit: Unit, space: Any, name: str, key: str, kind: CollectionKind, type_: str) -> UUID:
    f = t.former_names.c
    given_up = sa.select(f.next_number).where(f.namespace_id == space.id, f.name_key == key)
    row = {"id": new_id(), "namespace_id": space.id, "name": name, "name_key": key, "kind": kind, "type": type_}
    first = unit.connection.execute(given_up).scalar() or 0
    head = {"next_number": first, "live": 0, "sequence": 0, "head": GENESIS, **unit.who}
    insert_missing(unit.connection, t.collections, [row | head])
    made: UUID = row["id"]
    return made


def find_collection(
    unit: Unit, ref: Reference, *, kind: CollectionKind | None = None, lock: bool = False, deleted: bool = False
) -> Any:
    """Return the row of the collection that a reference names; a deleted one only if ``deleted`` says so.

    Raises:
        NotFoundError: There is none, or it is of the other kind.
    """
    names = {"namespace": ref.namespace, "name": ref.name, "key": ref.name, "folded": model_key(ref.name)}
    row = unit.connection.execute(_NAMED_LOCKED if lock else _NAMED, names).one_or_none()
    if row is None:
        raise _unknown(unit, ref)
    if row.deleted_at is not None and not deleted:
        raise NotFoundError(
            f"{ref.collection} was deleted on {row.deleted_at:%Y-%m-%d}.",
            hint=f"'podium restore \"{ref.collection}\"' brings it back.",
            ref=ref.collection,
            deleted_at=iso(row.deleted_at),
        )
    if kind is not None and row.kind != kind:
        wanted = "a registered model" if kind == "model" else "an artifact"
        raise NotFoundError(
            f"{ref.collection} is not {wanted}.",
            hint="Link it into 'model-registry/NAME' first." if kind == "model" else "Name the artifact it came from.",
            ref=ref.collection,
        )
    return row


def collection_reference(text: str) -> Reference:
    """Parse a reference that names a collection as a whole.

    Raises:
        InvalidNameError: It has a ``:`` part, or is no reference.
    """
    if isinstance(text, str) and ":" in text:
        raise InvalidNameError(
            f"{text!r} names one version; a model or artifact is asked for.", hint=f"Write {text.partition(':')[0]!r}."
        )
    return parse_reference(text)


def stream_of(row: Any) -> Stream:
    """Return the event stream of a locked collection row."""
    return Stream(t.collections, row.id, f"{row.namespace}/{row.name}", row.sequence, row.head)


def namespace_stream(row: Any) -> Stream:
    """Return the event stream of a locked namespace row."""
    return Stream(t.namespaces, row.id, row.name, row.sequence, row.head)


def list_collections(
    unit: Unit, namespace: str | None = None, kind: CollectionKind | None = None, *, deleted: bool = False
) -> list[Collection]:
    """Return artifacts and models, sorted by name; the deleted ones in their place if ``deleted`` says so.

    Raises:
        InvalidNameError: The namespace breaks the rules of names.
        NotFoundError: The namespace does not exist.
    """
    gone = t.collections.c.deleted_at
    query = COLLECTIONS.where(gone.is_not(None) if deleted else gone.is_(None))
    query = query.order_by(t.namespaces.c.name, t.collections.c.name)
    if namespace is not None:
        require_namespace(unit, namespace)
        query = query.where(t.namespaces.c.name == namespace)
    if kind is not None:
        query = query.where(t.collections.c.kind == kind)
    return load_collections(unit.connection, unit.connection.execute(query).all())


def show_collection(unit: Unit, text: str, kind: CollectionKind | None = None) -> Collection:
    """Return one artifact or model.

    Raises:
        NotFoundError: There is none.
    """
    return show_row(unit, find_collection(unit, collection_reference(text), kind=kind))


def show_row(unit: Unit, row: Any) -> Collection:
    """Return the artifact or model of a row that `find_collection` or `ensure_collection` gave."""
    return load_collections(unit.connection, [row])[0]


def _unknown(unit: Unit, ref: Reference) -> NotFoundError:
    space = find_namespace(unit, ref.namespace)
    if space is None:
        return _unknown_namespace(unit, ref.namespace)
    renamed = _renamed(unit, space, ref)
    if renamed is not None:
        return NotFoundError(
            f"{ref.collection!r} was renamed to '{ref.namespace}/{renamed}'.", hint="Use its new name.", ref=renamed
        )
    c = t.collections.c
    cased = sa.select(c.name).where(c.namespace_id == space.id, c.name_key == model_key(ref.name), c.kind == "model")
    names = sa.select(c.name).where(c.namespace_id == space.id, c.deleted_at.is_(None)).limit(1000)
    near = list(unit.connection.scalars(cased)) or difflib.get_close_matches(
        ref.name, list(unit.connection.scalars(names)), n=1
    )
    hint = f"Did you mean '{ref.namespace}/{near[0]}'?" if near else f"'podium ls {ref.namespace}' lists what is there."
    return NotFoundError(f"There is no {ref.collection!r}.", hint=hint, ref=ref.collection)


def _renamed(unit: Unit, space: Any, ref: Reference) -> str | None:
    """The name that a collection has now which was called so before."""
    f, c = t.former_names.c, t.collections.c
    query = (
        sa.select(c.name)
        .join(t.former_names, f.collection_id == c.id)
        .where(f.namespace_id == space.id, f.name_key.in_((ref.name, model_key(ref.name))))
    )
    name: str | None = unit.connection.execute(query).scalar()
    return name


def _unknown_namespace(unit: Unit, name: str) -> NotFoundError:
    names = list(unit.connection.scalars(sa.select(t.namespaces.c.name).order_by(t.namespaces.c.name).limit(1000)))
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else "'podium ls' lists what is there."
    return NotFoundError(f"There is no project or registry {name!r}.", hint=hint, name=name)
