"""The doctor: looks at everything an installation stands on, and explains what is wrong.

A check is a small function from a `Case` to findings. Each runs on its own: one that fails is a finding itself, and
what needs a database or a content store is left out when that cannot be reached, so that the rest is still told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from podium.domain.health import Finding, HealthReport
from podium.domain.manifest import Entry
from podium.errors import PodiumError
from podium.plugins.guard import describe
from podium.registry.base import now
from podium.registry.care import CareVerbs
from podium.registry.doctor import contents, database, machine
from podium.registry.doctor.case import Case, Check, fault, told
from podium.usecases import health, records

_MOUNTS = Path("/proc/mounts")

ALWAYS: tuple[Check, ...] = (
    machine.check_home,
    machine.check_database_file,
    machine.check_file_system,
    machine.check_room,
    machine.check_plugins,
    machine.check_allowed_addresses,
)
WITH_DATABASE: tuple[Check, ...] = (
    database.check_engine,
    database.check_clock,
    database.check_gc,
    database.check_deliveries,
    database.check_plugin_faults,
)
WITH_CONTENT: tuple[Check, ...] = (contents.check_contents, contents.check_orphans)


class DoctorVerbs(CareVerbs):
    """What can be asked about the installation itself."""

    def doctor(self, *, deep: bool = False, progress: Callable[[Entry], None] | None = None) -> HealthReport:
        """Look at folders, clocks, schema, database, contents, plugins and deliveries, and explain what is wrong.

        It changes nothing: no folder, file or schema is made, and nothing is removed.

        Args:
            deep: Hash every content and read every reference, instead of a look at presence and size.
            progress: Called after each content and reference that was read.

        Returns:
            All findings. What cannot be looked at is a finding too; this never raises for a fault of the installation.
        """
        mounts = ""
        with suppress(OSError):
            mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
        case = Case(self.settings, self._database, self.host, now(), mounts, deep=deep, progress=progress)
        return self._examine(case)

    def stored_size(self) -> int:
        """Return the bytes that verifying everything reads, each content and reference once; see `verify`."""
        with self._read() as unit:
            return health.stored_size(unit)

    def _examine(self, case: Case) -> HealthReport:
        reached, has_database = database.reach_database(case)
        place, lost = self._recorded(case) if has_database else (None, [])
        case = replace(case, place=place, garbage=lambda: self.gc(dry_run=True))
        found = [*_run(case, ALWAYS), *reached, *lost]
        if not has_database:
            if reached and case.settings.content is not None:  # it can be looked at all the same
                found += contents.reach_content(replace(case, place=case.settings.content))[0]
            return HealthReport(tuple(found), _names((*WITH_DATABASE, *WITH_CONTENT)))
        found += _run(case, WITH_DATABASE)
        held, store = contents.reach_content(case)
        found += held
        if store is not None:
            return HealthReport((*found, *_run(replace(case, store=store), WITH_CONTENT)))
        return HealthReport(tuple(found), () if place is None and not lost else _names(WITH_CONTENT))

    def _recorded(self, case: Case) -> tuple[str | None, list[Finding]]:
        try:
            with case.unit() as unit:
                recorded = records.read_setting(unit, "content")
        except PodiumError as error:
            return None, [told("content", error)]
        return (self._beside(recorded) if recorded is not None else None), []


def _run(case: Case, checks: Sequence[Check]) -> list[Finding]:
    """Run checks, each on its own."""
    found: list[Finding] = []
    for check in checks:
        try:
            found += check(case)
        except PodiumError as error:
            found.append(told(_name(check), error))
        except Exception as error:  # noqa: BLE001 - one check that fails must not hide what the others found
            hint = "This is a bug in Podium or an odd environment; the other findings hold all the same."
            found.append(fault(_name(check), f"The check itself failed: {describe(error)}.", hint))
    return found


def _names(checks: Sequence[Check]) -> tuple[str, ...]:
    return tuple(_name(check) for check in checks)


def _name(check: Check) -> str:
    return check.__name__.removeprefix("check_").replace("_", " ")
