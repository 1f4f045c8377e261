"""Secrets of Airflow connections: ``airflow:CONN_ID`` is the password, ``airflow:CONN_ID/FIELD`` another field."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from podium.errors import SettingsError

_PLAIN = ("host", "login", "schema", "port")


def resolve(name: str) -> str:
    """Return what a connection holds: its password, a plain field, or a field of its extra.

    Raises:
        SettingsError: This process has no Airflow, or there is no such connection or field.
    """
    if find_spec("airflow") is None:
        raise SettingsError(
            "This process has no Airflow, whose connections it could read.",
            hint="Deliver where Airflow is installed, or use env: or file:.",
        )
    conn_id, _, field = name.partition("/")
    found = _field(_connection(conn_id), field)
    if not found:
        raise SettingsError(
            f"The connection {conn_id!r} has no {field or 'password'}.",
            hint="Fill it in, or name a field: airflow:CONN_ID/token",
        )
    return found


def _connection(conn_id: str) -> Any:
    from airflow.providers.common.compat.sdk import BaseHook

    return BaseHook.get_connection(conn_id)


def _field(connection: Any, field: str) -> str:
    if not field:
        return str(connection.password or "")
    extra = connection.extra_dejson
    value = extra.get(field) if field in extra else getattr(connection, field, None) if field in _PLAIN else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
