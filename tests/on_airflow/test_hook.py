"""A connection becomes a registry, and its secrets stay where they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

import podium
from podium.airflow import PodiumHook


def connect(monkeypatch: pytest.MonkeyPatch, conn_id: str = "podium_default", **fields: Any) -> None:
    """Put a connection where Airflow looks first."""
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({"conn_type": "podium", **fields}))


def url_of(**fields: Any) -> Any:
    """Return the parsed database URL of a connection."""
    from airflow.sdk import Connection

    from podium.airflow.hook import database_url

    extra = json.dumps(fields.pop("extra", {}))
    return make_url(database_url(Connection(conn_id="c", conn_type="podium", extra=extra, **fields)))
