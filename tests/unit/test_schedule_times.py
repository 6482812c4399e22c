"""When something is due: hours, days and zones as people write them, and both changes of the clock."""

from datetime import UTC, date, datetime, timedelta

import pytest

from jobs.errors import RequestError
from jobs.schedule.times import all_due, checked_cron, checked_zone, cron_of, next_due, words_of

BERLIN = "Europe/Berlin"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("when", "on", "cron"),
    [
        ("02:00", None, "0 2 * * *"),
        ("2:30", "mon-fri", "30 2 * * mon,tue,wed,thu,fri"),
        ("2 pm", "weekdays", "0 14 * * mon,tue,wed,thu,fri"),
        ("12am", "Mondays", "0 0 * * mon"),
        ("7.15", "sat,sun", "15 7 * * sat,sun"),
        (None, "Monday and Friday", "0 2 * * mon,fri"),
        (None, "fri-mon", "0 2 * * mon,fri,sat,sun"),
        (None, "daily", "0 2 * * *"),
    ],
)
def test_hours_and_days_are_read_as_people_write_them(when: str | None, on: str | None, cron: str) -> None:
    assert checked_cron(cron_of(at=when, on=on, usual="0 2 * * *")) == cron


@pytest.mark.parametrize("text", ["25:00", "02:60", "noon", "13 pm", "", "2:3"])
def test_what_is_no_time_of_day_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(RequestError, match="write for example at 02:00"):
        cron_of(at=text, on=None, usual="0 2 * * *")


@pytest.mark.parametrize("text", ["someday", "m", "t", "mon-", "8", "mon-funday"])
def test_what_is_no_day_of_the_week_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(RequestError, match="no day of the week"):
        cron_of(at=None, on=text, usual="0 2 * * *")


@pytest.mark.parametrize(
    ("cron", "weekdays"),
    [("0 3 * * 1", "mon"), ("0 3 * * 0", "sun"), ("0 3 * * 7", "sun"), ("0 3 * * 1-5", "mon,tue,wed,thu,fri")],
)
def test_numbers_of_days_count_as_cron_counts_them_from_sunday(cron: str, weekdays: str) -> None:
    assert checked_cron(cron).split()[-1] == weekdays


def test_a_numbered_monday_is_due_on_mondays() -> None:
    due = next_due(checked_cron("0 3 * * 1"), "UTC", after=at("2026-11-21 00:00"))

    assert due is not None and due[0].strftime("%A") == "Monday"


@pytest.mark.parametrize(
    ("cron", "why"),
    [
        ("*/5 * * * *", "once a day"),
        ("0 2,14 * * *", "once a day"),
        ("0 2 * *", "4 fields instead of five"),
        ("0 24 * * *", "once a day"),
        ("0 2 30 2 *", "no such day"),
        ("0 2 32 * *", "cannot be used"),
        ("0 2 1 * mon", "not both"),
        ("0 2 x * *", "numbers, ranges"),
        ("@daily", "1 fields instead of five"),
    ],
)
def test_a_bad_expression_is_refused_with_the_reason_and_an_example(cron: str, why: str) -> None:
    with pytest.raises(RequestError, match="mon-fri") as refused:
        checked_cron(cron)

    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Europe/Berln", "Europe/Berlin"),
        ("berlin", "Europe/Berlin"),
        ("New York", "America/New_York"),
        ("europ/paris", "Europe/Paris"),
    ],
)
def test_an_unknown_zone_is_answered_with_the_nearest(typed: str, meant: str) -> None:
    with pytest.raises(RequestError, match="no time zone") as refused:
        checked_zone(typed)

    assert meant in str(refused.value)


def test_a_zone_may_be_written_in_any_case() -> None:
    assert checked_zone("europe/berlin") == BERLIN


@pytest.mark.parametrize("offset", ["+02:00", "UTC+2", "gmt-5"])
def test_an_offset_is_no_zone_since_it_knows_no_summer_time(offset: str) -> None:
    with pytest.raises(RequestError, match="summer time"):
        checked_zone(offset)


def test_half_past_two_is_due_once_on_the_day_when_the_clock_is_put_back() -> None:
    due = list(all_due("30 2 * * *", BERLIN, after=at("2026-10-24 12:00"), until=at("2026-10-26 12:00")))

    assert due == [(date(2026, 10, 25), at("2026-10-25 00:30")), (date(2026, 10, 26), at("2026-10-26 01:30"))]


def test_half_past_two_is_due_on_the_day_when_that_hour_is_left_out() -> None:
    due = list(all_due("30 2 * * *", BERLIN, after=at("2026-03-28 12:00"), until=at("2026-03-30 12:00")))

    assert due == [(date(2026, 3, 29), at("2026-03-29 01:30")), (date(2026, 3, 30), at("2026-03-30 00:30"))]


@pytest.mark.parametrize("zone", [BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Beirut", "Africa/Cairo"])
@pytest.mark.parametrize("hour", ["0 0", "30 0", "59 1", "30 2", "59 23"])
def test_every_date_of_a_year_is_due_exactly_once_in_every_zone(zone: str, hour: str) -> None:
    after, found = at("2025-12-30 00:00"), list[date]()
    while (due := next_due(f"{hour} * * *", zone, after=after)) and due[0].year < 2027:
        found.append(due[0])
        after = due[1]

    this_year = [day for day in found if day.year == 2026]
    assert this_year == [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]


def test_dates_of_long_ago_are_not_listed() -> None:
    due = list(all_due("0 2 * * *", "UTC", after=at("2024-01-01 00:00"), until=at("2026-01-01 12:00")))

    assert len(due) == 31 and due[-1][0] == date(2026, 1, 1)


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 2 * * *", "every day at 02:00 (Europe/Berlin)"),
        ("30 7 * * mon", "on Mondays at 07:30 (Europe/Berlin)"),
        ("0 2 * * mon,tue,wed,thu,fri", "from Monday to Friday at 02:00 (Europe/Berlin)"),
        ("0 2 1 * *", "on day 1 of the month at 02:00 (Europe/Berlin)"),
        ("0 2 last * *", "on the last day of the month at 02:00 (Europe/Berlin)"),
    ],
)
def test_a_schedule_reads_as_a_sentence(cron: str, words: str) -> None:
    assert words_of(checked_cron(cron), BERLIN) == words
