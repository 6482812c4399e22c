"""What results show: which test is chosen, and what its verdict is worth."""

import itertools
import random
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
from scipy import stats as scipy_stats

from jobs.experiments.analysis import Comparison, MetricResult, analyze
from jobs.experiments.inference import mcnemar_midp
from jobs.experiments.results import Results
from jobs.experiments.wording import recommendation

Row = tuple[int, int, Mapping[str, float | None]]
"""Variant, scenario, values; rows of the same scenario and variant are told apart by their place."""


def results(rows: Sequence[Row], *, paired: bool = True, variants: Sequence[str] = ("old", "new")) -> Results:
    """Results in which the k-th conversation of a scenario has the seed k, or a seed of its own if unpaired."""
    seen, meetings, names = (
        dict[tuple[int, int], int](),
        list[int](),
        list(dict.fromkeys(n for r in rows for n in r[2])),
    )
    for place, (variant, scenario, _) in enumerate(rows):
        repeat = seen[variant, scenario] = seen.get((variant, scenario), -1) + 1
        meetings.append(scenario * 1000 + repeat if paired else place)
    columns = {name: [row[2].get(name) for row in rows] for name in names}
    return Results(
        variants=tuple(variants),
        variant=np.array([row[0] for row in rows], dtype=np.int64),
        meeting=np.unique(meetings, return_inverse=True)[1].astype(np.int64),
        scenario=np.array([row[1] for row in rows], dtype=np.int64),
        metrics={name: np.array([np.nan if v is None else v for v in column]) for name, column in columns.items()},
    )


def arms(name: str, a: Sequence[float | None], b: Sequence[float | None]) -> list[Row]:
    rows = [(0, i, {name: value}) for i, value in enumerate(a)]
    return [*rows, *((1, i, {name: value}) for i, value in enumerate(b))]


def compared(name: str, a: Sequence[float | None], b: Sequence[float | None], *, paired: bool = True) -> MetricResult:
    return analyze(results(arms(name, a, b), paired=paired))[0].metrics[name]


def both(rows: Sequence[Row]) -> Comparison:
    return analyze(results(rows))[0]


def drawn(n: int, rate: float, seed: int) -> list[float]:
    rng = random.Random(seed)
    return [float(rng.random() < rate) for _ in range(n)]


def lognormal(n: int, factor: float, seed: int) -> list[float]:
    rng = random.Random(seed)
    return [factor * rng.lognormvariate(0, 0.3) for _ in range(n)]


def test_paired_success_is_mcnemars_question() -> None:
    found = compared("success", [1] * 20 + [1] * 3 + [0] * 12 + [0] * 5, [1] * 20 + [0] * 3 + [1] * 12 + [0] * 5)

    assert (found.test, found.verdict) == ("mcnemar_midp", "b_better")
    assert (found.a, found.b, found.difference) == pytest.approx((23 / 40, 32 / 40, 9 / 40))
    assert found.p == mcnemar_midp(3, 12)
    assert found.low is not None
    assert 0 < found.low < 9 / 40
    assert found.needs_n is None


def test_unpaired_success_is_boschloos_question() -> None:
    found = compared("success", drawn(60, 0.5, 1), drawn(60, 0.9, 2), paired=False)

    assert (found.test, found.verdict, found.pairs) == ("boschloo", "b_better", 0)


def test_above_the_size_of_the_exact_test_welch_agrees_with_it() -> None:
    small = compared("success", [1] * 200 + [0] * 200, [1] * 228 + [0] * 172, paired=False)
    large = compared("success", [1] * 200 + [0] * 201, [1] * 228 + [0] * 173, paired=False)

    assert (small.test, large.test) == ("boschloo", "welch")
    assert large.p == pytest.approx(small.p, abs=0.005)


