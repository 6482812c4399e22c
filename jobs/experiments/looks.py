"""Looking at an experiment while it runs without fooling oneself, and whether its traffic was split as planned."""

import math
from collections.abc import Mapping
from typing import Literal

ALPHA = 0.05
SUSPICIOUS = 0.001
"""The p below which a split of live traffic is no accident; looked at often, hence far below 0.05."""


def log_e_value(only_a: int, only_b: int) -> float:
    """The logarithm of the evidence against "each discordant pair is as likely to favour A as B".

    The e-value of a uniform mixture over how often B wins. Its chance of ever reaching 1 / alpha while there is no
    difference is at most alpha, however often one looks.

    Source: Robbins 1970, Ann Math Stat 41:1397; Ville 1939 for the bound.
    """
    log_beta = math.lgamma(only_a + 1) + math.lgamma(only_b + 1) - math.lgamma(only_a + only_b + 2)
    return log_beta + (only_a + only_b) * math.log(2)


def early_winner(only_a: int, only_b: int, *, alpha: float = ALPHA) -> Literal["a", "b"] | None:
    """The arm that may be called better at this look; None as long as neither may.

    Args:
        only_a, only_b: pairs so far in which only that arm succeeded.
    """
    if log_e_value(only_a, only_b) < -math.log(alpha):
        return None
    return "a" if only_a > only_b else "b"


def split_p_value(counts: Mapping[str, int], shares: Mapping[str, float]) -> float | None:
    """The p of the sample-ratio check: do the arms have the shares of the traffic they should have?

    None without traffic.

    Args:
        counts: conversations by arm.
        shares: the intended share of each arm, above zero and together 1.

    Raises:
        ValueError: the arms differ, or the shares are none.

    Source: Fabijan et al. 2019, KDD (sample ratio mismatch); Pearson's chi-square test.
    """
    from scipy.special import chdtrc

    if counts.keys() != shares.keys() or not math.isclose(sum(shares.values()), 1) or min(shares.values()) <= 0:
        raise ValueError(f"shares {dict(shares)} do not describe the arms {list(counts)}")
    total = sum(counts.values())
    if total == 0:
        return None
    chi_square = sum((counts[arm] - total * share) ** 2 / (total * share) for arm, share in shares.items())
    return float(chdtrc(len(counts) - 1, chi_square)) if len(counts) > 1 else 1.0


def split_is_valid(counts: Mapping[str, int], shares: Mapping[str, float]) -> bool:
    """False when the split is so far from the plan that the experiment says nothing."""
    p = split_p_value(counts, shares)
    return p is None or p >= SUSPICIOUS
