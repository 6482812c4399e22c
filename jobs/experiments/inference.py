"""Tests and intervals for two arms: plain numbers in, a p-value or an interval out, the same on every machine.

What is short stands here in closed form; the tests hold it against scipy, statsmodels and published examples.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Interval = tuple[float, float]

LEVEL = 0.95
RESAMPLES = 9_999
"""With one more for the data themselves, p is a multiple of 1/10,000."""

RESAMPLES_OF_MANY = 999
"""Above ``analysis.LARGE`` scenarios the ends of an interval hardly depend on the number of resamples."""

EXACT_UP_TO = 13
"""Values; 2^13 flips of the sign are fewer than ``RESAMPLES``."""

SEED = 20_260_823
"""The same file gives the same answer; any other number would do."""

AT_ONCE = 4_000_000
"""Random numbers held in memory at a time."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A difference or ratio of B against A; without an interval where the values do not allow one."""

    value: float | None
    interval: Interval | None
    p: float


def mcnemar_midp(only_a: int, only_b: int) -> float:
    """The two-sided mid-p of the pairs in which only one arm succeeded; 1 when there are none.

    Source: Fagerland, Lydersen & Laake 2013, BMC Med Res Methodol 13:91.
    """
    from scipy.special import bdtr

    fewer, n = min(only_a, only_b), only_a + only_b
    if n == 0:
        return 1.0
    exactly = math.exp(math.lgamma(n + 1) - math.lgamma(fewer + 1) - math.lgamma(n - fewer + 1) - n * math.log(2))
    return min(1.0, 2 * float(bdtr(fewer, n, 0.5)) - exactly)


def boschloo(successes_a: int, n_a: int, successes_b: int, n_b: int) -> float:
    """The two-sided p of Boschloo's exact test for two independent rates; both arms need a case.

    Source: Boschloo 1970, Stat Neerl 24:1.
    """
    from scipy.stats import boschloo_exact

    if successes_a + successes_b in (0, n_a + n_b):
        return 1.0  # without a success, or without a failure, there is nothing to tell the arms apart
    table = [[successes_a, successes_b], [n_a - successes_a, n_b - successes_b]]
    return min(1.0, float(boschloo_exact(table).pvalue))


def ratio_of_rates_above(ratio: float, successes_a: int, n_a: int, successes_b: int, n_b: int) -> float:
    """The one-sided p of "the rate of B is more than ``ratio`` times that of A", by the score test.

    Source: Farrington & Manning 1990, Stat Med 9:1447 (the variance under the limit, in closed form).
    """
    a = ratio * (n_a + n_b)
    b = -(ratio * n_b + successes_b + n_a + ratio * successes_a)
    c = successes_a + successes_b
    rate_a = min(1.0, (-b - math.sqrt(max(0.0, b * b - 4 * a * c))) / (2 * a))
    rate_b = min(1.0, ratio * rate_a)
    error = math.sqrt(rate_b * (1 - rate_b) / n_b + ratio**2 * rate_a * (1 - rate_a) / n_a)
    margin = successes_b / n_b - ratio * successes_a / n_a
    if error == 0:  # no success in either arm: nothing speaks for or against it
        return 0.5 if margin == 0 else float(margin < 0)
    return 1 - NormalDist().cdf(margin / error)


def sign_flip(differences: Floats) -> float:
    """The two-sided p of a mean of zero if each difference could as well have had the other sign.

    All flips up to ``EXACT_UP_TO`` values, else ``RESAMPLES`` random ones.

    Source: Phipson & Smyth 2010, Stat Appl Genet Mol Biol 9:39 (the data count as one of the flips).
    """
    n = len(differences)
    observed = abs(float(differences.sum()))
    at_least = observed - 1e-9 * float(np.abs(differences).sum())  # equal sums differ by rounding
    if n <= EXACT_UP_TO:
        signs = np.array(list(itertools.product((1.0, -1.0), repeat=n)))
        return float(np.mean(np.abs(signs @ differences) >= at_least))
    rng, extreme = np.random.default_rng(SEED), 0
    for size in _portions(RESAMPLES, n):
        signs = 1 - 2.0 * rng.integers(0, 2, size=(size, n), dtype=np.int8)
        extreme += int(np.count_nonzero(np.abs(signs @ differences) >= at_least))
    return (extreme + 1) / (RESAMPLES + 1)


def mean_t(differences: Floats) -> Estimate:
    """The mean difference with Student's interval and p; equal values have no interval and the p of all signs alike."""
    n, mean = len(differences), float(differences.mean())
    if is_constant(differences):
        p = 1.0 if _is_zero(mean, differences) else min(1.0, 2.0 ** (1 - n))
        return Estimate(value=mean, interval=None, p=p)
    return _t_estimate(mean, float(differences.std(ddof=1)) / math.sqrt(n), n - 1)


