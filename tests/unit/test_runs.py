"""A run from the request to its report, with doubles at the edges."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.announce import MOST_MESSAGES, card_key
from jobs.bundle import Ports
from jobs.dispatcher import Dispatcher
from jobs.errors import RequestError
from jobs.model import LOCAL_WORKSPACE, Place, Run, RunId, RunRequest, Variant, WorkspaceId, short_id
from jobs.planning import plan_run
from jobs.ports import AssistantSession, Models, Reply
from jobs.report import exit_code
from jobs.runs import cancel_run, find_run, follow_run, run_report, start_run
from jobs.settings import Settings
from jobs.testing import InlineEngine, ScriptedAssistant, ScriptedSimulator, testing_ports

TEAM = WorkspaceId("T1")
IN_SLACK = RunRequest(
    target="pizza",
    n=3,
    seed=7,
    started_by="U1",
    workspace_id=TEAM,
    place=Place(workspace_id=TEAM, channel_id="C1"),
    key="trigger-1",
)


@asynccontextmanager
async def playing(ports: Ports) -> AsyncGenerator[Dispatcher]:
    dispatcher = Dispatcher(InlineEngine(), ports)
    await dispatcher.start()
    try:
        yield dispatcher
    finally:
        await dispatcher.stop()


async def play(request: RunRequest, ports: Ports) -> Run:
    async with playing(ports):
        run = await start_run(request, ports)
        async with asyncio.timeout(20):
            async for _ in follow_run(run.id, ports):
                pass
    return await find_run(run.id, request.workspace_id, ports)


async def announced(run: Run, ports: Ports) -> list[str]:
    items = await ports.store.outbox.in_thread(run.workspace_id, card_key(run.id))
    return [item.announcement.kind for item in items]


async def test_a_run_plays_every_conversation_and_announces_it(tmp_path: Path) -> None:
    async with testing_ports(tmp_path, assistant=ScriptedAssistant("Hi."), simulator=ScriptedSimulator()) as ports:
        run = await play(IN_SLACK, ports)
        report = await run_report(run, ports)

        assert run.state == "finished"
        assert [each.verdict.outcome for each in report.conversations] == ["passed"] * 3
        assert [each.number for each in report.conversations] == [1, 2, 3]
        assert exit_code(report) == 0
        assert await announced(run, ports) == ["conversation"] * 3 + ["run_chart", "run_finished"]


async def test_a_failing_run_groups_its_failures(tmp_path: Path) -> None:
    simulator = ScriptedSimulator(answered=False)
    async with testing_ports(tmp_path, assistant=ScriptedAssistant("Hi."), simulator=simulator) as ports:
        run = await play(IN_SLACK, ports)
        report = await run_report(run, ports)

        assert exit_code(report) == 1
        assert {each.transcript.ended_by for each in report.conversations} == {"limit"}
        assert await announced(run, ports) == ["conversation"] * 3 + ["failures", "run_chart", "run_finished"]


async def test_a_failing_assistant_ends_the_transcript_and_is_not_scored(tmp_path: Path) -> None:
    async with testing_ports(tmp_path, assistant=ScriptedAssistant(fails_at=1), simulator=ScriptedSimulator()) as ports:
        report = await run_report(await play(IN_SLACK, ports), ports)

        assert {each.verdict.outcome for each in report.conversations} == {"assistant_error"}
        assert {each.transcript.ended_by for each in report.conversations} == {"assistant_error"}
        assert report.conversations[0].scores["turns_to_goal"].value is None
        assert report.summary.success is None
        assert exit_code(report) == 3


async def test_the_same_key_starts_one_run(tmp_path: Path) -> None:
    async with testing_ports(tmp_path, simulator=ScriptedSimulator()) as ports:
        first, second = [await start_run(IN_SLACK, ports) for _ in range(2)]

        assert first.id == second.id


async def test_a_bug_in_a_connector_costs_one_conversation_and_says_so(tmp_path: Path) -> None:
    assistant = ScriptedAssistant(ZeroDivisionError("a bug"))
    async with testing_ports(tmp_path, assistant=assistant, simulator=ScriptedSimulator()) as ports:
        report = await run_report(await play(IN_SLACK, ports), ports)

        [outcome] = {each.verdict.outcome for each in report.conversations}
        assert outcome == "harness_error"
        assert "ZeroDivisionError" in report.conversations[0].verdict.reasons[0]


async def test_a_misbehaving_simulator_is_tried_twice_and_then_void(tmp_path: Path) -> None:
    assistant = ScriptedAssistant("Hi.")
    async with testing_ports(tmp_path, assistant=assistant, simulator=ScriptedSimulator("Assistant: hi")) as ports:
        report = await run_report(await play(IN_SLACK, ports), ports)

        assert {(each.verdict.outcome, each.verdict.blame) for each in report.conversations} == {("void", "simulator")}
        assert {each.attempts for each in report.conversations} == {2}
        assert assistant.sessions == 6


async def test_a_long_run_never_fills_its_thread(tmp_path: Path) -> None:
    request = replace(IN_SLACK, n=120)
    simulator = ScriptedSimulator(answered=False)
    async with testing_ports(tmp_path, assistant=ScriptedAssistant("Hi."), simulator=simulator) as ports:
        kinds = await announced(await play(request, ports), ports)

        assert len(kinds) < MOST_MESSAGES
        assert kinds.count("transcripts") == 1
        assert kinds[-1] == "run_finished"


async def test_cancelling_keeps_what_is_finished(tmp_path: Path) -> None:
    class Slow(ScriptedAssistant):
        """The third session never answers."""

        waiting = asyncio.Event()

        async def open(self, variant: Variant, *, seed: str, models: Models | None = None) -> AssistantSession:
            session = await super().open(variant, seed=seed, models=models)
            return Hanging() if self.sessions == 3 else session

    class Hanging:
        async def greet(self) -> Reply:
            return Reply(messages=())

        async def send(self, text: str) -> Reply:
            Slow.waiting.set()
            await asyncio.Event().wait()
            raise AssertionError

        async def close(self) -> None:
            return

    async with testing_ports(tmp_path, assistant=Slow("Hi."), simulator=ScriptedSimulator()) as ports:
        async with playing(ports):
            run = await start_run(IN_SLACK, ports)
            async with asyncio.timeout(20):
                await Slow.waiting.wait()
                async for progress in follow_run(run.id, ports):
                    if progress.done == 2:
                        await cancel_run(run.id, ports, by="U2")
        run = await find_run("last", TEAM, ports)
        report = await run_report(run, ports)

        assert (run.state, run.note) == ("cancelled", "cancelled by U2")
        assert report.summary.totals.passed == 2
        assert report.summary.totals.cancelled == 1
        assert exit_code(report) == 4
        assert (await announced(run, ports))[-1] == "run_finished"


async def test_conversations_that_nobody_plays_are_queued_again(tmp_path: Path) -> None:
    """A shard that breaks leaves conversations behind: the run is not lost with it."""

    class Breaking(InlineEngine):
        async def submit(self, run_id: RunId, shard: int, *, generation: int) -> None:
            if generation:
                await super().submit(run_id, shard, generation=generation)

    async with testing_ports(tmp_path, assistant=ScriptedAssistant("Hi."), simulator=ScriptedSimulator()) as ports:
        dispatcher = Dispatcher(Breaking(), ports)
        await dispatcher.start()
        run = await start_run(IN_SLACK, ports)
        await dispatcher.look()
        await dispatcher.look()
        ports.clock.move(5)  # type: ignore[attr-defined]  # the movable clock of the doubles
        async with asyncio.timeout(20):
            async for _ in follow_run(run.id, ports):
                pass
        await dispatcher.stop()

        assert (await find_run("last", TEAM, ports)).state == "finished"


async def test_a_conversation_that_takes_the_worker_down_three_times_is_given_up(tmp_path: Path) -> None:
    request = replace(IN_SLACK, n=1)
    async with testing_ports(tmp_path, assistant=ScriptedAssistant("Hi."), simulator=ScriptedSimulator()) as ports:
        run = await start_run(request, ports)
        [planned] = await ports.store.runs.to_play(run.id, first=1, last=1)
        for _ in range(3):
            await ports.store.runs.begin_attempt(planned.id)

        async with playing(ports), asyncio.timeout(20):
            async for _ in follow_run(run.id, ports):
                pass
        [conversation] = (await run_report(run, ports)).conversations

        assert conversation.verdict.outcome == "harness_error"
        assert "took the worker down" in conversation.verdict.reasons[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": "piza"}, "did you mean 'pizza'"),
        ({"assistant": "piza"}, "did you mean 'pizza'"),
        ({"assistant": "pizza@god"}, "did you mean 'good'"),
        ({"n": 0}, "at least 1"),
        ({"n": -5}, "at least 1"),
        ({"seed": -1}, "out of range"),
    ],
)
async def test_what_cannot_be_run_is_said_and_nothing_is_started(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    async with testing_ports(tmp_path, simulator=ScriptedSimulator()) as ports:
        with pytest.raises(RequestError, match=message):
            await start_run(replace(IN_SLACK, **change), ports)  # type: ignore[arg-type]  # parametrised

        assert await ports.store.runs.recent(TEAM, limit=1) == ()


async def test_too_many_conversations_are_cut_and_said(tmp_path: Path) -> None:
    settings = Settings(convotest_max_conversations=10)
    async with testing_ports(tmp_path, simulator=ScriptedSimulator(), settings=settings) as ports:
        plan = await plan_run(replace(IN_SLACK, n=100_000), ports)

        assert plan.n == 10
        assert plan.notes == ("n=100000 was cut to 10, the most this installation plays in one run",)


async def test_a_run_is_found_by_its_short_id_in_its_own_workspace_only(tmp_path: Path) -> None:
    async with testing_ports(tmp_path, simulator=ScriptedSimulator()) as ports:
        run = await start_run(IN_SLACK, ports)

        assert (await find_run(short_id(run.id), TEAM, ports)).id == run.id
        assert (await find_run(f"`{short_id(run.id).upper()}`", TEAM, ports)).id == run.id
        for text, place in [(short_id(run.id), LOCAL_WORKSPACE), ("abc", TEAM), ("%%%%", TEAM), ("____", TEAM)]:
            with pytest.raises(RequestError):
                await find_run(text, place, ports)
