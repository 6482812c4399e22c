"""Looking early, splitting traffic, repeating scenarios."""

import itertools
import math
from statistics import fmean

import pytest
from scipy import stats as scipy_stats

from jobs.experiments.looks import early_winner, log_e_value, split_is_valid, split_p_value
from jobs.experiments.repeats import flaky_scenarios, pass_power, reliability


@pytest.mark.parametrize("n", [1, 5, 50, 400])
def test_the_e_value_is_one_on_average_when_there_is_no_difference(n: int) -> None:
    average = math.fsum(math.comb(n, b) / 2**n * math.exp(log_e_value(n - b, b)) for b in range(n + 1))

    assert average == pytest.approx(1)


def test_looking_after_every_pair_finds_a_false_winner_in_less_than_one_of_twenty() -> None:
    """The exact chance up to 1,000 discordant pairs, by following all paths that have not crossed."""
    chances, crossed = {0: 1.0}, 0.0
    for n in range(1, 1001):
        ahead = dict[int, float]()
        for b, chance in chances.items():
            for next_b in (b, b + 1):
                ahead[next_b] = ahead.get(next_b, 0.0) + chance / 2
        crossed += math.fsum(chance for b, chance in ahead.items() if early_winner(n - b, b))
        chances = {b: chance for b, chance in ahead.items() if not early_winner(n - b, b)}

    assert 0.005 < crossed < 0.05


@pytest.mark.parametrize(("only_a", "only_b", "winner"), [(0, 0, None), (0, 7, None), (0, 8, "b"), (40, 12, "a")])
def test_a_winner_is_named_when_the_evidence_reaches_twenty_to_one(
    only_a: int, only_b: int, winner: str | None
) -> None:
    # 0 and 8: 2^8 / 9 = 28 to one; 0 and 7: 2^7 / 8 = 16 to one
    assert early_winner(only_a, only_b) == winner


def test_very_long_experiments_do_not_overflow() -> None:
    assert early_winner(1_000_000, 1_100_000) == "b"


def test_the_split_check_is_pearsons() -> None:
    counts, shares = {"a": 821_588, "b": 815_482}, {"a": 0.5, "b": 0.5}

    # Fabijan et al. 2019: 821,588 to 815,482 users instead of half each is a mismatch
    assert split_p_value(counts, shares) == pytest.approx(float(scipy_stats.chisquare(list(counts.values())).pvalue))
    assert not split_is_valid(counts, shares)
    assert split_is_valid({"a": 103, "b": 897}, {"a": 0.1, "b": 0.9})


def test_no_traffic_is_no_mismatch() -> None:
    assert split_p_value({"a": 0, "b": 0}, {"a": 0.5, "b": 0.5}) is None
    assert split_is_valid({"a": 0, "b": 0}, {"a": 0.5, "b": 0.5})


@pytest.mark.parametrize("shares", [{"a": 1.0}, {"a": 0.5, "b": 0.6}, {"a": 1.0, "b": 0.0}])
def test_shares_that_do_not_describe_the_arms_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="do not describe"):
        split_p_value({"a": 1, "b": 1}, shares)


@pytest.mark.parametrize(("passed", "n", "k"), [(6, 8, 4), (3, 5, 2), (2, 4, 3), (4, 4, 4)])
def test_pass_to_the_k_is_the_share_of_choices_of_k_repeats_that_all_pass(passed: int, n: int, k: int) -> None:
    repeats = [True] * passed + [False] * (n - passed)

    assert pass_power(passed, n, k) == pytest.approx(fmean(map(all, itertools.combinations(repeats, k))))


def test_pass_to_the_k_is_not_the_power_of_the_rate() -> None:
    assert pass_power(6, 8, 4) == pytest.approx(0.214, abs=0.0005)
    assert pytest.approx(0.316, abs=0.0005) == (6 / 8) ** 4


def test_reliability_leaves_out_scenarios_with_too_few_known_repeats() -> None:
    found = reliability({"a": [True, True, True], "b": [True, False, None], "c": [True, None]}, 2)

    assert (found.value, found.scenarios, found.left_out) == (0.5, 2, 1)
    assert reliability({"a": [True]}, 2).value is None


def test_flaky_scenarios_come_most_evenly_split_first() -> None:
    repeats = {"sure": [True] * 4, "rare": [True, True, True, False], "coin": [True, False, None], "never": [False]}

    assert [each.scenario for each in flaky_scenarios(repeats)] == ["coin", "rare"]
    assert flaky_scenarios(repeats)[0].passed.n == 2
