"""Checks: functions that test a model version, built-in ones, and how they are found and run.

::

    import podium

    @podium.check(at_least=0.9)
    def accuracy(model_version):
        model = load(model_version.path / "model.joblib")
        return model.score(*held_out())

What people ask of nearly every model is built in: ``podium.checks.max_size("100 MB")``,
``podium.checks.metric_at_least("accuracy", 0.9)``, and so on.
"""

from __future__ import annotations

from podium.checks.builtin import (
    card_sections,
    data_drift,
    forbidden_files,
    latency,
    max_size,
    metric_at_least,
    metric_at_most,
    not_worse_on_samples,
    not_worse_than_champion,
    required_files,
    required_metadata,
    scan_pickles,
)
from podium.checks.check import Check, check
from podium.checks.loading import Source, load_checks
from podium.checks.running import run_check
from podium.checks.spec import parse_spec
from podium.checks.subject import TestSubject

__all__ = [
    "Check",
    "Source",
    "TestSubject",
    "card_sections",
    "check",
    "data_drift",
    "forbidden_files",
    "latency",
    "load_checks",
    "max_size",
    "metric_at_least",
    "metric_at_most",
    "not_worse_on_samples",
    "not_worse_than_champion",
    "parse_spec",
    "required_files",
    "required_metadata",
    "run_check",
    "scan_pickles",
]
