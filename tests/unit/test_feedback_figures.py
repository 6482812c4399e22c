"""Satisfaction in figures: each with its interval, and undefined rather than zero."""

import math
from typing import Any, cast

import pytest
from statsmodels.stats import proportion

from jobs.feedback.csat import Figures, figures_json, net_promoters
from jobs.store.votes import count_votes


def test_csat_is_the_share_of_4_and_5_with_the_interval_of_wilson() -> None:
    csat = Figures(stars={5: 4, 4: 3, 3: 1, 1: 2}).csat
    low, high = cast(Any, proportion).proportion_confint(7, 10, method="wilson")

    assert csat is not None
    assert (csat.value, csat.n) == (0.7, 10)
    assert (csat.low, csat.high) == (pytest.approx(low), pytest.approx(high))


def test_four_fives_of_four_are_not_one_hundred_percent() -> None:
    csat = Figures(stars={5: 4}).csat
    assert csat is not None
    assert csat.low == pytest.approx(0.51, abs=0.005)


def test_nps_has_the_adjusted_interval() -> None:
    nps = net_promoters(15, 12, 8)
    up, down = 15.75 / 38, 8.75 / 38
    reach = 1.959964 * math.sqrt((up + down - (up - down) ** 2) / 38)

    assert nps is not None
    assert nps.value == pytest.approx(100 * 7 / 35)
    assert nps.low == pytest.approx(100 * (up - down - reach), abs=1e-4)
    assert nps.high == pytest.approx(100 * (up - down + reach), abs=1e-4)


@pytest.mark.parametrize("counts", [(1, 0, 0), (0, 0, 1), (500, 0, 0), (0, 7, 0)])
def test_an_nps_lies_within_its_interval_and_its_scale(counts: tuple[int, int, int]) -> None:
    nps = net_promoters(*counts)
    assert nps is not None
    assert -100 <= nps.low <= nps.value <= nps.high <= 100


def test_the_mapping_decides_who_is_a_detractor() -> None:
    figures = Figures(stars={5: 10, 4: 10, 3: 10, 2: 5, 1: 5})
    usual, strict = figures.nps("usual"), figures.nps("strict")
    assert usual is not None
    assert strict is not None
    assert (usual.value, strict.value) == (0, -25)


def test_without_ratings_every_figure_is_null_and_no_key_is_missing() -> None:
    nothing = {"value": None, "low": None, "high": None, "n": 0}
    assert figures_json(Figures(down=2), "usual") == {
        "n": 0,
        "enough": False,
        "mean": None,
        "distribution": {"1": 0, "2": 0, "3": 0, "4": 0, "5": 0},
        "csat": nothing,
        "nps": nothing | {"mapping": "5 promoter, 3-4 passive, 1-2 detractor"},
        "thumbs": {"up": 0, "down": 2},
    }


@pytest.mark.parametrize(("n", "enough"), [(1, False), (4, False), (5, True)])
def test_under_five_ratings_there_is_a_value_but_it_is_not_enough(n: int, enough: bool) -> None:
    figures = figures_json(Figures(stars={4: n}), "usual")
    assert (figures["enough"], figures["mean"], figures["csat"]["value"]) == (enough, 4, 1)


def row(voter: str, subject: str, conversation: str, kind: str, value: int) -> tuple[str | int | None, ...]:
    return ("T1", voter, subject, conversation, "live", kind, value, None)


def test_one_person_has_one_voice_in_a_conversation_however_often_they_rate() -> None:
    rows = [row("ana", f"message {n % 7}", "c1", "stars", 1 + n % 5) for n in range(40)]
    [vote] = count_votes([*rows, row("ana", "message 3", "c1", "stars", 2)])
    assert (vote.value, vote.n) == (2, 1)


def test_a_thumb_takes_the_place_of_stars_on_the_same_message_only() -> None:
    rows = [row("ana", "m1", "c1", "stars", 5), row("ana", "m2", "c1", "stars", 4), row("ana", "m2", "c1", "thumb", -1)]
    assert {(vote.kind, vote.value, vote.n) for vote in count_votes(rows)} == {("stars", 5, 1), ("thumb", -1, 1)}


def test_an_earlier_message_rated_again_is_the_latest_word() -> None:
    rows = [row("ana", "m1", "c1", "stars", 5), row("ana", "m2", "c1", "stars", 4), row("ana", "m1", "c1", "stars", 1)]
    assert [(vote.value, vote.n) for vote in count_votes(rows)] == [(1, 1)]


def test_different_people_and_conversations_are_different_voices() -> None:
    rows = [row("ana", "c1", "c1", "stars", 5), row("ana", "c2", "c2", "stars", 5), row("ben", "c1", "c1", "stars", 5)]
    assert [(vote.value, vote.n) for vote in count_votes(rows)] == [(5, 3)]
