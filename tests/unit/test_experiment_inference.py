"""Tests and intervals against published examples and against scipy and statsmodels."""

# statsmodels has no annotations
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests

from jobs.experiments import inference
from jobs.experiments.inference import Floats

DARWINS_MAIZE = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
"""Crossed minus self-fertilised, in eighths of an inch: Fisher 1935, The Design of Experiments, chapter 3."""

SLEEP_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
"""Hours of sleep gained with two drugs: Student 1908, Biometrika 6:1; the figures below are those of R's manual."""


def floats(values: Sequence[float]) -> Floats:
    return np.array(values, dtype=float)


def costs(n: int, seed: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    scenario = rng.lognormal(0, 0.5, n)
    return scenario * rng.lognormal(0, 0.3, n), scenario * rng.lognormal(0.1, 0.3, n)


# --- success --------------------------------------------------------------------------------------------------------


def test_the_mid_p_of_the_published_example() -> None:
    # airway hyper-responsiveness before and after stem cell transplantation, Fagerland et al. 2013, table 1
    assert inference.mcnemar_midp(1, 7) == pytest.approx(0.0391, abs=0.00005)


@given(st.integers(0, 300), st.integers(0, 300))
def test_the_mid_p_is_the_binomial_tail_less_half_of_what_was_seen(only_a: int, only_b: int) -> None:
    fewer, n = min(only_a, only_b), only_a + only_b
    expected = min(1.0, 2 * float(scipy_stats.binom.cdf(fewer, n, 0.5)) - float(scipy_stats.binom.pmf(fewer, n, 0.5)))

    assert inference.mcnemar_midp(only_a, only_b) == pytest.approx(expected, abs=1e-9)
    assert inference.mcnemar_midp(only_a, only_b) == inference.mcnemar_midp(only_b, only_a)


def test_pairs_that_all_agree_show_nothing() -> None:
    assert inference.mcnemar_midp(0, 0) == 1


def fisher(
    successes_a: int, n_a: int, successes_b: int, n_b: int, alternative: Literal["two-sided", "less", "greater"]
) -> float:
    table = np.array([[successes_a, successes_b], [n_a - successes_a, n_b - successes_b]])
    return float(scipy_stats.fisher_exact(table, alternative=alternative).pvalue)


def mean_difference(a: Floats, b: Floats, axis: int = -1) -> Floats:
    return np.asarray(np.mean(a - b, axis=axis))


def ratio_of_means(a: Floats, b: Floats, axis: int = -1) -> Floats:
    return np.asarray(np.mean(b, axis=axis) / np.mean(a, axis=axis))


def naive_boschloo(successes_a: int, n_a: int, successes_b: int, n_b: int) -> float:
    """Twice the smaller one-sided p, each the worst case over a grid of common rates."""
    cells = [(i, j) for i in range(n_a + 1) for j in range(n_b + 1)]
    rates = np.linspace(0, 1, 4001)
    ways = [np.asarray(scipy_stats.binom.pmf(i, n_a, rates) * scipy_stats.binom.pmf(j, n_b, rates)) for i, j in cells]

    def one_sided(tail: Literal["less", "greater"]) -> float:
        tests = [fisher(i, n_a, j, n_b, tail) for i, j in cells]
        seen = tests[cells.index((successes_a, successes_b))]
        as_extreme = [way for way, p in zip(ways, tests, strict=True) if p <= seen * (1 + 1e-9)]
        return float(sum(as_extreme, np.zeros(len(rates))).max())

    return min(1.0, 2 * min(one_sided("less"), one_sided("greater")))


@pytest.mark.parametrize("table", [(7, 12, 10, 11), (1, 10, 6, 10), (3, 8, 3, 9)])
def test_boschloos_test_is_the_worst_case_over_all_common_rates(table: tuple[int, int, int, int]) -> None:
    assert inference.boschloo(*table) == pytest.approx(naive_boschloo(*table), abs=0.0005)


def test_boschloos_test_is_less_cautious_than_fishers() -> None:
    assert inference.boschloo(14, 20, 19, 20) < fisher(14, 20, 19, 20, "two-sided")


@pytest.mark.parametrize("successes", [0, 20])
def test_arms_without_any_variation_show_nothing(successes: int) -> None:
    assert inference.boschloo(successes, 20, successes, 20) == 1


def test_the_bootstrap_of_pairs_is_that_of_the_differences() -> None:
    differences = floats([-1] * 4 + [1] * 11 + [0] * 45)
    resampled = scipy_stats.bootstrap((differences,), np.mean, method="percentile", rng=np.random.default_rng(5))

    assert inference.bootstrap_pairs(4, 11, 60) == pytest.approx(tuple(resampled.confidence_interval), abs=0.02)
    assert inference.bootstrap_mean(differences) == pytest.approx(inference.bootstrap_pairs(4, 11, 60), abs=0.02)


def test_the_adjusted_wald_interval_of_the_published_example() -> None:
    # all 10 pairs disagree in one direction; Bonett & Price 2012: (b + 1) / (n + 2), (c + 1) / (n + 2)
    low, high = inference.bootstrap_pairs(0, 10, 10)
    p_b, p_a = 11 / 12, 1 / 12
    reach = 1.959964 * math.sqrt((p_b + p_a - (p_b - p_a) ** 2) / 12)

    assert (low, high) == pytest.approx((p_b - p_a - reach, min(1, p_b - p_a + reach)), abs=1e-6)


@pytest.mark.parametrize("n", [10, 100, 1000])
def test_pairs_that_all_agree_leave_an_interval_that_shrinks_with_their_number(n: int) -> None:
    low, high = inference.bootstrap_pairs(0, 0, n)

    assert low == pytest.approx(-high)
    assert high == pytest.approx(2.77 / (n + 2), rel=0.01)


# --- means ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(-5, 5), min_size=2, max_size=10))
@settings(max_examples=40)
def test_all_flips_of_a_few_differences_are_those_of_scipy(differences: list[int]) -> None:
    expected = scipy_stats.permutation_test(
        (floats(differences), np.zeros(len(differences))),
        mean_difference,
        permutation_type="samples",
        n_resamples=2**10,
        vectorized=True,
    )

    assert inference.sign_flip(floats(differences)) == pytest.approx(float(expected.pvalue), abs=1e-12)


def test_random_flips_find_fishers_figure_for_darwins_maize() -> None:
    # all 32,768 flips of the fifteen: 1,726 are at least as extreme
    assert inference.sign_flip(floats(DARWINS_MAIZE)) == pytest.approx(1726 / 32768, abs=0.007)


def test_the_same_data_give_the_same_p() -> None:
    assert inference.sign_flip(floats(DARWINS_MAIZE)) == inference.sign_flip(floats(DARWINS_MAIZE))


def test_students_paired_example() -> None:
    found = inference.mean_t(floats(SLEEP_2) - floats(SLEEP_1))

    assert found.value == pytest.approx(1.58)
    assert found.interval == pytest.approx((0.7001142, 2.4598858), abs=1e-6)
    assert found.p == pytest.approx(0.002833, abs=1e-6)


def test_students_example_as_if_unpaired() -> None:
    found = inference.welch(floats(SLEEP_1), floats(SLEEP_2))

    assert found.value == pytest.approx(1.58)
    assert found.interval == pytest.approx((-0.2054832, 3.3654832), abs=1e-6)
    assert found.p == pytest.approx(0.07939, abs=1e-5)


@pytest.mark.parametrize(("values", "p"), [([0.0] * 12, 1.0), ([0.5] * 12, 2 / 2**12)])
def test_equal_differences_have_no_interval_and_the_p_of_all_signs_alike(values: list[float], p: float) -> None:
    found = inference.mean_t(floats(values))

    assert (found.interval, found.p) == (None, pytest.approx(p))
    assert inference.sign_flip(floats(values)) == pytest.approx(p)


def test_two_arms_of_equal_values_have_the_p_of_the_split_that_separates_them() -> None:
    found = inference.welch(floats([2.0] * 10), floats([3.0] * 10))

    assert (found.value, found.interval) == (1.0, None)
    assert found.p == pytest.approx(2 / math.comb(20, 10))
    assert inference.welch(floats([2.0] * 10), floats([2.0] * 10)).p == 1


def test_rounding_is_no_variation() -> None:
    values = floats([0.1 + 0.2, 0.3] * 10)

    assert inference.is_constant(values)
    assert inference.bootstrap_mean(values) is None


# --- costs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("n", [20, 80, 400])
def test_the_bca_interval_of_a_ratio_is_that_of_scipy(n: int, paired: bool) -> None:
    a, b = costs(n, seed=n)
    expected = scipy_stats.bootstrap(
        (a, b),
        ratio_of_means,
        paired=paired,
        vectorized=True,
        method="BCa",
        rng=np.random.default_rng(3),
    ).confidence_interval

    found = inference.bca_ratio(a, b, paired=paired)

    width = float(expected.high - expected.low)
    assert found.interval == pytest.approx((expected.low, expected.high), abs=0.05 * width)


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_a_cost_ratio_is_significant_exactly_when_its_interval_leaves_out_one(seed: int) -> None:
    a, b = costs(25, seed)
    found = inference.bca_ratio(a, b, paired=True)

    assert found.interval is not None
    low, high = found.interval
    assert (found.p < 0.05) == (not low <= 1 <= high) or found.p == pytest.approx(0.05, abs=0.002)


def test_the_same_ratio_in_every_pair_has_no_interval() -> None:
    a = floats([1, 2, 3, 4] * 6)

    assert inference.bca_ratio(a, 2 * a, paired=True).interval is None
    assert inference.bca_ratio(a, a, paired=True).p == 1
    assert inference.fieller_ratio(a, 2 * a, paired=True) is None
    assert inference.percentile_ratio(a, a, paired=True) is None


def test_a_ratio_to_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="not defined"):
        inference.bca_ratio(np.zeros(20), np.ones(20), paired=True)


