"""How far a judge agrees with people who rated the same conversations, and which of its metrics may decide anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, pvariance

ENOUGH_PAIRS = 30
"""Doubly rated conversations below which agreement is shown greyed."""
TRUSTED_BLINDLY = -1.0
"""With this floor a judge's metrics decide though nobody has rated anything."""


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


@dataclass(frozen=True, kw_only=True)
class JudgeTrust:
    """How far the metrics of one judge agree with people.

    Args:
        agreement: by metric; one that nobody rated is not in it.
        floor: the weighted kappa from which a metric may decide.
    """

    floor: float
    agreement: Mapping[str, Agreement] = field(default_factory=dict[str, Agreement])

    def words(self, metric: str) -> str:
        """E.g. ``agrees with your team: κ 0.61, n = 84``."""
        known = self.agreement.get(metric)
        if known is None:
            return "nobody of your team has rated these conversations yet (n = 0)"
        kappa = "undefined" if known.kappa is None else f"{known.kappa:.2f}"
        if not known.enough:
            return f"too few ratings of your team to compare with: κ {kappa}, n = {known.n} of {ENOUGH_PAIRS}"
        verb = "agrees" if known.kappa is not None and known.kappa >= self.floor else "does not agree enough"
        return f"{verb} with your team: κ {kappa}, n = {known.n}, same stars {known.same:.0%}, bias {known.bias:+.1f}"

    def is_shown_greyed(self, metric: str) -> bool:
        known = self.agreement.get(metric)
        return known is None or not known.enough

    def objection(self, metric: str) -> str | None:
        """Why the metric may not decide anything; None if it may."""
        if self.floor <= TRUSTED_BLINDLY:
            return None
        known = self.agreement.get(metric)
        n = known.n if known else 0
        if known is None or not known.enough:
            return f"a judge's metric decides from {ENOUGH_PAIRS} conversations that people rated too; there are {n}"
        if known.kappa is None:
            return "the judge or your team always say the same, so that their agreement is not defined"
        if known.kappa < self.floor:
            wanted = f"at least {self.floor:g} is wanted"
            return f"the judge agrees too little with your team (κ {known.kappa:.2f}, {wanted})"
        return None
