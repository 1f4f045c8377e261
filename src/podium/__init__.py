"""Podium: a model registry for teams that train and ship models with Apache Airflow and Prefect.

Importing it is cheap: each name below is loaded when it is first used, and no host is imported at all.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from podium.checks import Check, TestSubject, check
    from podium.content.report import FileProblem, VerifyReport
    from podium.domain.audit import AuditFinding, AuditHead, AuditHeads, AuditReport, EventPage, Holding
    from podium.domain.automations import AutomationTest
    from podium.domain.bundle import BundleInfo, ImportReport
    from podium.domain.checks import CheckResult, RecordedCheck, TestReport
    from podium.domain.comparison import Comparison
    from podium.domain.delivery import Automation, Delivery, DeliveryDetails, Subscription, SubscriptionTest, Template
    from podium.domain.events import Event
    from podium.domain.explaining import Explanation
    from podium.domain.expressions import ExpressionError
    from podium.domain.gates import GateResult
    from podium.domain.health import Finding, HealthReport
    from podium.domain.impact import Impact
    from podium.domain.lineage import Lineage
    from podium.domain.manifest import Entry, Manifest
    from podium.domain.media import MediaInfo, TableData
    from podium.domain.notifications import NotificationPlan, Notifications
    from podium.domain.origin import Origin
    from podium.domain.policies import ApprovalRule, FreezeWindow, Policy, RequiredCheck, Stage
    from podium.domain.policy_targets import PolicyExplanation, PolicyRevision
    from podium.domain.runs import MetricPoint, RunInfo
    from podium.domain.search import CollectionPage, RunPage, VersionPage
    from podium.domain.transitions import Approval, FreezeInfo, RoleGrant, Transition
    from podium.domain.versions import AliasMove, Collection, Expiring, RegistryInfo, Version, VersionFiles
    from podium.errors import (
        AlreadyExistsError,
        ConflictError,
        DatabaseUnavailableError,
        IntegrityError,
        InvalidNameError,
        InvalidValueError,
        NotFoundError,
        PermissionDeniedError,
        PluginError,
        PodiumError,
        PromotionRefusedError,
        SchemaOutdatedError,
        SettingsError,
        StorageError,
    )
    from podium.registry import Registry, open_registry
    from podium.sdk import Artifact, Image, Run, Table, init
    from podium.usecases.garbage import GcReport

__version__ = "0.1.0"

_HOMES = {
    "podium.checks": ("Check", "TestSubject", "check"),
    "podium.content.report": ("FileProblem", "VerifyReport"),
    "podium.domain.audit": ("AuditFinding", "AuditHead", "AuditHeads", "AuditReport", "EventPage", "Holding"),
    "podium.domain.bundle": ("BundleInfo", "ImportReport"),
    "podium.domain.checks": ("CheckResult", "RecordedCheck", "TestReport"),
    "podium.domain.comparison": ("Comparison",),
    "podium.domain.automations": ("AutomationTest",),
    "podium.domain.delivery": (
        "Automation",
        "Delivery",
        "DeliveryDetails",
        "Subscription",
        "SubscriptionTest",
        "Template",
    ),
    "podium.domain.events": ("Event",),
    "podium.domain.explaining": ("Explanation",),
    "podium.domain.expressions": ("ExpressionError",),
    "podium.domain.gates": ("GateResult",),
    "podium.domain.health": ("Finding", "HealthReport"),
    "podium.domain.impact": ("Impact",),
    "podium.domain.lineage": ("Lineage",),
    "podium.domain.manifest": ("Entry", "Manifest"),
    "podium.domain.media": ("MediaInfo", "TableData"),
    "podium.domain.notifications": ("NotificationPlan", "Notifications"),
    "podium.domain.origin": ("Origin",),
    "podium.domain.policies": ("ApprovalRule", "FreezeWindow", "Policy", "RequiredCheck", "Stage"),
    "podium.domain.policy_targets": ("PolicyExplanation", "PolicyRevision"),
    "podium.domain.runs": ("MetricPoint", "RunInfo"),
    "podium.domain.search": ("CollectionPage", "RunPage", "VersionPage"),
    "podium.domain.transitions": ("Approval", "FreezeInfo", "RoleGrant", "Transition"),
    "podium.domain.versions": ("AliasMove", "Collection", "Expiring", "RegistryInfo", "Version", "VersionFiles"),
    "podium.errors": (
        "AlreadyExistsError",
        "ConflictError",
        "DatabaseUnavailableError",
        "IntegrityError",
        "InvalidNameError",
        "InvalidValueError",
        "NotFoundError",
        "PermissionDeniedError",
        "PluginError",
        "PodiumError",
        "PromotionRefusedError",
        "SchemaOutdatedError",
        "SettingsError",
        "StorageError",
    ),
    "podium.registry": ("Registry", "open_registry"),
    "podium.sdk": ("Artifact", "Image", "Run", "Table", "init"),
    "podium.usecases.garbage": ("GcReport",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AliasMove",
    "AlreadyExistsError",
    "Approval",
    "ApprovalRule",
    "Artifact",
    "AuditFinding",
    "AuditHead",
    "AuditHeads",
    "AuditReport",
    "Automation",
    "AutomationTest",
    "BundleInfo",
    "Check",
    "CheckResult",
    "Collection",
    "CollectionPage",
    "Comparison",
    "ConflictError",
    "DatabaseUnavailableError",
    "Delivery",
    "DeliveryDetails",
    "Entry",
    "Event",
    "EventPage",
    "Expiring",
    "Explanation",
    "ExpressionError",
    "FileProblem",
    "Finding",
    "FreezeInfo",
    "FreezeWindow",
    "GateResult",
    "GcReport",
    "HealthReport",
    "Holding",
    "Image",
    "Impact",
    "ImportReport",
    "IntegrityError",
    "InvalidNameError",
    "InvalidValueError",
    "Lineage",
    "Manifest",
    "MediaInfo",
    "MetricPoint",
    "NotFoundError",
    "NotificationPlan",
    "Notifications",
    "Origin",
    "PermissionDeniedError",
    "PluginError",
    "PodiumError",
    "Policy",
    "PolicyExplanation",
    "PolicyRevision",
    "PromotionRefusedError",
    "RecordedCheck",
    "Registry",
    "RegistryInfo",
    "RequiredCheck",
    "RoleGrant",
    "Run",
    "RunInfo",
    "RunPage",
    "SchemaOutdatedError",
    "SettingsError",
    "Stage",
    "StorageError",
    "Subscription",
    "SubscriptionTest",
    "Table",
    "TableData",
    "Template",
    "TestReport",
    "TestSubject",
    "Transition",
    "VerifyReport",
    "Version",
    "VersionFiles",
    "VersionPage",
    "check",
    "init",
    "open_registry",
]


def __getattr__(name: str) -> Any:
    """Load a public name at its first use."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'podium' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted([*__all__, "__version__"])
