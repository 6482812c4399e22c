"""Shifts, alarms and forecasts over seeded series: how often they are wrong, and how late they are."""

import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median, pstdev

import pytest

from jobs.history.change import FEWEST_REFERENCE, find_alarm, find_shifts, forecast, noise
from jobs.stats import wilson_interval

NIGHTS, N = 60, 40
SERIES = 60
"""Of each of seven kinds: 420 in all."""


def rates(seed: str, *levels: tuple[int, float]) -> list[float]:
    """A rate measured in ``N`` conversations a night; ``levels`` are stretches of nights and their true rates."""
    chance = random.Random(seed)
    return [sum(chance.random() < rate for _ in range(N)) / N for nights, rate in levels for _ in range(nights)]


def errors_of(values: Sequence[float]) -> list[float]:
    widths = [wilson_interval(round(value * N), N) for value in values]
    return [(each.high - each.low) / 3.92 for each in widths if each]


def log_times(seed: str, *levels: tuple[int, float]) -> list[float]:
    chance = random.Random(seed)
    return [level + chance.gauss(0, 0.08) for nights, level in levels for _ in range(nights)]


def one_bad_night(seed: str) -> list[float]:
    values = rates(seed, (NIGHTS, 0.85))
    values[30] = 0.3
    return values


def first_alarm(values: Sequence[float], errors: Sequence[float] = ()) -> int | None:
    """The night on which the chart alarms for the first time when it is looked at every night."""
    looks = (find_alarm(values[:seen], errors[:seen]) for seen in range(2 * FEWEST_REFERENCE, len(values) + 1))
    return next((alarm.place for alarm in looks if alarm), None)


UNCHANGED: dict[str, Callable[[str], list[float]]] = {
    "85 %": lambda seed: rates(seed, (NIGHTS, 0.85)),
    "97 %": lambda seed: rates(seed, (NIGHTS, 0.97)),
    "answer time": lambda seed: log_times(seed, (NIGHTS, 7.0)),
    "one bad night": one_bad_night,
}
STEPPED: dict[str, Callable[[str], list[float]]] = {
    "-10 points": lambda seed: rates(seed, (30, 0.85), (30, 0.75)),
    "-20 points": lambda seed: rates(seed, (30, 0.85), (30, 0.65)),
    "+25 % answer time": lambda seed: log_times(seed, (30, 7.0), (30, 7.22)),
}


def test_unchanged_series_rarely_show_a_shift() -> None:
    """At most 5 % of series of 60 nights; one outlier night is none."""
    for kind, make in UNCHANGED.items():
        shifted = sum(bool(find_shifts(make(f"{kind} {number}"))) for number in range(SERIES))
        assert shifted <= 0.05 * SERIES, kind


def test_a_step_is_found_where_it_is() -> None:
    """Within 3 nights in at least 80 % of the series with 10 points, in nearly all with more."""
    for kind, share in (("-10 points", 0.8), ("-20 points", 0.95), ("+25 % answer time", 0.95)):
        found = 0
        for number in range(SERIES):
            places = [shift.place for shift in find_shifts(STEPPED[kind](f"{kind} {number}"))]
            found += any(abs(place - 30) <= 3 for place in places)
        assert found >= share * SERIES, kind


def test_the_chart_rarely_alarms_on_unchanged_nights_and_soon_after_a_step() -> None:
    """Looked at every night over 40 nights: false alarms in at most 20 %; half of the steps of 20 points are seen
    at most two nights after the first, half of those of 10 at most five."""
    for kind in ("85 %", "97 %"):
        alarms = 0
        for number in range(SERIES):
            values = UNCHANGED[kind](f"chart {number}")
            alarms += first_alarm(values, errors_of(values)) is not None
        assert alarms <= 0.2 * SERIES, kind

    for drop, most in ((0.1, 5), (0.2, 2)):
        delays: list[int] = []
        for number in range(SERIES):
            values = rates(f"step {number}", (45, 0.85), (20, 0.85 - drop))
            place = first_alarm(values, errors_of(values))
            if place is None or place >= 45:
                delays.append(99 if place is None else place - 45)
        assert median(delays) <= most, drop


