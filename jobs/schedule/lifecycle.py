"""The use cases around a schedule: add, find, pause, resume, remove, run now. Nobody's rights are looked at here."""

import re
from dataclasses import replace

from uuid6 import uuid7

from jobs.bundle import Ports
from jobs.errors import RequestError
from jobs.model import WorkspaceId
from jobs.schedule.schedule import ASKED_FOR, Occasion, Schedule, ScheduleId, ScheduleRequest
from jobs.schedule.shelf import USE_CASES, find_use_case
from jobs.schedule.shown import ShownSchedule
from jobs.schedule.times import checked_cron, checked_zone, next_due
from jobs.shelf import unknown

MOST_SCHEDULES = 50
"""Of one workspace."""
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")


async def add_schedule(request: ScheduleRequest, ports: Ports) -> Schedule:
    """Save what is to happen by itself from now on; the same request (by its key) again changes nothing.

    Raises:
        RequestError: it could not run as it was asked for, or the name is taken.
    """
    use_case = find_use_case(request.use_case)
    strange = next((name for name in request.options if name not in use_case.options), None)
    if strange is not None:
        raise RequestError(unknown("option", strange, use_case.options))
    missing = [name for name in use_case.required if not request.options.get(name)]
    if missing:
        raise RequestError(f"which {missing[0]}? For example: schedule {_example(use_case.words, use_case.name)}")
    cron = checked_cron(request.cron or use_case.usual_cron)
    request = await use_case.check(replace(request, use_case=use_case.name), ports)
    now = ports.clock.now()
    schedule = Schedule(
        id=ScheduleId(str(uuid7())),
        workspace_id=request.workspace_id,
        name=_name(request, use_case.words),
        key=request.key or str(uuid7()),
        use_case=use_case.name,
        options=request.options,
        cron=cron,
        tz=checked_zone(request.tz or "UTC"),
        place=request.place,
        direct_channel_id=request.direct_channel_id,
        created_by=request.created_by,
        created_at=now,
        active_since=now,
    )
    known = await ports.store.schedules.of_workspace(request.workspace_id)
    if len(known) >= MOST_SCHEDULES:
        raise RequestError(f"there are {len(known)} schedules already; remove one first")
    saved = await ports.store.schedules.create(schedule)
    if saved.key != schedule.key:
        raise RequestError(
            f"there is a schedule {saved.name!r} already; remove it first, or call this one differently with name=…"
        )
    ports.bell.ring()
    return saved


async def list_schedules(workspace_id: WorkspaceId, ports: Ports) -> tuple[ShownSchedule, ...]:
    """All of a workspace, by name."""
    found = await ports.store.schedules.of_workspace(workspace_id)
    return tuple([await show_schedule(each, ports) for each in found])


async def show_schedule(schedule: Schedule, ports: Ports) -> ShownSchedule:
    last = next(iter(await ports.store.schedules.occasions(schedule.id, limit=1)), None)
    due = None
    if schedule.state == "active":
        due = next_due(schedule.cron, schedule.tz, after=max(ports.clock.now(), schedule.active_since))
    return ShownSchedule(schedule=schedule, next_due=due[1] if due else None, last=last)


async def find_schedule(name: str, workspace_id: WorkspaceId, ports: Ports) -> Schedule:
    """The schedule that a person means: by its name, or by the suite that only it plays.

    Raises:
        RequestError: none; has the nearest name.
    """
    known = await ports.store.schedules.of_workspace(workspace_id)
    wanted = name.strip().casefold()
    found = [each for each in known if each.name == wanted]
    found = found or [each for each in known if wanted in (each.use_case, *USE_CASES[each.use_case].words)]
    found = found or [each for each in known if wanted == each.options.get("suite", "").casefold()]
    match found:
        case (only,):
            return only
        case ():
            raise RequestError(unknown("schedule", name, [each.name for each in known]))
        case several:
            raise RequestError(f"{name!r} fits several schedules: {', '.join(each.name for each in several)}")


async def pause_schedule(schedule: Schedule, ports: Ports) -> bool:
    """False if it was paused already."""
    return await ports.store.schedules.set_state(schedule.id, "paused")


async def resume_schedule(schedule: Schedule, ports: Ports) -> bool:
    """Let it go on; what would have been due while it was paused is not made up for. False if it was not paused."""
    resumed = await ports.store.schedules.set_state(schedule.id, "active")
    ports.bell.ring()
    return resumed


async def remove_schedule(schedule: Schedule, ports: Ports) -> bool:
    """Forget it; what came of it stays. False if it is gone already."""
    return await ports.store.schedules.remove(schedule.id)


async def run_now(schedule: Schedule, ports: Ports, *, by: str, key: str | None = None) -> bool:
    """Do now what it does at its hour, which it still does then. False if the same request did so already."""
    now = ports.clock.now()
    asked_for = await ports.store.schedules.record(
        Occasion(
            schedule_id=schedule.id,
            slot=f"{ASKED_FOR}{key or uuid7()}",
            workspace_id=schedule.workspace_id,
            due_at=now,
            state="claimed",
            attempts=0,
            asked_by=by,
            created_at=now,
        )
    )
    ports.bell.ring()
    return asked_for


def _name(request: ScheduleRequest, words: tuple[str, ...]) -> str:
    """What it is called: what was said, else after what it does."""
    named = request.name or "-".join([(words or (request.use_case,))[0], *request.options.values()])
    name = re.sub(r"[^a-z0-9._-]+", "-", named.strip().casefold()).strip("-")[:60]
    if not NAME.fullmatch(name):
        raise RequestError(f"{named[:60]!r} cannot be the name of a schedule; use letters, digits and dashes")
    return name


def _example(words: tuple[str, ...], name: str) -> str:
    return f"{(words or (name,))[0]} suite=pizza-nightly at 02:00 tz=Europe/Berlin"
