"""An A/B test in Slack: what members see of it, with the real use cases over a double of Slack."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.blocks.experiment import AB_CANCEL, AB_EXTEND, ab_card, ab_finished, ab_report
from bot.commands import COMMANDS, Asker, Edge, handle_convotest
from bot.interactions import Click, handle_click
from bot.memory_poster import MemoryPoster, Posted
from bot.outbox import Pace, Sender
from bot.workspace.block_kit import check_message_blocks
from jobs.dispatcher import Dispatcher
from jobs.errors import RequestError
from jobs.experiments.experiment import (
    ArmProgress,
    ArmResult,
    Disagreement,
    Experiment,
    ExperimentId,
    ExperimentProgress,
    ExperimentSummary,
    MetricLine,
)
from jobs.model import WorkspaceId
from jobs.testing import InlineEngine, MovableClock, testing_ports

WORKSPACE = WorkspaceId("T1")
ASKER = Asker(workspace_id=WORKSPACE, channel_id="C1", member_id="U0ADA", key="command:t1", trigger_id="trigger")
FAST = Pace(message_s=0.0, burst=100, edit_s=0.0, edit_per_run_s=0.0)
GOOD_OR_FAULTY = "ab pizza a=pizza@good b=pizza@faulty n=12 seed=7"
HOSTILE = "<!channel> *bold* <@U0BEN> \u202egnp.exe " + "x" * 5_000
NEWEST = 0


class Stage:
    """The edge with a double of Slack, and an engine that plays in this process."""

    def __init__(self, edge: Edge, poster: MemoryPoster) -> None:
        self.edge = edge
        self.poster = poster
        self.asked = 0

    async def type(self, text: str) -> str:
        self.asked += 1
        message = await handle_convotest(text, replace(ASKER, key=f"command:{self.asked}"), self.edge)
        return message.text if message else ""

    async def click(self, action_id: str) -> str:
        self.asked += 1
        click = Click(action_id=action_id, value=(await self.experiment()).id)
        message = await handle_click(click, replace(ASKER, key=f"click:{self.asked}"), self.edge)
        return message.text if message else ""

    async def experiment(self) -> Experiment:
        return (await self.edge.ports.store.experiments.recent(WORKSPACE, limit=1))[NEWEST]

    async def play(self) -> None:
        """Play what was started to its end and show everything."""
        dispatcher = Dispatcher(InlineEngine(), self.edge.ports)
        await dispatcher.start()
        try:
            while await self.edge.ports.store.experiments.unfinished():
                await self.edge.ports.bell.wait(at_most_s=0.05)
        finally:
            await dispatcher.stop()
        await self.show()

    async def show(self) -> None:
        ports = self.edge.ports
        sender = Sender(workspace_id=WORKSPACE, ports=ports, poster=self.poster, pace=FAST)
        await sender.send_due()
        while (await ports.store.outbox.backlog(WORKSPACE)).waiting:
            await sender.send_due()
            assert isinstance(ports.clock, MovableClock)
            ports.clock.move(1)
        await sender.send_due()

    @property
    def top_level(self) -> list[Posted]:
        return [each for each in self.poster.posted if not each.thread_ts]

    @property
    def thread(self) -> list[Posted]:
        return [each for each in self.poster.posted if each.thread_ts]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with testing_ports(tmp_path) as ports:
        poster = MemoryPoster()
        yield Stage(Edge(ports=ports, poster=poster, commands=COMMANDS), poster)


async def test_the_card_is_all_that_stands_at_top_level(stage: Stage) -> None:
    assert await stage.type(GOOD_OR_FAULTY) == ""
    await stage.show()
    await stage.play()
    [card] = stage.top_level

    assert card.versions[0].text.startswith("A/B test running…: A/B test of pizza, 0/12 pairs")
    assert card.versions[-1].text == "B is worse: A/B test of pizza, 12/12 pairs"
    for message in card.versions:
        check_message_blocks(list(message.blocks))


async def test_the_thread_has_the_answer_the_chart_and_a_last_message_that_mentions(stage: Stage) -> None:
    await stage.type(GOOD_OR_FAULTY)
    await stage.play()
    report, chart, last = stage.thread

    assert report.versions[-1].text.startswith(
        "Keep pizza@good: success is 100% with pizza@good and 0% with pizza@faulty"
    )
    assert [each["type"] for each in report.versions[-1].blocks].count("table") == 1
    assert "Where they disagree" in str(report.versions[-1].blocks)
    assert chart.file_id and stage.poster.uploads[chart.file_id].content.startswith(b"\x89PNG")
    assert last.versions[-1].text.startswith("<@U0ADA>, your A/B test of 'pizza' is finished.")
    for each in (report, last):
        check_message_blocks(list(each.versions[-1].blocks))


async def test_no_conversation_is_shown_one_by_one(stage: Stage) -> None:
    await stage.type(GOOD_OR_FAULTY)
    await stage.play()

    assert len(stage.poster.posted) == 4


async def test_cancel_stops_it_and_says_that_there_is_no_verdict(stage: Stage) -> None:
    await stage.type(GOOD_OR_FAULTY)
    said = await stage.click(AB_CANCEL)
    again = await stage.click(AB_CANCEL)
    await stage.play()

    assert "is being stopped" in said
    assert "nothing was changed" in again
    assert stage.top_level[0].versions[-1].text.startswith("Cancelled: no verdict")
    assert "was cancelled" in stage.thread[-1].versions[-1].text


async def test_twenty_more_pairs_bring_a_second_answer(stage: Stage) -> None:
    await stage.type(GOOD_OR_FAULTY)
    await stage.play()
    assert await stage.click(AB_EXTEND) == ""
    with pytest.raises(RequestError, match="only a finished"):
        await stage.click(AB_EXTEND)
    await stage.play()

    assert stage.top_level[0].versions[-1].text == "B is worse: A/B test of pizza, 32/32 pairs"
    assert len(stage.thread) == 6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ab pizza a=pizza@good", "b=…"),
        ("ab pizza a=pizza@good b=pizza@nobody", "nobody"),
        ("ab pizza a=pizza@good b=pizza@faulty early=perhaps", "neither yes nor no"),
        ("ab pizza a=pizza@good b=pizza@faulty n=many", "whole number"),
        ("ab pizza a=pizza@good b=pizza@faulty difference=200", "200 points"),
        ("ab", "which profile"),
    ],
)
async def test_bad_requests_start_nothing(text: str, message: str, stage: Stage) -> None:
    with pytest.raises(RequestError, match=message):
        await stage.type(text)

    assert await stage.edge.ports.store.experiments.recent(WORKSPACE, limit=1) == ()


async def test_somebody_elses_workspace_cannot_press_the_buttons(stage: Stage) -> None:
    await stage.type(GOOD_OR_FAULTY)
    stranger = replace(ASKER, workspace_id=WorkspaceId("T2"))

    with pytest.raises(RequestError, match="not known here"):
        click = Click(action_id=AB_CANCEL, value=(await stage.experiment()).id)
        await handle_click(click, stranger, stage.edge)


def test_hostile_text_names_nobody_and_fits() -> None:
    arm = ArmResult(passed=1, failed=2, errors=3, unclear=4, cost_usd=None, p50_ms=None, p95_ms=None)
    progress = ArmProgress(done=10, passed=1, failed=2)
    line = MetricLine(name=HOSTILE[:80], a="1", b="2", change="+1", interval="–", p="–", verdict=None)
    wanted = Disagreement(number=1, wanted=HOSTILE, passed="a", reasons=(HOSTILE,) * 3, said=HOSTILE)
    experiment = Experiment(
        id=ExperimentId("1"), workspace_id=WORKSPACE, target=HOSTILE, a=HOSTILE, b=HOSTILE, notes=(HOSTILE,) * 20,
        started_by=HOSTILE, state="finished", created_at=MovableClock().now(),
    )  # fmt: skip
    summary = ExperimentSummary(
        verdict="not_enough_data", decision="INCONCLUSIVE", sentence=HOSTILE, pairs=3, metrics=(line,) * 6,
        gates=(HOSTILE,) * 4, a=arm, b=arm, personas=(), only_a=1, only_b=0, disagreements=(wanted,) * 3,
        flaky=(HOSTILE,), notes=(HOSTILE,) * 20, methods=(HOSTILE,) * 5, document={},
    )  # fmt: skip
    shown = ExperimentProgress(planned=10, a=progress, b=progress)

    for message in (
        ab_card(experiment, shown, summary),
        ab_report(experiment, summary),
        ab_finished(experiment, summary),
    ):
        check_message_blocks(list(message.blocks))
        assert "<!channel>" not in message.text
        assert "\u202e" not in str(message.blocks)
        for block in message.blocks:
            for element in block.get("elements", ()) if block["type"] == "context" else ():
                assert element["type"] == "plain_text" or "<!" not in element["text"]
