"""How many pairs a difference needs, against tables, statsmodels and exact power."""

# statsmodels has no annotations
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

import math

import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.power import TTestIndPower, TTestPower

from jobs.experiments import power
from jobs.experiments.inference import mcnemar_midp


def exact_power(pairs: int, only_a: float, only_b: float) -> float:
    """The chance that the mid-p test shows the difference, by enumeration."""
    total = 0.0
    for discordant in range(pairs + 1):
        chance = float(scipy_stats.binom.pmf(discordant, pairs, only_a + only_b))
        shown = [b for b in range(discordant + 1) if mcnemar_midp(discordant - b, b) < 0.05]
        for b in shown:
            total += chance * float(scipy_stats.binom.pmf(b, discordant, only_b / (only_a + only_b)))
    return total


@pytest.mark.parametrize(("only_a", "only_b"), [(0.05, 0.20), (0.03, 0.10), (0.0, 0.15), (0.2, 0.35)])
def test_the_promised_number_of_pairs_has_the_promised_power(only_a: float, only_b: float) -> None:
    pairs = power.pairs_for_rates(discordant=only_a + only_b, difference=only_b - only_a)

    assert pairs is not None
    assert 0.77 <= exact_power(pairs, only_a, only_b) <= 0.90


@pytest.mark.parametrize("effect", [0.2, 0.5, 0.8])
def test_pairs_for_a_mean_are_those_of_statsmodels(effect: float) -> None:
    expected = float(TTestPower().solve_power(effect_size=effect, alpha=0.05, power=0.8))

    assert power.pairs_for_mean(mean=effect, sd=1) == pytest.approx(math.ceil(expected), abs=1)


@pytest.mark.parametrize("effect", [0.2, 0.5, 0.8])
def test_cases_an_arm_for_means_are_those_of_statsmodels(effect: float) -> None:
    expected = float(TTestIndPower().solve_power(effect_size=effect, alpha=0.05, power=0.8))

    assert power.arm_for_means(difference=effect, sd_a=1, sd_b=1) == pytest.approx(math.ceil(expected), abs=1)


@pytest.mark.parametrize(("a", "b", "n"), [(0.8, 0.9, 199), (0.25, 0.40, 152), (0.90, 0.92, 3213)])
def test_cases_an_arm_for_rates_are_those_of_the_tables(a: float, b: float, n: int) -> None:
    # 152: power.prop.test(p1=.25, p2=.4, power=.8) of R gives 151.9; 199 and 3213 likewise
    assert power.arm_for_rates(a, b) == n


def test_no_difference_needs_no_number() -> None:
    assert power.pairs_for_rates(discordant=0.2, difference=0) is None
    assert power.pairs_for_rates(discordant=0, difference=0) is None
    assert power.pairs_for_mean(mean=0, sd=1) is None
    assert power.arm_for_rates(0.5, 0.5) is None
    assert power.arm_for_means(difference=1e-12, sd_a=1, sd_b=1) is None


def test_more_difference_than_disagreement_is_impossible() -> None:
    with pytest.raises(ValueError, match="cannot disagree"):
        power.pairs_for_rates(discordant=0.1, difference=0.2)


@pytest.mark.parametrize(("pairs", "points"), [(30, 25), (60, 18), (300, 9)])
def test_what_a_number_of_pairs_can_show(pairs: int, points: int) -> None:
    difference = power.detectable_difference(pairs)

    assert difference is not None
    assert math.ceil(100 * difference) == points
    needed = power.pairs_for_rates(discordant=max(0.25, difference), difference=difference)
    assert needed is not None
    assert needed <= pairs


def test_the_power_line_is_a_sentence() -> None:
    assert power.power_line(60) == (
        "60 pairs can show a difference of 18 points or more at 80% power, if only one variant succeeds in 25% of them"
    )
    assert power.power_line(2) == "2 pairs cannot show any difference at 80% power"
