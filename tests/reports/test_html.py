"""A comparison as one HTML file: complete, harmless, readable, and without the network."""

from __future__ import annotations

import re

import pytest

from podium.reports import comparison_html
from tests.reports.conftest import NASTY
from tests.reports.page import Page

LOADING = (
    "script",
    "iframe",
    "object",
    "embed",
    "img",
    "image",
    "audio",
    "video",
    "source",
    "base",
    "form",
    "use",
    "style",
)


@pytest.fixture
def page(five) -> Page:
    return Page(comparison_html(five))


@pytest.mark.parametrize("which", ["five", "nasty"])
def test_nothing_comes_from_elsewhere(which, request) -> None:
    """No script, no handler, no address but anchors of the page itself; its style asks for nothing."""
    text = comparison_html(request.getfixturevalue(which))
    page = Page(text)
    assert [tag for tag, _ in page.elements if tag in LOADING] == ["style"]
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
        places = [attributes[name] for name in ("src", "href", "xlink:href", "srcset", "action") if name in attributes]
        assert all(place.startswith("#") or place == "data:," for place in places)
    style = text[text.index("<style>") : text.index("</style>")]
    assert not re.search(r"url\(|@import|http|//", style)


def test_the_policy_forbids_the_rest(page) -> None:
    """A browser is told to load nothing, should something have slipped in."""
    (policy,) = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_hostile_names_are_text(nasty) -> None:
    """What users called things stands there letter by letter, and marks that reorder text are spelled out."""
    page = Page(comparison_html(nasty))
    assert page.text.count("<script>alert(1)</script>") >= 8
    assert "{{ 7*7 }}" in page.text
    assert "\u202e" not in comparison_html(nasty)
    assert "\\u202eevil" in page.text


def test_everything_is_there(page) -> None:
    """Each part of the comparison stands on the page."""
    titles = ("Versions", "Metrics", "Histories of the metrics", "Configuration that differs", "Metadata that differs")
    for part in (*titles, "Checks", "Files", "Sample predictions", "Configuration that is the same", "baseline"):
        assert part in page.text
    for part in ("lower is better, declared", "higher is better", "★ best", "better", "worse", "joined by id"):
        assert part in page.text


def test_better_and_worse_are_words(five) -> None:
    """Whoever sees no colour reads the same: each coloured note has its word."""
    notes = re.findall(r'<td class="t-(better|worse)[^>]*>.*?<span class="note">([^<]*)', comparison_html(five))
    assert {tone for tone, _ in notes} == {"better", "worse"}
    assert all(tone in note for tone, note in notes)


def test_a_chart_per_history_with_its_numbers(page, five) -> None:
    """Each history is a picture with a name, a legend, and a table that says the same."""
    charts = [svg for svg in page.all("svg") if svg.get("class") == "chart"]
    assert [chart["aria-label"] for chart in charts] == ["loss over steps", "val/accuracy over steps"]
    assert len(charts) == len(five.histories) == len(page.all("figure"))
    assert page.text.count("Values of ") == len(page.all("details")) - 2 == len(charts)
    assert len([line for line in page.all("polyline")]) == 5 * len(charts)


def test_lines_differ_without_colour(page) -> None:
    """Of five versions no two have the same pattern."""
    assert len({line.get("stroke-dasharray") for line in page.all("polyline")}) == 5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(five, scheme) -> None:
    """Texts have a contrast of 4.5 to 1 on each ground that they stand on, lines of 3 to 1 (WCAG 2.2 AA)."""
    light, dark = re.findall(r":root \{(.*?)\}", comparison_html(five), re.DOTALL)[:2]
    colours = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", light if scheme == "light" else dark))
    for ground in ("bg", "panel"):
        for text in ("text", "dim", "link", "good", "bad", "warn"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        for line in range(8):
            assert contrast(colours[f"c{line}"], colours[ground]) >= 3, (line, ground)
    assert contrast(colours["mark-text"], colours["mark"]) >= 4.5


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_one_version_without_anything(lite, model_file) -> None:
    """A version without run, metrics, checks or metadata is a page, too."""
    lite.log("p/a", model_file("x"))
    page = Page(comparison_html(lite.compare(["p/a"], histories=True, predictions=True)))
    assert "1 version of p/a" in page.text
    assert page.all("figure") == []


def test_versions_of_several_models(lite, model_file) -> None:
    """Where versions of several collections meet, each is named in full."""
    for name in ("p/a", "p/b", "q/a"):
        lite.log(name, model_file(name), metrics={"acc": 1})
    found = lite.compare(["p/a", "p/b"])
    assert "a:v0" in Page(comparison_html(found)).text
    assert "q/a:v0" in Page(comparison_html(lite.compare(["p/a", "p/b", "q/a"]))).text


def test_the_hostile_file_name_is_whole(nasty) -> None:
    """A path with markup of HTML and Markdown stands there as it is."""
    assert "0 & 'x' [a](b).bin" in Page(comparison_html(nasty)).text
    assert NASTY.count("http://") == 2
