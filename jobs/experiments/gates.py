"""Whether a candidate may replace the baseline: gates that it passes, fails, or leaves open, which never passes.

A gate asks for a share of the baseline's own figure, e.g. at least 95 % of its success or less than 110 % of its
latency. It is passed when the data exclude that the candidate is on the wrong side of that limit. All gates must be
passed, so that none needs a correction for the others (Berger 1982, Technometrics 24:295).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from jobs.experiments.analysis import ALPHA, FEWEST
from jobs.experiments.experiment import Decision, Verdict
from jobs.experiments.inference import Floats, is_constant, mean_t, ratio_of_rates_above, welch
from jobs.experiments.power import POWER
from jobs.experiments.wording import VERDICTS, metric_name

GateVerdict = Literal["pass", "fail", "inconclusive"]
RESULTS = "results an arm"


@dataclass(frozen=True, kw_only=True)
class Limit:
    """How far the candidate may lie from the baseline, as a share of the baseline's figure."""

    metric: str
    share: float
    better: Literal["higher", "lower"]
    is_rate: bool = False

    @property
    def words(self) -> str:
        bound = "at least" if self.better == "higher" else "less than"
        return f"{metric_name(self.metric)} {bound} {self.share:.0%} of the baseline's"


DEFAULT_LIMITS = (
    Limit(metric="success", share=0.95, better="higher", is_rate=True),
    Limit(metric="latency_ms", share=1.10, better="lower"),
    Limit(metric="cost_usd", share=1.20, better="lower"),
)


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A limit and what the data say of it.

    ``ratio`` is the candidate's mean over the baseline's; ``p`` the risk of passing a candidate that lies just on the
    limit. ``needs_n`` is how many pairs would decide it if it goes on as it began; None when it is decided, and when
    the candidate lies on the limit.
    """

    limit: Limit
    verdict: GateVerdict
    ratio: float | None
    p: float | None
    n: int
    needs_n: int | None
    what: str = "pairs"


@dataclass(frozen=True, kw_only=True)
class Approval:
    """The decision and, one sentence each, what stands in its way."""

    decision: Decision
    reasons: tuple[str, ...]


def gate(limit: Limit, baseline: Sequence[float] | Floats, candidate: Sequence[float] | Floats) -> Gate:
    """The paired non-inferiority test of ``candidate - share * baseline``, one value a scenario in each arm.

    A rate gets two more pairs, one in which only the baseline succeeds and one in which only the candidate does, so
    that twenty successes of twenty in both arms, which vary by nothing, prove nothing. Simulated on the limit, the
    plain t test passes up to 42 % at 20 pairs and 26 % at 30; with the two pairs it is never more than 9 %.

    Raises:
        ValueError: the arms are not equally long.

    Source: the one-sided t test of a ratio's linear form (Fieller 1954); for rates with the pseudo-observations of
    Agresti & Min 2005, Stat Med 24:729.
    """
    a, b = np.asarray(baseline, dtype=float), np.asarray(candidate, dtype=float)
    if len(a) != len(b):
        raise ValueError(f"{len(a)} baseline values cannot be paired with {len(b)} of the candidate")
    n, ratio = len(a), float(b.mean() / a.mean()) if len(a) and a.any() else None
    if n < FEWEST:
        return Gate(limit=limit, verdict="inconclusive", ratio=ratio, p=None, n=n, needs_n=FEWEST)
    if limit.is_rate:
        a, b = np.append(a, (1.0, 0.0)), np.append(b, (0.0, 1.0))
    margin = (b - limit.share * a) * (1 if limit.better == "higher" else -1)
    p = _one_sided(margin)
    verdict: GateVerdict = "pass" if p < ALPHA else "fail" if 1 - p < ALPHA else "inconclusive"
    needed = None if verdict != "inconclusive" else _pairs_that_decide(margin, n)
    return Gate(limit=limit, verdict=verdict, ratio=ratio, p=p, n=n, needs_n=needed)


def unpaired_gate(limit: Limit, baseline: Sequence[float] | Floats, candidate: Sequence[float] | Floats) -> Gate:
    """The same question of two independent arms: rates by the score test, means by Welch's test of the linear form.

    The score test says nothing certain of three successes of three in both arms, which Wald's test of the log ratio
    takes for proof.

    Source: Farrington & Manning 1990, Stat Med 9:1447; Fieller 1954.
    """
    a, b = np.asarray(baseline, dtype=float), np.asarray(candidate, dtype=float)
    n, ratio = min(len(a), len(b)), float(b.mean() / a.mean()) if len(a) and len(b) and a.any() else None
    if n < FEWEST:
        verdict: GateVerdict = "inconclusive"
        return Gate(limit=limit, verdict=verdict, ratio=ratio, p=None, n=n, needs_n=FEWEST, what=RESULTS)
    is_binary = limit.is_rate and bool(np.isin(np.concatenate([a, b]), (0.0, 1.0)).all())
    above = _rate_above(limit.share, a, b) if is_binary else _mean_above(limit.share * a, b)
    p = above if limit.better == "higher" else 1 - above
    verdict = "pass" if p < ALPHA else "fail" if 1 - p < ALPHA else "inconclusive"
    needed = None if verdict != "inconclusive" else _results_that_decide(limit.share * a, b, n)
    return Gate(limit=limit, verdict=verdict, ratio=ratio, p=p, n=n, needs_n=needed, what=RESULTS)


def _rate_above(share: float, a: Floats, b: Floats) -> float:
    """The one-sided p of a candidate's rate above that share of the baseline's."""
    return ratio_of_rates_above(share, int(a.sum()), len(a), int(b.sum()), len(b))


def _mean_above(limit: Floats, b: Floats) -> float:
    two_sided = welch(limit, b).p / 2
    return two_sided if float(b.mean()) > float(limit.mean()) else 1 - two_sided


def _results_that_decide(limit: Floats, b: Floats, n: int) -> int | None:
    difference = float(b.mean() - limit.mean())
    if difference == 0:
        return None
    normal = NormalDist().inv_cdf(1 - ALPHA) + NormalDist().inv_cdf(POWER)
    return max(n + 1, math.ceil(normal**2 * (float(limit.var(ddof=1)) + float(b.var(ddof=1))) / difference**2))


def approval(
    gates: Sequence[Gate],
    *,
    primary: Verdict,
    regressions: Mapping[str, GateVerdict],
    objection: str | None = None,
) -> Approval:
    """APPROVE if every gate and regression case is passed and the primary metric improves; REJECT if any is failed.

    Args:
        primary: the verdict on the declared primary metric.
        regressions: the cases that must go on working, by name.
        objection: why the primary metric decides nothing, as that of a judge who agrees too little with people.
    """
    by_verdict: dict[GateVerdict, list[str]] = {"fail": [], "inconclusive": [], "pass": []}
    for each in gates:
        by_verdict[each.verdict].append(_reason(each))
    for name, verdict in regressions.items():
        by_verdict[verdict].append(f"regression case {name!r}: {verdict}")
    improvement: GateVerdict = "pass" if primary == "b_better" else "fail" if primary == "b_worse" else "inconclusive"
    if objection is not None:
        improvement = "inconclusive"
    told = f", but {objection}" if objection else ""
    by_verdict[improvement].append(f"the primary metric: {VERDICTS[primary]}{told}")
    if by_verdict["fail"]:
        return Approval(decision="REJECT", reasons=tuple(by_verdict["fail"]))
    if by_verdict["inconclusive"]:
        return Approval(decision="INCONCLUSIVE", reasons=tuple(by_verdict["inconclusive"]))
    return Approval(decision="APPROVE", reasons=tuple(by_verdict["pass"]))


def _one_sided(margin: Floats) -> float:
    """The p of a mean above zero."""
    two_sided, is_above = mean_t(margin).p / 2, float(margin.mean()) > 0
    return two_sided if is_above else 1 - two_sided


def _pairs_that_decide(margin: Floats, n: int) -> int | None:
    if is_constant(margin) or margin.mean() == 0:
        return None
    normal = NormalDist().inv_cdf(1 - ALPHA) + NormalDist().inv_cdf(POWER)
    return max(n + 1, math.ceil((normal * float(margin.std(ddof=1)) / float(margin.mean())) ** 2))


def _reason(each: Gate) -> str:
    seen = f"{each.ratio:.0%} of it in {each.n} {each.what}" if each.ratio is not None else f"{each.n} {each.what}"
    more = f", about {each.needs_n - each.n} more {each.what} would tell" if each.needs_n is not None else ""
    return f"{each.limit.words}: {each.verdict} ({seen}{more})"
