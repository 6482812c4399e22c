"""Figures with their uncertainty; a figure that is not defined is None, never zero.

The closed forms stand here rather than in statsmodels, whose import costs a second and 75 MB in a process that only
wants one interval; the tests hold them against statsmodels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev


@dataclass(frozen=True, kw_only=True)
class Proportion:
    """A share in 0..1 of ``n`` cases with its interval."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, kw_only=True)
class MeanInterval:
    """A mean of ``n`` values; with fewer than two different values there is no interval."""

    value: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, kw_only=True)
class Difference:
    """By how much one figure lies above another, with its interval."""

    value: float
    low: float
    high: float


def wilson_interval(successes: int, n: int, level: float = 0.95) -> Proportion | None:
    """The share ``successes / n`` with its score interval; None for ``n == 0``.

    Raises:
        ValueError: the counts are impossible.

    Source: Wilson 1927, J Am Stat Assoc 22:209.
    """
    if n < 0 or not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} are impossible")
    if n == 0:
        return None
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, shrink = successes / n, 1 + z * z / n
    centre = (share + z * z / (2 * n)) / shrink
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / shrink
    # at the ends the interval touches 0 or 1 exactly; rounding must not push it below or above the share itself
    low = 0.0 if successes == 0 else max(0.0, centre - reach)
    high = 1.0 if successes == n else min(1.0, centre + reach)
    return Proportion(value=share, low=low, high=high, n=n)


def rate_difference(baseline: Proportion, candidate: Proportion) -> Difference:
    """``candidate - baseline`` for rates of two independent samples, with the interval at the level of their own.

    Source: Newcombe 1998, Stat Med 17:873, method 10 (from the two Wilson intervals).
    """
    value = candidate.value - baseline.value
    below = math.hypot(candidate.value - candidate.low, baseline.high - baseline.value)
    above = math.hypot(candidate.high - candidate.value, baseline.value - baseline.low)
    return Difference(value=value, low=value - below, high=value + above)


def mean_interval(
    values: Sequence[float], *, level: float = 0.95, upper: float | None = None, lower: float | None = None
) -> MeanInterval | None:
    """The mean with its t interval; None without values.

    Args:
        lower, upper: the range of the values; the interval does not leave it.
    """
    if not values:
        return None
    mean = fmean(values)
    if len(set(values)) < 2:  # equal values would give an interval of no width, as if nothing were uncertain
        return MeanInterval(value=mean, low=None, high=None, n=len(values))
    from scipy.special import stdtrit  # imported here: a quarter of a second that `convotest --help` does not need

    reach = float(stdtrit(len(values) - 1, (1 + level) / 2)) * stdev(values) / math.sqrt(len(values))
    low = mean - reach if lower is None else max(lower, mean - reach)
    high = mean + reach if upper is None else min(upper, mean + reach)
    return MeanInterval(value=mean, low=low, high=high, n=len(values))


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value below which ``share`` (0..1) of the values lie, interpolated linearly; None without values.

    Source: Hyndman & Fan 1996, type 7, the default of numpy and R.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"a share lies in 0..1, not {share}")
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
