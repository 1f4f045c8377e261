"""What Podium knows as documents to hand on: Markdown, and HTML in one file that needs no network."""

from podium.reports.html import comparison_html
from podium.reports.markdown import comparison_markdown

__all__ = ["comparison_html", "comparison_markdown"]
