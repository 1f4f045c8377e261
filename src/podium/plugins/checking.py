"""What can be judged of settings without their secrets, when a subscription or an automation is made.

For `Channel.check` and `Action.check`. A text of an automation with the signs of a template is not judged: what it will
say, only an event knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from podium.errors import InvalidNameError, InvalidValueError
from podium.plugins.channels import DeliveryFailedError


def is_template(value: object) -> bool:
    """Whether a value is a text that an event fills in."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def literal(settings: Mapping[str, Any], name: str) -> str:
    """Return a setting as the text that it is, without spaces around it; empty if an event fills it in, or nothing.

    Raises:
        InvalidValueError: It is no text, number or truth.
    """
    value = settings.get(name)
    if value is None or is_template(value):
        return ""
    if not isinstance(value, str | int | float):
        raise InvalidValueError(f"The setting {name!r} is no text.", hint=f"Give one text: {name}=TEXT.")
    return str(value).strip()


def check_texts(settings: Mapping[str, Any], *names: str) -> None:
    """Refuse settings that are no text.

    Raises:
        InvalidValueError: One is a list or a mapping, or has no words in it.
    """
    for name in names:
        if settings.get(name) is not None and not is_template(settings[name]) and not literal(settings, name):
            raise InvalidValueError(f"The setting {name!r} is empty.", hint="Say what is meant, or leave it out.")


def check_list(settings: Mapping[str, Any], name: str) -> None:
    """Refuse a setting that is no list of texts; one text is a list of one.

    Raises:
        InvalidValueError: It is none, or a text that looks like several.
    """
    value = settings.get(name)
    hint = f"""On the command line {name}:='["a", "b"]', in a file {name}: [a, b]."""
    if isinstance(value, str) and not is_template(value) and ("," in value or value.lstrip().startswith("[")):
        raise InvalidValueError(f"The setting {name!r} is one text that looks like several.", hint=hint)
    items = value if isinstance(value, list | tuple) else [] if value is None else [value]
    if not all(isinstance(item, str | int | float) for item in items):
        raise InvalidValueError(f"The setting {name!r} is no list of texts.", hint=hint)


def check_web_address(settings: Mapping[str, Any], name: str) -> None:
    """Refuse a setting that is no web address; whether it may be reached, only the process that delivers knows.

    Raises:
        InvalidValueError: It is none, or holds a password.
    """
    from podium.plugins.web.client import target_of

    if address := literal(settings, name):
        with as_mistake(f"The setting {name!r}: "):
            target_of(address)


@contextmanager
def as_mistake(before: str = "") -> Iterator[None]:
    """Turn what a block says of settings while it sends into what is said when they are given.

    Args:
        before: First in the message.

    Raises:
        InvalidValueError: The block gave up for good, or found a name that cannot be one.
    """
    try:
        yield
    except (DeliveryFailedError, InvalidNameError) as error:
        if isinstance(error, InvalidNameError) or error.facts.get("permanent"):
            raise InvalidValueError(f"{before}{error.message}", hint=error.hint) from error
