"""What a report tells beside the result itself; `Registry.test_report` and `Registry.promotion_report` gather it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from podium.domain.comparison import Comparison
from podium.domain.lineage import LineageVersion
from podium.domain.plain import Value
from podium.domain.policy_targets import PolicyRevision
from podium.domain.runs import RunInfo
from podium.domain.versions import Version


@dataclass(frozen=True, slots=True)
class VersionFacts(Value):
    """What is known of a version.

    Attributes:
        version: The version.
        run: The run that logged it, if any.
        inputs: The versions that this run used, such as data sets.
    """

    version: Version
    run: RunInfo | None = None
    inputs: tuple[LineageVersion, ...] = ()


@dataclass(frozen=True, slots=True)
class TestFacts(Value):
    """What a report of a test tells beside the results.

    Attributes:
        about: The version; None where it is gone.
        comparison: With the champion, which is the baseline; None without one.
        environment: Where the checks ran, as `Registry.environment` has it; empty where nobody knows.
    """

    __test__ = False  # pytest shall not collect it

    about: VersionFacts | None = None
    comparison: Comparison | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PromotionFacts(Value):
    """What a report of a promotion tells beside the decision.

    Attributes:
        about: The version; None where it is gone.
        comparison: With the holder of the stage, which is the baseline; None where nobody held it.
        policy: The revision of the policy whose gates were asked; None for Podium's own, and where it is gone.
    """

    about: VersionFacts | None = None
    comparison: Comparison | None = None
    policy: PolicyRevision | None = None
