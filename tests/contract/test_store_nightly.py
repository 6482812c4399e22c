"""Schedules, baselines and regressions in the store, and three replicas that share it, on every database."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.bundle import Ports
from jobs.model import Announcement, ConversationId, Place, Run, RunId, Scenario, WorkspaceId
from jobs.regression.regression import Regressed, Regression, RegressionId, RegressionSummary
from jobs.schedule.keeper import Scheduler
from jobs.schedule.lifecycle import add_schedule
from jobs.schedule.schedule import Occasion, Schedule, ScheduleId, ScheduleRequest
from jobs.stats import wilson_interval
from jobs.store import Store, open_store
from jobs.testing import MovableClock, testing_ports

TEAM = WorkspaceId("T1")
PLACE = Place(workspace_id=TEAM, channel_id="C1")
NOW = MovableClock().now()
NIGHTLY = Schedule(
    id=ScheduleId("s1"),
    workspace_id=TEAM,
    name="nightly",
    key="command-1",
    use_case="regress",
    options={"suite": "pizza-nightly"},
    cron="0 2 * * *",
    tz="Europe/Berlin",
    place=PLACE,
    direct_channel_id="D1",
    created_by="U1",
    created_at=NOW,
    active_since=NOW,
)
TONIGHT = Occasion(
    schedule_id=NIGHTLY.id, slot="2026-01-06", workspace_id=TEAM, due_at=NOW, state="claimed", created_at=NOW
)
RUN = Run(
    id=RunId("r1"),
    workspace_id=TEAM,
    state="planned",
    target="pizza-nightly",
    profile="pizza-nightly",
    suite="pizza-nightly",
    assistant="pizza",
    variant="good",
    simulator="agenda",
    seed=7,
    planned=1,
    stamps={},
    notes=(),
    started_by="U1",
    place=None,
    created_at=NOW,
    per_minute=60.0,
    budget_usd=2.5,
)
NIGHT = Regression(
    id=RegressionId("n-12345678"),
    workspace_id=TEAM,
    suite="pizza-nightly",
    assistant="pizza",
    variant="good",
    baseline=1,
    baseline_run_id=RunId("r0"),
    run_id=RUN.id,
    schedule_id=NIGHTLY.id,
    slot="2026-01-06",
    place=PLACE,
    started_by="U1",
    created_at=NOW,
)
WORSE = RegressionSummary(
    verdict="REJECT",
    headline="Worse",
    conversations=1,
    passed=0,
    failed=1,
    errors=0,
    unclear=0,
    success=wilson_interval(0, 1),
    baseline_success=wilson_interval(1, 1),
    pairs=1,
    cost_usd=None,
    p50_ms=340.0,
    p95_ms=470.0,
    regressed=(
        Regressed(kind="case", name="a", severity="high", sentence="it fails", conversations=(1,), quotes={1: "hm"}),
    ),
)
CUSTOMER = [(ConversationId("c1"), Scenario(profile="a", number=1, seed=1, goals=()))]
CARD = Announcement(key="run:r1:card", kind="regression_card", place=PLACE, ref={"regression_id": NIGHT.id})


@pytest.fixture
async def store(database_url: str) -> AsyncGenerator[Store]:
    async with open_store(database_url, MovableClock()) as opened:
        yield opened


# --- schedules --------------------------------------------------------------------------------------------------------


async def test_a_schedule_is_read_back_and_its_name_belongs_to_one(store: Store) -> None:
    assert await store.schedules.create(NIGHTLY) == NIGHTLY
    taken = await store.schedules.create(replace(NIGHTLY, id=ScheduleId("s2"), key="command-2"))

    assert taken == NIGHTLY == await store.schedules.get(NIGHTLY.id)
    assert await store.schedules.of_workspace(TEAM) == (NIGHTLY,) == await store.schedules.active()
    assert await store.schedules.of_workspace(WorkspaceId("T2")) == ()


async def test_a_paused_schedule_is_not_active_and_goes_on_from_now(store: Store) -> None:
    await store.schedules.create(NIGHTLY)

    assert await store.schedules.set_state(NIGHTLY.id, "paused", note="holidays")
    assert not await store.schedules.set_state(NIGHTLY.id, "paused")
    assert await store.schedules.active() == ()
    assert await store.schedules.set_state(NIGHTLY.id, "active")
    assert await store.schedules.remove(NIGHTLY.id) and not await store.schedules.remove(NIGHTLY.id)


async def test_a_pause_by_itself_is_told_once(store: Store) -> None:
    await store.schedules.create(NIGHTLY)
    told = (Announcement(key="k", kind="schedule_trouble", place=PLACE),)

    assert await store.schedules.pause_with(NIGHTLY.id, "its channel is archived", told)
    assert not await store.schedules.pause_with(NIGHTLY.id, "its channel is archived", told)
    assert len(await store.outbox.due(TEAM)) == 1


async def test_an_occasion_is_claimed_by_one_and_ends_once(store: Store) -> None:
    claims = await asyncio.gather(*(store.schedules.claim(TONIGHT, for_s=60) for _ in range(5)))
    assert sorted(claims) == [False] * 4 + [True]
    assert await store.schedules.left_behind() == ()
    assert await store.schedules.latest_due(since=NOW) == {NIGHTLY.id: NOW}
    assert await store.schedules.latest_due(since=NOW + timedelta(seconds=1)) == {}

    assert await store.schedules.finish(TONIGHT, "failed", note="no suite", announcements=(CARD,))
    assert not await store.schedules.finish(TONIGHT, "begun")
    found = await store.schedules.occasion(NIGHTLY.id, "2026-01-06")
    assert found is not None and (found.state, found.note) == ("failed", "no suite")


async def test_what_was_left_behind_is_taken_over_by_one(store: Store) -> None:
    await store.schedules.record(replace(TONIGHT, slot="now:click"))
    [left] = await store.schedules.left_behind()

    again = await asyncio.gather(*(store.schedules.claim_again(left, for_s=60) for _ in range(3)))

    assert sorted(again) == [False, False, True]
    assert await store.schedules.left_behind() == ()
    assert await store.schedules.latest_due(since=NOW) == {}  # what was asked for does not use up a date


# --- baselines and regressions ----------------------------------------------------------------------------------------


async def test_baselines_are_numbered_and_the_latest_counts(store: Store) -> None:
    async def pin(run: str, assistant: str = "pizza") -> bool:
        return await store.baselines.set(TEAM, "pizza-nightly", assistant, RunId(run), by="U1", reason="")

    assert [await pin("r1"), await pin("r1"), await pin("r2"), await pin("r1"), await pin("r9", "other")] == [
        True, False, True, True, True,
    ]  # fmt: skip
    history = await store.baselines.history(TEAM, "pizza-nightly", "pizza")
    assert [(each.number, each.run_id) for each in history] == [(3, "r1"), (2, "r2"), (1, "r1")]
    current = await store.baselines.all_current(TEAM)
    assert [(each.assistant, each.run_id) for each in current] == [("other", "r9"), ("pizza", "r1")]
    assert await store.baselines.current(WorkspaceId("T2"), "pizza-nightly", "pizza") is None


async def test_a_regression_is_saved_with_its_run_and_card_once(store: Store) -> None:
    saved = await store.regressions.create(NIGHT, RUN, CUSTOMER, key="k", announcements=(CARD,))
    again = await store.regressions.create(
        replace(NIGHT, id=RegressionId("other"), run_id=RunId("r2")), replace(RUN, id=RunId("r2")), CUSTOMER, key="k"
    )

    assert saved == again == NIGHT
    assert await store.runs.get(RUN.id) == RUN and await store.runs.get(RunId("r2")) is None
    assert await store.regressions.of_run(RUN.id) == NIGHT
    assert await store.regressions.unfinished() == (NIGHT,) == await store.regressions.recent(TEAM)


async def test_a_regression_is_played_again_once_and_ends_once(store: Store) -> None:
    await store.regressions.create(NIGHT, RUN, CUSTOMER, key="k", announcements=(CARD,))
    again = replace(RUN, id=RunId("r2"))
    customer = [(ConversationId("c2"), CUSTOMER[0][1])]

    assert await store.regressions.confirm(NIGHT, again, customer)
    assert not await store.regressions.confirm(NIGHT, replace(RUN, id=RunId("r3")), customer)
    over = replace(NIGHT, state="finished", summary=WORSE)
    assert await store.regressions.finish(over, card_key=CARD.key)
    assert not await store.regressions.finish(replace(over, state="cancelled"))

    found = await store.regressions.get(NIGHT.id)
    assert found is not None and found.summary == WORSE and found.confirming_run_id == "r2"
    assert await store.regressions.of_run(RunId("r2")) == found
    assert await store.regressions.unfinished() == ()


async def test_the_last_good_run_is_the_latest_before_in_which_nothing_got_worse(store: Store) -> None:
    verdicts = ("APPROVE", "INCONCLUSIVE", "REJECT", "APPROVE")
    nights: list[Regression] = []
    for number, verdict in enumerate(verdicts):
        at = NOW + timedelta(days=number)
        run = replace(RUN, id=RunId(f"run{number}"), created_at=at)
        night = replace(NIGHT, id=RegressionId(f"n{number}"), run_id=run.id, created_at=at)
        await store.regressions.create(night, run, [(ConversationId(f"c{number}"), CUSTOMER[0][1])], key=f"k{number}")
        await store.regressions.finish(
            replace(night, state="finished", summary=replace(WORSE, verdict=verdict, regressed=()))
        )
        nights.append(night)

    found = [await store.regressions.last_good(night) for night in nights]

    assert [each.id if each else None for each in found] == [None, "n0", "n1", "n1"]
    recent = await store.regressions.recent(TEAM, suite="pizza-nightly", since=NOW + timedelta(days=2))
    assert [each.id for each in recent] == ["n3", "n2"]


# --- replicas ---------------------------------------------------------------------------------------------------------


@pytest.fixture
async def replicas(database_url: str, tmp_path: Path) -> AsyncGenerator[list[Ports]]:
    """Three processes' worth of everything, on one database and one time."""
    clock = MovableClock(datetime(2026, 1, 5, 9, 0, tzinfo=UTC))
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(testing_ports(tmp_path, database_url=database_url, clock=clock))
            for _ in range(3)
        ]


async def test_three_replicas_begin_one_nightly_run_and_one_digest(replicas: list[Ports]) -> None:
    first = replicas[0]
    nightly = ScheduleRequest(
        use_case="regress", options={"suite": "pizza-smoke"}, cron="0 2 * * *", place=PLACE, workspace_id=TEAM
    )
    await add_schedule(nightly, first)
    await add_schedule(replace(nightly, use_case="digest", options={}, cron="0 8 * * *"), first)
    schedulers = [Scheduler(ports) for ports in replicas]
    clock = first.clock
    assert isinstance(clock, MovableClock)

    clock.move(23 * 3600 + 1)  # eight in the morning: the night is caught up, the digest is due
    for _ in range(3):
        await asyncio.gather(*(each.look() for each in schedulers))
        await asyncio.gather(*(each.settle() for each in schedulers))

    assert len(await first.store.regressions.recent(TEAM)) == 1
    due = await first.store.outbox.due(TEAM, limit=500)
    kinds = [each.announcement.kind for each in due]
    assert kinds.count("regression_card") == 1
    assert kinds.count("digest") == 1
