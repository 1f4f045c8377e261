"""Reports of tests and promotions as HTML: one file, harmless, complete, readable without colour."""

from __future__ import annotations

import re

from podium.domain.runs import RunInfo
from podium.reports import PromotionFacts, TestFacts, VersionFacts, checks_html, promotion_html
from tests.reports.page import Page
from tests.reports.stories import (
    AIRFLOW,
    AT,
    FROM,
    NASTY_ATTEMPT,
    NASTY_REPORT,
    NO_CHECK,
    PEOPLE,
    REPORT,
    WORSE,
    attempt,
    said,
)
from tests.reports.test_html import LOADING

PENDING = attempt("pending", FROM, PEOPLE, approvals=(said("bob"), said("cy", "rejected", None, actor="cy")))


def pages(five, nasty) -> dict[str, str]:
    """Return reports of all kinds, and hostile ones."""
    about = VersionFacts(five.versions[0])
    return {
        "test": checks_html(REPORT, TestFacts(about, five, {"python": "3.11", "packages": {"numpy": "2"}})),
        "alone": checks_html(REPORT),
        "promotion": promotion_html(PENDING, PromotionFacts(about, five)),
        "nasty test": checks_html(
            NASTY_REPORT, TestFacts(VersionFacts(nasty.versions[1]), nasty, {"command": ["<b>"]})
        ),
        "nasty promotion": promotion_html(NASTY_ATTEMPT, PromotionFacts(VersionFacts(nasty.versions[1]), nasty)),
    }


def test_nothing_comes_from_elsewhere_and_hostile_text_is_text(five, nasty) -> None:
    """No script, no handler, no address but anchors and the pages of orchestrators; what users wrote stays text."""
    for name, text in pages(five, nasty).items():
        page = Page(text)
        assert [tag for tag, _ in page.elements if tag in LOADING] == ["style"], name
        for tag, attributes in page.elements:
            assert not [key for key in attributes if key.startswith("on")], name
            address = attributes.get("href") or attributes.get("src") or "#"
            assert address.startswith(("#", "data:,")) or (tag == "a" and address == AIRFLOW.url), (name, address)
        assert "\u202e" not in text
        assert "\x1b" not in text
        assert ("<script>alert(1)</script>" in page.text) == name.startswith("nasty")
        assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in text


def test_every_anchor_leads_somewhere_once(five, nasty) -> None:
    """What the navigation names stands on the page, and no id twice."""
    for name, text in pages(five, nasty).items():
        page = Page(text)
        ids = [found["id"] for _, found in page.elements if "id" in found]
        assert len(ids) == len(set(ids)), name
        assert {found["href"][1:] for found in page.all("a") if found["href"].startswith("#")} <= set(ids), name


def test_a_test_report_begins_with_its_verdict() -> None:
    """Verdict, then the checks, those that failed first, each with its status as a word, message, numbers and time."""
    page = Page(checks_html(REPORT, at=AT))
    assert page.text.index("is not good enough yet") < page.text.index("Result Check What it says")
    order = [page.text.index(part) for part in ("fail size files", "error weights", "skipped gpu", "pass accuracy")]
    assert order == sorted(order)
    assert "fail (warns only) card" in page.text
    assert "assert 120 <= 100" in page.text
    assert "megabytes 120" in page.text
    assert "0.25 s" in page.text
    assert "Found, and not run: test_late." in page.text
    assert "Made on 2026-05-04 12:30 UTC" in page.text


def test_a_test_report_says_what_was_tested_where(five) -> None:
    """Digest, run, origin with a link to it, environment, and the comparison with its charts."""
    version = five.versions[3]
    run = RunInfo("abcd1234", "p", "train", "finished", {}, {}, 8, None, AIRFLOW, AT)
    found = {"python": "3.11.9", "podium": "1", "command": ["podium", "test"], "packages": {"numpy": "2.4"}}
    page = Page(checks_html(REPORT, TestFacts(VersionFacts(version, run), five, found)))
    for part in (REPORT.digest, "train (p, abcd1234), finished", "Python", "3.11.9", "podium test", "numpy 2.4"):
        assert part in page.text
    (link,) = [found for found in page.all("a") if found["href"] == AIRFLOW.url]
    assert link["rel"] == "noopener noreferrer"
    assert len(page.all("figure")) == len(five.histories)


def test_a_promotion_report_tells_the_decision_and_every_gate() -> None:
    """The sentence first; then each gate, what says no before the rest, with value, threshold and holder."""
    page = Page(promotion_html(attempt("refused", FROM, WORSE)))
    assert page.text.index("its accuracy of 0.96 is too low") < page.text.index("Gate says")
    assert page.text.index("failed Metric rule") < page.text.index("passed Stage before")
    for fact in (
        "accuracy 0.96",
        "production.accuracy 0.97",
        "asked for 0.965",
        "holder of production v0",
        "held it before yes",
    ):
        assert fact in page.text


def test_a_promotion_report_tells_who_said_what() -> None:
    """Persons with decision, comment and time, who told it for them, who does not count and why, and the rule."""
    page = Page(promotion_html(PENDING))
    for part in (
        "approved bob told by bridge, DAG train · task promote fine 2026-05-04 12:30 UTC",
        "rejected cy - 2026-05-04",
        "needed 2 of lead, not by the author",
        "does not count ann: logged this version",
    ):
        assert part in page.text


def test_better_and_worse_states_are_words_and_shapes() -> None:
    """No state is told by its colour alone: each has a word, and the style gives each a mark of its own."""
    text = promotion_html(attempt("committed", WORSE, PEOPLE, FROM, forced=True))
    states = re.findall(r'class="t-(\w+) state"><span class="value">(\w+)<', text)
    assert states == [("fail", "failed"), ("wait", "waiting"), ("pass", "passed")]
    marks = dict(re.findall(r'\.t-(\w+) \.value::before \{ content: "(.) "', text))
    assert len({marks[tone] for tone in ("pass", "fail", "warn", "wait", "skip")}) == 5


def test_a_report_of_what_is_gone() -> None:
    """Neither version nor policy nor holder is in the registry any more: what the transition knows is told."""
    page = Page(promotion_html(attempt("refused", NO_CHECK)))
    assert "The version is not in the registry any more." in page.text
    assert "revision 3 for model-registry/*" in page.text
    assert "nothing to compare with" in page.text
