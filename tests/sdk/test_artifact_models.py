"""The short cuts for models: log_model, use_model, link_model, and links that are refused before bytes move."""

from __future__ import annotations

from pathlib import Path

import pytest

import podium
from podium.errors import InvalidNameError, InvalidValueError, NotFoundError


@pytest.fixture
def run(lite, tmp_path, monkeypatch) -> podium.Run:
    monkeypatch.chdir(tmp_path)
    return podium.init("p", registry=lite)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.bin"
    path.write_text("w")
    return path


def test_log_model(run, weights) -> None:
    """A file becomes a model under the name given, or one that tells run and file."""
    made = run.log_model(weights, "mlp", aliases=["best"])
    assert (made.ref, made.type, made.aliases) == ("p/mlp:v0", "model", ["latest", "best"])
    assert run.log_model(weights).name == f"run-{run.id}-weights.bin:v0"


def test_use_model(run, weights) -> None:
    """One file gives the path of the file, several give the folder."""
    run.log_model(weights, "one")
    assert Path(run.use_model("one")).read_text() == "w"
    folder = weights.parent / "saved"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_text(name)
    run.log_model(folder, "several")
    assert sorted(path.name for path in Path(run.use_model("several:latest")).iterdir()) == ["a", "b"]


def test_use_model_wants_a_model(run, weights) -> None:
    """A data set is refused, and nothing is downloaded."""
    run.log_artifact(weights, name="data", type="dataset")
    with pytest.raises(InvalidValueError, match="not 'model'"):
        run.use_model("data")
    assert not Path("artifacts").exists()


@pytest.mark.parametrize("name", ["Digits", "model-registry/Digits"])
def test_link_model(run, lite, weights, name) -> None:
    """A model's name alone means `model-registry`; the aliases are those of the model version."""
    linked = run.link_model(weights, name, "mlp", aliases=["challenger"])
    assert (linked.ref, linked.aliases) == ("model-registry/Digits:v0", ["latest", "challenger"])
    assert lite.resolve("p/mlp").aliases == ("latest",)


@pytest.mark.parametrize(
    ("target", "aliases", "error"),
    [
        ("none/Digits", [], NotFoundError),
        ("", [], InvalidNameError),
        (3, [], InvalidNameError),
        ("a/b/c", [], InvalidNameError),
        ("Digits:v0", [], InvalidNameError),
        ("model-registry/Digits:v0", [], InvalidNameError),
        (" Digits", [], InvalidNameError),
        ("Digits", ["v1"], InvalidNameError),
        ("Digits", ["production"], InvalidValueError),
        ("datasets/Digits", [], InvalidValueError),
        ("Taken", [], InvalidValueError),
    ],
)
def test_a_link_that_is_refused_logs_nothing(run, lite, weights, target, aliases, error) -> None:
    """What the registry would refuse is known before the model is logged for it."""
    lite.create_registry("datasets", types=["dataset"])
    lite.log("q/data", weights, type="dataset")
    lite.link("q/data", "model-registry/Taken")
    with pytest.raises(error) as caught:
        run.link_model(weights, target, "mlp", aliases)
    assert caught.value.hint
    assert lite.artifacts("p") == []


def test_a_version_of_another_project_is_linked(run, lite, weights) -> None:
    """Linking what another project logged needs no log here."""
    lite.log("q/mlp", weights)
    linked = run.link_artifact(run.use_artifact("q/mlp"), "model-registry/Digits")
    assert lite.resolve(linked.ref).source == "q/mlp:v0"
    assert lite.artifacts("p") == []