def test_an_alarm_ends_when_the_figure_comes_back() -> None:
    values = [0.9, 0.88] * 12 + [0.5] * 4 + [0.9, 0.88] * 12

    assert find_alarm(values[:28]) is not None
    assert find_alarm(values) is None


def test_a_bad_night_at_the_end_is_no_shift_until_three_more_follow() -> None:
    chance = random.Random(5)
    steady = [0.9 + chance.gauss(0, 0.015) for _ in range(24)]

    assert find_shifts([*steady, 0.3]) == ()
    assert find_shifts([0.3, *steady]) == ()
    [shift] = find_shifts([*steady, 0.3, 0.32, 0.28, 0.3])
    assert shift.place == 24


def test_a_row_of_perfect_nights_is_not_as_certain_as_it_looks() -> None:
    values = [1.0] * 10 + [0.97, 1.0, 0.95, 0.97]

    assert find_shifts(values) != ()
    assert find_shifts(values, errors_of(values)) == ()
    assert find_shifts([*values[:10], *[0.6] * 4], errors_of([*values[:10], *[0.6] * 4])) != ()


def test_levels_on_both_sides_of_a_shift_are_means() -> None:
    [shift] = find_shifts([0.9, 0.92] * 10 + [0.7, 0.72] * 10)

    assert shift.place == 20
    assert shift.before == pytest.approx(0.91)
    assert shift.after == pytest.approx(0.71)


@pytest.mark.parametrize("values", [[], [0.9], [0.9] * 7, [0.9] * 60, [0.5, 0.9, 0.5, 0.9]])
def test_too_few_or_equal_nights_show_nothing(values: list[float]) -> None:
    assert find_shifts(values) == ()
    assert find_alarm(values) is None


def test_the_noise_of_a_series_hardly_sees_its_shift() -> None:
    chance = random.Random(2)
    shifted = [chance.gauss(0, 1) for _ in range(30)] + [chance.gauss(5, 1) for _ in range(30)]

    assert noise([7.0] * 40) == 0.0
    assert 0.8 < noise(shifted) < 1.4
    assert pstdev(shifted) > 2.4


def test_forecasts_hold_as_many_nights_as_they_say() -> None:
    """The interval for the next night holds 95 % of nights, give or take chance."""
    held, made = 0, 0
    for number in range(200):
        values = log_times(f"forecast {number}", (41, 7.0))
        if (expected := forecast(values[:40], nights=1)) is not None:
            [(_, low, high)] = expected.ahead
            made += 1
            held += low <= values[40] <= high
    assert made >= 190
    assert 0.91 <= held / made <= 0.985


def test_a_trend_is_followed_and_widens() -> None:
    chance = random.Random(3)
    values = [100 + 2 * night + chance.gauss(0, 1) for night in range(7)]
    level = forecast([100 + chance.gauss(0, 1) for _ in range(30)], nights=7)
    rising = forecast([100 + 0.05 * night + chance.gauss(0, 0.2) for night in range(30)], nights=7)

    assert level is not None and level.slope is None
    assert forecast(values, nights=1) is not None
    assert rising is not None and rising.slope is not None and 0.03 < rising.slope < 0.07
    widths = [high - low for _, low, high in rising.ahead]
    assert all(later > earlier for earlier, later in pairwise(widths))


def test_a_forecast_stays_within_what_the_figure_can_be_and_knows_how_it_was_measured() -> None:
    expected = forecast([1.0] * 20, [0.05] * 20, nights=3, lower=0.0, upper=1.0)

    assert expected is not None
    assert all(value == high == 1.0 and 0.85 < low < 0.95 for value, low, high in expected.ahead)


def test_a_forecast_forgets_what_was_before_the_last_shift() -> None:
    chance = random.Random(4)
    values = [0.9 + chance.gauss(0, 0.01) for _ in range(20)] + [0.6 + chance.gauss(0, 0.01) for _ in range(6)]

    expected = forecast(values, nights=1)

    assert expected is not None and expected.n == 6
    assert 0.57 < expected.ahead[0][0] < 0.63
