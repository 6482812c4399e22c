"""An A/B test in Slack: what members see of it, with the real use cases over a double of Slack."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.blocks.experiment import (
    AB_ADOPT,
    AB_CANCEL,
    AB_COMPUTED,
    AB_EXTEND,
    AB_OTHER_TRANSCRIPT,
    AB_TRANSCRIPT,
    ShownTest,
    ab_card,
    ab_finished,
    ab_list,
    ab_report,
    ab_shown,
    computed_modal,
)
from bot.commands import COMMANDS, Asker, Edge, handle_convotest
from bot.interactions import Click, handle_click
from bot.memory_poster import MemoryPoster, Posted
from bot.outbox import Pace, Sender
from bot.workspace.block_kit import check_message_blocks, check_view, text_length
from jobs.assistants.catalogue import load_catalogue
from jobs.dispatcher import Dispatcher
from jobs.errors import RequestError
from jobs.experiments.experiment import (
    ArmName,
    ArmProgress,
    ArmResult,
    Contrast,
    Disagreement,
    Experiment,
    ExperimentId,
    ExperimentProgress,
    ExperimentSummary,
    MetricLine,
)
from jobs.model import WorkspaceId, WorkspaceSettings
from jobs.permissions import NotAllowed
from jobs.testing import InlineEngine, MovableClock, testing_ports

WORKSPACE = WorkspaceId("T1")
ASKER = Asker(workspace_id=WORKSPACE, channel_id="C1", member_id="U0ADA", key="command:t1", trigger_id="trigger")
FAST = Pace(message_s=0.0, burst=100, edit_s=0.0, edit_per_run_s=0.0)
GOOD_OR_FAULTY = "ab pizza a=pizza@good b=pizza@faulty n=12 seed=7"
HOSTILE = "<!channel> *bold* <@U0BEN> \u202egnp.exe " + "x" * 5_000
NEWEST = 0
MORE: tuple[ArmName, ...] = ("c", "d", "e", "f")
CHANGED = """
assistants:
  pizza:
    connector: demo
    default: good
    profiles: ["pizza-shop/*"]
    variants:
      good: {shop: pizza-shop/assistant.yaml, latency_ms: 1}
      noisy: {shop: pizza-shop/assistant.yaml, latency_ms: 0, noise: 0.9}
      faulty: {shop: pizza-shop/assistant.yaml, latency_ms: 0, flow: {order: [pizza]}}
