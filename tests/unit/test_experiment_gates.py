"""Gates of a candidate: passed only when the data exclude the wrong side of the limit."""

from importlib import import_module
from typing import Any

import numpy as np
import pytest
from scipy import stats as scipy_stats

from jobs.experiments.gates import DEFAULT_LIMITS, Gate, GateVerdict, Limit, approval, gate, unpaired_gate
from jobs.experiments.inference import ratio_of_rates_above

SUCCESS, LATENCY, COST = DEFAULT_LIMITS
SCORE_TEST: Any = import_module("statsmodels.stats.proportion").test_proportions_2indep  # it has no types


def latencies(n: int, factor: float, seed: int = 1) -> tuple[list[float], list[float]]:
    rng = np.random.default_rng(seed)
    baseline = rng.lognormal(7, 0.2, n)
    return list(baseline), list(baseline * factor * rng.lognormal(0, 0.1, n))


def decided(verdict: GateVerdict, limit: Limit = SUCCESS) -> Gate:
    return Gate(
        limit=limit, verdict=verdict, ratio=0.99, p=0.5, n=60, needs_n=200 if verdict == "inconclusive" else None
    )


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "pass"), (1.2, "fail"), (1.1, "inconclusive")])
def test_a_gate_on_latency_asks_for_less_than_110_percent(factor: float, verdict: str) -> None:
    assert gate(LATENCY, *latencies(60, factor)).verdict == verdict


def test_the_p_of_a_gate_is_that_of_the_t_test_of_its_linear_form() -> None:
    baseline, candidate = latencies(40, 1.05)
    margins = np.array(candidate) - 1.10 * np.array(baseline)

    expected = scipy_stats.ttest_1samp(margins, 0, alternative="less").pvalue

    assert gate(LATENCY, baseline, candidate).p == pytest.approx(float(expected), abs=1e-12)


@pytest.mark.parametrize("n", [3, 10, 20, 40])
def test_a_few_successes_without_any_failure_prove_nothing(n: int) -> None:
    found = gate(SUCCESS, [1.0] * n, [1.0] * n)

    assert (found.verdict, found.ratio) == ("inconclusive", 1.0)
    assert found.needs_n is not None
    assert found.needs_n > n or n < 10


def test_enough_successes_pass() -> None:
    assert gate(SUCCESS, [1.0] * 100, [1.0] * 100).verdict == "pass"


def test_a_rate_that_fell_far_fails() -> None:
    assert gate(SUCCESS, [1.0] * 60, [1.0] * 40 + [0.0] * 20).verdict == "fail"


@pytest.mark.parametrize("baseline_rate", [1.0, 0.98, 0.85])
@pytest.mark.parametrize("n", [20, 60])
def test_a_candidate_on_the_limit_rarely_passes(n: int, baseline_rate: float) -> None:
    rng, passed = np.random.default_rng(7), 0
    for _ in range(400):
        draws = rng.random((2, n))
        baseline, candidate = draws[0] < baseline_rate, draws[1] < 0.95 * baseline_rate
        passed += gate(SUCCESS, baseline.astype(float), candidate.astype(float)).verdict == "pass"

    assert passed / 400 <= 0.10  # the plain t test passes 36 % of them at 20 pairs


def test_equal_costs_pass_and_nothing_costs_nothing() -> None:
    assert gate(COST, [0.01] * 12, [0.01] * 12).verdict == "pass"
    assert gate(COST, [0.0] * 12, [0.0] * 12).verdict == "inconclusive"
    assert gate(COST, [0.0] * 12, [0.01] * 12).verdict == "fail"


def test_arms_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be paired"):
        gate(COST, [1.0], [1.0, 2.0])


def test_approval_needs_every_gate_every_regression_case_and_an_improvement() -> None:
    passed = [decided("pass"), decided("pass", LATENCY)]

    assert approval(passed, primary="b_better", regressions={"refund": "pass"}).decision == "APPROVE"
    assert approval(passed, primary="no_difference_shown", regressions={}).decision == "INCONCLUSIVE"
    assert approval(passed, primary="b_better", regressions={"refund": "fail"}).decision == "REJECT"
    assert approval(passed, primary="b_worse", regressions={}).decision == "REJECT"


def test_an_open_gate_never_approves_and_says_what_is_missing() -> None:
    found = approval([decided("pass"), decided("inconclusive", LATENCY)], primary="b_better", regressions={})

    assert found.decision == "INCONCLUSIVE"
    assert found.reasons == (
        "latency less than 110% of the baseline's: inconclusive (99% of it in 60 pairs, "
        "about 140 more pairs would tell)",
    )


# --- independent arms -----------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # statsmodels works out an odds ratio beside it
@pytest.mark.parametrize("counts", [(18, 20, 19, 20), (3, 3, 3, 3), (40, 50, 30, 50), (1, 60, 2, 30), (57, 60, 60, 60)])
@pytest.mark.parametrize("share", [0.8, 0.95, 1.05])
def test_the_score_test_of_a_ratio_is_that_of_statsmodels(counts: tuple[int, int, int, int], share: float) -> None:
    in_a, n_a, in_b, n_b = counts
    expected = SCORE_TEST(
        in_b, n_b, in_a, n_a, value=share, method="score", compare="ratio", alternative="larger", correction=False
    )

    assert ratio_of_rates_above(share, in_a, n_a, in_b, n_b) == pytest.approx(float(expected.pvalue), abs=1e-12)


def test_a_few_successes_without_any_failure_prove_nothing_of_independent_arms() -> None:
    """The log-ratio test would call three of three against three of three proof, with p = 0."""
    assert ratio_of_rates_above(0.95, 3, 3, 3, 3) > 0.3
    assert unpaired_gate(SUCCESS, [1.0] * 20, [1.0] * 20).verdict == "inconclusive"
    assert unpaired_gate(SUCCESS, [1.0] * 300, [1.0] * 300).verdict == "pass"
    assert unpaired_gate(SUCCESS, [1.0] * 60, [1.0] * 40 + [0.0] * 20).verdict == "fail"
    assert unpaired_gate(SUCCESS, [0.0] * 20, [0.0] * 20).verdict == "inconclusive"


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "pass"), (1.3, "fail"), (1.1, "inconclusive")])
def test_a_gate_on_the_latency_of_independent_arms(factor: float, verdict: str) -> None:
    baseline, _ = latencies(80, 1.0, seed=2)
    _, candidate = latencies(60, factor, seed=3)
    found = unpaired_gate(LATENCY, baseline, candidate)

    welch = scipy_stats.ttest_ind(candidate, 1.10 * np.array(baseline), equal_var=False, alternative="less")
    assert (found.verdict, found.n, found.what) == (verdict, 60, "results an arm")
    assert found.p == pytest.approx(float(welch.pvalue), abs=1e-9)


def test_independent_arms_of_which_one_is_nearly_empty_are_no_proof() -> None:
    found = unpaired_gate(SUCCESS, [1.0] * 40, [1.0] * 3)

    assert (found.verdict, found.p, found.needs_n) == ("inconclusive", None, 10)
