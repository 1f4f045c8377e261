"""Axes of charts: where the ticks stand, and what they say."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

_LARGEST = 1e300


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis.

    Attributes:
        low: The value at its beginning.
        high: The value at its end, larger than `low`.
        ticks: Values that are named, between both.
        labels: What they are called.
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]

    def place(self, value: float) -> float:
        """Return where a value stands: 0 at the beginning, 1 at the end."""
        # Halved first: the distance of two numbers may be more than the largest one.
        return (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)


def make_axis(values: Sequence[float], *, wanted: int = 5, whole: bool = False) -> Axis:
    """Return an axis that holds all values, with ticks at 1, 2 or 5 times a power of ten.

    Args:
        values: At least one, all finite.
        wanted: About how many ticks.
        whole: Whether the values are counted, so that no tick stands between two whole numbers.
    """
    low, high = min(values), max(values)
    if low == high:  # equal values become a line in the middle
        spread = 0.5 if whole or not low else abs(low) * 0.1
        low, high = max(low - spread, -sys.float_info.max), min(high + spread, sys.float_info.max)
    step = _nice((high / 2 - low / 2) / wanted * 2)
    if whole:
        step = max(1.0, step)
    largest = max(abs(low), abs(high))
    if largest > _LARGEST or not math.isfinite(step) or step < largest * 1e-14:  # nothing round stands between
        return Axis(low, high, (low, high), (f"{low:.3g}", f"{high:.3g}"))
    if whole:
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    else:  # from tick to tick, so that no line runs along the border
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        low, high = min(low, first * step), max(high, last * step)
    ticks = tuple(count * step for count in range(first, last + 1))
    return Axis(low, high, ticks, _labels(ticks, step))


def _nice(rough: float) -> float:
    """Return the next 1, 2 or 5 times a power of ten that is not smaller."""
    if not 1e-300 < rough < math.inf:
        return math.inf
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999999)


def _labels(ticks: Sequence[float], step: float) -> tuple[str, ...]:
    """Name ticks with as many digits as tell them apart; very large and very small ones by a power of ten."""
    largest = max((abs(tick) for tick in ticks), default=0.0)
    if largest >= 1e6 or (largest and largest < 1e-3):
        digits = max(0, math.floor(math.log10(largest)) - math.floor(math.log10(step)))
        return tuple(
            "0" if not tick else f"{tick:.{digits}e}".replace("e+0", "e").replace("e-0", "e-") for tick in ticks
        )
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return tuple(f"{tick:.{decimals}f}" if round(tick, decimals) else "0" for tick in ticks)
