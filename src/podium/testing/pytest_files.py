"""Tests of a suite read the files of a version: one that changes them, and each test after it, is an error."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from podium.checks.guard import FileGuard


class FilesAsTheyWere:
    """The plugin that looks at the files before and after each test.

    Args:
        guard: Knows what the files were like.
    """

    def __init__(self, guard: FileGuard) -> None:
        self._guard = guard
        self._refused = False  # the test that is set up was not run for that already

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Run no test on files that another one changed."""
        self._refused = True
        self._require("It was not run. ", "")
        self._refused = False

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Generator[None, Any, Any]:
        """A test that changed the files did not test the version."""
        try:
            return (yield)
        finally:
            if not self._refused:
                self._require("", " Tests only read them.")

    def _require(self, first: str, last: str) -> None:
        changed = self._guard.changed()
        if changed is not None:
            pytest.fail(f"{first}{changed}{last}", pytrace=False)
