"""How many pairs a difference needs, and which difference a number of pairs can show."""

import math
from statistics import NormalDist

ALPHA = 0.05
POWER = 0.8
DISAGREEING = 0.25
"""In planning: the share of pairs in which only one variant succeeds, when nothing is known yet."""

BEYOND_PLANNING = 1_000_000_000


def pairs_for_rates(*, discordant: float, difference: float, power: float = POWER, alpha: float = ALPHA) -> int | None:
    """Pairs that show a paired difference of two success rates; None for no difference.

    Args:
        discordant: share of pairs in which exactly one arm succeeds, at least the difference.
        alpha: the risk of a false claim; with several candidates each has its share of it.

    Source: Connor 1987, Biometrics 43:207 (for McNemar's test, two-sided).
    """
    if not 0 <= abs(difference) <= discordant <= 1:
        raise ValueError(f"{discordant} of the pairs cannot disagree when the rates differ by {difference}")
    reach = _quantile(1 - alpha / 2) * math.sqrt(discordant)
    return _whole((reach + _quantile(power) * math.sqrt(discordant - difference**2)) ** 2, difference**2)


def pairs_for_mean(*, mean: float, sd: float, power: float = POWER) -> int | None:
    """Pairs that show a mean difference with standard deviation ``sd`` by a two-sided paired t test.

    Source: Guenther 1981, Am Stat 35:243.
    """
    normal, correction = _quantile(1 - ALPHA / 2) + _quantile(power), _quantile(1 - ALPHA / 2) ** 2 / 2
    n = _whole((normal * sd) ** 2, mean**2)
    return None if n is None else math.ceil(n + correction)


def arm_for_rates(a: float, b: float, *, power: float = POWER) -> int | None:
    """Cases in each of two independent arms that show the difference of two rates.

    Source: Fleiss, Levin & Paik 2003, Statistical Methods for Rates and Proportions, equation 4.14.
    """
    pooled = (a + b) / 2
    reach = _quantile(1 - ALPHA / 2) * math.sqrt(2 * pooled * (1 - pooled))
    return _whole((reach + _quantile(power) * math.sqrt(a * (1 - a) + b * (1 - b))) ** 2, (b - a) ** 2)


def arm_for_means(*, difference: float, sd_a: float, sd_b: float, power: float = POWER) -> int | None:
    """Cases in each of two independent arms that show a difference of means by a two-sided t test.

    Source: Guenther 1981, Am Stat 35:243.
    """
    normal, correction = _quantile(1 - ALPHA / 2) + _quantile(power), _quantile(1 - ALPHA / 2) ** 2 / 4
    n = _whole(normal**2 * (sd_a**2 + sd_b**2), difference**2)
    return None if n is None else math.ceil(n + correction)


def detectable_difference(
    pairs: int, *, discordant: float = DISAGREEING, power: float = POWER, alpha: float = ALPHA
) -> float | None:
    """The smallest paired difference of success rates that ``pairs`` pairs show; None if even the largest is not.

    The largest is the one in which all disagreement goes one way; more disagreement than ``discordant`` is taken
    where a larger difference needs it.
    """
    low, high = 0.0, 1.0
    if not _shows(pairs, high, discordant, power, alpha):
        return None
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (low, middle) if _shows(pairs, middle, discordant, power, alpha) else (middle, high)
    return high


def power_line(pairs: int, *, candidates: int = 1, discordant: float = DISAGREEING, power: float = POWER) -> str:
    """What a number of pairs can show, said before anything is paid for.

    With several candidates it is what each of them can be sure of, at its share of the risk (Holm's first step).
    """
    difference = detectable_difference(pairs, discordant=discordant, power=power, alpha=ALPHA / candidates)
    if difference is None:
        return f"{pairs} pairs cannot show any difference at {power:.0%} power"
    points = math.ceil(100 * difference - 1e-9)
    assumed = f"if only one variant succeeds in {max(discordant, difference):.0%} of them"
    each = f", for each of {candidates} candidates" if candidates > 1 else ""
    return f"{pairs} pairs can show a difference of {points} points or more at {power:.0%} power{each}, {assumed}"


def _shows(pairs: int, difference: float, discordant: float, power: float, alpha: float) -> bool:
    needed = pairs_for_rates(discordant=max(discordant, difference), difference=difference, power=power, alpha=alpha)
    return needed is not None and needed <= pairs


def _quantile(share: float) -> float:
    return NormalDist().inv_cdf(share)


def _whole(numerator: float, squared_difference: float) -> int | None:
    """``numerator / squared_difference`` rounded up; None when no number of cases in reason would do."""
    if numerator >= BEYOND_PLANNING * squared_difference:
        return None
    return max(1, math.ceil(numerator / squared_difference - 1e-9))
