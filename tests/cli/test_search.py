"""``podium search``: what it prints, where it goes on, and what it says of mistakes."""

from __future__ import annotations

from contextlib import closing

import pytest

import podium


def test_the_table_shows_what_the_question_names(ok, model):
    """A metric that the expression names has a column of its own, and the best comes first if asked for."""
    lines = ok("search", "metric.accuracy > 0.4", "--kind", "model", "--sort", "-metric.accuracy").splitlines()
    assert lines[0].split()[:2] == ["Version", "accuracy"]
    assert "classifier:v0" in "".join(lines[1:3])
    assert lines[1].split().count("0.95") == 1
    assert any("0.5" in line.split() for line in lines[2:])


def test_the_table_fits_the_terminal(ok, model, monkeypatch):
    """No line is wider than the terminal."""
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, ok("search", "metadata.kind = 'large' and metric.accuracy < 1").splitlines())) <= 60


def test_models_artifacts_and_runs(ok, answer, model):
    """Each kind has its own table, and JSON."""
    assert model in ok("search", "--models", "alias = 'latest'").replace("\n", " ")
    assert [item["ref"] for item in answer("search", "--artifacts", "versions = 2")["items"]] == ["digits/mlp"]
    assert ok("search", "--runs").startswith("There is no run yet")


def test_json_has_the_place_to_go_on(answer, model):
    """`next` leads from page to page until it is null."""
    first = answer("search", "kind = 'model'", "--limit", "1")
    second = answer("search", "kind = 'model'", "--limit", "1", "--after", first["next"])
    assert [item["number"] for page in (first, second) for item in page["items"]] == [1, 0]
    assert second["next"] is None


def test_a_page_says_that_there_is_more(run, model):
    """A table that is cut says so on standard error, and --all cuts nothing."""
    cut = run("search", "--limit", "1")
    assert "and more" in cut.stderr
    whole = run("search", "--all")
    assert (len(whole.stdout.splitlines()) > 4, whole.stderr) == (True, "")


def test_a_mistake_is_shown_under_its_column(run, model):
    """The expression, a caret, and the nearest name, with the exit code of wrong usage."""
    result = run("search", "kind = 'model' and metrik.accuracy > 1")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "podium: There is no field 'metrik.accuracy'.",
        "  kind = 'model' and metrik.accuracy > 1",
        "                     ^",
        "Did you mean metric.accuracy?",
    ]


def test_a_mistake_in_the_order(run, model):
    """An order by what has several values, or by nothing known, is wrong usage."""
    assert "several values" in run("search", "--sort", "tag").stderr
    assert "Did you mean created" in run("search", "--sort", "-craeted").stderr


def test_nothing_found_proposes_names(ok, model):
    """Where nothing fits, a metric or tag that nothing has is told, with what is near."""
    lines = ok("search", "metric.acuracy > 0.5").splitlines()
    assert lines[0] == "No version fits."
    assert "Did you mean metric.accuracy?" in lines[1]


def test_an_empty_registry(ok):
    """Without any version there is nothing to propose."""
    assert ok("search") == "There is no version yet.\n"


@pytest.mark.parametrize("subject", [(), ("--models",), ("--runs",)])
def test_the_fields_are_listed(ok, answer, subject):
    """--fields lists what an expression can name, for each subject, also as JSON."""
    text = ok("search", "--fields", *subject)
    names = [field["name"] for field in answer("search", "--fields", *subject)]
    assert "created" in names
    assert all(name.split(".")[0] in text for name in names)


def test_options_that_exclude_each_other(run):
    """--kind chooses among versions only, and --all has no page to go on after."""
    assert run("search", "--runs", "--kind", "model").exit_code == 2
    assert run("search", "--all", "--after", "x").exit_code == 2
    assert run("search", "--limit", "0").exit_code == 2


def test_hostile_text_does_not_reach_the_terminal(run, model):
    """What moves the cursor or turns the writing is spelled out or replaced, in errors, too."""
    result = run("search", "nme = '\u202e\x1b[2J'")
    assert result.exit_code == 2
    assert "\x1b" not in result.stderr
    assert "\u202e" not in result.stderr


def test_fields_are_completed():
    """The word at the end of an expression is completed to a field, and an order with its minus."""
    import click

    from podium.cli.search import complete_expression, complete_order, search_command

    context = click.Context(search_command)
    parameter = search_command.params[0]
    assert [item.value for item in complete_expression(context, parameter, "tag = 'x' and metr")] == [
        "tag = 'x' and metric."
    ]
    assert "-created_by" in [item.value for item in complete_order(context, parameter, "-crea")]


def test_an_order_by_what_nothing_has_says_so(run, model):
    """Everything is shown, and on standard error what was meant; a metric that there is gets no such line."""
    assert "Did you mean metric.accuracy?" in run("search", "--sort", "-metric.acuracy").stderr
    assert run("search", "--sort", "-metric.accuracy").stderr == ""


def test_an_order_of_runs_by_what_none_has_says_so(run):
    """The metrics of runs are in their summaries: what those of the page have is proposed."""
    with closing(podium.open_registry()) as registry:
        registry.log_metrics(registry.start_run("digits").id, [], summary={"val/loss": 0.5})
    result = run("search", "--runs", "--sort", "metric.`val/los`")
    assert (result.exit_code, "Did you mean metric.`val/loss`?" in result.stderr) == (0, True)


@pytest.mark.parametrize(
    "line", ["--models --runs", "--runs --models", "--artifacts --models", "--all --limit 2", "--models --kind model"]
)
def test_options_of_which_one_would_not_count(run, line):
    """Two that exclude each other are wrong usage."""
    result = run("search", *line.split())
    assert (result.exit_code, "--help' shows how" in result.stderr) == (2, True)
