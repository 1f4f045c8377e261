"""The format of bundles: every table has its place in it, and the page about it says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from podium.domain.bundle_records import RECORDS
from podium.sql.tables import metadata

PAGE = Path(__file__).parents[2] / "docs" / "moving.md"
NOT_MOVED = {"settings", "subscriptions", "automations", "deliveries", "delivery_attempts", "plugin_faults"}
MADE_ANEW = {"run_fields", "version_fields", "member_fields"}
DERIVED = {("aliases", "stage")}


def test_each_table_is_moved_or_known_not_to_be() -> None:
    """Whoever adds a table decides whether it belongs to a model."""
    assert set(metadata.tables) == set(RECORDS) | NOT_MOVED | MADE_ANEW


@pytest.mark.parametrize("kind", RECORDS)
def test_each_column_is_moved(kind: str) -> None:
    """Whoever adds a column gives it a field, in a new version of the format once bundles of this one are about."""
    columns = {name for name in (column.name for column in metadata.tables[kind].c) if (kind, name) not in DERIVED}
    assert set(RECORDS[kind]) == columns


@pytest.mark.parametrize("kind", RECORDS)
def test_what_may_be_null_may_be_null(kind: str) -> None:
    """A field has a question mark just where its column may be empty."""
    table = metadata.tables[kind]
    assert {name for name, is_a in RECORDS[kind].items() if is_a.endswith("?")} == {
        name for name in RECORDS[kind] if table.c[name].nullable
    }


@pytest.mark.parametrize("kind", RECORDS)
def test_the_page_describes_each_field(kind: str) -> None:
    """``docs/moving.md`` has the kind with all its fields and their types, as the code has them."""
    fields = ", ".join(f"`{name}` {is_a}" for name, is_a in RECORDS[kind].items())
    assert f"| `{kind}` | {fields} |" in PAGE.read_text(encoding="utf-8")
