"""A comparison as one HTML file: no script, nothing from the network, charts as inline SVG."""

from __future__ import annotations

from datetime import datetime

from podium.domain.comparison import Comparison
from podium.reports.compared import comparison_view
from podium.reports.pages import render, stamp


def comparison_html(found: Comparison, *, at: datetime | None = None) -> str:
    """Return a comparison as one HTML page that needs nothing beside it.

    Charts are there if the comparison was made with ``histories=True``.

    Args:
        found: What `Registry.compare` returned.
        at: When it was made; now if None.
    """
    count = len(found.versions)
    shared = {version.collection for version in found.versions}
    title = f"{count} version{'s' * (count != 1)}" + (f" of {shared.pop()}" if len(shared) == 1 else "")
    return render("comparison.html.j2", title=title, compared=comparison_view(found), at=stamp(at))
