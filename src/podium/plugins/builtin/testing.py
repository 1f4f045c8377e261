"""The action ``podium.test``: checks and suites run on the version of an event, by whoever delivers.

Checks are code. Who may automate decides which, so a process runs only what its operator allows by
``PODIUM_TEST_ALLOW``; the built-in checks need no leave.
"""

from __future__ import annotations

import fnmatch
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from podium.errors import InvalidValueError
from podium.plugins.actions import Action, ActionCall
from podium.plugins.builtin.moves import check_ref, ref_of
from podium.plugins.channels import DeliveryFailedError
from podium.plugins.checking import as_mistake, check_texts, literal

VARIABLE = "PODIUM_TEST_ALLOW"
_MOST_NAMED = 5


class TestAction(Action):
    """Runs checks in a process of their own and records the results; that some fail is a result, and no failure.

    Settings: ``checks``, one or a list, as for ``podium test``; ``suite``, files or folders of pytest; ``champion``;
    ``timeout``, seconds for each check and test; ``ref``, another version than that of the event.
    """

    __test__ = False  # the name is the field's own; pytest shall not collect it

    name = "podium.test"
    required = (("checks", "suite"),)
    optional = ("champion", "timeout", "ref")
    seconds = 900.0

    def check(self, settings: Mapping[str, Any]) -> None:
        """Judge what does not depend on the process that tests; see `Action.check`."""
        with as_mistake():
            for name in ("checks", "suite"):
                _texts(settings, name)
        check_texts(settings, "champion", "timeout")
        timeout = literal(settings, "timeout")
        if timeout and not _is_time(timeout):
            raise InvalidValueError("The setting 'timeout' is no time.", hint="Give seconds, more than 0.")
        check_ref(settings)

    def run(self, call: ActionCall, settings: Mapping[str, Any]) -> str:
        """Run the checks; see `Action.run`."""
        checks, suites = _texts(settings, "checks"), _texts(settings, "suite")
        _require_allowed(checks, suites)
        timeout = settings.get("timeout")
        report = call.registry.test(
            ref_of(call, settings),
            checks,
            suite=suites,
            champion=settings.get("champion") or "production",
            isolate=True,
            timeout=float(timeout) if timeout not in (None, "") else call.seconds / 2,
        )
        failed = [result.name for result in report.failures]
        if failed:
            more = f" and {len(failed) - _MOST_NAMED} more" if len(failed) > _MOST_NAMED else ""
            return f"{report.ref}: {len(failed)} of {len(report.results)} failed: {', '.join(failed[:5])}{more}"
        return f"{report.ref}: {len(report.results)} passed" if report.passed else f"{report.ref}: not all were run"


def _is_time(text: str) -> bool:
    try:
        return 0 < float(text) < math.inf
    except ValueError:
        return False


def _texts(settings: Mapping[str, Any], name: str) -> list[str]:
    given = settings.get(name) or []
    found = [given] if isinstance(given, str) else given
    if not isinstance(found, Sequence) or not all(isinstance(item, str) for item in found):
        raise DeliveryFailedError(f"The setting {name!r} names no checks.", hint="Give texts.", permanent=True)
    return list(found)


def _require_allowed(checks: Sequence[str], suites: Sequence[str]) -> None:
    """Refuse code that this process was not told to run.

    Raises:
        DeliveryFailedError: Some of it is not allowed here; another process may allow it, so it is tried again.
    """
    from podium.checks.spec import is_spec

    allowed = [entry.strip() for entry in os.environ.get(VARIABLE, "").split(",") if entry.strip()]
    for source in [*(text for text in checks if not is_spec(text)), *suites]:
        if not any(_fits(source, entry) for entry in allowed):
            raise DeliveryFailedError(
                f"This process may not run {source!r} for an automation.",
                hint=f"Where deliveries are made, name its module or folder in {VARIABLE}: team_checks.*,/srv/checks",
                permanent=False,
            )


def _fits(source: str, entry: str) -> bool:
    name = source.partition(":")[0]
    if os.path.isabs(entry):
        path = Path(name).resolve()
        return path.exists() and path.is_relative_to(Path(entry).resolve())
    return not os.path.exists(name) and fnmatch.fnmatchcase(name, entry)