def welch(a: Floats, b: Floats) -> Estimate:
    """``mean(b) - mean(a)`` of independent samples with Welch's interval and p; each arm needs two values.

    Two arms of equal values each have no interval, and the p of the one split in C(n, k) that separates them.

    Source: Welch 1947, Biometrika 34:28.
    """
    difference = float(b.mean() - a.mean())
    if is_constant(a) and is_constant(b):
        apart = not _is_zero(difference, np.concatenate([a, b]))
        p = min(1.0, 2 * math.exp(-_log_choose(len(a) + len(b), len(a)))) if apart else 1.0
        return Estimate(value=difference, interval=None, p=p)
    error, freedom = _welch_error(_variance_of_mean(a), len(a), _variance_of_mean(b), len(b))
    return _t_estimate(difference, error, freedom)


def bootstrap_mean(differences: Floats, resamples: int = RESAMPLES) -> Interval | None:
    """The percentile interval of a mean, resampling its values; None for equal values.

    Source: Efron & Tibshirani 1993, chapter 13.
    """
    if is_constant(differences):
        return None
    means = _resampled([differences], len(differences), resamples)[0] / len(differences)
    return _quantiles(means, (1 - LEVEL) / 2, (1 + LEVEL) / 2)


def bootstrap_pairs(only_a: int, only_b: int, n: int) -> Interval:
    """The interval of the paired difference of two rates, resampling the pairs.

    A bootstrap of pairs that all agree, or all disagree in one direction, has no width, as if nothing were uncertain;
    for those it is the adjusted Wald interval.

    Source: Bonett & Price 2012, J Educ Behav Stat 37:479.
    """
    if max(only_a, only_b, n - only_a - only_b) == n:
        a, b, total = only_a + 1, only_b + 1, n + 2
        reach = _normal(LEVEL) * math.sqrt(a + b - (b - a) ** 2 / total) / total
        return max(-1.0, (b - a) / total - reach), min(1.0, (b - a) / total + reach)
    shares = [only_a / n, only_b / n, max(0.0, 1 - (only_a + only_b) / n)]
    drawn = np.random.default_rng(SEED).multinomial(n, shares, size=RESAMPLES)
    return _quantiles((drawn[:, 1] - drawn[:, 0]) / n, (1 - LEVEL) / 2, (1 + LEVEL) / 2)


def bca_ratio(a: Floats, b: Floats, *, paired: bool) -> Estimate:
    """``mean(b) / mean(a)`` of values of at least 0 with its BCa interval, and the p at which that just holds 1.

    Raises:
        ValueError: all of ``a`` is 0.

    Source: Efron & Tibshirani 1993, chapter 14 and equation 15.34.
    """
    if not a.any():
        raise ValueError("a ratio to nothing is not defined")
    ratio = float(b.mean() / a.mean())
    influence = _ratio_influence(a, b, paired=paired)
    if not influence.any():  # the same ratio in every pair: there is nothing to resample
        p = 1.0 if math.isclose(ratio, 1, rel_tol=1e-9) else min(1.0, 2.0 ** (1 - len(a)))
        return Estimate(value=ratio, interval=None, p=p)
    ratios = _resampled_ratios(a, b, RESAMPLES, paired=paired)
    acceleration = float((influence**3).sum() / (6 * (influence**2).sum() ** 1.5))
    bias = _normal_score(ratios, ratio)

    def share(score: float) -> float:
        shifted = bias + score
        return NormalDist().cdf(bias + shifted / (1 - acceleration * shifted))

    def tail(value: float) -> float:
        score = _normal_score(ratios, value) - bias
        return NormalDist().cdf(score / (1 + acceleration * score) - bias)

    reach = _normal(LEVEL)
    below = tail(1.0)
    return Estimate(
        value=ratio,
        interval=_quantiles(ratios, share(-reach), share(reach)),
        p=min(1.0, 2 * min(below, 1 - below)),
    )


def percentile_ratio(a: Floats, b: Floats, *, paired: bool) -> Interval | None:
    """The percentile interval of ``mean(b) / mean(a)`` for many values; None if nothing varies."""
    if not _ratio_influence(a, b, paired=paired).any():
        return None
    ratios = _resampled_ratios(a, b, RESAMPLES_OF_MANY, paired=paired)
    return _quantiles(ratios, (1 - LEVEL) / 2, (1 + LEVEL) / 2)