def test_latency_is_a_ratio_of_geometric_means() -> None:
    a, b = lognormal(30, 900, 1), lognormal(30, 700, 2)
    found = compared("latency_ms", a, b)
    expected = scipy_stats.ttest_rel(np.log(b), np.log(a))
    interval = expected.confidence_interval()

    assert (found.test, found.verdict) == ("log_t", "b_better")
    assert (found.a, found.b) == pytest.approx((scipy_stats.gmean(a), scipy_stats.gmean(b)))
    assert found.difference == pytest.approx(scipy_stats.gmean(b) / scipy_stats.gmean(a))
    assert (found.low, found.high) == pytest.approx((np.exp(interval.low), np.exp(interval.high)))
    assert found.p == pytest.approx(float(expected.pvalue))


def test_cost_is_a_ratio_of_arithmetic_means_and_less_is_better() -> None:
    a, b = lognormal(40, 0.01, 1), lognormal(40, 0.02, 2)
    found = compared("cost_usd", a, b)

    assert (found.test, found.verdict) == ("bca_ratio", "b_worse")
    assert found.difference == pytest.approx(np.mean(b) / np.mean(a))


@pytest.mark.parametrize(("paired", "test"), [(True, "permutation"), (False, "welch")])
def test_few_costs_are_not_left_to_the_bootstrap(paired: bool, test: str) -> None:
    found = compared("cost_usd", lognormal(12, 0.01, 1), lognormal(12, 0.03, 2), paired=paired)

    assert (found.test, found.verdict) == (test, "b_worse")
    assert found.low is not None


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(
    ("name", "small", "large"), [("score", 5000, 5001), ("cost_usd", 5000, 5001), ("latency_ms", 5000, 5001)]
)
def test_above_the_switch_the_answer_is_the_same(name: str, small: int, large: int, paired: bool) -> None:
    a, b = lognormal(large, 1.0, 1), lognormal(large, 1.012, 2)
    below, above = compared(name, a[:small], b[:small], paired=paired), compared(name, a, b, paired=paired)

    assert (below.low, below.high) == pytest.approx((above.low, above.high), abs=0.002)
    assert below.p == pytest.approx(above.p, abs=0.01)


def test_repeats_are_averaged_within_their_scenario() -> None:
    """Twelve scenarios that differ, four repeats each: forty-eight pairs are twelve facts, not forty-eight."""
    rows, rng = list[Row](), random.Random(3)
    for scenario in range(12):
        chances = (0.5, min(1, max(0, 0.5 + rng.gauss(0.12, 0.45))))
        rows += [(arm, scenario, {"success": float(rng.random() < chances[arm])}) for arm in (0, 1) for _ in range(4)]
    found = both(rows)
    success = found.metrics["success"]
    by_arm = [[[r[2]["success"] or 0.0 for r in rows if r[:2] == (arm, s)] for s in range(12)] for arm in (0, 1)]
    outcomes = np.array(by_arm, dtype=np.float64)

    assert (found.pairs, found.scenarios, success.units, success.pairs) == (48, 12, 12, 48)
    assert success.test == "permutation"
    differences = outcomes[1].mean(axis=1) - outcomes[0].mean(axis=1)
    flipped = [abs(np.dot(signs, differences)) for signs in itertools.product((-1, 1), repeat=12)]
    as_extreme = sum(each >= abs(differences.sum()) - 1e-9 for each in flipped)
    assert success.p == pytest.approx(as_extreme / 2**12)
    assert success.p is not None
    assert success.p > scipy_stats.ttest_ind(outcomes[0].ravel(), outcomes[1].ravel()).pvalue


def test_missing_values_are_left_out_in_pairs_and_counted() -> None:
    a: list[float | None] = [1.0] * 12 + [None, 0.0]
    b: list[float | None] = [1.0] * 6 + [0.0] * 6 + [1.0, None]
    found = both(arms("success", a, b))

    assert (found.pairs, found.metrics["success"].pairs, found.metrics["success"].missing) == (14, 12, 2)
    assert found.metrics["success"].a == 1
    assert "2 pairs lack success and were left out of it" in found.notes


def test_fewer_than_ten_pairs_are_never_a_verdict() -> None:
    found = compared("success", [0] * 9, [1] * 9)

    assert found.verdict == "not_enough_data"
    assert (found.a, found.b, found.difference) == (0, 1, 1)
    assert (found.p, found.p_adjusted, found.low, found.high) == (None, None, None, None)
    assert found.needs_n == 10


