"""Checks of the test subjects, loaded by their path."""

from __future__ import annotations

import podium


@podium.check
def not_empty(model_version: podium.TestSubject) -> bool:
    """There is something in it."""
    return any(file.stat().st_size for file in model_version.path.iterdir())


def empty(model_version: podium.TestSubject) -> bool:
    """Never so: for tests of a check that fails."""
    return not not_empty(model_version)
