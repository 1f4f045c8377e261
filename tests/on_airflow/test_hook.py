"""A connection becomes a registry, and its secrets stay where they are."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import make_url

import podium
import podium.airflow as face


def connect(monkeypatch: pytest.MonkeyPatch, conn_id: str = "podium_default", **fields: Any) -> None:
    """Put a connection where Airflow looks first."""
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({"conn_type": "podium", **fields}))


def url_of(**fields: Any) -> Any:
    """Return the parsed database URL of a connection."""
    from airflow.sdk import Connection

    from podium.airflow.hook import database_url

    extra = json.dumps(fields.pop("extra", {}))
    return make_url(database_url(Connection(conn_id="c", conn_type="podium", extra=extra, **fields)))


def test_the_fields_become_a_postgresql_url() -> None:
    """Whatever stands in a password or a name arrives as it is."""
    odd = "p@ss/w:rd?#%40 ü"
    url = url_of(host="db.example.com", port=5433, login="us/er@x", password=odd, schema="a b")
    assert (url.drivername, url.host, url.port) == ("postgresql+psycopg", "db.example.com", 5433)
    assert (url.username, url.password, url.database) == ("us/er@x", odd, "a b")


def test_a_host_may_be_an_ipv6_address() -> None:
    """Its colons are no port."""
    url = url_of(host="::1", schema="podium")
    assert (url.host, url.port, url.username) == ("::1", None, None)


def test_the_extra_dsn_is_taken_as_it_is() -> None:
    """This is how a connection names an SQLite file."""
    assert str(url_of(extra={"dsn": "sqlite:////srv/podium.db"})) == "sqlite:////srv/podium.db"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "neither a host nor a database URL"),
        ({"host": "db", "extra": {"dsn": "sqlite:////x.db"}}, "both a host and a database URL"),
        ({"host": "ann:hush@db"}, "not the name of a host"),
        ({"host": "postgresql://ann:hush@db"}, "not the name of a host"),
    ],
)
def test_a_connection_that_makes_no_sense_is_refused(fields: dict[str, Any], said: str) -> None:
    """The error says what to fill in, and never repeats a host that may hold a password."""
    with pytest.raises(podium.SettingsError, match=said) as caught:
        url_of(**fields)
    assert "hush" not in str(caught.value)


def test_without_the_default_connection_the_environment_says(registry: podium.Registry) -> None:
    """A laptop needs no connection."""
    assert face.PodiumHook().registry.url == registry.url


def test_any_other_connection_must_exist() -> None:
    """A typo must not end in the registry of the environment."""
    from airflow.sdk.exceptions import AirflowNotFoundException

    with pytest.raises(AirflowNotFoundException, match="podium_typo"):
        _ = face.PodiumHook("podium_typo").registry


def test_the_connection_goes_before_the_environment(
    registry: podium.Registry, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Database, content folder and actor are those of the connection."""
    extra = {"dsn": f"sqlite:///{tmp_path}/other.db", "content": str(tmp_path / "bytes"), "actor": "trainer"}
    connect(monkeypatch, extra=extra)
    opened = face.PodiumHook().registry
    assert (opened.url, opened.settings.actor) == (f"sqlite:///{tmp_path}/other.db", "trainer")
    assert opened.content == str(tmp_path / "bytes") != registry.content
    opened.close()


def test_the_registry_is_opened_once_and_not_before_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making a hook reads no connection: operators and DAG files may."""
    hook = face.PodiumHook("podium_later")
    connect(monkeypatch, "podium_later", extra={"dsn": "sqlite:////tmp/never-touched.db"})
    assert hook.get_conn() is hook.registry
    assert not os.path.exists("/tmp/never-touched.db")


@pytest.mark.usefixtures("registry")
def test_airflow_finds_the_hook_by_the_type_of_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """`BaseHook.get_hook` and the test button come this way."""
    from airflow.sdk import BaseHook

    connect(monkeypatch, extra={"dsn": os.environ["PODIUM_URL"]})
    hook = BaseHook.get_hook("podium_default")
    assert isinstance(hook, face.PodiumHook)
    assert hook.test_connection() == (True, "The registry answers; it has 0 registered models.")


def test_a_connection_test_that_fails_says_so_without_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is shown to whoever presses the button."""
    connect(monkeypatch, host="127.0.0.1", port=1, login="ann", password="hush", schema="podium")
    good, said = face.PodiumHook().test_connection()
    assert (good, said) == (False, "The database cannot be reached. Check host, port, user and password.")


def test_a_password_is_in_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the registry nor the error of a database that is away shows it."""
    connect(monkeypatch, host="127.0.0.1", port=1, login="ann", password="hush", schema="podium")
    hook = face.PodiumHook()
    with pytest.raises(podium.DatabaseUnavailableError) as caught:
        hook.registry.models()
    assert "hush" not in f"{hook!r} {hook.registry!r} {caught.value} {caught.value.to_json()}"


@pytest.mark.postgres
def test_it_reaches_a_postgresql(new_pg_url: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With the whole URL, since the test's server listens on a socket only."""
    connect(monkeypatch, extra={"dsn": new_pg_url()})
    assert face.PodiumHook().test_connection()[0]


def test_a_forked_process_opens_its_own_connections(registry: podium.Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow forks a worker for each task from a process that may have used the hook."""
    registry.start_run("forks")
    hook = face.PodiumHook()
    assert len(hook.registry.runs("forks")) == 1
    pid = os.fork()
    if pid == 0:
        try:
            hook.registry.start_run("forks")
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0
    assert len(hook.registry.runs("forks")) == 2
    hook.registry.close()


def test_a_trigger_opens_the_same_registry(registry: podium.Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """By connection, or by environment where the default one is missing; any other one that is missing is an error."""
    import asyncio

    from airflow.providers.common.compat.sdk import AirflowNotFoundException

    from podium.airflow import PodiumHook

    there = {"conn_type": "podium", "extra": {"dsn": registry.url, "actor": "mia"}}
    monkeypatch.setenv("AIRFLOW_CONN_PODIUM_THERE", json.dumps(there))
    for name in ("podium_there", "podium_default"):
        opened = asyncio.run(PodiumHook(name).open_async())
        assert opened.url == registry.url
        opened.close()
    with pytest.raises(AirflowNotFoundException):
        asyncio.run(PodiumHook("podium_gone").open_async())
