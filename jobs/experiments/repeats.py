"""What repeating the same scenarios shows: how reliably they pass, and which are flaky."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs.stats import Proportion, wilson_interval

Repeats = Mapping[str, Sequence[bool | None]]
"""Success of each repeat by scenario; None where it is not known."""


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """pass^k: the chance that all of ``k`` repeats of a scenario pass; None when no scenario was repeated as often."""

    k: int
    value: float | None
    scenarios: int
    left_out: int


@dataclass(frozen=True, kw_only=True)
class FlakyScenario:
    """A scenario that sometimes passes and sometimes does not."""

    scenario: str
    passed: Proportion


def pass_power(passed: int, n: int, k: int) -> float:
    """The unbiased estimate of the chance that ``k`` repeats all pass, from ``passed`` of ``n``.

    Raises:
        ValueError: ``k`` is not in 1..n, or the counts are impossible.

    Source: Yao et al. 2024, arXiv 2406.12045, after the estimator of Chen et al. 2021, arXiv 2107.03374.
    """
    if not 1 <= k <= n or not 0 <= passed <= n:
        raise ValueError(f"{passed} of {n} repeats say nothing about {k} in a row")
    return math.comb(passed, k) / math.comb(n, k)


def reliability(repeats: Repeats, k: int) -> Reliability:
    """The mean of pass^k over the scenarios with at least ``k`` known repeats."""
    known = [[each for each in successes if each is not None] for successes in repeats.values()]
    enough = [successes for successes in known if len(successes) >= k]
    values = [pass_power(sum(successes), len(successes), k) for successes in enough]
    return Reliability(
        k=k,
        value=math.fsum(values) / len(values) if values else None,
        scenarios=len(enough),
        left_out=len(known) - len(enough),
    )


def flaky_scenarios(repeats: Repeats) -> tuple[FlakyScenario, ...]:
    """The scenarios whose repeats disagree, the most evenly split first."""
    found = list[FlakyScenario]()
    for scenario, successes in repeats.items():
        known = [each for each in successes if each is not None]
        passed = wilson_interval(sum(known), len(known))
        if passed is not None and 0 < passed.value < 1:
            found.append(FlakyScenario(scenario=scenario, passed=passed))
    return tuple(sorted(found, key=lambda each: (abs(each.passed.value - 0.5), each.scenario)))
