"""What Airflow lists of Podium is valid, and everything it names exists."""

from __future__ import annotations

import importlib
import json
from importlib.metadata import entry_points
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from podium.airflow.provider_info import get_provider_info


@pytest.fixture
def connection_type() -> dict[str, Any]:
    return get_provider_info()["connection-types"][0]


def test_it_follows_the_schema_of_airflow() -> None:
    """Airflow refuses to start with a provider that does not."""
    schema = json.loads(files("airflow").joinpath("provider_info.schema.json").read_text())
    jsonschema.validate(get_provider_info(), schema)


def test_every_name_in_it_imports() -> None:
    """Airflow would only log a wrong one."""
    info = get_provider_info()
    for kind in ("hooks", "operators"):
        for module in info[kind][0]["python-modules"]:
            importlib.import_module(module)
    module, _, name = info["connection-types"][0]["hook-class-name"].rpartition(".")
    assert getattr(importlib.import_module(module), name).conn_type == "podium"


def test_the_installed_entry_point_gives_it() -> None:
    """The metadata of the distribution names it, under the distribution's own name."""
    (entry,) = (item for item in entry_points(group="apache_airflow_provider") if item.value.startswith("podium."))
    assert entry.load()() == get_provider_info()
    assert get_provider_info()["package-name"] == entry.dist.name


def test_airflow_shows_the_connection_form(connection_type: dict[str, Any]) -> None:
    """The providers manager has the fields, their labels, and hides the database URL."""
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    widgets = {key: item for key, item in manager.connection_form_widgets.items() if key.startswith("extra__podium__")}
    assert {item.field_name for item in widgets.values()} == set(connection_type["conn-fields"])
    assert widgets["extra__podium__dsn"].is_sensitive
    assert manager.field_behaviours["podium"]["relabeling"]["schema"] == "Database"


def test_the_database_url_is_named_so_that_airflow_hides_it() -> None:
    """The REST API redacts extras by the name of the key, whatever the form says."""
    from airflow._shared.secrets_masker import should_hide_value_for_key

    assert should_hide_value_for_key("dsn")
