"""Pages of HTML: one file each, no script, nothing from the network; every text of a user is escaped."""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from podium.reports.text import plain_text

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def render(template: str, **page: Any) -> str:
    """Return a page; every value that is put into it is escaped, but for what these modules made themselves."""
    return _environment().get_template(template).render(page)


def stamp(at: datetime | None = None) -> str:
    """Return a time as a page says it; now if None."""
    return f"{(at or datetime.now(UTC)).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("podium.reports", "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"breakable": _breakable, "plain": _plain}
    return environment


def _breakable(text: str) -> Markup:
    """Return text that may go on in the next line where a person would break a path or a name."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"[/_](?=.)|\.(?=[A-Za-z])", r"\g<0><wbr>", str(escape(text))))  # noqa: S704 - escaped before


def _plain(value: Any) -> str:
    return "-" if value is None else plain_text(value)
