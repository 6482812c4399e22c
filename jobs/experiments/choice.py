"""Which test answers which question: one table of tests, one function that picks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from jobs.experiments import inference, power
from jobs.experiments.inference import Estimate, Floats, Interval
from jobs.experiments.measures import Scale
from jobs.experiments.results import Sample
from jobs.stats import rate_difference, wilson_interval

TestName = Literal["mcnemar_midp", "boschloo", "permutation", "t", "welch", "log_t", "bca_ratio"]

FEWEST_FOR_BCA = 20
"""With fewer costs a BCa interval holds the truth in 88 to 91 of 100 cases, not in 95."""

LARGE = 5_000
"""Scenarios above which t and percentile intervals take over: the others need many seconds to say the same."""

LARGEST_BOSCHLOO = 160_000
"""Arm times arm, 400 in each; beyond, the exact test takes several seconds."""


@dataclass(frozen=True, kw_only=True)
class Test:
    """A way to compare two samples, its name for scripts and its name for people.

    ``needed`` is how many units (unpaired: an arm) would show the difference seen.
    """

    name: TestName
    method: str
    run: Callable[[Sample], Estimate]
    needed: Callable[[Sample], int | None]


def choose_test(scale: Scale, sample: Sample) -> Test:
    """The test for two samples on that scale; latencies come as logarithms."""
    paired, units = sample.design == "paired", sample.units
    if scale == "latency":
        return LOG_T if paired else LOG_WELCH
    if scale == "cost":
        return _choose_for_costs(sample)
    if scale == "success" and _is_binary(sample.a) and _is_binary(sample.b):
        if paired:
            return MCNEMAR
        return BOSCHLOO if len(sample.a) * len(sample.b) <= LARGEST_BOSCHLOO else MANY_RATES
    if not paired:
        return WELCH
    if units > LARGE:
        return PAIRED_T
    return PERMUTATION_OF_RATES if scale == "success" else PERMUTATION


def _choose_for_costs(sample: Sample) -> Test:
    paired = sample.design == "paired"
    if sample.units > LARGE:
        return MANY_PAIRED_COSTS if paired else MANY_COSTS
    if sample.units < FEWEST_FOR_BCA or not sample.a.any():
        return FEW_PAIRED_COSTS if paired else FEW_COSTS
    return PAIRED_COSTS if paired else COSTS


def _is_binary(values: Floats) -> bool:
    return bool(np.isin(values, (0.0, 1.0)).all())


# --- success --------------------------------------------------------------------------------------------------------


def _only(sample: Sample) -> tuple[int, int]:
    """In how many scenarios only A, and only B, succeeded."""
    return int(np.count_nonzero(sample.a > sample.b)), int(np.count_nonzero(sample.b > sample.a))


def _mcnemar(sample: Sample) -> Estimate:
    (only_a, only_b), n = _only(sample), sample.units
    interval = inference.bootstrap_pairs(only_a, only_b, n)
    return Estimate(value=(only_b - only_a) / n, interval=interval, p=inference.mcnemar_midp(only_a, only_b))


def _pairs_for_rates(sample: Sample) -> int | None:
    (only_a, only_b), n = _only(sample), sample.units
    return power.pairs_for_rates(discordant=(only_a + only_b) / n, difference=(only_b - only_a) / n)


def _boschloo(sample: Sample) -> Estimate:
    p = inference.boschloo(int(sample.a.sum()), len(sample.a), int(sample.b.sum()), len(sample.b))
    return _newcombe(sample, p)


def _many_rates(sample: Sample) -> Estimate:
    return _newcombe(sample, inference.welch(sample.a, sample.b).p)


def _newcombe(sample: Sample, p: float) -> Estimate:
    a, b = (wilson_interval(int(arm.sum()), len(arm)) for arm in (sample.a, sample.b))
    assert a is not None
    assert b is not None
    difference = rate_difference(a, b)
    return Estimate(value=difference.value, interval=(difference.low, difference.high), p=p)


def _arm_for_rates(sample: Sample) -> int | None:
    return power.arm_for_rates(float(sample.a.mean()), float(sample.b.mean()))


# --- means ----------------------------------------------------------------------------------------------------------


def _mean_t(sample: Sample) -> Estimate:
    return inference.mean_t(sample.b - sample.a)


def _welch(sample: Sample) -> Estimate:
    return inference.welch(sample.a, sample.b)


def _permutation(sample: Sample) -> Estimate:
    estimate = _mean_t(sample)
    return Estimate(value=estimate.value, interval=estimate.interval, p=inference.sign_flip(sample.b - sample.a))


def _permutation_of_rates(sample: Sample) -> Estimate:
    differences = sample.b - sample.a
    interval = inference.bootstrap_mean(differences)
    return Estimate(value=float(differences.mean()), interval=interval, p=inference.sign_flip(differences))


def _of_logarithms(test: Callable[[Sample], Estimate]) -> Callable[[Sample], Estimate]:
    """The same test with its answer as a ratio."""

    def run(sample: Sample) -> Estimate:
        estimate = test(sample)
        assert estimate.value is not None
        ends = estimate.interval
        ratios = (float(np.exp(ends[0])), float(np.exp(ends[1]))) if ends else None
        return Estimate(value=float(np.exp(estimate.value)), interval=ratios, p=estimate.p)

    return run


def _pairs_for_mean(sample: Sample) -> int | None:
    differences = sample.b - sample.a
    if sample.units < 2:
        return None
    return power.pairs_for_mean(mean=float(differences.mean()), sd=float(differences.std(ddof=1)))


def _arm_for_means(sample: Sample) -> int | None:
    if sample.units < 2:
        return None
    difference = float(sample.b.mean() - sample.a.mean())
    return power.arm_for_means(
        difference=difference, sd_a=float(sample.a.std(ddof=1)), sd_b=float(sample.b.std(ddof=1))
    )


# --- costs ----------------------------------------------------------------------------------------------------------


def _bca(sample: Sample) -> Estimate:
    return inference.bca_ratio(sample.a, sample.b, paired=sample.design == "paired")


def _few_costs(sample: Sample) -> Estimate:
    """That a ratio is 1 is tested as a difference of 0, which also holds when A cost nothing."""
    paired = sample.design == "paired"
    p = inference.sign_flip(sample.b - sample.a) if paired else inference.welch(sample.a, sample.b).p
    return _with_ratio(sample, p, inference.fieller_ratio)


def _many_costs(sample: Sample) -> Estimate:
    estimate = _mean_t(sample) if sample.design == "paired" else _welch(sample)
    return _with_ratio(sample, estimate.p, inference.percentile_ratio)


def _with_ratio(sample: Sample, p: float, interval: Callable[..., Interval | None]) -> Estimate:
    if not sample.a.any():
        return Estimate(value=None, interval=None, p=p)
    ratio = float(sample.b.mean() / sample.a.mean())
    return Estimate(value=ratio, interval=interval(sample.a, sample.b, paired=sample.design == "paired"), p=p)


# --- the table ------------------------------------------------------------------------------------------------------

MCNEMAR = Test(
    name="mcnemar_midp",
    method="McNemar mid-p, interval by bootstrap of the scenarios",
    run=_mcnemar,
    needed=_pairs_for_rates,
)
BOSCHLOO = Test(
    name="boschloo",
    method="Boschloo's exact test, Newcombe's interval",
    run=_boschloo,
    needed=_arm_for_rates,
)
MANY_RATES = Test(
    name="welch",
    method="Welch's t test of the rates (too many for an exact test), Newcombe's interval",
    run=_many_rates,
    needed=_arm_for_rates,
)
PERMUTATION_OF_RATES = Test(
    name="permutation",
    method="sign-flip permutation of the scenarios' success rates, interval by bootstrap of the scenarios",
    run=_permutation_of_rates,
    needed=_pairs_for_mean,
)
PERMUTATION = Test(
    name="permutation",
    method="sign-flip permutation of the scenarios' means, t interval",
    run=_permutation,
    needed=_pairs_for_mean,
)
PAIRED_T = Test(name="t", method="paired t test of the scenarios' means", run=_mean_t, needed=_pairs_for_mean)
WELCH = Test(name="welch", method="Welch's t test of the scenarios' means", run=_welch, needed=_arm_for_means)
LOG_T = Test(
    name="log_t",
    method="paired t test of the logarithms, ratio of geometric means",
    run=_of_logarithms(_mean_t),
    needed=_pairs_for_mean,
)
LOG_WELCH = Test(
    name="log_t",
    method="Welch's t test of the logarithms, ratio of geometric means",
    run=_of_logarithms(_welch),
    needed=_arm_for_means,
)
PAIRED_COSTS = Test(
    name="bca_ratio",
    method="BCa bootstrap of the ratio of means, scenarios kept in pairs",
    run=_bca,
    needed=_pairs_for_mean,
)
COSTS = Test(name="bca_ratio", method="BCa bootstrap of the ratio of means", run=_bca, needed=_arm_for_means)
FEW_PAIRED_COSTS = Test(
    name="permutation",
    method="sign-flip permutation of the differences, Fieller's interval of the ratio",
    run=_few_costs,
    needed=_pairs_for_mean,
)
FEW_COSTS = Test(
    name="welch",
    method="Welch's t test, Fieller's interval of the ratio",
    run=_few_costs,
    needed=_arm_for_means,
)
MANY_PAIRED_COSTS = Test(
    name="t",
    method="paired t test of the differences, percentile bootstrap of the ratio of means",
    run=_many_costs,
    needed=_pairs_for_mean,
)
MANY_COSTS = Test(
    name="welch",
    method="Welch's t test, percentile bootstrap of the ratio of means",
    run=_many_costs,
    needed=_arm_for_means,
)