def fieller_ratio(a: Floats, b: Floats, *, paired: bool) -> Interval | None:
    """The interval of ``mean(b) / mean(a)``: every ratio ``r`` for which ``b - r a`` may have a mean of zero.

    None when nothing varies, or when ``mean(a)`` itself may be zero, which leaves the ratio without bounds.

    Source: Fieller 1954, J R Stat Soc B 16:175.
    """
    from scipy.special import stdtrit

    mean_a, mean_b, ratio = float(a.mean()), float(b.mean()), float(b.mean() / a.mean())
    var_a, var_b = _variance_of_mean(a), _variance_of_mean(b)
    shared = float(((a - mean_a) * (b - mean_b)).sum()) / (len(a) - 1) / len(a) if paired else 0.0
    if not _ratio_influence(a, b, paired=paired).any():
        return None
    freedom = len(a) - 1.0 if paired else _welch_error(ratio**2 * var_a, len(a), var_b, len(b))[1]
    t = float(stdtrit(freedom, (1 + LEVEL) / 2))
    square, half, constant = mean_a**2 - t * t * var_a, mean_a * mean_b - t * t * shared, mean_b**2 - t * t * var_b
    if square <= 0:
        return None
    reach = math.sqrt(max(0.0, half * half - square * constant))
    return (half - reach) / square, (half + reach) / square


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values, adjusted so that the risk of even one false claim among them stays at the level of one test.

    Source: Holm 1979, Scand J Stat 6:65.
    """
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda each: p_values[each])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def is_constant(values: Floats) -> bool:
    """Whether the values differ by no more than rounding."""
    return float(np.ptp(values)) <= 1e-12 * float(np.abs(values).max())


def _is_zero(difference: float, values: Floats) -> bool:
    return abs(difference) <= 1e-12 * float(np.abs(values).max())


def _t_estimate(value: float, error: float, freedom: float) -> Estimate:
    from scipy.special import stdtr, stdtrit

    reach = float(stdtrit(freedom, (1 + LEVEL) / 2)) * error
    p = min(1.0, 2 * float(stdtr(freedom, -abs(value) / error)))
    return Estimate(value=value, interval=(value - reach, value + reach), p=p)


def _welch_error(var_a: float, n_a: int, var_b: float, n_b: int) -> tuple[float, float]:
    """Standard error and degrees of freedom from the variances of two means."""
    total = var_a + var_b
    # shares, since squares of small variances would vanish
    freedom = 1 / ((var_a / total) ** 2 / (n_a - 1) + (var_b / total) ** 2 / (n_b - 1))
    return math.sqrt(total), freedom


def _variance_of_mean(values: Floats) -> float:
    return float(values.var(ddof=1)) / len(values)


def _ratio_influence(a: Floats, b: Floats, *, paired: bool) -> Floats:
    """How much each case moves the ratio, up to a common factor; the jackknife's values in the limit."""
    ratio = float(b.mean() / a.mean())
    if paired:
        influence = b - ratio * a
        size = float((np.abs(b) + ratio * np.abs(a)).max())
    else:
        influence = np.concatenate([(b - b.mean()) / len(b), -ratio * (a - a.mean()) / len(a)])
        size = max(float(np.abs(b).max()) / len(b), ratio * float(np.abs(a).max()) / len(a))
    influence[np.abs(influence) <= 1e-12 * size] = 0
    return influence / size if size else influence


def _resampled_ratios(a: Floats, b: Floats, resamples: int, *, paired: bool) -> Floats:
    if paired:
        sums_a, sums_b = _resampled([a, b], len(a), resamples)
    else:
        sums_a = _resampled([a], len(a), resamples, stream=0)[0]
        sums_b = _resampled([b], len(b), resamples, stream=1)[0]
    defined = sums_a > 0  # a resample that happens to hold only zeros has no ratio
    return (sums_b[defined] / len(b)) / (sums_a[defined] / len(a))


def _resampled(columns: Sequence[Floats], n: int, resamples: int, *, stream: int = 0) -> list[Floats]:
    """Sums of each column over ``resamples`` random choices of ``n`` rows, the same rows for all columns."""
    rng = np.random.default_rng([SEED, stream])
    sums: list[list[Floats]] = [[] for _ in columns]
    for size in _portions(resamples, n):
        rows = rng.integers(0, n, size=(size, n), dtype=np.int32)
        for column, found in zip(columns, sums, strict=True):
            found.append(column[rows].sum(axis=1))
    return [np.concatenate(found) for found in sums]


def _portions(total: int, width: int) -> Iterator[int]:
    """How many rows of ``width`` values to draw at a time, so that memory stays bounded."""
    size = max(1, AT_ONCE // max(1, width))
    for start in range(0, total, size):
        yield min(size, total - start)


def _normal_score(sorted_or_not: Floats, value: float) -> float:
    """The normal quantile of the share of values below ``value``, ties counted half; finite at the ends."""
    below = np.count_nonzero(sorted_or_not < value) + np.count_nonzero(sorted_or_not == value) / 2
    share = (float(below) + 0.5) / (len(sorted_or_not) + 1)
    return NormalDist().inv_cdf(share)


def _quantiles(values: Floats, low: float, high: float) -> Interval:
    ends = np.quantile(values, [low, high])
    return float(ends[0]), float(ends[1])


def _normal(level: float) -> float:
    return NormalDist().inv_cdf((1 + level) / 2)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
