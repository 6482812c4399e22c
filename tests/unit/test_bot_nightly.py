"""Schedules and suites beside their baselines in Slack: what members see of them, over a double of Slack."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.blocks.regression import MAKE_BASELINE, REGRESSION_CANCEL
from bot.blocks.schedule import SCHEDULE_NOW, SCHEDULE_RESUME
from bot.commands import COMMANDS, Asker, Edge, handle_convotest
from bot.interactions import Click, handle_click
from bot.memory_poster import MemoryPoster, Posted
from bot.outbox import Pace, Sender
from bot.workspace.block_kit import check_message_blocks
from jobs.dispatcher import Dispatcher
from jobs.errors import RequestError
from jobs.model import RunRequest, WorkspaceId
from jobs.permissions import NotAllowed
from jobs.regression.lifecycle import set_baseline
from jobs.regression.regression import Regression
from jobs.runs import start_run
from jobs.schedule.keeper import Scheduler
from jobs.schedule.schedule import Schedule
from jobs.testing import InlineEngine, MovableClock, testing_ports

WORKSPACE = WorkspaceId("T1")
ASKER = Asker(workspace_id=WORKSPACE, channel_id="C1", member_id="U0ADA", key="command:1", trigger_id="trigger")
FAST = Pace(message_s=0.0, burst=100, edit_s=0.0, edit_per_run_s=0.0)
SUITE = "pizza-smoke"
NIGHTLY = f"schedule nightly suite={SUITE} at 02:00 tz=Europe/Berlin in <#C2|quality>"
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class Stage:
    """The edge with a double of Slack, an engine that plays in this process, and a clock that is moved."""

    def __init__(self, edge: Edge, poster: MemoryPoster) -> None:
        self.edge = edge
        self.poster = poster
        self.ports = edge.ports
        self.scheduler = Scheduler(self.ports)
        self.asked = 0

    async def type(self, text: str, *, member_id: str = "U0ADA") -> str:
        self.asked += 1
        asker = replace(ASKER, key=f"command:{self.asked}", member_id=member_id)
        message = await handle_convotest(text, asker, self.edge)
        if message and message.blocks:
            check_message_blocks(list(message.blocks))
        return message.text if message else ""

    async def click(self, action_id: str, value: str) -> str:
        self.asked += 1
        message = await handle_click(
            Click(action_id=action_id, value=value), replace(ASKER, key=f"click:{self.asked}"), self.edge
        )
        return message.text if message else ""

    async def schedule(self) -> Schedule:
        [only] = await self.ports.store.schedules.of_workspace(WORKSPACE)
        return only

    async def regression(self) -> Regression:
        return (await self.ports.store.regressions.recent(WORKSPACE, limit=1))[0]

    async def play_baseline(self) -> None:
        run = await start_run(RunRequest(target=SUITE, seed=7, workspace_id=WORKSPACE), self.ports)
        await self.play()
        finished = await self.ports.store.runs.get(run.id)
        assert finished is not None
        await set_baseline(finished, self.ports, by="U0ADA")

    async def play(self) -> None:
        """Play what was started to its end."""
        dispatcher = Dispatcher(InlineEngine(), self.ports)
        await dispatcher.start()
        try:
            while await self.ports.store.regressions.unfinished() or await self.ports.store.runs.unfinished():
                await self.ports.bell.wait(at_most_s=0.02)
        finally:
            await dispatcher.stop()

    async def look(self, at: str | None = None) -> None:
        if at:
            self.clock.move((datetime.fromisoformat(at).replace(tzinfo=UTC) - self.clock.now()).total_seconds())
        await self.scheduler.look()
        await self.scheduler.settle()

    async def show(self) -> None:
        sender = Sender(workspace_id=WORKSPACE, ports=self.ports, poster=self.poster, pace=FAST)
        await sender.send_due()
        while (await self.ports.store.outbox.backlog(WORKSPACE)).waiting:
            await sender.send_due()
            self.clock.move(1)
        await sender.send_due()

    @property
    def clock(self) -> MovableClock:
        assert isinstance(self.ports.clock, MovableClock)
        return self.ports.clock

    @property
    def top_level(self) -> list[Posted]:
        return [each for each in self.poster.posted if not each.thread_ts]

    @property
    def thread(self) -> list[Posted]:
        return [each for each in self.poster.posted if each.thread_ts]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with testing_ports(tmp_path, clock=MovableClock(START)) as ports:
        poster = MemoryPoster()
        poster.standings = {"U0ADA": "admin", "U0BEN": "member"}
        yield Stage(Edge(ports=ports, poster=poster, commands=COMMANDS), poster)


async def test_a_schedule_is_added_as_a_sentence_and_listed(stage: Stage) -> None:
    told = await stage.type(NIGHTLY)

    assert "is scheduled: regress suite=pizza-smoke, every day at 02:00 (Europe/Berlin)" in told
    schedule = await stage.schedule()
    assert (schedule.name, schedule.cron, schedule.tz) == ("nightly-pizza-smoke", "0 2 * * *", "Europe/Berlin")
    assert schedule.place is not None and schedule.place.channel_id == "C2"
    assert "nightly-pizza-smoke" in await stage.type("schedule list")
    assert "nightly-pizza-smoke" in await stage.type("schedule")
    [entry] = await stage.ports.store.audit.latest(WORKSPACE, limit=1)
    assert (entry.verb, entry.outcome) == ("schedule add", "done")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"schedule nightly suite={SUITE} tz=Europe/Berln", "did you mean 'Europe/Berlin'"),
        ("schedule nightly suite=pizza-smok", "did you mean 'pizza-smoke'"),
        ("schedule nightly", "which suite"),
        ("schedule nihgtly suite=pizza-smoke", "did you mean 'nightly'"),
        (f"schedule nightly suite={SUITE} at noon", "no time of day"),
        (f"schedule nightly suite={SUITE} cron='* * * * *'", "once a day"),
        (f"schedule nightly suite={SUITE} every night", "not understood here"),
        (f"schedule nightly suite={SUITE} in quality", "names no channel"),
        ("schedule pause nothing", "no schedule named 'nothing'"),
        ("schedule now", "which schedule? There are: none"),
    ],
)
async def test_what_cannot_be_scheduled_is_told_and_nothing_is_saved(text: str, told: str, stage: Stage) -> None:
    with pytest.raises(RequestError) as refused:
        await stage.type(text)

    assert told in str(refused.value)
    assert await stage.ports.store.schedules.of_workspace(WORKSPACE) == ()


async def test_only_approvers_change_schedules_and_baselines_and_everybody_reads_them(stage: Stage) -> None:
    await stage.type(NIGHTLY)

    for text in (NIGHTLY, "schedule pause nightly", "schedule now nightly", "baseline set pizza-smoke"):
        with pytest.raises(NotAllowed):
            await stage.type(text, member_id="U0BEN")
    assert "nightly-pizza-smoke" in await stage.type("schedule list", member_id="U0BEN")
    assert "No baseline is set yet" in await stage.type("baseline", member_id="U0BEN")
    assert (await stage.schedule()).state == "active"


async def test_pause_resume_and_remove_say_what_they_did(stage: Stage) -> None:
    await stage.type(NIGHTLY)

    assert await stage.type("schedule pause nightly") == "nightly-pizza-smoke is paused."
    assert await stage.type("schedule pause nightly") == "nightly-pizza-smoke was paused already."
    assert await stage.type("schedule resume") == "nightly-pizza-smoke goes on."
    assert await stage.type("schedule remove pizza-smoke") == "nightly-pizza-smoke is removed; what came of it stays."
    assert await stage.ports.store.schedules.of_workspace(WORKSPACE) == ()


async def test_where_the_bot_is_not_a_member_nothing_is_scheduled(stage: Stage) -> None:
    stage.poster.refuses["C2"] = "not_in_channel"

    with pytest.raises(RequestError, match="not in this channel"):
        await stage.type(NIGHTLY)
    assert await stage.ports.store.schedules.of_workspace(WORKSPACE) == ()


async def test_a_night_that_is_worse_is_a_card_with_its_conversations_in_the_thread(stage: Stage) -> None:
    await stage.play_baseline()
    await stage.type(f"{NIGHTLY} assistant=pizza@faulty")
    await stage.look("2026-01-06 01:00")
    await stage.show()
    await stage.play()
    await stage.show()

    [card] = stage.top_level
    assert card.channel_id == "C2"
    assert card.versions[0].text.startswith("Comparing with the baseline…: pizza-smoke → pizza@faulty")
    assert card.versions[-1].text.startswith("❌ Worse than the baseline: pizza-smoke → pizza@faulty")
    for version in card.versions:
        check_message_blocks(list(version.blocks))
    report = next(each for each in stage.thread if each.key and each.key.endswith("regression_report"))
    conversations = [each for each in stage.thread if each.key and ":c" in each.key]
    assert conversations and all(
        each.ts.replace(".", "") in str(report.versions[-1].blocks) for each in conversations[:3]
    )
    assert "<@U0ADA>" in stage.thread[-1].versions[-1].text


async def test_a_night_that_is_as_good_mentions_nobody(stage: Stage) -> None:
    await stage.play_baseline()
    await stage.type(NIGHTLY)
    assert await stage.type("schedule now nightly") == "nightly-pizza-smoke begins now."
    await stage.look()
    await stage.play()
    await stage.show()

    assert "<@" not in stage.thread[-1].versions[-1].text
    assert [each for each in stage.thread if each.key and ":c" in each.key] == []


async def test_the_button_makes_a_night_the_baseline_once(stage: Stage) -> None:
    await stage.type(NIGHTLY)
    await stage.type("schedule now nightly")
    await stage.look()
    await stage.play()
    regression = await stage.regression()

    assert "is the baseline now (number 1)" in await stage.click(MAKE_BASELINE, regression.id)
    assert "is the baseline already" in await stage.click(MAKE_BASELINE, regression.id)
    assert "pizza-smoke" in await stage.type("baseline")
    assert "is over already" in await stage.click(REGRESSION_CANCEL, regression.id)


async def test_a_suite_that_was_deleted_is_told_once_where_the_night_would_have_been(
    stage: Stage, tmp_path: Path
) -> None:
    await stage.type(NIGHTLY)
    stage.scheduler = Scheduler(replace(stage.ports, profiles_dir=tmp_path))
    for _ in range(3):
        await stage.look("2026-01-06 01:00")
    await stage.show()

    [message] = stage.top_level
    assert message.channel_id == "C2"
    assert (
        "nightly-pizza-smoke did not run on 2026-01-06: 'pizza-smoke' could not be started" in message.versions[0].text
    )
    check_message_blocks(list(message.versions[0].blocks))


async def test_a_used_up_budget_is_told_once_and_the_next_month_goes_on(stage: Stage) -> None:
    settings = await stage.ports.store.workspaces.settings(WORKSPACE)
    await stage.ports.store.workspaces.save(WORKSPACE, replace(settings, budget_usd=0.0))
    await stage.type(NIGHTLY)
    await stage.look("2026-01-06 01:00")
    await stage.look("2026-01-06 01:01")
    await stage.show()

    [message] = stage.top_level
    assert "budget of $0.00 is used up" in message.versions[0].text
    await stage.ports.store.workspaces.save(WORKSPACE, replace(settings, budget_usd=5.0))
    await stage.look("2026-01-07 01:00")
    assert (await stage.regression()).slot == "2026-01-07"


async def test_an_archived_channel_pauses_the_schedule_and_whoever_made_it_is_told_directly(stage: Stage) -> None:
    await stage.type(NIGHTLY)
    stage.poster.refuses["C2"] = "is_archived"
    await stage.look("2026-01-06 01:00")
    await stage.show()
    await stage.play()
    await stage.show()

    assert (await stage.schedule()).state == "paused"
    [told] = [each for each in stage.poster.posted if each.channel_id == "D0ADA"]
    regression = await stage.regression()
    assert "is paused" in told.versions[0].text and regression.run_id[-8:] in told.versions[0].text
    assert regression.state == "finished" and regression.summary is not None  # nothing is lost

    del stage.poster.refuses["C2"]
    assert await stage.click(SCHEDULE_RESUME, regression.schedule_id or "") == "nightly-pizza-smoke goes on."
    assert await stage.click(SCHEDULE_NOW, regression.schedule_id or "") == "nightly-pizza-smoke begins now."


async def test_two_deliveries_of_the_same_command_are_one_schedule(stage: Stage) -> None:
    async def deliver() -> None:
        await handle_convotest(NIGHTLY, replace(ASKER, key="command:same"), stage.edge)

    await asyncio.gather(deliver(), deliver())

    assert (await stage.schedule()).key == "command:same"
