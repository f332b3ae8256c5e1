"""Estimates with their number and their interval. The methods are scipy's and numpy's; here is which ones, once.

- Percentiles are linear between the closest ranks (numpy's ``linear``, type 7 of Hyndman and Fan).
- Their interval is of order statistics: how many values lie below a percentile is binomial, whatever the distribution,
  so two ranks bracket it (``scipy.stats.quantile_test``). Where no rank is far enough out, that end is None.
- A value that is only known to be larger counts as larger than all: a percentile that falls among those is None, which
  is to say above everything that was seen. No such value is dropped.
- Rates have Wilson's score interval, which stays inside 0 to 1 and does not collapse at 0 of n.
- A change is a median of paired ratios with a percentile bootstrap interval, from a fixed seed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval, from ``n`` values of which ``censored`` are only known to be larger than they are.

    None says that it cannot be known: with too few values, or among those censored.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    censored: int = 0


@dataclass(frozen=True, slots=True)
class Rate:
    """``count`` of ``n``, and the interval of its share; all None for 0 of 0."""

    count: int
    n: int
    value: float | None
    low: float | None
    high: float | None


def quantile(values: Sequence[float], q: float, *, censored: int = 0, confidence: float = CONFIDENCE) -> Estimate:
    """The quantile ``q`` (0 to 1) of values, and of ``censored`` more that are larger by an unknown amount."""
    known = np.sort(np.asarray(values, dtype=float))
    n = len(known) + censored
    if n == 0:
        return Estimate(None, None, None, 0)
    data = np.concatenate([known, np.full(censored, math.inf)])
    interval: Any = stats.quantile_test(data, p=q).confidence_interval(confidence)  # its stubs call it a float
    low, high = interval
    return Estimate(_linear(data, q), _finite(low), _finite(high), n, censored)


def rate(count: int, n: int, *, confidence: float = CONFIDENCE) -> Rate:
    """The share of ``count`` in ``n`` with Wilson's interval."""
    if n == 0:
        return Rate(count, n, None, None, None)
    interval = stats.binomtest(count, n).proportion_ci(confidence, method="wilson")
    return Rate(count, n, count / n, float(interval.low), float(interval.high))


def ratio(before: Sequence[float], after: Sequence[float], *, confidence: float = CONFIDENCE) -> Estimate:
    """The median of ``after / before``, pair by pair; 1 is no change. Pairs with a value that is not positive are left
    out. No interval below three pairs.
    """
    pairs = [(a, b) for a, b in zip(before, after, strict=True) if a > 0 and b > 0]
    logs = np.array([math.log(b / a) for a, b in pairs])
    if len(logs) == 0:
        return Estimate(None, None, None, 0)
    middle = math.exp(float(np.median(logs)))
    if len(logs) < 3:
        return Estimate(middle, None, None, len(logs))
    found = stats.bootstrap(
        (logs,),
        np.median,
        n_resamples=RESAMPLES,
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return Estimate(middle, math.exp(float(found.low)), math.exp(float(found.high)), len(logs))


def _linear(data: np.ndarray[tuple[int], np.dtype[np.float64]], q: float) -> float | None:
    """Linear between the closest ranks; None where one of them is infinite."""
    position = q * (len(data) - 1)
    low, high = data[math.floor(position)], data[math.ceil(position)]
    return float(low + (high - low) * (position - math.floor(position))) if math.isfinite(high) else None


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
