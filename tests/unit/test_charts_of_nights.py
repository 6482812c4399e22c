"""The charts of nights: pictures of the promised size for every sort of series and run, of measured figures only."""

import random
import struct
from dataclasses import replace
from datetime import date, timedelta

import pytest

from jobs.charts import NightPicture, TrendLine, night_chart, trend_chart
from jobs.charts.bars import MOST_ROWS, Bar
from jobs.charts.night import passed_by_turn
from jobs.history.change import find_shifts, forecast
from jobs.history.report import NightFigure, Series
from jobs.model import Assessment, Conversation, ConversationId, Outcome, RunId, Scenario, Transcript, Turn, Verdict
from jobs.report.summary import response_times
from jobs.stats import wilson_interval

PLAIN = NightPicture(
    title="pizza-nightly",
    facts="pizza@good · 40 conversations",
    before_after=(),
    categories=(),
    quality=(),
    personas=(),
    times=None,
    limit_ms=None,
    slow=None,
    by_turn=(),
    judged=0,
)


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def series(values: list[float], metric: str = "success", name: str = "pizza-nightly → pizza") -> Series:
    nights = tuple(
        NightFigure(day=date(2026, 1, 1) + timedelta(days=place), value=value, low=value - 0.1, high=value + 0.1, n=40)
        for place, value in enumerate(values)
    )
    return Series(
        name=name, metric=metric, nights=nights, shifts=find_shifts(values), forecast=forecast(values, lower=0, upper=1)
    )


def steps(nights: int) -> list[float]:
    chance = random.Random(1)
    return [(0.9 if place < nights * 2 / 3 else 0.6) + chance.gauss(0, 0.02) for place in range(nights)]


SERIES = {
    "one night": series([0.9]),
    "equal nights": series([1.0] * 20),
    "a shift": series(steps(30)),
    "400 nights": series(steps(400)),
    "hostile name": series(steps(12), name="<!channel> ".join(["suite"] * 20)),
    "other scripts": series(steps(12), name="ピザ مرحبا 🍕"),
    "answer times": series([3000.0 + 10 * place for place in range(20)], metric="latency_p95_ms"),
    "an unknown figure": series([3.5, 4.0], metric="something_else"),
}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("kind", SERIES)
def test_every_series_has_a_chart_that_a_phone_can_show(kind: str, *, dark: bool) -> None:
    """Warnings are errors, so a glyph without a font would fail here."""
    width, height = size(trend_chart([TrendLine(series=SERIES[kind], baseline=0.9, limit=0.8)], dark=dark))

    assert width == 1600
    assert 600 < height < 800


def test_series_stand_under_each_other_and_nothing_to_draw_is_said() -> None:
    one, empty = TrendLine(series=SERIES["a shift"]), TrendLine(series=series([]))

    assert size(trend_chart([one, one, empty]))[1] == 2 * size(trend_chart([one]))[1] - 50
    assert size(trend_chart([empty])) == size(trend_chart([]))


def test_the_same_series_is_always_the_same_picture_and_another_is_another() -> None:
    line, other = TrendLine(series=SERIES["a shift"]), TrendLine(series=SERIES["equal nights"])

    assert trend_chart([line]) == trend_chart([line])
    assert trend_chart([line]) != trend_chart([other])
    assert trend_chart([line]) != trend_chart([line], dark=True)


def bars(count: int) -> tuple[Bar, ...]:
    return tuple(
        Bar(
            name=f"category_{place}",
            value=None if place == 3 else place / count,
            low=0.0,
            high=1.0,
            n=place,
            before=0.5,
        )
        for place in range(count)
    )


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_night_shows_what_there_is(*, dark: bool) -> None:
    whole = NightPicture(
        title="pizza-nightly", facts="x", before_after=bars(1), categories=bars(8), quality=bars(7), personas=bars(6),
        times=response_times([float(time) for time in range(200, 5000, 50)]), limit_ms=3000.0,
        slow=wilson_interval(40, 96), by_turn=(0.0, 0.2, 0.5, 0.8), judged=40,
    )  # fmt: skip

    assert size(night_chart(PLAIN, dark=dark)) == (1600, 320)
    width, height = size(night_chart(whole, dark=dark))
    assert width == 1600 and 2500 < height < 4500


def test_more_bars_than_a_phone_can_show_are_cut() -> None:
    some, many = replace(PLAIN, categories=bars(MOST_ROWS)), replace(PLAIN, categories=bars(MOST_ROWS * 3))

    assert size(night_chart(some)) == size(night_chart(many))


def a_conversation(outcome: Outcome, turns: int) -> Conversation:
    return Conversation(
        id=ConversationId("c"), run_id=RunId("r"), number=1,
        scenario=Scenario(profile="p", number=1, seed=1, goals=()),
        transcript=Transcript(turns=(Turn(speaker="user", text="x"),) * turns, ended_by="goal_reached"),
        verdict=Verdict(outcome=outcome), assessment=Assessment(goals=()),
    )  # fmt: skip


def test_success_by_turn_counts_those_that_passed_of_all_that_were_judged() -> None:
    played = [a_conversation("passed", 2), a_conversation("passed", 4), a_conversation("failed", 1)]

    assert passed_by_turn(played) == pytest.approx((0, 1 / 3, 1 / 3, 2 / 3))
    assert passed_by_turn([a_conversation("failed", 1)]) == ()
