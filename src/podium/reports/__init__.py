"""What Podium knows as documents to hand on: Markdown, JUnit XML, and HTML in one file that needs no network."""

from podium.reports.checks import checks_html, checks_junit, checks_markdown
from podium.reports.facts import PromotionFacts, TestFacts, VersionFacts
from podium.reports.html import comparison_html
from podium.reports.markdown import comparison_markdown
from podium.reports.promotions import promotion_html, promotion_junit, promotion_markdown

__all__ = [
    "PromotionFacts",
    "TestFacts",
    "VersionFacts",
    "checks_html",
    "checks_junit",
    "checks_markdown",
    "comparison_html",
    "comparison_markdown",
    "promotion_html",
    "promotion_junit",
    "promotion_markdown",
]
