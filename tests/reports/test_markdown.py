"""A comparison as Markdown: tables that stay tables."""

from __future__ import annotations

import re

import pytest

from podium.domain.markup import escape_markdown
from podium.reports import comparison_markdown


def test_sections_and_words(five) -> None:
    """Each section is a table under its heading; changes, verdicts and the best are words."""
    text = comparison_markdown(five)
    titles = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert titles[:3] == ["Versions", "Metrics", "Configuration that differs"]
    assert titles[-1] == "Sample predictions"
    assert "| loss (lower is better, declared) | 0.125 (+0.025) +25% worse |" in text
    assert re.search(r"\*\*0\.0833333 \(-0\.01667\) -16\.7% better, best\*\*", text)
    assert "that is the same" not in text
    assert "## Configuration that is the same" in comparison_markdown(five, every=True)


@pytest.mark.parametrize("which", ["five", "nasty"])
def test_every_row_has_as_many_cells_as_its_head(which, request) -> None:
    """No name opens another cell or line."""
    text = comparison_markdown(request.getfixturevalue(which), every=True)
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_hostile_names_are_text(nasty) -> None:
    """Every mark that Markdown or HTML would read is escaped."""
    for line in comparison_markdown(nasty, every=True).splitlines():
        assert not re.search(r"(?<!\\)[<>`]", line)
        assert not re.search(r"(?<!\\)\]\(", line)
        assert "\u202e" not in line
        assert "http://" not in line


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("log_loss", "log_loss"), ("_x_", r"\_x\_"), ("a|b", r"a\|b"), ("http://x", r"http\://x"), ("a\nb", r"a\\nb")],
)
def test_escapes_are_few(text, escaped) -> None:
    """Names that mean nothing to Markdown stay as they are."""
    assert escape_markdown(text) == escaped


def test_one_version(lite, model_file) -> None:
    """One version has nothing to change against, and is a document all the same."""
    lite.log("p/a", model_file("x"), metrics={"acc": 0.5})
    assert "# Comparison of 1 version\n" in comparison_markdown(lite.compare(["p/a"]))
