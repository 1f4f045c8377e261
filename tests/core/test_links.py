"""Linking: a pointer with a number of its own."""

from __future__ import annotations

from dataclasses import replace

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


def test_a_link_is_a_pointer(registry, model_file, rows):
    """Linking copies nothing: digest, size, metadata and metrics are those of the source, and no blob is added."""
    logged = registry.log("digits/mlp", model_file("a"), metadata={"n": 1}, metrics={"acc": 0.5})
    before = rows(registry)
    linked = registry.link("digits/mlp", MODEL)
    assert (linked.digest, linked.size, linked.metadata, linked.metrics) == (
        logged.digest,
        logged.size,
        logged.metadata,
        logged.metrics,
    )
    after = rows(registry)
    assert {name for name in after if after[name] != before[name]} == {"collections", "memberships", "events"}
    assert registry.files(linked.ref).manifest == registry.files("digits/mlp").manifest


def test_aliases_of_a_link_are_its_own(registry, model_file):
    """An alias given with a link stands in the model and not in the artifact."""
    registry.log("digits/mlp", model_file("a"), aliases=["mine"])
    linked = registry.link("digits/mlp:mine", MODEL, aliases=["candidate"])
    assert linked.aliases == ("latest", "candidate")
    assert registry.resolve("digits/mlp").aliases == ("latest", "mine")


def test_linking_again_moves_aliases(registry, model_file):
    """A version that is linked already still takes the aliases asked for."""
    for text in "ab":
        registry.log("digits/mlp", model_file(text))
        registry.link("digits/mlp", MODEL, aliases=["best"])
    again = registry.link("digits/mlp:v0", MODEL, aliases=["best"])
    assert (again.created, again.version, registry.resolve(f"{MODEL}:best").number) == (False, "v0", 0)


def test_one_version_in_several_models(registry, model_file):
    """A version may stand in many models, and a model version may be linked on: the source is what is linked."""
    registry.log("digits/mlp", model_file("a"))
    first = registry.link("digits/mlp", MODEL)
    second = registry.link(first.ref, "model-registry/Other")
    assert second.source == first.source == "digits/mlp:v0"
    assert registry.link(first.ref, MODEL).created is False


@pytest.mark.parametrize("name", ["数字分類器", "مصنف الأرقام", "Modèle (été) 1.0+x", "हिन्दी"])
def test_models_are_named_in_any_script(registry, model_file, name):
    """A model name in any script is kept, found and listed as it was written."""
    registry.log("digits/mlp", model_file("a"))
    linked = registry.link("digits/mlp", f"model-registry/{name}", aliases=["best"])
    assert linked.ref == f"model-registry/{name}:v0"
    assert registry.resolve(f"model-registry/{name}:best").ref == linked.ref
    assert [model.ref for model in registry.models("model-registry")] == [f"model-registry/{name}"]


@pytest.mark.parametrize(("first", "second"), [("Digits", "digits"), ("Straße", "STRASSE"), ("ΣΑΣ", "σας")])
def test_names_that_differ_only_by_case(registry, model_file, rows, first, second):
    """The second of two names that differ only by case is refused; the error names the first."""
    registry.log("digits/mlp", model_file("a"))
    registry.link("digits/mlp", f"model-registry/{first}")
    before = rows(registry)
    with pytest.raises(AlreadyExistsError) as caught:
        registry.link("digits/mlp", f"model-registry/{second}")
    assert caught.value.facts["name"] == first
    assert rows(registry) == before


@pytest.mark.parametrize(
    ("ref", "model", "aliases", "error"),
    [
        ("digits/nothing", MODEL, [], NotFoundError),
        ("nothing/mlp", MODEL, [], NotFoundError),
        ("digits/mlp:v9", MODEL, [], NotFoundError),
        ("digits/mlp:best", MODEL, [], NotFoundError),
        ("digits", MODEL, [], InvalidNameError),
        ("digits/mlp", "Model", [], InvalidNameError),
        ("digits/mlp", "model-registry/ Model", [], InvalidNameError),
        ("digits/mlp", "model-registry/a<b>", [], InvalidNameError),
        ("digits/mlp", f"{MODEL}:v0", [], InvalidNameError),
        ("digits/mlp", "digits/Model", [], NotFoundError),
        ("digits/mlp", "no-registry/Model", [], NotFoundError),
        ("digits/mlp", MODEL, ["v3"], InvalidNameError),
        ("digits/mlp", MODEL, ["Latest"], InvalidNameError),
        ("digits/mlp", MODEL, ["production"], InvalidValueError),
        ("digits/mlp", MODEL, ["fine", "staging"], InvalidValueError),
        ("digits/data", MODEL, [], InvalidValueError),
        (None, MODEL, [], InvalidNameError),
        ("digits/mlp", None, [], InvalidNameError),
    ],
    ids=repr,
)
def test_links_that_are_refused(registry, model_file, rows, ref, model, aliases, error):
    """Each is a typed error with a hint, and nothing is stored, not even the model."""
    registry.log("digits/mlp", model_file("a"))
    registry.log("digits/data", model_file("d"), type="dataset")
    if ref == "digits/data":
        registry.link("digits/mlp", MODEL)
    before = rows(registry)
    with pytest.raises(error) as caught:
        registry.link(ref, model, aliases)
    assert caught.value.hint
    assert rows(registry) == before


def test_the_nearest_name_is_suggested(registry, model_file):
    """A slip in a reference gets a suggestion."""
    registry.log("digits/mlp", model_file("a"))
    with pytest.raises(NotFoundError, match="Did you mean 'digits/mlp'"):
        registry.resolve("digits/mpl")
    with pytest.raises(NotFoundError, match="Did you mean 'digits'"):
        registry.resolve("digit/mlp")


def test_the_registry_is_there_from_the_start(registry):
    """`model-registry` needs no setup, and is empty."""
    assert registry.models("model-registry") == []
    with pytest.raises(NotFoundError):
        registry.model("model-registry/Nothing")
    with pytest.raises(NotFoundError):
        registry.models("other-registry")


def test_a_new_link_is_what_a_read_gives(registry, model_file) -> None:
    """The answer of a link is the same value that a look-up gives afterwards, edits and tags of the source included."""
    registry.log("p/a", model_file("a"), metadata={"k": 1}, metrics={"m": 0.5}, tags=["t"], aliases=["best"])
    registry.edit("p/a:v0", description="text")
    linked = registry.link("p/a:v0", "model-registry/M")
    assert linked == replace(registry.resolve("model-registry/M:v0"), created=True)
