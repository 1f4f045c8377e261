"""What templates of automations may name: all that an event may say, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from podium.domain.automations import EVENT_NAMES, event_values
from podium.domain.delivery import Automation
from podium.domain.events import Event
from podium.domain.notification_rules import check_rules
from podium.domain.origin import Origin
from podium.errors import InvalidValueError

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def check(settings: Any) -> None:
    check_rules(Automation("a", "act", ("model_version.promoted",), settings), NOW)


def test_the_names_are_those_that_events_give() -> None:
    """An event that has everything gives each name, and one that has nothing gives no other."""
    after = {"number": 3, "stage": "production", "alias": "best", "metrics": {}, "source": "p/a:v0"}
    origin = Origin("script", "fit.py")
    subjects = (("model-registry/M:v3", after), ("model-registry/M", {}))
    full, bare = (
        Event("i", "alias.set", "model-registry/M", 1, NOW, "ann", origin, *about[:1], {}, about[1])
        for about in subjects
    )
    assert set(event_values(full)) == EVENT_NAMES
    assert set(event_values(bare)) < EVENT_NAMES


@pytest.mark.parametrize(
    ("settings", "words", "hint"),
    [
        ({"to": "{{ stge }}"}, "'stge', which no event has", "Did you mean 'stage'?"),
        ({"conf": {"refs": ["x", "{{ reff }}"]}}, "'reff'", "Did you mean 'ref'?"),
        ({"to": "{% if stages %}a{% endif %}"}, "'stages'", "Did you mean 'stage'?"),
        ({"to": "{{ nothing_like_it }}"}, "'nothing_like_it'", "There is actor, after, alias"),
    ],
)
def test_a_name_that_no_event_has(settings, words, hint) -> None:
    """It is refused before the first firing is lost, wherever it stands."""
    with pytest.raises(InvalidValueError, match=words) as refused:
        check(settings)
    assert hint in refused.value.hint


@pytest.mark.parametrize(
    "text", ["{{ stage }}", "{% for x in after.checks %}{{ loop.index }}{{ x }}{% endfor %}", "{ }"]
)
def test_what_events_have_passes(text) -> None:
    """So do names that the template itself makes."""
    check({"to": text, "deep": [{"n": text}]})
