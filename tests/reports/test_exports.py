"""Reports of tests and promotions as Markdown for GitHub and as JUnit XML for CI."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from podium.domain.checks import CheckResult, TestReport
from podium.domain.markup import escape_markdown
from podium.reports import PromotionFacts, TestFacts, checks_junit, checks_markdown, promotion_junit, promotion_markdown
from tests.checks.test_reports import require_valid
from tests.reports.page import Page
from tests.reports.stories import (
    FROM,
    NASTY,
    NASTY_ATTEMPT,
    NASTY_REPORT,
    NO_CHECK,
    PEOPLE,
    REPORT,
    WORSE,
    attempt,
    said,
)

GITHUB = MarkdownIt("gfm-like")  # tables, strike-through, links made of addresses


def test_a_promotion_as_markdown() -> None:
    """Title, sentence, a row per gate, people, and the small print with digest, asker and policy."""
    made = attempt("committed", WORSE, FROM, forced=True, approvals=(said("bob"),))
    lines = promotion_markdown(made).splitlines()
    assert lines[0] == "### ⚠️ Promoted by force: model-registry/Digits classifier:v1 → production"
    assert "| ✅ | passed | Stage before: staging | model-registry/Digits classifier:v1 is in 'staging'. |" in lines
    assert "| bob | approved | fine | 2026-05-04 12:30 UTC |" in lines
    assert lines[-1].startswith("<sub>Digest sha256:abab")
    assert "revision 3 for model-registry/\\*" in lines[-1]


def test_the_sentence_about_a_worse_model_stands_in_all_forms() -> None:
    """The same words in Markdown and in JUnit, beside the exact rule."""
    made = attempt("refused", FROM, WORSE)
    sentence = "its accuracy of 0.96 is too low. At least 0.965 is needed to replace v0, which has 0.97."
    assert f"Digits classifier v1 was refused for production: {sentence}" in promotion_markdown(made)
    failures = [found.get("message") for found in ET.fromstring(promotion_junit(made)).iter("failure")]
    assert failures == [f"Digits classifier v1 was refused for production: {sentence}", WORSE.reason]


def test_metrics_stand_beside_those_of_the_champion(five) -> None:
    """Better and worse as words, the baseline named."""
    for text in (
        checks_markdown(REPORT, TestFacts(comparison=five)),
        promotion_markdown(attempt("refused", WORSE), PromotionFacts(comparison=five)),
    ):
        assert "|  | v0 | v1 | v2 (baseline) | v3 | v4 |" in text
        assert re.search(r"\| loss \(lower is better, declared\) \|.* worse \|", text)


@pytest.mark.parametrize("message", ["m" * 5000, "@" * 5000])
def test_a_comment_on_github_has_room_for_it(message) -> None:
    """However many checks there are and however much they say, those that failed stand there, the rest is counted."""
    results = tuple(CheckResult(f"c{number}", "pass" if number else "fail", message) for number in range(3000))
    text = checks_markdown(TestReport(REPORT.ref, REPORT.digest, None, results, tuple(f"t{at}" for at in range(500))))
    assert len(text) < 65_536
    assert re.search(r"\| ❌ \| c0 \| fail \|(?s:.*)And 29\d\d more, none of which failed\.", text)
    assert "and 450 more." in text


@pytest.mark.parametrize("text", [promotion_markdown(NASTY_ATTEMPT), checks_markdown(NASTY_REPORT)])
def test_hostile_text_stays_text_in_markdown(text) -> None:
    """Rendered as GitHub does, there is no element but those of the report, and each row has all its cells."""
    page = Page(GITHUB.render(text).replace("<br>", ""))
    assert {tag for tag, _ in page.elements} <= {"h3", "p", "table", "thead", "tbody", "tr", "th", "td", "sub"}
    assert "<script>alert(1)</script>" in page.text
    assert "\u202e" not in page.text
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


@pytest.mark.parametrize(
    "text",
    [
        NASTY,
        "@ann",
        "@org/team",
        "a@b.example",
        "#1",
        "GH-7",
        "https://x.example/@ann",
        "www.x.example",
        "```",
        "__a__",
    ],
)
def test_an_escaped_text_reads_as_it_was(text) -> None:
    """Rendered, it is the text again, but for spaces of no width that part what GitHub looks up: nobody is told."""
    shown = Page(GITHUB.render(f"x {escape_markdown(text)}")).text
    spelled = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    assert shown.replace("\u200b", "") == f"x {' '.join(spelled.split())}"
    assert not re.search(r"@\w|#\d|GH-\d", shown)


@pytest.mark.parametrize(
    ("made", "counts"),
    [
        (attempt("committed", FROM), {"tests": "2", "failures": "0"}),
        (attempt("committed", WORSE, PEOPLE, forced=True), {"tests": "3", "failures": "0"}),
        (attempt("refused", WORSE, NO_CHECK, FROM), {"tests": "4", "failures": "3"}),
        (attempt("pending", PEOPLE, FROM), {"tests": "3", "failures": "0"}),
        (attempt("rejected", PEOPLE), {"tests": "2", "failures": "1"}),
        (NASTY_ATTEMPT, {"tests": "3", "failures": "2"}),
    ],
    ids=lambda value: getattr(value, "status", ""),
)
def test_a_promotion_as_junit(made, counts) -> None:
    """Valid by the common schema; the decision and each gate are cases, what waits is skipped."""
    root = ET.fromstring(promotion_junit(made))
    require_valid(root)
    assert {key: root.get(key) for key in counts} == counts
    skipped = root.find("testsuite").get("skipped")
    assert skipped == str(
        sum(gate.verdict == "pending" and not made.forced for gate in made.gates) + (made.status == "pending")
    )


@pytest.mark.parametrize("text", [promotion_junit(NASTY_ATTEMPT), checks_junit(NASTY_REPORT)])
def test_no_character_that_xml_forbids(text) -> None:
    """Every character is one of XML 1.0, and the hostile text is whole."""
    assert re.fullmatch("[\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*", text)
    assert "<script>alert(1)</script>" in "".join(ET.fromstring(text).itertext())
