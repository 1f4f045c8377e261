"""The hook: an Airflow connection becomes a registry."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any
from urllib.parse import quote

from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook, Connection

from podium.errors import PodiumError, SettingsError
from podium.registry import Registry, open_registry

# What a connection test says. The texts of the errors name the database; a form is no place for that.
_TEST_MESSAGES = {
    "database_unavailable": "The database cannot be reached. Check host, port, user and password.",
    "schema_outdated": "The database does not have the schema of this Podium. Run 'podium db upgrade'.",
    "settings": "The connection cannot be used as it is. Check the database URL and the content folder.",
}


class PodiumHook(BaseHook):
    """Opens the registry that an Airflow connection names.

    The connection is of type ``podium``: host, port, user (login), password and database (schema) of a PostgreSQL, or
    the extra ``dsn`` with a whole SQLAlchemy URL (``sqlite:////srv/podium/podium.db``). The extras ``content`` and
    ``actor`` are optional. When there is no connection ``podium_default``, the environment (``PODIUM_URL``, ...) says
    where the registry is.

    Args:
        podium_conn_id: The connection. It is read at the first use of `registry`, never here.
    """

    conn_name_attr = "podium_conn_id"
    default_conn_name = "podium_default"
    conn_type = "podium"
    hook_name = "Podium"

    def __init__(self, podium_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.podium_conn_id = podium_conn_id

    @cached_property
    def registry(self) -> Registry:
        """The registry; its own connections belong to one process id, so that a fork opens new ones.

        Raises:
            AirflowNotFoundException: There is no such connection, and it is not the default one.
            SettingsError: The connection is incomplete or contradicts itself.
        """
        try:
            connection = self.get_connection(self.podium_conn_id)
        except AirflowNotFoundException:
            if self.podium_conn_id != self.default_conn_name:
                raise
            return open_registry()
        return _open(connection)

    async def open_async(self) -> Registry:
        """Open the registry in a trigger, where reading a connection as `registry` does may block for good.

        Raises:
            AirflowNotFoundException, SettingsError: As `registry`.
        """
        try:
            connection = await self.aget_connection(self.podium_conn_id)
        except AirflowNotFoundException:
            if self.podium_conn_id != self.default_conn_name:
                raise
            return open_registry()
        return _open(connection)

    def get_conn(self) -> Registry:
        """Return the registry, by the name that hooks give it."""
        return self.registry

    def test_connection(self) -> tuple[bool, str]:
        """Read from the registry, as the connection form's test button asks for."""
        try:
            count = len(self.registry.models())
        except PodiumError as error:
            return False, _TEST_MESSAGES.get(error.code, "The registry cannot be read.")
        finally:
            opened = self.__dict__.get("registry")
            if opened is not None:
                opened.close()
        return True, f"The registry answers; it has {count} registered models."


def _open(connection: Connection) -> Registry:
    extra: dict[str, Any] = connection.extra_dejson
    return open_registry(
        database_url(connection), content=extra.get("content") or None, actor=extra.get("actor") or None
    )


def database_url(connection: Connection) -> str:
    """Return the SQLAlchemy URL that a connection stands for.

    Raises:
        SettingsError: It has neither host nor ``dsn``, has both, or its host is a URL.
    """
    name, host = connection.conn_id, (connection.host or "").strip()
    dsn = str(connection.extra_dejson.get("dsn") or "").strip()
    if bool(dsn) == bool(host):
        raise SettingsError(
            f"The connection {name!r} has {'both a host and' if dsn else 'neither a host nor'} a database URL.",
            hint="Fill in host, user and database for PostgreSQL, or the extra 'dsn' with a SQLAlchemy URL.",
        )
    if dsn:
        return dsn
    if re.search(r"[@/?#\s]", host):
        # The host is not repeated here: Airflow shows a host to everybody, and this one may hold a password.
        raise SettingsError(
            f"The host of the connection {name!r} is not the name of a host.",
            hint="Put user and password into their own fields; a whole URL belongs into the extra 'dsn'.",
        )
    return f"postgresql+psycopg://{_user(connection)}{_host(host)}{_port(connection)}/{_quoted(connection.schema)}"


def _user(connection: Connection) -> str:
    if not connection.login:
        return ""
    password = f":{_quoted(connection.password)}" if connection.password else ""
    return f"{_quoted(connection.login)}{password}@"


def _host(host: str) -> str:
    return f"[{host.strip('[]')}]" if ":" in host else host


def _port(connection: Connection) -> str:
    return f":{connection.port}" if connection.port else ""


def _quoted(text: str | None) -> str:
    return quote(text or "", safe="")
