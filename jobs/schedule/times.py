"""When something is due: hours, days and zones as people write them, and the dates that follow from them."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, cast
from zoneinfo import ZoneInfo, available_timezones

from apscheduler.triggers.cron import CronTrigger  # pyright: ignore[reportMissingTypeStubs]  # it has none

from jobs.errors import RequestError
from jobs.shelf import nearest

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
GROUPS = {
    "daily": "*",
    "day": "*",
    "every-day": "*",
    "weekdays": "mon-fri",
    "weekend": "sat,sun",
    "weekends": "sat,sun",
}
AT = re.compile(r"(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))?\s*(?P<half>am|pm)?", re.IGNORECASE)
FIELD = re.compile(r"[0-9*,/-]+|last", re.ASCII)
HORIZON = timedelta(days=4 * 366)
"""What is not due within so long is taken for a slip."""
MOST_DAYS_BACK = 31
"""Dates that were missed while nothing ran are listed up to so many; nobody reads more."""


def cron_of(*, at: str | None, on: str | None, usual: str) -> str:
    """The cron expression for ``at 02:30`` and ``on mon-fri``; what is not said is as ``usual`` has it.

    Raises:
        RequestError: one of them cannot be understood.
    """
    minute, hour, *days = usual.split()
    if at is not None:
        hour, minute = _hour_and_minute(at)
    if on is not None:
        days = ["*", "*", _weekdays(on)]
    return checked_cron(" ".join((minute, hour, *days)))


def checked_cron(text: str) -> str:
    """The expression with its weekdays as names; raises RequestError that says what is wrong with it."""
    fields = text.split()
    if len(fields) != 5:
        raise _bad(text, f"it has {len(fields)} fields instead of five")
    minute, hour, day, month, weekday = fields
    if not (minute.isdecimal() and hour.isdecimal() and int(minute) < 60 and int(hour) < 24):
        raise _bad(text, "a schedule is due once a day, so minute and hour are one number each")
    if not FIELD.fullmatch(day) or not FIELD.fullmatch(month):
        raise _bad(text, "day and month are numbers, ranges such as 1-5, lists such as 1,15, or *")
    weekday = _weekdays(weekday)
    if day != "*" and weekday != "*":
        raise _bad(text, "give a day of the month or a day of the week, not both")
    checked = f"{int(minute)} {int(hour)} {day} {month} {weekday}"
    try:
        is_ever = _next_day(checked, date(2026, 1, 1))
    except ValueError as error:
        raise _bad(text, str(error)) from error
    if is_ever is None or is_ever - date(2026, 1, 1) > HORIZON:
        raise _bad(text, "there is no such day")
    return checked


def checked_zone(name: str) -> str:
    """The zone's name as it is written officially; raises RequestError with the nearest."""
    wanted = name.strip().replace(" ", "_")
    by_name = {known.casefold(): known for known in _zones()}
    if wanted.casefold() in by_name:
        return by_name[wanted.casefold()]
    if re.fullmatch(r"(utc|gmt)?[+-]\d{1,2}(:?\d{2})?", wanted, re.IGNORECASE):
        raise RequestError(f"{name!r} knows no summer time; name a zone by its city, for example tz=Europe/Berlin")
    guess = nearest(wanted, by_name.values()) or nearest(f"Europe/{wanted}", by_name.values())
    cities = [known for known in by_name.values() if known.rpartition("/")[2].casefold() == wanted.casefold()]
    hint = f"did you mean {(cities or [guess])[0]!r}?" if cities or guess else "write for example tz=Europe/Berlin"
    raise RequestError(f"there is no time zone {name[:60]!r}; {hint}")


def words_of(cron: str, tz: str) -> str:
    """E.g. ``every day at 02:00 (Europe/Berlin)``."""
    minute, hour, day, month, weekday = cron.split()
    when = "every day"
    if weekday == "mon,tue,wed,thu,fri":
        when = "from Monday to Friday"
    elif weekday != "*":
        when = "on " + " and ".join(f"{NAMES[DAYS.index(each)]}s" for each in weekday.split(","))
    elif day != "*":
        when = "on the last day of the month" if day == "last" else f"on day {day} of the month"
    if month != "*":
        when += f" in month {month}"
    return f"{when} at {int(hour):02}:{int(minute):02} ({tz})"


