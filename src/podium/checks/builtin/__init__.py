"""Built-in checks: what people ask of nearly every model, from Python, as text, and in a list in YAML."""

from __future__ import annotations

from collections.abc import Callable

from podium.checks.builtin.card import card_sections, required_metadata
from podium.checks.builtin.drift import data_drift
from podium.checks.builtin.files import forbidden_files, max_size, required_files
from podium.checks.builtin.metrics import metric_at_least, metric_at_most, not_worse_than_champion
from podium.checks.builtin.samples import not_worse_on_samples
from podium.checks.builtin.scanning import scan_pickles
from podium.checks.builtin.speed import latency
from podium.checks.check import Check

__all__ = [
    "BUILTINS",
    "card_sections",
    "data_drift",
    "forbidden_files",
    "latency",
    "max_size",
    "metric_at_least",
    "metric_at_most",
    "not_worse_on_samples",
    "not_worse_than_champion",
    "required_files",
    "required_metadata",
    "scan_pickles",
]

BUILTINS: dict[str, Callable[..., Check]] = {
    function.__name__: function
    for function in (
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
}
