"""What is due begins once for each date: over restarts, replicas, clock changes and crashes."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jobs.bundle import Ports
from jobs.errors import RequestError, UpstreamError
from jobs.model import Place, WorkspaceId
from jobs.schedule import keeper, lifecycle
from jobs.schedule.keeper import CLAIMED_FOR_S, SYSTEM, Scheduler
from jobs.schedule.lifecycle import add_schedule, find_schedule, pause_schedule, resume_schedule, run_now
from jobs.schedule.schedule import Occasion, Schedule, ScheduleId, ScheduleRequest
from jobs.schedule.use_case import SystemJob, UseCase
from jobs.shelf import Shelf
from jobs.testing import MovableClock, testing_ports

WORKSPACE = WorkspaceId("T1")
PLACE = Place(workspace_id=WORKSPACE, channel_id="C1")
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
NIGHTLY = ScheduleRequest(
    use_case="note", cron="0 2 * * *", tz="Europe/Berlin", name="nightly", place=PLACE, workspace_id=WORKSPACE
)


class Begun:
    """A use case that remembers what it was begun with."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.fails: Exception | None = None

    async def begin(self, schedule: Schedule, occasion: Occasion, ports: Ports) -> None:
        self.keys.append(occasion.key.rpartition(":")[2] if occasion.local_date is None else occasion.slot)
        if self.fails:
            raise self.fails


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Begun:
    """A shelf with one use case, and without the jobs of the installation."""
    found = Begun()
    shelf = Shelf("schedule", [UseCase(name="note", summary="", begin=found.begin)])
    for module in (keeper, lifecycle):
        monkeypatch.setattr(module, "USE_CASES", shelf)
    monkeypatch.setattr(lifecycle, "find_use_case", shelf.find)
    monkeypatch.setattr(keeper, "SYSTEM_JOBS", Shelf[SystemJob]("job", []))
    return found


@pytest.fixture
async def ports(tmp_path: Path) -> AsyncGenerator[Ports]:
    async with testing_ports(tmp_path, clock=MovableClock(START)) as opened:
        yield opened


async def look(*schedulers: Scheduler) -> None:
    await asyncio.gather(*(each.look() for each in schedulers))
    await asyncio.gather(*(each.settle() for each in schedulers))


def move(ports: Ports, to: str) -> None:
    """Let it be that time, also if it is an earlier one."""
    clock = ports.clock
    assert isinstance(clock, MovableClock)
    clock.move((datetime.fromisoformat(to).replace(tzinfo=UTC) - clock.now()).total_seconds())


async def troubles(ports: Ports) -> list[str]:
    due = await ports.store.outbox.due(WORKSPACE)
    return [str(each.announcement.ref["slot"]) for each in due if each.announcement.kind == "schedule_trouble"]


async def notes(schedule: Schedule, ports: Ports) -> list[tuple[str, str, str | None]]:
    found = await ports.store.schedules.occasions(schedule.id)
    return [(each.slot, each.state, each.note) for each in found]


async def test_it_begins_at_its_hour_and_not_before(ports: Ports, begun: Begun) -> None:
    await add_schedule(NIGHTLY, ports)
    scheduler = Scheduler(ports)

    move(ports, "2026-01-06 00:59:59")
    await look(scheduler)
    assert begun.keys == []

    move(ports, "2026-01-06 01:00:00")
    await look(scheduler)
    await look(scheduler)
    assert begun.keys == ["2026-01-06"]


async def test_restarts_and_replicas_begin_a_date_once(ports: Ports, begun: Begun) -> None:
    await add_schedule(NIGHTLY, ports)
    move(ports, "2026-01-06 01:00:30")

    await look(Scheduler(ports), Scheduler(ports), Scheduler(ports))
    await look(Scheduler(ports))

    assert begun.keys == ["2026-01-06"]


