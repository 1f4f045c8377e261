"""After each test, the audit of every database that it left: no history that Podium writes may raise a false alarm."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from podium.errors import DatabaseUnavailableError, SchemaOutdatedError, SettingsError, StorageError
from podium.plugins.host import PluginHost
from podium.registry import open_registry

MOST_EVENTS = 3000  # what takes longer has a test of its own
_LOG = "AUDITED_LOG"  # a file to append one line per audit to, to count them over a whole run
_LOST = (DatabaseUnavailableError, SchemaOutdatedError, SettingsError, StorageError)


def sqlite_registries(folder: Path) -> Iterator[str]:
    """Yield the URLs of the SQLite registries below a folder in which something happened."""
    for path in sorted(folder.rglob("*.db")):
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
                (count,) = connection.execute("select count(*) from (select 1 from events limit 1)").fetchone()
        except sqlite3.Error:
            continue  # of another program, broken on purpose, or without a schema
        if count:
            yield f"sqlite:///{path}"


def require_clean_audit(url: str) -> None:
    """Verify the audit of a registry that is still there and of this Podium's schema."""
    with closing(open_registry(url, content="/nowhere", host=PluginHost(discover=False))) as registry:
        try:
            events = registry.count_events()
            if not 0 < events <= MOST_EVENTS:
                return
            report = registry.verify_audit(registry.audit_heads())
        except _LOST:
            return  # the test took the database away, or took it back to an older schema
    if os.environ.get(_LOG):
        with open(os.environ[_LOG], "a", encoding="utf-8") as log:
            log.write(f"{url.partition(':')[0]} {report.events} {report.rows} {report.unproven} {report.found}\n")
    assert report.ok, "\n".join(finding.text for finding in report.findings)
