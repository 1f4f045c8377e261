"""``podium init``, ``podium doctor``, ``podium db downgrade``: setting up, looking, going back."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

import podium


def test_init_says_what_it_made_and_what_to_do_next(ok, tmp_path):
    """Folder, schema and content, each with its place; the second time all is there."""
    lines = ok("init").splitlines()
    assert [line.split()[0] for line in lines] == ["made", "made", "made", "Next:"]
    assert str(tmp_path / "home" / "podium.db") in lines[1]
    again = ok("init").splitlines()
    assert [line.split()[0] for line in again[:3]] == ["there"] * 3
    assert again[3] == "Nothing was missing; podium doctor looks deeper"


def test_init_elsewhere(ok, answer, tmp_path):
    """``--url`` and ``--content`` are made, recorded, and the variable to set is said."""
    url = f"sqlite:///{tmp_path / 'place' / 'x.db'}"
    (tmp_path / "place").mkdir()
    given = ("--url", url, "--content", tmp_path / "store")
    assert f"Next: export PODIUM_URL={url}" in ok("init", *given)
    assert answer("init", "--url", url)["content"] == str(tmp_path / "store")
    assert (tmp_path / "store" / "incoming").is_dir()


@pytest.mark.postgres
def test_init_of_a_server(ok, answer, new_pg_url, tmp_path):
    """A server with Podium's schema is left as it is, and its content location is recorded."""
    url = new_pg_url()
    made = answer("init", "--url", url, "--content", tmp_path / "store")
    assert "schema" not in made["made"]
    assert made["content"] == str(tmp_path / "store")
    assert answer("doctor", "--url", url)["ok"] is True


@pytest.mark.postgres
def test_init_of_a_server_wants_a_place_for_content(run, new_pg_url):
    """A folder of one machine is never recorded for all by silence."""
    result = run("init", "--url", new_pg_url())
    assert result.exit_code == 2
    assert "PODIUM_CONTENT" in result.stderr


@pytest.mark.postgres
def test_init_of_an_outdated_server(run, new_pg_url):
    """An older schema is not touched: an upgrade is somebody's decision."""
    url = new_pg_url()
    with closing(podium.open_registry(url)) as registry:
        registry.downgrade("0001")
    result = run("init", "--url", url)
    assert result.exit_code == 5
    assert "podium db upgrade" in result.stderr


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (("--url", "nonsense"), 2),
        (("--url", "mysql://u:geheim@host/x"), 2),
        (("--url", "sqlite:////no/such/folder/x.db"), 2),
        (("--url", "postgresql://u:geheim@127.0.0.1:1/x"), 5),
        (("--content", "ftp://host/x"), 2),
        (("--content", "s3://"), 2),
        (("--content", "{files}/model.bin"), 5),
    ],
    ids=lambda given: given[1] if isinstance(given, tuple) else "",
)
def test_init_with_wrong_inputs(given, code, run, files):
    """Each is one line, and no line shows a password."""
    result = run("init", *(word.format(files=files) for word in given))
    assert (result.exit_code, len(result.stderr.splitlines())) == (code, 1)
    assert "geheim" not in result.stderr


def test_init_with_another_content_than_recorded(run, ok, tmp_path):
    """What the database records wins, and it is said."""
    ok("init")
    result = run("init", "--content", tmp_path / "elsewhere")
    assert result.exit_code == 2
    assert "PODIUM_CONTENT" in result.stderr


def test_doctor_of_a_sound_registry(ok, answer, model):
    """All is well, in words and as JSON; twice is the same."""
    assert ok("doctor").splitlines()[-1] == "All is well"
    assert ok("doctor", "--deep").splitlines()[-1] == "All is well"
    report = answer("doctor")
    assert report["ok"] is True
    assert {item["level"] for item in report["findings"]} == {"ok"}


def test_doctor_before_there_is_anything(run, tmp_path):
    """It says what to do first, with exit code 0, and makes no database."""
    result = run("doctor")
    assert result.exit_code == 0
    assert "podium init" in result.stdout
    assert not list((tmp_path / "home").iterdir())


def test_doctor_explains_damage(run, model, tmp_path):
    """A missing content is an error with what to do, exit code 1, and JSON says the same."""
    blob = next(path for path in (tmp_path / "home" / "content" / "blobs").rglob("*") if path.is_file())
    blob.unlink()
    result = run("doctor")
    assert result.exit_code == 1
    text = " ".join(result.stdout.split())
    assert "error Damaged or missing: 1 of" in text
    assert "Restore it from a backup" in text
    assert result.stdout.splitlines()[-1] == "1 error, 0 warnings"
    as_json = run("doctor", "--json")
    assert (as_json.exit_code, json.loads(as_json.stdout)["ok"]) == (1, False)


def test_doctor_without_its_database(run, tmp_path, monkeypatch):
    """What can be looked at is told, and what cannot is named."""
    monkeypatch.setenv("COLUMNS", "300")
    (tmp_path / "content").mkdir()
    url = "postgresql://u:geheim@127.0.0.1:1/x"
    result = run("doctor", "--url", url, "--content", tmp_path / "content")
    assert result.exit_code == 1
    assert "Not looked at, because of the above: engine, clock" in result.stdout
    assert f"{tmp_path / 'content'} can be written." in result.stdout
    assert "geheim" not in result.stdout


@pytest.mark.tampers
def test_a_hostile_name_in_a_finding(run, ok, files):
    """What a finding quotes moves no cursor."""
    ok("log", "p/a", files)
    with closing(podium.open_registry()) as registry, registry._database.write() as connection:
        connection.exec_driver_sql("UPDATE manifest_entries SET uri = 'file:///no/\x1b[31mred', integrity = 'sha256'")
    result = run("doctor", "--deep")
    assert "\\x1b[31mred" in result.stdout
    assert [char for char in result.stdout if not char.isprintable() and char != "\n"] == []


def test_a_downgrade_and_back(ok, run, model):
    """The schema goes back with --yes, commands say what is needed, and an upgrade brings it forward."""
    assert "taken back from 0006 to 0001" in ok("db", "downgrade", "0001", "--yes")
    assert ok("db", "downgrade", "0001", "--yes").endswith("is that already; nothing changed\n")
    assert run("ls").exit_code == 5
    ok("db", "upgrade")
    assert model in ok("ls")


def test_a_downgrade_that_nobody_confirms(run, ok, model):
    """Where nobody can answer, it says what would be lost and changes nothing."""
    result = run("db", "downgrade", "0001")
    assert result.exit_code == 2
    assert "Undoing 0002:" in result.stderr
    assert "say --yes" in result.stderr
    assert model in ok("ls")


def test_a_downgrade_says_its_losses_with_yes_too(run, model):
    """--yes leaves out the question, not what is lost; JSON carries it."""
    result = run("db", "downgrade", "0003", "--yes", "--json")
    assert "Undoing 0006:" in result.stderr
    assert "Undoing 0004:" in result.stderr
    assert list(json.loads(result.stdout)["lost"]) == ["0006", "0005", "0004"]
