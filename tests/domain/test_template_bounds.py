"""Templates are data of whoever may subscribe: what could run long or fill the memory is refused when they are made."""

from __future__ import annotations

import pytest

from podium.domain.templates import check_templates, render_text
from podium.errors import InvalidValueError

VALUES = {"number": 3, "model": "a/b", "after": {"metrics": {"acc": 0.91234}, "list": list(range(100))}}


@pytest.mark.parametrize(
    "text",
    [
        "{{ number ** 100000000 }}",
        "{% set a = model ~ model %}",
        "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{% for a in range(9) %}{% endfor %}",
        "{% for a in [1] %}{% for b in [1] %}{% for c in [1] %}{% endfor %}{% endfor %}{% endfor %}",
        "{% for a in after.list recursive %}{{ loop(after.list) }}{% endfor %}",
        "{{ model|center(100000000) }}",
        "{{ model.center(100000000) }}",
        "{{ '{:>100000000}'.format(number) }}",
        "{{ after.list|batch(100000000, 0)|list }}",
        "{% include 'x' %}",
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    ],
    ids=lambda text: text[:40],
)
def test_what_could_go_on_and_on_is_no_template(text: str) -> None:
    """The error says what is not known here, before anything was computed."""
    with pytest.raises(InvalidValueError, match=r"not know|cannot be read"):
        check_templates(text, "The template")


@pytest.mark.parametrize(
    "text",
    [
        "{{ 'a' * 300000000 }}",
        "{{ [0] * 300000000 }}",
        "{{ '%999999999d' % number }}",
        "{{ '%999999999d'|format(number) }}",
        "{{ '%*d'|format(999999999, number) }}",
        "{{ after.list|map('center', 100000000)|list }}",
        "{{ number|tojson(indent=100000000) }}",
        "{{ ('x' * number)|replace('', 'y') }}",
        "{{ model|replace('', model) }}",
        "{{ ''.__class__ }}",
    ],
    ids=lambda text: text[:40],
)
def test_what_would_grow_is_no_value(text: str) -> None:
    """It fails in no time, without the memory that it asks for."""
    check_templates(text, "The template")
    with pytest.raises(InvalidValueError, match="cannot be rendered"):
        render_text(text, VALUES)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ -5 }}", -5),
        ("{{ -number }}", -3),
        ("{{- number -}}", 3),
        ("{{ number * 2 + 1 }}", 7),
        ("{{ 7 % 4 }}", 3),
        ("{{ after.metrics }}", {"acc": 0.91234}),
        ("{{ after.metrics|tojson }}", '{"acc": 0.91234}'),
        ("{% for name, value in after.metrics.items() %}{{ name }} {{ value|round(2) }}{% endfor %}", "acc 0.91"),
        ("{{ '%.1f'|format(after.metrics.acc) }} {{ model.upper() }}", "0.9 A/B"),
        ("{{ ['a', 'b']|map('upper')|join(', ') }}", "A, B"),
    ],
)
def test_what_people_write_is_known(text: str, value: object) -> None:
    """Numbers, loops over what the event has, and the usual filters."""
    check_templates(text, "The template")
    assert render_text(text, VALUES) == value