@pytest.mark.parametrize(("day", "before"), [("2026-10-25", "2026-10-24"), ("2026-03-29", "2026-03-28")])
async def test_half_past_two_begins_once_on_both_changes_of_the_clock(
    day: str, before: str, ports: Ports, begun: Begun
) -> None:
    move(ports, f"{before} 12:00")
    await add_schedule(replace(NIGHTLY, cron="30 2 * * *"), ports)
    scheduler = Scheduler(ports)

    for minute in range(0, 6 * 60, 10):  # from midnight to six, seen every ten minutes
        move(ports, f"{day} {minute // 60:02}:{minute % 60:02}")
        await look(scheduler)

    assert begun.keys == [day]


async def test_a_clock_that_is_put_back_begins_nothing_again(ports: Ports, begun: Begun) -> None:
    await add_schedule(NIGHTLY, ports)
    move(ports, "2026-01-06 01:00:30")
    await look(Scheduler(ports))

    move(ports, "2026-01-06 00:50:00")
    await look(Scheduler(ports))
    move(ports, "2026-01-06 01:10:00")
    await look(Scheduler(ports))

    assert begun.keys == ["2026-01-06"]


async def test_what_was_missed_by_some_hours_is_caught_up(ports: Ports, begun: Begun) -> None:
    await add_schedule(NIGHTLY, ports)
    move(ports, "2026-01-06 12:59:00")

    await look(Scheduler(ports))

    assert begun.keys == ["2026-01-06"]
    assert await troubles(ports) == []


async def test_what_was_missed_by_more_than_twelve_hours_is_reported_once(ports: Ports, begun: Begun) -> None:
    schedule = await add_schedule(NIGHTLY, ports)
    move(ports, "2026-01-06 13:01:00")

    await look(Scheduler(ports), Scheduler(ports))
    await look(Scheduler(ports))

    assert begun.keys == []
    assert await troubles(ports) == ["2026-01-06"]
    [(slot, state, note)] = await notes(schedule, ports)
    assert (slot, state) == ("2026-01-06", "missed") and note and "was not running" in note


async def test_several_missed_dates_are_one_message_and_the_last_one_is_caught_up(ports: Ports, begun: Begun) -> None:
    schedule = await add_schedule(NIGHTLY, ports)
    move(ports, "2026-01-10 03:00:00")

    await look(Scheduler(ports))

    assert begun.keys == ["2026-01-10"]
    assert await troubles(ports) == ["2026-01-09"]
    assert {slot for slot, state, _ in await notes(schedule, ports) if state == "missed"} == {
        "2026-01-06",
        "2026-01-07",
        "2026-01-08",
        "2026-01-09",
    }


async def test_what_a_dead_process_claimed_is_begun_by_another_one(ports: Ports, begun: Begun) -> None:
    schedule = await add_schedule(NIGHTLY, ports)
    move(ports, "2026-01-06 01:00:30")
    died = Occasion(
        schedule_id=schedule.id,
        slot="2026-01-06",
        workspace_id=WORKSPACE,
        due_at=datetime(2026, 1, 6, 1, 0, tzinfo=UTC),
        state="claimed",
        created_at=ports.clock.now(),
    )
    assert await ports.store.schedules.claim(died, for_s=CLAIMED_FOR_S)

    await look(Scheduler(ports))
    assert begun.keys == []

    move(ports, "2026-01-06 01:02:31")
    await look(Scheduler(ports), Scheduler(ports))
    assert begun.keys == ["2026-01-06"]


async def test_a_refusal_is_reported_once_with_its_reason(ports: Ports, begun: Begun) -> None:
    schedule = await add_schedule(NIGHTLY, ports)
    begun.fails = RequestError("no suite named 'pizza-nightly'")
    move(ports, "2026-01-06 01:00:30")

    for _ in range(3):
        await look(Scheduler(ports))

    assert begun.keys == ["2026-01-06"]
    assert await troubles(ports) == ["2026-01-06"]
    assert await notes(schedule, ports) == [("2026-01-06", "failed", "no suite named 'pizza-nightly'")]


