"""The verbs of a registry come from many classes, and none hides another's."""

from __future__ import annotations

from collections import defaultdict

from podium.registry import Registry


def test_no_two_bases_define_the_same_name() -> None:
    """Each name, private ones too, stands in one class only: a second would hide the first without a word."""
    places = defaultdict(list)
    for base in Registry.__mro__[:-1]:
        for name in vars(base):
            if not (name.startswith("__") and name.endswith("__")):
                places[name].append(base.__name__)
    assert len(places) > 100
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
