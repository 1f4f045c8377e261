"""``podium test``: checks, suites, processes of their own, and reports."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

SUITE = """
def test_good(model_version): assert model_version.metrics["accuracy"] > 0.4
def test_bad(): assert 1 == 2, "no good"
"""


def test_built_in_checks_as_text(model, answer) -> None:
    """A check in quotes is one of the built-in ones, several at a time."""
    report = answer("test", f"{model}:v0", "--checks", 'metric_at_least("accuracy", 0.9)', 'max_size("1 MB")')
    assert [(item["name"], item["status"]) for item in report["results"]] == [
        ("metric_at_least.accuracy", "pass"),
        ("max_size", "pass"),
    ]


def test_a_suite_with_options_of_pytest(model, run) -> None:
    """What follows the two dashes is pytest's; the table shows a row per test, the exit code that one failed."""
    Path("test_it.py").write_text(SUITE)
    result = run("test", model, "--suite", "test_it.py", "--", "-q", "-k", "bad")
    assert result.exit_code == 1
    assert "test_it-test_bad" in result.stdout
    assert "test_it-test_good" not in result.stdout
    assert "failed 1 of 1 check" in result.stdout
    assert "1 failed" in result.stderr  # pytest's own words


def test_a_process_of_its_own_with_a_limit(model, run) -> None:
    """A check that hangs is ended, and said to have hung."""
    Path("hang_checks.py").write_text(
        "import podium, time\n@podium.check\ndef hangs(): print('here'); time.sleep(60)\n"
        "@podium.check\ndef fine(): return True\n"
    )
    result = run("test", model, "--checks", "hang_checks.py", "--timeout", "1")
    assert result.exit_code == 1
    assert "It took longer than 1 s" in " ".join(result.stdout.split())
    assert "failed 1 of 2 checks" in result.stdout
    assert "here" in result.stderr


def test_reports_are_written(model, checks, run) -> None:
    """JUnit into a file, Markdown to standard output instead of the table."""
    result = run("test", model, "--checks", checks, "--report", "junit=out.xml", "--report", "markdown=-")
    assert result.exit_code == 1
    assert result.stdout.startswith("### ❌ model-registry/Digits classifier:v1 failed 1 of 1 check")
    assert "a check may print" in result.stderr
    assert ET.parse("out.xml").getroot().get("failures") == "1"


def test_the_answer_as_json_has_room_for_a_report(model, checks, answer) -> None:
    """Standard output is JSON alone; the report goes into its file."""
    assert answer("test", f"{model}:v0", "--checks", checks, "--report", "markdown=out.md")["passed"]
    assert Path("out.md").read_text(encoding="utf-8").startswith("### ✅")


def test_data_for_the_checks(model, ok) -> None:
    """A path or a reference under a name."""
    Path("new.csv").write_text("a\n1\n")
    Path("data_checks.py").write_text(
        "import podium\n@podium.check\ndef c(model_version):\n"
        "    return set(model_version.data) == {'new', 'old'} and model_version.data['new'].is_file()\n"
    )
    ok("test", model, "--checks", "data_checks.py", "--data", "new=new.csv", "--data", "old=digits/mlp:v0")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "There is nothing to run"),
        (["--suite", "nowhere"], 3, "There is no suite nowhere"),
        (["--suite", "-x"], 3, "There is no suite -x"),
        (["--checks", "max_size()"], 2, "missing 1 required"),
        (["--checks", "nothing(1)"], 3, "There is no built-in check"),
        (["--checks", "CHECKS", "--timeout", "0"], 2, "is no time limit"),
        (["--checks", "CHECKS", "--data", "x"], 2, "is not NAME=PLACE"),
        (["--checks", "CHECKS", "--data", "x=1", "--data", "x=2"], 2, "given twice"),
        (["--checks", "CHECKS", "--data", "a b=CHECKS"], 2, "not a valid name of data"),
        (["--checks", "CHECKS", "--data", "x=nowhere"], 3, "neither such a path nor such a version"),
        (["--checks", "CHECKS", "--report", "pdf=x"], 2, "is not FORM=FILE"),
        (["--checks", "CHECKS", "--report", "junit=no/x.xml"], 2, "There is no folder"),
        (["--checks", "CHECKS", "--report", "junit=-", "--report", "markdown=-"], 2, "room for one report"),
        (["--checks", "CHECKS", "--report", "junit=-", "--json"], 2, "room for one report"),
    ],
)
def test_wrong_usage_records_nothing(model, checks, run, answer, arguments, code, words) -> None:
    """One line that says what to do, before anything runs."""
    result = run("test", model, *[argument.replace("CHECKS", str(checks)) for argument in arguments])
    assert (result.exit_code, words in result.stderr) == (code, True), result.stderr
    assert answer("show", model)["checks"] == []


LEAVES = """
import os
import podium

{at_load}
@podium.check
def leaves(): os._exit(0)

@podium.check
def fine(): return True
"""


def test_a_check_that_ends_the_process_is_an_error(model, process, answer) -> None:
    """With no option at all: exit code 1, and an error on record that says so; what comes after it runs."""
    Path("leaving_checks.py").write_text(LEAVES.format(at_load=""))
    done = process("test", f"{model}:v0", "--checks", "leaving_checks.py", "--json")
    found = {item["name"]: item for item in json.loads(done.stdout)["results"]}
    assert done.returncode == 1
    assert found["leaves"]["message"] == "The process ended with exit code 0 before the check did."
    assert (found["leaves"]["status"], found["fine"]["status"]) == ("error", "pass")


def test_checks_that_end_the_process_as_they_are_loaded(model, process) -> None:
    """Nothing ran, and nobody is told that it did."""
    Path("leaving_checks.py").write_text(LEAVES.format(at_load="os._exit(0)"))
    done = process("test", f"{model}:v0", "--checks", "leaving_checks.py")
    assert done.returncode == 2
    assert "The checks cannot be loaded. The process ended with exit code 0" in done.stderr


def test_a_debugger_has_the_checks_in_this_process(model, run) -> None:
    """--no-isolate runs them here, where a breakpoint works; it does not go with a time limit."""
    Path("own_checks.py").write_text(
        f"import os, podium\n@podium.check\ndef here(): return os.getpid() == {os.getpid()}\n"
    )
    assert run("test", f"{model}:v0", "--checks", "own_checks.py", "--no-isolate").exit_code == 0
    assert run("test", f"{model}:v0", "--checks", "own_checks.py").exit_code == 1
    assert run("test", f"{model}:v0", "--checks", "own_checks.py", "--no-isolate", "--timeout", "3").exit_code == 2
