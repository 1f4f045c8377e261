"""podium audit: lists, exports, verification, heads, holders."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
from contextlib import closing

import pytest

from podium.cli.audit import moment
from podium.cli.audit_export import COLUMNS, cell
from podium.domain.audit import KINDS
from tests.cli.conftest import MODEL

EVIL = '=HYPERLINK("http://x")\x1b[31m\u202e\nand more'


@pytest.fixture
def promoted(ok, model) -> str:
    """The model, whose v0 holds production for a reason that a spreadsheet would run."""
    ok("promote", f"{model}:v0", "--to", "production", "--reason", EVIL)
    return model


def tamper(tmp_path, statement: str) -> None:
    with closing(sqlite3.connect(tmp_path / "home" / "podium.db")) as connection:
        connection.execute(statement)
        connection.commit()


def test_ls_is_a_table_that_moves_no_cursor(ok, promoted):
    """Who, when in UTC, what; control characters and marks of direction are spelled out."""
    text = ok("audit", "ls", "type = 'model_version.promoted'")
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", text)
    assert "model_version.promoted" in text
    assert [char for char in text if not char.isprintable() and char != "\n"] == []


def test_ls_as_json_leads_to_the_next_page(answer, promoted):
    """The pages of --json go through all events, each once."""
    first = answer("audit", "ls", "--limit", "4")
    second = answer("audit", "ls", "--limit", "100", "--after", first["next"])
    ids = [event["id"] for event in first["items"] + second["items"]]
    assert len(ids) == len(set(ids)) == 8
    assert second["next"] is None


def test_json_lines_are_exact(ok, answer, promoted):
    """One event per line, with every character of the reason, in ASCII only."""
    text = ok("audit", "ls", "--all", "--oldest-first", "--format", "jsonl")
    events = [json.loads(line) for line in text.splitlines()]
    assert text.isascii()
    assert [event["id"] for event in events] == [event["id"] for event in answer("audit", "ls")["items"]][::-1]
    assert events[-1]["reason"] == EVIL


def test_csv_runs_nothing(ok, promoted):
    """Read back, it has a column for each part, and the formula is a text."""
    rows = list(csv.DictReader(io.StringIO(ok("audit", "ls", "--all", "--format", "csv"))))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 8
    assert rows[0]["reason"] == '\'=HYPERLINK("http://x")\\x1b[31m\\u202e\nand more'
    assert json.loads(rows[0]["after"])["stage"] == "production"


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\tx", "\rx", " =1", "\uff1d1", "\n=1"])
def test_cells_that_a_spreadsheet_would_run(text):
    """Each begins with a quote."""
    assert cell(text).startswith("'")


def test_verify_heads_and_digest(ok, run, promoted, tmp_path):
    """A whole history is code 0, also against heads that were kept, and the line that was written down."""
    heads = tmp_path / "heads.json"
    heads.write_text(ok("audit", "head", "--json"))
    digest = json.loads(heads.read_text())["digest"]
    assert "History is whole" in ok("audit", "verify", "--heads", heads, "--digest", digest)
    assert run("audit", "verify", "--heads", heads, "--digest", "sha256:0").exit_code == 2
    heads.write_text(heads.read_text().replace("digits/mlp", "digits/mlq"))
    assert run("audit", "verify", "--heads", heads).exit_code == 2


@pytest.mark.tampers
def test_verify_tells_what_was_done(run, promoted, tmp_path):
    """An edited reason is code 1, in a table and as JSON."""
    tamper(tmp_path, "update events set reason = 'fine' where type = 'model_version.promoted'")
    shown, plain = run("audit", "verify"), run("audit", "verify", "--json")
    assert (shown.exit_code, plain.exit_code) == (1, 1)
    assert "event_edited" in shown.stdout
    report = json.loads(plain.stdout)
    assert (report["ok"], report["findings"][0]["subject"]) == (False, f"event 4 (model_version.promoted, {MODEL}:v0)")


@pytest.mark.tampers
def test_a_hostile_row_moves_no_cursor(run, promoted, tmp_path):
    """What somebody put into the database is spelled out in the findings."""
    tamper(tmp_path, "update collections set description = char(27) || '[31m' || char(8238)")
    for output in (run("audit", "verify").stdout, run("audit", "verify", "--json").stdout):
        assert [char for char in output if not char.isprintable() and char != "\n"] == []


def test_holder(ok, answer, promoted):
    """Who holds it now, who ever did, and nobody before."""
    assert f"production of {MODEL} was v0" in ok("audit", "holder", MODEL)
    assert answer("audit", "holder", MODEL, "--at", "2020-01-01")["holding"] is None
    assert [item["ref"] for item in answer("audit", "holder", MODEL, "production", "--all")] == [f"{MODEL}:v0"]
    assert "UTC nothing had held staging" in ok("audit", "holder", MODEL, "staging")


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["ls", "type ="], 2),
        (["ls", "typ = 'x'"], 2),
        (["ls", "--since", "yesterday"], 2),
        (["ls", "--all"], 2),
        (["ls", "--all", "--format", "csv", "--limit", "3"], 2),
        (["ls", "--format", "csv", "--json"], 2),
        (["ls", "--after", "x"], 2),
        (["verify", "--heads", "none.json"], 3),
        (["verify", "--digest", "sha256:0"], 2),
        (["holder", MODEL, "prodction"], 3),
        (["holder", MODEL, "latest"], 2),
        (["holder", "model-registry/None"], 3),
        (["holder", MODEL, "--all", "--at", "2026-01-01"], 2),
    ],
)
def test_wrong_input(run, model, args, code):
    """Each is one line that says what to do, and its exit code."""
    result = run("audit", *args)
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith('{"error": ' if "--json" in args else "podium: ")


def test_times_without_a_zone_are_utc():
    """A date is its first moment in UTC; a zone is kept."""
    assert moment("2026-11-01").isoformat() == "2026-11-01T00:00:00+00:00"
    assert moment("2026-11-01T12:00+02:00") == moment("2026-11-01 10:00")


def test_fields(ok):
    """The names that an expression may use are listed, families too."""
    text = ok("audit", "ls", "--fields")
    assert all(name in text for name in ("type", "subject", "origin.NAME", "before.NAME", "after.NAME"))


def test_the_guide_explains_each_finding():
    """docs/audit.md has a row for each kind, in the words of the code."""
    from pathlib import Path

    text = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")
    assert [kind for kind, words in KINDS.items() if f"| `{kind}` | {words} |" not in text] == []
