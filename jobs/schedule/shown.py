"""Schedules as lists show them."""

from dataclasses import dataclass
from datetime import datetime

from jobs.schedule.schedule import Occasion, Schedule
from jobs.schedule.times import words_of


@dataclass(frozen=True, kw_only=True)
class ShownSchedule:
    """A schedule with when it is due next, and what became of the last time."""

    schedule: Schedule
    next_due: datetime | None
    last: Occasion | None


def words_for(schedule: Schedule) -> str:
    """What it does and when, e.g. ``regress suite=pizza-nightly, every day at 02:00 (Europe/Berlin)``."""
    what = " ".join([schedule.use_case, *(f"{name}={text}" for name, text in schedule.options.items())])
    return f"{what}, {words_of(schedule.cron, schedule.tz)}"