def test_fiellers_interval_ends_where_the_t_test_of_its_linear_form_does() -> None:
    a, b = costs(15, seed=1)
    interval = inference.fieller_ratio(a, b, paired=True)

    assert interval is not None
    for end in interval:
        assert scipy_stats.ttest_1samp(b - end * a, 0).pvalue == pytest.approx(0.05, abs=1e-6)


def test_fiellers_interval_of_separate_arms_agrees_with_the_bootstrap() -> None:
    a, b = costs(400, seed=2)
    fieller, bca = inference.fieller_ratio(a, b, paired=False), inference.bca_ratio(a, b, paired=False).interval

    assert fieller is not None
    assert fieller == pytest.approx(bca, abs=0.02)


def test_a_ratio_to_something_that_may_be_zero_has_no_interval() -> None:
    a = floats([0] * 14 + [1])

    assert inference.fieller_ratio(a, floats(range(15)), paired=True) is None


def test_above_the_switch_the_percentile_and_the_bca_interval_agree() -> None:
    a, b = costs(5000, seed=4)
    bca, percentile = inference.bca_ratio(a, b, paired=True).interval, inference.percentile_ratio(a, b, paired=True)

    assert bca is not None
    assert percentile == pytest.approx(bca, abs=0.1 * (bca[1] - bca[0]))


def test_above_the_switch_the_t_test_and_the_permutation_agree() -> None:
    differences = np.random.default_rng(11).choice([-1.0, 0.0, 1.0], p=[0.24, 0.5, 0.26], size=5000)

    assert inference.mean_t(differences).p == pytest.approx(inference.sign_flip(differences), abs=0.005)


# --- several tests --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p_values", [[0.04], [0.01, 0.04, 0.03], [0.9, 0.2, 0.2, 0.001], [0.5] * 3, [0.0, 1.0]])
def test_holms_adjustment_is_that_of_statsmodels(p_values: list[float]) -> None:
    assert inference.holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1], abs=1e-12)


def test_nothing_to_adjust_is_nothing() -> None:
    assert inference.holm([]) == []
