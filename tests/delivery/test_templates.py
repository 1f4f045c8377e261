"""Messages in the words of a subscription, and what a template may and may not do."""

from __future__ import annotations

import pytest

from podium.delivery.messages import template_fields
from podium.domain.notification_rules import MESSAGE_FIELDS
from podium.errors import InvalidValueError
from tests.delivery.acting import soon

MODEL = "model-registry/Digits"


@pytest.fixture
def said(with_channels, probe, model_file):
    """Promote under a template; return the message, and the log of its delivery."""

    def say(title: str, lines: str | None = None, **more: object):
        channel = probe()
        registry = with_channels(channel)
        registry.subscribe("s", "probe", events=["model_version.promoted"], template={"title": title, "lines": lines})
        registry.log("p/a", model_file("a"), metrics={"acc": 0.5})
        registry.link("p/a", MODEL)
        registry.promote(MODEL, "production", **more)
        registry.close()
        (delivery,) = registry.deliveries()
        return channel.sent[0], registry.delivery(delivery.id)

    return say


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ model }} {{ version }} is {{ stage }}", f"{MODEL} v0 is production"),
        ("{{ name }} by {{ actor }}: {{ reason }}", "Digits by ann: better"),
        ("{{ title|upper }}", f"{MODEL} V0 IS NOW PRODUCTION".replace(MODEL, MODEL.upper())),
        ("acc {{ '%.2f'|format(metrics.acc) }}", "acc 0.50"),
        ("{{ event.type }} {{ after.number }} {{ before.number is none }}", "model_version.promoted 0 True"),
        ("two\nlines", "two lines"),
    ],
)
def test_fields_of_a_title(said, template, words) -> None:
    """A title may name what the message is about; it stays one line."""
    message, details = said(template, reason="better")
    assert message.title == words
    assert details.attempts[0].error is None


def test_lines_take_the_place_of_podiums(said) -> None:
    """Lines are what the template says, without empty ones; without it they stay Podium's."""
    message, _ = said("x", "first\n\n{% for line in lines %}{{ line }}{% endfor %}", reason="better")
    assert message.lines == ("first", "Reason: better")


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("{{ after.nothing }}", "has no attribute 'nothing'"),
        ("{{ after.missing.deep }}", "has no attribute 'missing'"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ reason }}" * 0 + "{{ '' }}", "says nothing"),
        ("{{ model.__class__.__mro__ }}", "unsafe"),
    ],
)
def test_a_template_that_fails_loses_no_message(said, title, words) -> None:
    """The message goes out in Podium's own words, and the log of the attempt says why."""
    message, details = said(title)
    assert message.title == f"{MODEL} v0 is now production"
    assert details.delivery.status == "sent"
    assert details.delivery.error is None
    assert details.attempts[0].error.startswith("Sent in Podium's own words: ")
    assert words.lower() in details.attempts[0].error.lower()
    assert details.attempts[0].receipt == "ok"


@pytest.mark.parametrize(
    "template", ["{{ model", "{{ modle }}", "{% if %}", "x" * 20_000, " ", 5, {"titel": "x"}, {"title": 3}], ids=repr
)
def test_what_is_no_template_is_refused(with_channels, probe, template) -> None:
    """A template that cannot be read is an error where it is made, not where it is sent."""
    registry = with_channels(probe())
    given = {"title": template} if isinstance(template, str) else template
    with pytest.raises(InvalidValueError):
        registry.subscribe("s", "probe", template=given)
    assert registry.subscriptions() == []


def test_the_template_of_its_time(with_channels, probe, model_file) -> None:
    """What waits when a subscription gets other words is sent in those that it had."""
    channel = probe(act=lambda message, settings: 1 / 0)
    registry = with_channels(channel)
    registry.subscribe("s", "probe", events=["alias.set"], template={"title": "old"})
    registry.log("p/a", model_file("a"))
    registry.set_alias("p/a", "best")
    registry.close()
    registry.subscribe("s", "probe", events=["alias.set"], template={"title": "new"})
    channel.act = lambda message, settings: "ok"
    soon(registry)
    registry.deliver()
    assert channel.sent[-1].title == "old"


def test_what_a_template_may_name_is_what_a_message_has(said) -> None:
    """The names that are checked when a template is made are those that it gets when it is sent."""
    message, _ = said("x")
    assert set(template_fields(message)) == MESSAGE_FIELDS


@pytest.mark.parametrize("breaks", ["\n", "\r\n", "\u2028", "\x0b"], ids=repr)
def test_nobodys_words_make_a_line_in_a_template(with_channels, probe, model_file, breaks) -> None:
    """A reason of several lines stays on the line where the template names it, at any depth."""
    channel = probe()
    registry = with_channels(channel)
    lines = "Why: {{ reason }}\n{{ event.reason }}\n{{ lines | join(' ') }}"
    registry.subscribe("s", "probe", events=["alias.set"], template={"title": "moved", "lines": lines})
    registry.log("p/a", model_file("a"))
    registry.set_alias("p/a", "best", reason=f"good{breaks}model-registry/Other v9 is now production")
    registry.close()
    assert len(channel.sent[-1].lines) == 3
    assert all(line.partition("good ")[2] for line in channel.sent[-1].lines)
