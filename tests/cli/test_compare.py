"""``podium compare``: versions side by side in the terminal, in Markdown and in one HTML file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import podium

V0, V1 = "digits/mlp:v0", "digits/mlp:v1"


@pytest.fixture
def many(files):
    """Twelve versions with configuration, metrics and sample predictions; return their references."""
    registry = podium.open_registry()
    refs = []
    for number in range(12):
        with podium.init("many", registry=registry, config={"lr": number / 10}) as run:
            run.log({"accuracy": number / 20})
            table = podium.Table(columns=["id", "guess"], data=[[at, (at + number) % 3] for at in range(15)])
            run.log({"accuracy": number / 10, "predictions": table})
            (files / "model.bin").write_text(str(number))
            made = podium.Artifact("a", type="model")
            made.add_dir(str(files))
            refs.append(run.log_artifact(made).ref)
    registry.close()
    return refs


def test_better_worse_and_best_are_words(ok, model):
    """The change is called worse, the best value best, and the row says which way and that its name tells it."""
    text = " ".join(ok("compare", V0, V1).split())
    assert "accuracy (higher)" in text
    assert "0.95, best" in text
    assert "0.5 (-0.45) -47.4% worse" in text


def test_files_that_differ(ok, model):
    """Paths with other content are named, equal ones not."""
    text = ok("compare", V0, V1)
    assert "1 changed" in text
    assert "model.bin" in text
    assert "params.json" not in text


@pytest.mark.parametrize("columns", ["80", "60"])
def test_many_versions_become_lines(ok, many, monkeypatch, columns):
    """Where versions do not fit beside each other they stand below each other, and no line is too long."""
    monkeypatch.setenv("COLUMNS", columns)
    lines = ok("compare", *many).splitlines()
    assert max(map(len, lines)) <= int(columns)
    assert {"Metrics", "Configuration that differs", "Files"} <= set(lines)
    assert len([line for line in lines if line.startswith("v11 ") and "best" in line]) == 1
    assert any(line.startswith("v0 (baseline)") for line in lines)


def test_sample_predictions(ok, many):
    """The first rows of the table stand side by side, joined by their id."""
    text = ok("compare", *many[:2])
    assert "guess v0  guess v1" in text
    assert text.index("Sample predictions") < text.index("guess v0")


def test_predictions_that_are_lost_do_not_hide_the_rest(run, many, tmp_path):
    """Damaged content costs the samples and a warning; asked for by name it is an error."""
    for path in (tmp_path / "home" / "content").rglob("*"):
        if path.is_file() and path.stat().st_size > 40 and b"guess" in path.read_bytes():
            path.unlink()
    result = run("compare", *many[:2])
    assert (result.exit_code, "accuracy" in result.stdout, "Sample" in result.stdout) == (0, True, False)
    assert "Sample predictions are left out" in result.stderr
    assert run("compare", *many[:2], "--predictions", "predictions").exit_code == 5


def test_all_shows_what_is_the_same(ok, many):
    """``--all`` adds settings that all share."""
    refs = [many[0], many[0]]
    assert "lr" not in ok("compare", *refs)
    assert "Configuration that is the same" in ok("compare", *refs, "--all")


def test_json_has_everything(answer, many):
    """The answer for scripts has directions, verdicts, configuration, histories and predictions."""
    found = answer("compare", *many[:3], "--baseline", many[1])
    (row,) = found["metrics"]
    assert (row["better"], row["direction_from"], row["best"]) == ("higher", "name", [2])
    assert row["verdicts"] == ["worse", "same", "better"]
    assert found["config"] == {"lr": [0.0, 0.1, 0.2]}
    assert found["histories"][0]["series"][2]["points"] == [[0, 0.1], [1, 0.2]]
    assert found["predictions"]["key"] == "id"


def test_html_into_a_file(ok, many):
    """``--output FILE.html`` writes the page, charts included, and says so."""
    assert ok("compare", *many[:5], "--output", "report.html") == "report.html has the comparison of 5 versions\n"
    text = Path("report.html").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert 'aria-label="accuracy over steps"' in text


def test_markdown_on_standard_output(ok, model):
    """``--format markdown`` prints the document, ready for a pipe."""
    text = ok("compare", V0, V1, "--format", "markdown")
    assert text.startswith("# Comparison of 2 versions\n")
    assert "| accuracy (higher is better) | **0.95, best** | 0.5 (-0.45) -47.4% worse |" in text


def test_markdown_into_a_file(ok, model):
    """The name of the file says what it shall hold."""
    ok("compare", V0, V1, "--output", "report.md")
    assert Path("report.md").read_text(encoding="utf-8") == ok("compare", V0, V1, "--format", "markdown")


def test_json_beside_a_file(ok, model):
    """``--json`` answers, and the file is written all the same."""
    found = json.loads(ok("compare", V0, V1, "--output", "report.html", "--json"))
    assert len(found["versions"]) == 2
    assert Path("report.html").stat().st_size > 5000


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (("--output", "report.txt"), 2, "FILE.html or FILE.md"),
        (("--output", "report"), 2, "--format html"),
        (("--format", "table", "--output", "x.html"), 2, "not clear"),
        (("--format", "pdf"), 2, "pdf"),
        (("--output", "no/such/folder/report.html"), 5, "cannot be written"),
        (("--predictions", "nothing"), 2, "logged no podium.Table"),
        (("--baseline", "digits/mlp:v9"), 3, "v9"),
    ],
    ids=str,
)
def test_wrong_input(run, model, more, code, words):
    """Each mistake is one line that says what to do, and leaves no file."""
    result = run("compare", V0, V1, *more)
    assert result.exit_code == code
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) <= 3
    assert [path.name for path in Path().iterdir()] == []


@pytest.mark.parametrize("more", [["--format", "html"], ["--format", "table"], ["--format", "html", "--output", "-"]])
def test_json_is_the_only_form_of_standard_output(run, model, more):
    """--json with a form for standard output is wrong usage: one of them would not count."""
    result = run("compare", V0, V1, "--json", *more)
    assert (result.exit_code, json.loads(result.stderr)["error"]["code"]) == (2, "usage")
