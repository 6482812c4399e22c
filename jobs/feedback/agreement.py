"""How far a judge agrees with people who rated the same conversations."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, pvariance

ENOUGH_PAIRS = 30
"""Doubly rated conversations below which agreement is shown greyed."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """A judge's scores beside people's stars.

    Args:
        same: share of conversations with the very same number of stars.
        kappa: quadratically weighted, -1..1; None if everybody always says the same, where it is not defined.
        bias: mean of judge minus person, in stars.
    """

    same: float
    kappa: float | None
    bias: float
    n: int

    @property
    def enough(self) -> bool:
        return self.n >= ENOUGH_PAIRS


def stars_of_score(score: float) -> int:
    """A judge's score 0..1 on the scale of people, 1..5."""
    if not 0 <= score <= 1:
        raise ValueError(f"a score lies in 0..1, not {score}")
    return 1 + int(4 * score + 0.5)


def judge_agreement(pairs: Sequence[tuple[float, int]]) -> Agreement | None:
    """The agreement over pairs of (judge's score 0..1, person's stars 1..5); None without pairs.

    Source: Cohen 1968, Psychol Bull 70:213. With quadratic weights the disagreement that chance would give is the sum
    of both variances and the squared bias.
    """
    if not pairs:
        return None
    judge, people = [stars_of_score(score) for score, _ in pairs], [stars for _, stars in pairs]
    bias = fmean(judge) - fmean(people)
    by_chance = pvariance(judge) + pvariance(people) + bias**2
    seen = fmean((a - b) ** 2 for a, b in zip(judge, people, strict=True))
    return Agreement(
        same=fmean(a == b for a, b in zip(judge, people, strict=True)),
        kappa=1 - seen / by_chance if by_chance else None,
        bias=bias,
        n=len(pairs),
    )
