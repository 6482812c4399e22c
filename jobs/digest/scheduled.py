"""The digests that can be scheduled: daily, weekly, and what is due for a review."""

from datetime import date
from zoneinfo import ZoneInfo

from jobs.bundle import Ports
from jobs.digest import DigestKind
from jobs.digest._build import send_digest
from jobs.errors import RequestError
from jobs.schedule.schedule import Occasion, Schedule, ScheduleRequest
from jobs.schedule.use_case import Begin, UseCase


def _begin(kind: DigestKind) -> Begin:
    async def begin(schedule: Schedule, occasion: Occasion, ports: Ports) -> None:
        """At most one a day and channel; asked for once more, it says that it is there already."""
        if schedule.place is None:
            raise RequestError("a digest needs a channel that it goes to")
        day = occasion.local_date or _today(schedule, ports)
        is_sent = await send_digest(kind, schedule.place, ports, day=day, zone=schedule.tz)
        if not is_sent and occasion.asked_by is not None:
            raise RequestError(f"the channel has its {kind} digest of {day:%d %b} already")

    return begin


def _today(schedule: Schedule, ports: Ports) -> date:
    return ports.clock.now().astimezone(ZoneInfo(schedule.tz)).date()


async def _needs_channel(request: ScheduleRequest, ports: Ports) -> ScheduleRequest:
    if request.place is None:
        raise RequestError("a digest needs a channel that it goes to; schedule it in Slack: /convotest schedule digest")
    return request


DIGEST = UseCase(
    name="digest",
    summary="what is new: suites, alerts, satisfaction, trends, cost, actions that wait",
    begin=_begin("daily"),
    words=("daily",),
    usual_cron="0 8 * * *",
    check=_needs_channel,
)
WEEKLY = UseCase(
    name="weekly",
    summary="the week in one message, with what is due for a person's look",
    begin=_begin("weekly"),
    words=("week", "summary"),
    usual_cron="0 8 * * mon",
    check=_needs_channel,
)
REVIEW = UseCase(
    name="review",
    summary="a reminder of suites, baselines and actions that are due for a person's look",
    begin=_begin("review"),
    words=("reviews",),
    usual_cron="0 9 * * thu",
    check=_needs_channel,
)
