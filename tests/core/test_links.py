"""Linking: a pointer with a number of its own."""

from __future__ import annotations

import pytest

from podium.errors import AlreadyExistsError, InvalidNameError, InvalidValueError, NotFoundError

MODEL = "model-registry/Digits classifier"


def test_a_link_gets_its_own_number(registry, model_file):
    """The number in the model counts from 0, whatever the number of the source."""
    for text in "abc":
        registry.log("digits/mlp", model_file(text))
    linked = registry.link("digits/mlp:v2", MODEL)
    assert (linked.ref, linked.source, linked.created) == (f"{MODEL}:v0", "digits/mlp:v2", True)


def test_linking_again_changes_nothing(registry, model_file):
    """The same version in the same model is the same model version, and no event tells of it."""
    registry.log("digits/mlp", model_file("a"))
    first = registry.link("digits/mlp", MODEL)
    again = registry.link("digits/mlp", MODEL)
    assert (again.ref, again.created) == (first.ref, False)
    assert [event.type for event in registry.events(MODEL)] == ["model.created", "model_version.linked"]
