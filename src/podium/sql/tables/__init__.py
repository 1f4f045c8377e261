"""The schema. Constraints are named by convention, so that an error can be translated by name.

One pattern carries artifacts and registered models alike: a *collection* has *memberships*, numbered places that point
at a *version* (the immutable bytes). Logging makes a version and its membership in the artifact; linking makes a
further membership in a model and copies nothing. An *alias* points at a membership by foreign key, so it can never
dangle, and its primary key makes two holders impossible.
"""

from __future__ import annotations

from podium.sql.tables.base import (
    metadata,
)
from podium.sql.tables.event_tables import (
    automations,
    deliveries,
    delivery_attempts,
    events,
    plugin_faults,
    subscriptions,
)
from podium.sql.tables.place_tables import (
    collection_tags,
    collections,
    former_names,
    namespaces,
    settings,
)
from podium.sql.tables.run_tables import (
    run_fields,
    run_media,
    run_metrics,
    run_versions,
    runs,
)
from podium.sql.tables.stage_tables import (
    approvals,
    checks,
    freezes,
    policies,
    roles,
    transitions,
)
from podium.sql.tables.version_tables import (
    alias_moves,
    aliases,
    manifest_entries,
    manifests,
    member_fields,
    memberships,
    version_fields,
    version_metrics,
    version_tags,
    versions,
)

__all__ = [
    "alias_moves",
    "aliases",
    "approvals",
    "automations",
    "checks",
    "collection_tags",
    "collections",
    "deliveries",
    "delivery_attempts",
    "events",
    "former_names",
    "freezes",
    "manifest_entries",
    "manifests",
    "member_fields",
    "memberships",
    "metadata",
    "namespaces",
    "plugin_faults",
    "policies",
    "roles",
    "run_fields",
    "run_media",
    "run_metrics",
    "run_versions",
    "runs",
    "settings",
    "subscriptions",
    "transitions",
    "version_fields",
    "version_metrics",
    "version_tags",
    "versions",
]