def test_ten_pairs_may_be_one() -> None:
    assert compared("success", [0] * 10, [1] * 10).verdict == "b_better"


def test_one_scenario_repeated_sixty_times_says_nothing_of_others() -> None:
    found = both([(arm, 0, {"success": float(arm)}) for arm in (0, 1) for _ in range(60)])

    assert found.verdict == "not_enough_data"
    assert "come from 1 scenario" in recommendation(found)


@pytest.mark.parametrize("name", ["success", "score", "latency_ms", "cost_usd"])
@pytest.mark.parametrize("paired", [True, False])
def test_equal_results_show_no_difference(name: str, paired: bool) -> None:
    found = compared(name, [1.0] * 30, [1.0] * 30, paired=paired)

    assert (found.verdict, found.p, found.needs_n) == ("no_difference_shown", 1, None)


def test_costs_that_were_nothing_before_have_no_ratio_but_a_verdict() -> None:
    found = compared("cost_usd", [0.0] * 30, [0.01] * 30)

    assert (found.verdict, found.difference, found.low) == ("b_worse", None, None)
    assert compared("cost_usd", [0.0] * 30, [0.0] * 30).verdict == "no_difference_shown"


def test_a_difference_that_is_not_shown_says_how_many_pairs_it_takes() -> None:
    found = compared("success", [1] * 40 + [0] * 8 + [1] * 4, [1] * 40 + [1] * 8 + [0] * 4)

    assert found.verdict == "no_difference_shown"
    assert found.needs_n is not None
    assert 100 < found.needs_n < 400


def test_repeats_count_in_how_many_pairs_it_takes() -> None:
    once = compared("score", [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 3, 3], [2, 2, 3, 5, 4, 1, 3, 3, 4, 5, 2, 4])
    rows = [
        (r[0], r[1], r[2]) for r in arms("score", [1, 2, 3, 4, 5] * 2 + [3, 3], [2, 2, 3, 5, 4, 1, 3, 3, 4, 5, 2, 4])
    ]
    thrice = both([row for row in rows for _ in range(3)]).metrics["score"]

    assert once.needs_n is not None
    assert thrice.needs_n == 3 * once.needs_n
    assert thrice.p == once.p


def test_every_further_metric_makes_each_one_need_more() -> None:
    success = list(zip([1] * 30 + [0] * 7 + [1], [1] * 30 + [1] * 7 + [0], strict=True))
    alone = both([(arm, i, {"success": pair[arm]}) for i, pair in enumerate(success) for arm in (0, 1)])
    scores = drawn(38, 0.5, 1), drawn(38, 0.5, 2)
    rows = [
        (arm, i, {"success": pair[arm], "score": scores[arm][i], "tone": scores[1 - arm][i]})
        for i, pair in enumerate(success)
        for arm in (0, 1)
    ]
    among = both(rows).metrics["success"]

    assert alone.metrics["success"].p_adjusted == alone.metrics["success"].p == among.p
    assert among.p is not None
    assert among.p_adjusted == pytest.approx(3 * among.p)


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("score", "b_better"), ("turns_to_goal", "b_worse"), ("api_errors", "b_worse"), ("warmth", "b_better")],
)
def test_the_name_of_a_metric_says_which_direction_is_good(name: str, verdict: str) -> None:
    assert compared(name, [1.0, 2.0] * 10, [2.0, 3.5] * 10).verdict == verdict


def test_a_person_may_say_which_direction_is_good() -> None:
    found = analyze(results(arms("warmth", [1.0, 2.0] * 10, [2.0, 3.5] * 10)), lower_is_better=["warmth"])[0]

    assert found.metrics["warmth"].verdict == "b_worse"
    assert not found.metrics["warmth"].measure.is_guess


def test_more_variants_are_each_compared_with_the_first() -> None:
    values = [drawn(60, rate, seed) for seed, rate in enumerate((0.5, 0.55, 0.99))]
    rows = [(arm, i, {"success": values[arm][i]}) for arm in range(3) for i in range(60)]

    second, third = analyze(results(rows, variants=("base", "near", "far")))

    assert [(each.a.variant, each.b.variant) for each in (second, third)] == [("base", "near"), ("base", "far")]
    assert (second.verdict, third.verdict) == ("no_difference_shown", "b_better")
    strongest = third.metrics["success"]
    assert strongest.p is not None
    assert strongest.p_adjusted == pytest.approx(2 * strongest.p)


