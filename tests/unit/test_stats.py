"""Intervals against published examples and against statsmodels."""

# statsmodels has no annotations
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from jobs.stats import Proportion, mean_interval, percentile, rate_difference, wilson_interval


def wilson(successes: int, n: int) -> Proportion:
    rate = wilson_interval(successes, n)
    assert rate is not None
    return rate


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (17, 20, 0.640, 0.948),
        (5, 5, 0.566, 1.0),
        (0, 20, 0.0, 0.161),
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, Stat Med 17:857, table I
        (15, 148, 0.0624, 0.1605),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_of_published_examples(successes: int, n: int, low: float, high: float) -> None:
    rate = wilson(successes, n)

    assert (rate.low, rate.high) == pytest.approx((low, high), abs=0.0006)
    assert rate.n == n


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilsons_interval_is_that_of_statsmodels_and_holds_the_rate(counts: tuple[int, int]) -> None:
    rate = wilson(*counts)

    assert (rate.low, rate.high) == pytest.approx(proportion_confint(*counts, method="wilson"), abs=1e-9)
    assert 0 <= rate.low <= rate.value <= rate.high <= 1


def test_the_rate_of_nothing_is_undefined() -> None:
    assert wilson_interval(0, 0) is None


@pytest.mark.parametrize(("successes", "n"), [(3, 2), (-1, 2), (0, -1)])
def test_impossible_counts_are_refused(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="impossible"):
        wilson_interval(successes, n)


@pytest.mark.parametrize(
    ("candidate", "baseline", "low", "high"),
    [  # Newcombe 1998, Stat Med 17:873, table II, method 10
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_newcombes_interval_of_published_examples(
    candidate: tuple[int, int], baseline: tuple[int, int], low: float, high: float
) -> None:
    difference = rate_difference(wilson(*baseline), wilson(*candidate))

    assert (difference.low, difference.high) == pytest.approx((low, high), abs=0.0001)


def test_newcombes_interval_is_that_of_statsmodels() -> None:
    difference = rate_difference(wilson(12, 20), wilson(17, 21))

    expected = confint_proportions_2indep(17, 21, 12, 20, method="newcomb", compare="diff")
    assert (difference.low, difference.high) == pytest.approx(expected, abs=1e-9)


def test_the_t_interval_is_scipys() -> None:
    values = [3.0, 4.0, 8.0, 5.5]
    interval = mean_interval(values)

    expected = scipy_stats.t.interval(0.95, 3, loc=5.125, scale=scipy_stats.sem(values))
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx(expected)


def test_the_t_interval_does_not_leave_the_range_of_the_values() -> None:
    interval = mean_interval([0.2, 1.0], lower=0.0, upper=1.0)

    assert interval is not None
    assert (interval.low, interval.high) == (0.0, 1.0)


@pytest.mark.parametrize("values", [[0.4], [0.4, 0.4, 0.4]])
def test_without_two_different_values_there_is_a_mean_and_no_interval(values: list[float]) -> None:
    interval = mean_interval(values)

    assert interval is not None
    assert (interval.value, interval.low, interval.high, interval.n) == (pytest.approx(0.4), None, None, len(values))


def test_the_mean_of_nothing_is_undefined() -> None:
    assert mean_interval([]) is None


@pytest.mark.parametrize(("share", "value"), [(0.0, 1.0), (0.5, 2.5), (0.95, 3.85), (1.0, 4.0)])
def test_percentiles_are_interpolated(share: float, value: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], share) == pytest.approx(value)


def test_a_percentile_of_nothing_is_undefined() -> None:
    assert percentile([], 0.5) is None


def test_importing_the_statistics_and_the_report_stays_light() -> None:
    """What costs a second is imported where it is needed."""
    heavy = "{'scipy', 'statsmodels', 'matplotlib', 'pandas', 'numpy'}"
    code = f"import sys, jobs.stats, jobs.scoring, jobs.report; print(sorted({heavy} & set(sys.modules)))"

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