@pytest.mark.parametrize("fault", [OSError("disk"), UpstreamError("no answer", permanent=False)])
async def test_what_breaks_is_tried_three_times_and_then_reported(
    fault: Exception, ports: Ports, begun: Begun, caplog: pytest.LogCaptureFixture
) -> None:
    await add_schedule(NIGHTLY, ports)
    begun.fails = fault
    move(ports, "2026-01-06 01:00:00")

    for minute in range(0, 20, 3):
        move(ports, f"2026-01-06 01:{minute:02}:01")
        await look(Scheduler(ports))

    assert begun.keys == ["2026-01-06"] * 3
    assert await troubles(ports) == ["2026-01-06"]


async def test_a_paused_schedule_does_nothing_and_makes_up_for_nothing(ports: Ports, begun: Begun) -> None:
    schedule = await add_schedule(NIGHTLY, ports)
    assert await pause_schedule(schedule, ports)
    assert not await pause_schedule(schedule, ports)
    move(ports, "2026-01-08 02:00:00")
    await look(Scheduler(ports))
    assert begun.keys == []

    assert await resume_schedule(schedule, ports)
    await look(Scheduler(ports))
    assert begun.keys == [] and await troubles(ports) == []

    move(ports, "2026-01-09 01:00:00")
    await look(Scheduler(ports))
    assert begun.keys == ["2026-01-09"]


async def test_run_now_does_not_use_up_the_night(ports: Ports, begun: Begun) -> None:
    schedule = await add_schedule(NIGHTLY, ports)
    assert await run_now(schedule, ports, by="U0ADA", key="click-1")
    assert not await run_now(schedule, ports, by="U0ADA", key="click-1")
    await look(Scheduler(ports), Scheduler(ports))
    assert begun.keys == ["click-1"]

    move(ports, "2026-01-06 01:00:00")
    await look(Scheduler(ports))
    assert begun.keys == ["click-1", "2026-01-06"]


async def test_a_name_is_taken_once_and_the_same_request_is_the_same_schedule(ports: Ports, begun: Begun) -> None:
    first = await add_schedule(replace(NIGHTLY, key="command-1"), ports)
    again = await add_schedule(replace(NIGHTLY, key="command-1"), ports)
    assert again.id == first.id

    with pytest.raises(RequestError, match="already; remove it first"):
        await add_schedule(replace(NIGHTLY, key="command-2"), ports)


async def test_a_schedule_is_found_by_its_name_and_a_wrong_one_is_answered_with_the_nearest(
    ports: Ports, begun: Begun
) -> None:
    schedule = await add_schedule(NIGHTLY, ports)

    assert (await find_schedule("Nightly", WORKSPACE, ports)).id == schedule.id
    with pytest.raises(RequestError, match="did you mean 'nightly'"):
        await find_schedule("nigthly", WORKSPACE, ports)
    with pytest.raises(RequestError, match="known: none"):
        await find_schedule("nightly", WorkspaceId("T2"), ports)


async def test_an_unknown_option_is_refused(ports: Ports, begun: Begun) -> None:
    with pytest.raises(RequestError, match="no option named 'suit'"):
        await add_schedule(replace(NIGHTLY, options={"suit": "x"}), ports)


async def test_the_jobs_of_an_installation_run_once_a_day_without_being_listed(
    ports: Ports, begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[datetime] = []

    async def run(given: Ports) -> None:
        runs.append(given.clock.now())

    monkeypatch.setattr(keeper, "SYSTEM_JOBS", Shelf("job", [SystemJob(name="tidy", run=run, cron="30 3 * * *")]))

    await look(Scheduler(ports), Scheduler(ports))
    await look(Scheduler(ports))
    assert len(runs) == 1  # what would have been due before the first start is done at once

    move(ports, "2026-01-06 03:30:00")
    await look(Scheduler(ports), Scheduler(ports))
    move(ports, "2026-01-20 15:00:00")
    await look(Scheduler(ports))
    assert len(runs) == 3  # however late, and once for all that was missed
    assert await ports.store.schedules.of_workspace(WORKSPACE) == ()
    assert await ports.store.schedules.occasion(ScheduleId(f"{SYSTEM}tidy"), "2026-01-20")