def next_due(cron: str, tz: str, *, after: datetime) -> tuple[date, datetime] | None:
    """The first date that is due later than ``after``, and when.

    A date has one hour: on the day when the clock is put back it is the first of two, and what would fall into the
    hour that is left out when it is put forward is due as much later.
    """
    zone = ZoneInfo(tz)
    looked_from = after.astimezone(zone).date()
    while (day := _next_day(cron, looked_from)) is not None:
        minute, hour, *_ = cron.split()
        # fold=0: of two equal hours the first one, and in a gap the offset from before it
        due = datetime.combine(day, time(int(hour), int(minute)), zone).astimezone(UTC)
        if due > after:
            return day, due
        looked_from = day + timedelta(days=1)
    return None


def all_due(cron: str, tz: str, *, after: datetime, until: datetime) -> Iterator[tuple[date, datetime]]:
    """Every date that is due later than ``after`` and not later than ``until``, the last month of them at most."""
    after = max(after, until - timedelta(days=MOST_DAYS_BACK))
    while (due := next_due(cron, tz, after=after)) and due[1] <= until:
        yield due
        after = due[1]


def _next_day(cron: str, on_or_after: date) -> date | None:
    # In UTC, where every date has every hour; what the clocks of the zone do comes afterwards
    trigger = cast(Any, _trigger(cron))
    found = cast("datetime | None", trigger.get_next_fire_time(None, datetime.combine(on_or_after, time(), UTC)))
    return found.date() if found else None


@cache
def _trigger(cron: str) -> CronTrigger:
    minute, hour, day, month, weekday = cron.split()
    return CronTrigger(minute=minute, hour=hour, day=day, month=month, day_of_week=weekday, timezone=UTC)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _hour_and_minute(text: str) -> tuple[str, str]:
    found = AT.fullmatch(text.strip())
    hour, minute = (int(found["hour"]), int(found["minute"] or 0)) if found else (99, 0)
    if found and found["half"]:
        hour = hour % 12 + (12 if found["half"].lower() == "pm" else 0) if 1 <= hour <= 12 else 99
    if hour > 23 or minute > 59:
        raise RequestError(f"at {text[:20]!r} is no time of day; write for example at 02:00")
    return str(hour), str(minute)


def _weekdays(text: str) -> str:
    """``mon-fri``, ``1-5`` and ``weekdays`` as ``mon,tue,wed,thu,fri``; as cron counts, 0 and 7 are Sunday."""
    wanted = GROUPS.get(text.strip().casefold(), text.strip().casefold())
    if wanted in ("*", "?"):
        return "*"
    places: set[int] = set()
    for part in re.split(r"[,\s]+(?:and\s+)?", wanted):
        first, dash, last = part.partition("-")
        start, end = _weekday(first, text), _weekday(last if dash else first, text)
        places |= {(start + step) % 7 for step in range((end - start) % 7 + 1)}
        if last and first != last and start == end:
            places = set(range(7))  # 0-7, Sunday to Sunday
    return "*" if len(places) == 7 else ",".join(DAYS[place] for place in sorted(places))


def _weekday(word: str, whole: str) -> int:
    if word.isdecimal() and int(word) <= 7:
        return (int(word) - 1) % 7
    found = [
        place for place, name in enumerate(NAMES) if len(word) >= 2 and name.casefold().startswith(word.rstrip("s"))
    ]
    if len(found) != 1:
        raise RequestError(f"{whole[:40]!r} is no day of the week; write for example on mon-fri, or on Monday")
    return found[0]


def _bad(text: str, why: str) -> RequestError:
    return RequestError(
        f"{text[:60]!r} cannot be used as a schedule: {why}. Five fields are minute, hour, day of the month, month and "
        "day of the week, for example cron='0 2 * * mon-fri'; simpler is: at 02:00 on mon-fri"
    )