def test_variants_with_few_pairs_in_common_are_compared_as_unpaired() -> None:
    rows = [(arm, i, {"success": 1.0 - arm}) for arm in (0, 1) for i in range(35 * arm, 35 * arm + 40)]

    found = both(rows)

    assert (found.design, found.pairs, found.metrics["success"].test) == ("unpaired", 5, "boschloo")
    assert found.verdict == "b_worse"


@pytest.mark.parametrize(
    ("name", "impossible", "words"),
    [
        ("success", 3.0, "neither success nor failure"),
        ("latency_ms", 0.0, "not above zero"),
        ("cost_usd", -1.0, "below"),
    ],
)
def test_impossible_values_count_as_missing(name: str, impossible: float, words: str) -> None:
    found = both(arms(name, [1.0] * 11 + [impossible], [1.0] * 12))

    assert (found.metrics[name].pairs, found.metrics[name].missing) == (11, 1)
    assert any(words in note for note in found.notes)


def test_the_primary_metric_is_success_else_the_first_that_was_measured() -> None:
    rows: list[Row] = [(arm, i, {"success": None, "tone": 1.0, "score": 2.0}) for arm in (0, 1) for i in range(12)]

    assert both(rows).primary == "tone"
    assert both([(arm, i, {"score": 1.0, "success": 1.0}) for arm in (0, 1) for i in range(12)]).primary == "success"
    assert both([(arm, i, {"score": None}) for arm in (0, 1) for i in range(12)]).primary is None


# --- words ----------------------------------------------------------------------------------------------------------


def test_the_recommendation_names_the_variant_the_figures_and_the_trade_off() -> None:
    rows = [
        (arm, i, {"success": float(arm or i % 2), "cost_usd": 0.01 * (1 + arm) * (1 + i % 3)})
        for i in range(60)
        for arm in (0, 1)
    ]

    assert recommendation(both(rows)) == (
        "Take new: success is 50% with old and 100% with new (+50 points, 95% interval +37 to +63 points, p < 0.001, "
        "60 pairs). new is worse in cost (+100%)."
    )


def test_no_difference_is_told_with_the_effort_to_show_one() -> None:
    advice = recommendation(both(arms("success", [1] * 40 + [0] * 8 + [1] * 4, [1] * 40 + [1] * 8 + [0] * 4)))

    assert advice.startswith("Keep old for now: no difference in success was shown. Success is 85% with old and 92%")
    assert advice.endswith("pairs to show a difference of this size.")


# --- false claims ---------------------------------------------------------------------------------------------------


def noisy_pair(rng: random.Random) -> tuple[float, float]:
    """The same variant twice on a scenario of its own difficulty; about 32 % of the pairs are discordant."""
    rate = rng.choice((0.3, 0.5, 0.8, 0.95))
    return float(rng.random() < rate), float(rng.random() < rate)


def noisy_times(rng: random.Random) -> tuple[float, float]:
    base = rng.lognormvariate(6, 0.5)
    return base * rng.lognormvariate(0, 0.3), base * rng.lognormvariate(0, 0.3)


@pytest.mark.parametrize(
    ("name", "draw"), [("success", noisy_pair), ("score", noisy_pair), ("latency_ms", noisy_times)]
)
@pytest.mark.parametrize("paired", [True, False])
def test_equal_variants_are_rarely_told_apart(
    name: str, draw: Callable[[random.Random], tuple[float, float]], paired: bool
) -> None:
    rng, false_claims, repetitions = random.Random(5), 0, 120
    for _ in range(repetitions):
        pairs = [draw(rng) for _ in range(30)]
        found = compared(name, [a for a, _ in pairs], [b for _, b in pairs], paired=paired)
        false_claims += found.verdict != "no_difference_shown"

    # 12 or more of 120 happen once in 70 times at a rate of 5 %, and always if the test were a sketch's rule of thumb
    assert false_claims <= 12
