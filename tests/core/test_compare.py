"""Versions side by side."""

from __future__ import annotations

import pytest

from podium.errors import InvalidNameError, InvalidValueError, NotFoundError


@pytest.fixture
def three(lite, model_file):
    """Three versions with different metrics and metadata."""
    for number, acc in enumerate((0.5, 0.75, None)):
        metrics = {"loss": 1.0 - number / 4, **({"acc": acc} if acc else {})}
        lite.log("p/a", model_file(str(number)), metrics=metrics, metadata={"kind": "tree", "depth": number})
    lite.record_check("p/a:v0", "bias", "pass")
    return lite


def test_metrics_with_changes(three) -> None:
    """Each metric has one value per version and the change against the first; what is missing is None."""
    rows = {row.name: (row.values, row.changes) for row in three.compare(["p/a:v0", "p/a:v1", "p/a:v2"]).metrics}
    assert rows["acc"] == ((0.5, 0.75, None), (0.0, 0.25, None))
    assert rows["loss"] == ((1.0, 0.75, 0.5), (0.0, -0.25, -0.5))


@pytest.mark.parametrize(
    ("refs", "baseline", "order", "position"),
    [
        (["p/a:v0", "p/a:v1"], "p/a:v1", [0, 1], 1),
        (["p/a:v0"], "p/a:v1", [1, 0], 0),
        (["p/a:v0", "p/a:latest"], None, [0, 2], 0),
    ],
)
def test_the_baseline(three, refs, baseline, order, position) -> None:
    """The baseline stands where the caller put it, or comes first."""
    found = three.compare(refs, baseline)
    assert ([version.number for version in found.versions], found.baseline) == (order, position)


def test_only_metadata_that_differs(three) -> None:
    """Metadata that is the same everywhere is left out; checks are by name."""
    found = three.compare(["p/a:v0", "p/a:v1"])
    assert found.metadata == {"depth": (0, 1)}
    assert found.checks == {"bias": ("pass", None)}


@pytest.mark.parametrize(
    ("refs", "error"),
    [([], InvalidValueError), ("p/a", InvalidValueError), (["p/a:v9"], NotFoundError), (["p"], InvalidNameError)],
)
def test_nothing_to_compare(three, refs, error) -> None:
    """No version, a text instead of a list, or an unknown version is a typed error."""
    with pytest.raises(error):
        three.compare(refs)