"""


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

    async def click(self, action_id: str, value: str = "", *, member: str = "U0ADA") -> str:
        self.asked += 1
        click = Click(action_id=action_id, value=value or (await self.experiment()).id)
        asker = replace(ASKER, key=f"click:{self.asked}", member_id=member)
        message = await handle_click(click, asker, self.edge)
        return message.text if message else ""

    def pressed(self, action_id: str) -> dict[str, str]:
        """What the buttons of that name in the thread stand for, by what is written on them."""
        elements = [
            element
            for message in self.thread
            for block in message.versions[-1].blocks
            for element in block.get("elements", ())
        ]
        return {each["text"]["text"]: each["value"] for each in elements if each.get("action_id") == action_id}

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


async def test_how_it_was_computed_and_both_conversations_open_by_buttons(stage: Stage) -> None:
    await stage.type(GOOD_OR_FAULTY)
    assert "no answer yet" in await stage.click(AB_COMPUTED)
    await stage.play()

    assert await stage.click(AB_COMPUTED) == ""
    for action in (AB_TRANSCRIPT, AB_OTHER_TRANSCRIPT):
        values = stage.pressed(action)
        assert await stage.click(action, next(iter(values.values()))) == ""
    computed, of_a, of_b = stage.poster.views

    for view in stage.poster.views:
        check_view(view, "modal")
    assert "McNemar" in str(computed) and "declared before the start: success" in str(computed)
    assert set(stage.pressed(AB_OTHER_TRANSCRIPT)) == {"B's conversation"}
    assert "✅ passed" in str(of_a) and "❌ failed" in str(of_b)
    assert "Send as file" not in str((of_a, of_b))  # an arm has no thread of its own


async def test_lists_and_shows_what_there_is_with_a_link_to_the_thread(stage: Stage) -> None:
    assert "none yet" in await stage.type("ab list")
    with pytest.raises(RequestError, match="no A/B tests yet"):
        await stage.type("ab show")
    await stage.type(GOOD_OR_FAULTY)
    await stage.show()
    assert "0 of 12 pairs" in await stage.type("ab list")
    assert (await stage.type("ab show last")).startswith("A/B test running…")
    await stage.play()
    short = (await stage.experiment()).id[-8:]

    listed = await handle_convotest("ab list", ASKER, stage.edge)
    shown = await handle_convotest(f"ab show {short}", ASKER, stage.edge)

    assert listed and shown
    assert f"{short} B is worse" in listed.text and "/archives/C1/p" in str(listed.blocks)
    assert shown.text.startswith("Keep pizza@good") and "its thread" in str(shown.blocks)
    for message in (listed, shown):
        check_message_blocks(list(message.blocks))


async def test_cancel_and_extend_can_be_typed(stage: Stage) -> None:
    await stage.type(GOOD_OR_FAULTY)
    assert "is being stopped" in await stage.type("ab cancel last")
    await stage.play()
    with pytest.raises(RequestError, match="only a finished"):
        await stage.type("ab extend last")
    await stage.type(GOOD_OR_FAULTY)
    await stage.play()

    assert await stage.type("ab extend last 8") == ""
    await stage.play()

    assert stage.top_level[-1].versions[-1].text == "B is worse: A/B test of pizza, 20/20 pairs"
    for wrong in ("ab cancel", "ab extend", "ab extend last many", "ab extend last 100000", "ab show nothing1"):
        with pytest.raises(RequestError):
            await stage.type(wrong)


async def test_arms_are_no_loose_runs_anywhere(stage: Stage) -> None:
    await stage.type(GOOD_OR_FAULTY)
    status = await stage.type("status")
    await stage.play()

    assert "A/B test of pizza: 0/12 pairs" in status and "pizza@faulty" not in status
    assert "There are no runs yet" in await stage.type("show all")
    with pytest.raises(RequestError, match="no runs yet"):
        await stage.type("show last")


async def test_an_approver_makes_the_winner_the_baseline_and_the_thread_hears_of_it(stage: Stage) -> None:
    ports = stage.edge.ports
    await ports.store.workspaces.save(WORKSPACE, WorkspaceSettings(approvers=("U0ADA",)))
    await stage.type("ab pizza a=pizza@faulty b=pizza@good n=12 seed=7")
    await stage.play()
    [(label, value)] = stage.pressed(AB_ADOPT).items()

    with pytest.raises(NotAllowed):
        await stage.click(AB_ADOPT, value, member="U0BEN")
    already = await stage.click(AB_ADOPT, value)  # the file's default is good
    await stage.click(AB_ADOPT, value.removesuffix("b") + "a")
    back = await stage.click(AB_ADOPT, value)
    await stage.show()
    entries = await ports.store.audit.latest(WORKSPACE)

    assert label == "Make B the baseline"
    assert "is the baseline already" in already
    assert back == "pizza@good is the baseline now; it was pizza@faulty."
    assert [each.versions[-1].text for each in stage.thread[-2:]] == [
        "pizza@faulty is the baseline now, instead of pizza@good.",
        "pizza@good is the baseline now, instead of pizza@faulty.",
    ]
    assert [(each.verb, each.outcome) for each in entries][:2] == [("variant in force", "done")] * 2


async def test_a_variant_that_has_changed_since_cannot_be_made_the_baseline(stage: Stage, tmp_path: Path) -> None:
    await stage.edge.ports.store.workspaces.save(WORKSPACE, WorkspaceSettings(approvers=("U0ADA",)))
    await stage.type("ab pizza a=pizza@faulty b=pizza@good n=12 seed=7")
    await stage.play()
    [value] = stage.pressed(AB_ADOPT).values()
    (tmp_path / "assistants.yaml").write_text(CHANGED)
    changed = replace(stage.edge.ports, catalogue=load_catalogue(tmp_path))
    stage.edge = replace(stage.edge, ports=changed)

    with pytest.raises(RequestError, match="has changed since it was tested"):
        await stage.click(AB_ADOPT, value)


async def test_further_candidates_stand_in_the_same_card_table_and_answer(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "assistants.yaml").write_text(CHANGED)
    stage.edge = replace(stage.edge, ports=replace(stage.edge.ports, catalogue=load_catalogue(tmp_path)))
    await stage.type("ab pizza a=pizza@faulty b=pizza@noisy c=pizza@good n=12 seed=7")
    await stage.play()
    [card], [report, _, last] = stage.top_level, stage.thread

    assert card.versions[-1].text.startswith("C is better: A/B test of pizza")
    assert report.versions[-1].text.startswith("Take pizza@good")
    [table] = [each for each in report.versions[-1].blocks if each["type"] == "table"]
    assert "C: success" in str(table) and "✅ C is better" in str(table)
    assert "Where A and C disagree" in str(report.versions[-1].blocks)
    assert set(stage.pressed(AB_ADOPT)) == {"Make C the baseline"}
    for each in (card, report, last):
        check_message_blocks(list(each.versions[-1].blocks))


async def test_a_refused_card_is_told_once_and_the_test_plays_on(stage: Stage) -> None:
    await stage.type(GOOD_OR_FAULTY)
    stage.poster.refuses["C1"] = "is_archived"
    await stage.play()
    experiment = await stage.experiment()

    told = [message.text for _, member, message in stage.poster.whispers if member == "U0ADA"]
    assert experiment.state == "finished"
    assert len(told) == 1 and "its card could not be posted" in told[0]
    assert f"/convotest ab show {experiment.id[-8:]}" in told[0]
    assert (await stage.type("ab show last")).startswith("Keep pizza@good")


def test_hostile_text_names_nobody_and_fits() -> None:
    arm = ArmResult(passed=1, failed=2, errors=3, unclear=4, cost_usd=None, p50_ms=None, p95_ms=None)
    progress = ArmProgress(done=10, passed=1, failed=2)
    line = MetricLine(name=HOSTILE[:80], a="1", b="2", change="+1", interval="–", p="–", verdict=None)
    wanted = Disagreement(
        number=1, wanted=HOSTILE, passed="a", reasons=(HOSTILE,) * 3, said=HOSTILE, of_a="r:1", of_candidate="s:1"
    )
    contrasts = tuple(
        Contrast(
            arm=name, verdict="b_better", decision="APPROVE", sentence=HOSTILE, pairs=3, metrics=(line,) * 6,
            gates=(HOSTILE,) * 6, result=arm, only_a=1, only_candidate=0, disagreements=(wanted,) * 3,
        )
        for name in MORE
    )  # fmt: skip
    experiment = Experiment(
        id=ExperimentId("1"), workspace_id=WORKSPACE, target=HOSTILE, a=HOSTILE, b=HOSTILE, notes=(HOSTILE,) * 20,
        started_by=HOSTILE, state="finished", created_at=MovableClock().now(), more=(HOSTILE,) * 4, power=HOSTILE,
    )  # fmt: skip
    summary = ExperimentSummary(
        verdict="not_enough_data", decision="INCONCLUSIVE", sentence=HOSTILE, pairs=3, metrics=(line,) * 6,
        gates=(HOSTILE,) * 4, a=arm, b=arm, personas=(), only_a=1, only_b=0, disagreements=(wanted,) * 3,
        flaky=(HOSTILE,), notes=(HOSTILE,) * 20, methods=(HOSTILE,) * 5, document={},
        others=contrasts,
    )  # fmt: skip
    shown = ExperimentProgress(planned=10, a=progress, b=progress, more=(progress,) * 4)
    test = ShownTest(experiment=experiment, progress=shown, summary=summary, link="https://slack.com/archives/C1/p1")
    check_view(computed_modal(experiment, summary), "modal")

    for message in (
        ab_card(experiment, shown, summary),
        ab_report(experiment, summary),
        ab_finished(experiment, summary),
        ab_list([test] * 15),
        ab_shown(test),
        ab_report(replace(experiment, more=()), replace(summary, others=())),
    ):
        assert text_length(list(message.blocks)) <= 9_000
        check_message_blocks(list(message.blocks))
        assert "<!channel>" not in message.text
        assert "\u202e" not in str(message.blocks)
        for block in message.blocks:
            for element in block.get("elements", ()) if block["type"] == "context" else ():
                assert element["type"] == "plain_text" or "<!" not in element["text"]
