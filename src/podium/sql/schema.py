"""The revision of the schema: look at it, require it, bring it forward. Alembic is called from code, without an ini."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from podium.errors import InvalidValueError, NotFoundError, SchemaOutdatedError, SettingsError
from podium.sql.errors import translated
from podium.sql.tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0006"
VERSION_TABLE = "podium_schema"
_ALEMBIC = threading.Lock()  # it keeps what it works on in module globals: one migration at a time in a process
_VERSION = sa.table(VERSION_TABLE, sa.column("version_num", sa.String))
# Any 64-bit number of our own: it keeps two upgrades of one PostgreSQL database apart.
_ADVISORY_LOCK = 7_041_773_209_116_551


def current(connection: sa.Connection) -> str | None:
    """Return the revision that the database has, None if Podium never made tables in it."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    revision: str | None = connection.execute(sa.select(_VERSION.c.version_num)).scalar()
    return revision


def is_empty(connection: sa.Connection) -> bool:
    """Whether there is no table at all where Podium's would go, neither its own nor those of anybody else."""
    return not sa.inspect(connection).get_table_names()


def require(engine: sa.Engine, *, create: bool, where: str) -> None:
    """Make sure that the schema is the one this Podium works with.

    Args:
        engine: The database.
        create: Whether an empty database gets the schema by itself (the embedded default).
        where: The database in words without a secret.

    Raises:
        SchemaOutdatedError: It is missing, older or newer.
    """
    with translated(where):
        with engine.connect() as connection:
            found = current(connection)
        if found is None and create:
            upgrade(engine)
            return
    if found is None:
        raise SchemaOutdatedError(
            f"The database {where} does not have Podium's schema yet.",
            hint="Run 'podium db upgrade' with the same PODIUM_URL.",
            found=None,
            needed=HEAD,
        )
    if found > HEAD:
        raise _too_new(found)
    if found < HEAD:
        raise SchemaOutdatedError(
            f"The database {where} has schema {found}; this Podium needs {HEAD}.",
            hint="Run 'podium db upgrade' with the same PODIUM_URL.",
            found=found,
            needed=HEAD,
        )


def upgrade(engine: sa.Engine, revision: str = "head") -> tuple[str | None, str]:
    """Bring the schema forward in one transaction; a second upgrade at the same time waits and finds nothing to do.

    Returns:
        The revisions before and after.

    Raises:
        SchemaOutdatedError: The database is newer than this Podium.
    """
    from alembic import command

    with engine.connect() as connection:
        connection.execution_options(podium_begin="IMMEDIATE")
        with connection.begin():
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            before = current(connection)
            if before is not None and before > HEAD:
                raise _too_new(before)
            if before is None:
                _require_own(connection)
            if before != HEAD:
                with _ALEMBIC:
                    command.upgrade(config(connection), revision)
            return before, current(connection) or ""


def downgrade(engine: sa.Engine, revision: str) -> tuple[str | None, str | None]:
    """Take the schema back to an older revision, ``base`` for none, in one transaction.

    Returns:
        The revisions before and after.

    Raises:
        InvalidValueError: The database is older than that already.
        NotFoundError: There is no such revision.
        SchemaOutdatedError: The database is newer than this Podium, which does not know the way back.
    """
    from alembic import command

    with engine.connect() as connection:
        connection.execution_options(podium_begin="IMMEDIATE")
        with connection.begin():
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            before = current(connection)
            if losses(before, revision):
                with _ALEMBIC:
                    command.downgrade(config(connection), revision)
            return before, current(connection)


def losses(found: str | None, revision: str) -> dict[str, str]:
    """Return the revisions that a downgrade undoes, newest first, each with what its undoing does.

    Args:
        found: The revision that the database has.
        revision: Where to go back to, ``base`` for an empty database.

    Raises:
        InvalidValueError: The database is older than that already.
        NotFoundError: There is no such revision.
        SchemaOutdatedError: The database is newer than this Podium.
    """
    from alembic.script import ScriptDirectory

    if found is not None and found > HEAD:
        raise _too_new(found)
    scripts = list(ScriptDirectory.from_config(_config()).walk_revisions())
    known = [script.revision for script in scripts]
    if revision != "base" and revision not in known:
        raise NotFoundError(
            f"There is no schema {revision!r}.", hint=f"There is {', '.join(reversed(known))}, and base for none."
        )
    if revision != "base" and (found is None or found < revision):
        raise InvalidValueError(
            f"The database has schema {found or 'none'}, which is older than {revision}.",
            hint="'podium db upgrade' brings it forward.",
        )
    above = "" if revision == "base" else revision
    return {
        script.revision: " ".join(str(script.module.downgrade.__doc__).split())
        for script in scripts
        if above < script.revision <= (found or "")
    }


def config(connection: sa.Connection) -> Config:
    """Return Alembic's configuration for a connection."""
    made = _config()
    made.attributes["connection"] = connection
    return made


def _config() -> Config:
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return made


def _require_own(connection: sa.Connection) -> None:
    """Refuse a database in which somebody else's tables have names that Podium needs."""
    taken = sorted(set(sa.inspect(connection).get_table_names()) & set(metadata.tables))
    if taken:
        raise SettingsError(
            f"The database holds tables of another program: {', '.join(taken[:5])}.",
            hint="Give Podium a database of its own, or on PostgreSQL a schema by '?options=-csearch_path%3Dpodium'.",
            tables=taken,
        )


def _too_new(found: str) -> SchemaOutdatedError:
    return SchemaOutdatedError(
        f"The database has schema {found}, which is newer than this Podium knows ({HEAD}).",
        hint="Upgrade Podium: pip install --upgrade podium.",
        found=found,
        needed=HEAD,
    )
