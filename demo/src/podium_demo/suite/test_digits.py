"""A suite of pytest for a classifier of digits: with `podium test --suite`, every test of it becomes a check."""

from __future__ import annotations

import joblib
import pytest
from podium_demo import digits

import podium


@pytest.mark.podium(name="held_out_images")
def test_reads_held_out_images(model_version: podium.TestSubject) -> None:
    """At least 80 % of the images that no training has seen are read right."""
    right = digits.held_out_accuracy(model_version.path)
    assert right >= 0.8, f"It reads {right:.1%} of the held-out images right."


@pytest.mark.podium(name="each_digit")
@pytest.mark.parametrize("digit", range(10))
def test_reads_each_digit(model_version: podium.TestSubject, digit: int) -> None:
    """No digit is read wrong more often than right."""
    held_out = digits.load_splits()["held_out"]
    images = held_out.images[held_out.labels == digit]
    model = joblib.load(model_version.path / "model.joblib")  # our own bytes: Podium hashed them on the way out
    right = float((model.predict(images) == digit).mean())
    assert right > 0.5, f"It reads {right:.0%} of the images of a {digit} right."


@pytest.mark.podium(name="not_worse")
def test_is_not_worse_than_the_champion(model_version: podium.TestSubject, champion: podium.TestSubject | None) -> None:
    """Half a percentage point below what is in production now is still good enough."""
    if champion is None:  # the first version, or the holder itself: there is nothing to be worse than
        pytest.skip("Nothing else is in production to compare with.")
    mine, best = (digits.held_out_accuracy(one.path) for one in (model_version, champion))
    assert mine >= best - 0.005, f"It reads {mine:.1%} of the held-out images right, the champion {best:.1%}."
