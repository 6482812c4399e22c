"""Begins what is due: once for each date of a schedule, whoever looks, however often, and whatever dies meanwhile."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta

from jobs.bundle import Ports
from jobs.errors import ConvotestError, UpstreamError
from jobs.model import Announcement, WorkspaceId
from jobs.schedule.schedule import CAUGHT_UP_WITHIN, Occasion, OccasionState, Schedule, ScheduleId
from jobs.schedule.shelf import SYSTEM_JOBS, USE_CASES
from jobs.schedule.times import MOST_DAYS_BACK, all_due, next_due
from jobs.schedule.use_case import SystemJob

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
CLAIMED_FOR_S = 120.0
"""How long a process has to begin what it claimed before another one may."""
MOST_ATTEMPTS = 3
SYSTEM = "system:"
NOWHERE = WorkspaceId("")
"""The workspace of what an installation does for all of them."""


class Scheduler:
    """Runs in each process that plays.

    Everything it knows is found in the store: a date is claimed there before anything is begun, so that restarts,
    replicas and both clock changes come to the same.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._next: dict[tuple[str, datetime], tuple[date, datetime] | None] = {}
        self._beginning: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._serve(), name="scheduler")

    async def stop(self) -> None:
        """What was claimed and not begun is begun after the next start."""
        tasks = [*self._beginning, *([self._task] if self._task else [])]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def _serve(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("the schedules could not be looked after; it is tried again")
            await self._ports.clock.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Begin what is due now, and what another process left behind."""
        long_ago = _long_ago(self._ports.clock.now()) - timedelta(days=1)
        latest = await self._ports.store.schedules.latest_due(since=long_ago)
        for schedule in await self._ports.store.schedules.active():
            await self._look_after(schedule, latest.get(schedule.id))
        for job in SYSTEM_JOBS.values():
            await self._look_after_job(job, latest.get(_system_id(job)))
        for occasion in await self._ports.store.schedules.left_behind():
            if await self._ports.store.schedules.claim_again(occasion, for_s=CLAIMED_FOR_S):
                self._begin(occasion, attempt=occasion.attempts + 1)

    async def settle(self) -> None:
        """Return once everything that was claimed here has begun."""
        await asyncio.gather(*self._beginning)

    # --- what is due ---

    async def _look_after(self, schedule: Schedule, last: datetime | None) -> None:
        now = self._ports.clock.now()
        after = max(schedule.active_since, last or schedule.active_since, _long_ago(now))
        if not self._is_due(schedule.id, schedule.cron, schedule.tz, after, now):
            return
        dates = all_due(schedule.cron, schedule.tz, after=after, until=now)
        due = [_occasion(schedule.id, schedule.workspace_id, *each, now=now) for each in dates]
        if not due:
            return
        is_late = now - due[-1].due_at > CAUGHT_UP_WITHIN
        if missed := due if is_late else due[:-1]:
            await self._report_missed(schedule, missed)
        if not is_late and await self._ports.store.schedules.claim(due[-1], for_s=CLAIMED_FOR_S):
            self._begin(due[-1], attempt=due[-1].attempts)

    async def _report_missed(self, schedule: Schedule, missed: Sequence[Occasion]) -> None:
        """All dates are recorded, and all of them are told in one message."""
        log.warning("%r was not done on %d dates, since nothing ran then", schedule.name, len(missed))
        *earlier, latest = (
            _over(each, "missed", "convotest was not running at that time, nor within 12 hours") for each in missed
        )
        for occasion in earlier:
            await self._ports.store.schedules.record(occasion)
        await self._ports.store.schedules.record(latest, _trouble(schedule, latest, dates=len(missed)))
        self._ports.bell.ring()

    async def _look_after_job(self, job: SystemJob, last: datetime | None) -> None:
        """However late it is: it is done once for the latest date, and what was missed before needs no mention."""
        now = self._ports.clock.now()
        after = last or now - timedelta(days=1)
        if not self._is_due(_system_id(job), job.cron, "UTC", after, now):
            return
        latest = [*all_due(job.cron, "UTC", after=after, until=now)][-1]
        occasion = _occasion(_system_id(job), NOWHERE, *latest, now=now)
        if await self._ports.store.schedules.claim(occasion, for_s=CLAIMED_FOR_S):
            self._begin(occasion, attempt=occasion.attempts)

    def _is_due(self, schedule_id: str, cron: str, tz: str, after: datetime, now: datetime) -> bool:
        """Worked out once for each date: the same schedule is looked at every second."""
        key = (schedule_id, after)
        if key not in self._next:
            self._next = {known: due for known, due in self._next.items() if known[0] != schedule_id}
            self._next[key] = next_due(cron, tz, after=after)
        found = self._next[key]
        return found is not None and found[1] <= now

    # --- beginning ---

    def _begin(self, occasion: Occasion, *, attempt: int) -> None:
        task = asyncio.create_task(self._begin_safely(occasion, attempt), name=f"begin {occasion.key}")
        self._beginning.add(task)
        task.add_done_callback(self._beginning.discard)

    async def _begin_safely(self, occasion: Occasion, attempt: int) -> None:
        try:
            await self._do(occasion)
        except ConvotestError as error:
            if isinstance(error, UpstreamError) and not error.permanent and attempt < MOST_ATTEMPTS:
                log.warning("%s could not begin and is tried again: %s", occasion.key, error)
                return
            await self._give_up(occasion, str(error))
        except Exception:
            log.exception("%s could not begin", occasion.key)
            if attempt >= MOST_ATTEMPTS:
                await self._give_up(occasion, "convotest itself failed; its log has the details")
        else:
            await self._ports.store.schedules.finish(occasion, "begun")
        self._ports.bell.ring()

    async def _do(self, occasion: Occasion) -> None:
        name = occasion.schedule_id.removeprefix(SYSTEM)
        if name != occasion.schedule_id:
            if name in SYSTEM_JOBS:
                await SYSTEM_JOBS[name].run(self._ports)
            return
        schedule = await self._ports.store.schedules.get(occasion.schedule_id)
        if schedule is not None:  # else it was removed in this very moment
            await USE_CASES.find(schedule.use_case).begin(schedule, occasion, self._ports)

    async def _give_up(self, occasion: Occasion, reason: str) -> None:
        schedule = await self._ports.store.schedules.get(occasion.schedule_id)
        log.warning("%s did not run: %s", schedule.name if schedule else occasion.schedule_id, reason)
        told = _trouble(schedule, occasion, dates=1) if schedule else ()
        await self._ports.store.schedules.finish(occasion, "failed", note=reason, announcements=told)


def _long_ago(now: datetime) -> datetime:
    """Before the first date that is still reported; it changes once a day, as what is worked out from it."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=MOST_DAYS_BACK)


def trouble_key(occasion: Occasion) -> str:
    return f"{occasion.key}:trouble"


def _trouble(schedule: Schedule, occasion: Occasion, *, dates: int) -> tuple[Announcement, ...]:
    """That it did not run, where its result would have been shown."""
    place = schedule.place or schedule.direct_place
    if place is None:
        return ()
    ref: dict[str, str | int] = {"schedule_id": schedule.id, "slot": occasion.slot, "dates": dates}
    return (Announcement(key=trouble_key(occasion), kind="schedule_trouble", place=place, ref=ref),)


def _occasion(schedule_id: str, workspace_id: WorkspaceId, day: date, due_at: datetime, *, now: datetime) -> Occasion:
    return Occasion(
        schedule_id=ScheduleId(schedule_id),
        slot=day.isoformat(),
        workspace_id=workspace_id,
        due_at=due_at,
        state="claimed",
        created_at=now,
    )


def _over(occasion: Occasion, state: OccasionState, note: str) -> Occasion:
    return replace(occasion, state=state, note=note, finished_at=occasion.created_at)


def _system_id(job: SystemJob) -> ScheduleId:
    return ScheduleId(f"{SYSTEM}{job.name}")
