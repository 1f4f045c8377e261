"""``--report``: test runs and promotions as HTML, Markdown and JUnit XML, also when they end badly."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

POLICY = "stages: [{name: production, metrics: ['accuracy >= production.accuracy - 0.005']}]"
SENTENCE = "its accuracy of 0.5 is too low. At least 0.895 is needed to replace v0, which has 0.9."


@pytest.fixture
def worse(files, tmp_path, ok) -> str:
    """A model whose v0 holds production with 0.9, while v1 has 0.5 and the policy asks for more."""
    for number, accuracy in enumerate(("0.9", "0.5")):
        (files / "model.bin").write_bytes(bytes([number]))
        ok("log", "digits/mlp", files, "--metric", f"accuracy={accuracy}")
        ok("link", f"digits/mlp:v{number}", "model-registry/digits")
    Path("policy.yaml").write_text(POLICY)
    ok("policy", "apply", "policy.yaml", "--to", "model-registry/digits", "--reason", "agreed")
    ok("promote", "model-registry/digits:v0", "--to", "production")
    return "model-registry/digits:v1"


def test_a_refused_promotion_has_its_reports(worse, run) -> None:
    """Exit code 1, and each report tells the sentence that a manager understands."""
    forms = ("--report", "html=out.html", "--report", "markdown=out.md", "--report", "junit=out.xml")
    result = run("promote", worse, "--to", "production", *forms)
    assert result.exit_code == 1
    assert all(SENTENCE in Path(f"out.{suffix}").read_text("utf-8") for suffix in ("html", "md", "xml"))
    assert ET.parse("out.xml").getroot().get("failures") == "2"


def test_the_name_of_a_file_says_what_it_holds(worse, ok) -> None:
    """``--report out.html`` is enough; a plan is a report as well, and nothing moves."""
    ok("promote", "model-registry/digits:v0", "--to", "production", "--report", "out.html")
    assert "holds production already" in Path("out.html").read_text("utf-8")


def test_a_plan_on_standard_output(worse, run) -> None:
    """The report alone, instead of the table."""
    result = run("promote", worse, "--to", "production", "--dry-run", "--report", "markdown=-")
    assert result.exit_code == 1
    assert result.stdout.startswith("### ❌ Only planned: refused: model-registry/digits:v1 → production\n")


def test_a_request_of_the_past(worse, run, answer, ok) -> None:
    """What was decided is reported later by its id."""
    assert run("promote", worse, "--to", "production").exit_code == 1
    (refused,) = answer("requests", "ls", "model-registry/digits", "--status", "refused")
    text = ok("requests", "show", refused["id"], "--report", "markdown=-")
    assert text.startswith("### ❌ Refused: model-registry/digits:v1 → production\n")


def test_a_test_as_html(worse, ok) -> None:
    """One file with the verdict and the comparison with the champion."""
    ok("test", worse, "--checks", 'max_size("1 MB")', "--report", "html=out.html")
    text = Path("out.html").read_text("utf-8")
    assert "digits v1 passed its only check." in text
    assert "Compared with <strong>model-registry/digits:v0</strong>" in text


def test_a_report_that_cannot_be_written_hides_no_refusal(worse, run) -> None:
    """The refusal is what is told, the report is a warning."""
    Path("folder.html").mkdir()
    result = run("promote", worse, "--to", "production", "--report", "folder.html")
    assert result.exit_code == 1
    assert "was refused for 'production'" in result.stderr
    assert "warning: The report folder.html cannot be written" in result.stderr


@pytest.mark.parametrize(
    ("reports", "words"),
    [
        (["pdf=x"], "is not FORM=FILE, with html, markdown or junit"),
        (["out.pdf"], "is not FORM=FILE"),
        (["html="], "is not FORM=FILE"),
        (["html=no/x.html"], "There is no folder for the report"),
        (["html=x", "junit=x"], "Two reports would be written into 'x'"),
        (["html=-", "markdown=-"], "room for one report"),
    ],
)
def test_wrong_usage_moves_nothing(worse, run, answer, reports, words) -> None:
    """One line that says what to do, before anything happens."""
    given = [word for report in reports for word in ("--report", report)]
    result = run("promote", worse, "--to", "production", "--force", "--reason", "x", *given)
    assert (result.exit_code, words in result.stderr) == (2, True), result.stderr
    assert len(answer("requests", "ls", "model-registry/digits", "--all")) == 1
