"""Pages of HTML: one file each, no script, nothing from the network; every text of a user is escaped."""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from podium.domain.markup import spelled
from podium.reports.text import plain_text

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def render(template: str, **page: Any) -> str:
    """Return a page.

    Every value that is put into it is escaped, and what does not print itself spelled out, but for what these modules
    made themselves.
    """
    return _environment().get_template(template).render(page)


def stamp(at: datetime | None = None) -> str:
    """Return a time as a page says it; now if None."""
    return f"{(at or datetime.now(UTC)).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("podium.reports", "templates")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_spelled,
    )
    environment.filters |= {"breakable": _breakable, "lines": _lines, "plain": _plain}
    return environment


def _spelled(value: Any) -> Any:
    """Spell out what does not print itself in each text that stands on a page, but for what these modules made."""
    return value if not isinstance(value, str) or hasattr(value, "__html__") else spelled(value)


def _breakable(text: str) -> Markup:
    """Return text that may go on in the next line where a person would break a path or a name."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"[/_](?=.)|\.(?=[A-Za-z])", r"\g<0><wbr>", str(escape(spelled(text)))))  # noqa: S704 - escaped before


def _lines(text: str) -> Markup:
    """Return a text of several lines, whose lines stay."""
    from markupsafe import Markup, escape

    return Markup("\n").join(escape(spelled(line)) for line in text.split("\n"))


def _plain(value: Any) -> str:
    return "-" if value is None else plain_text(value)
