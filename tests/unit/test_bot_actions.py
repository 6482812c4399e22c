"""Actions and rollouts in Slack: what members see and may do, with the real use cases over a double of Slack."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.blocks.actions import (
    ACTION_APPROVE,
    ACTION_EDIT,
    ACTION_EVIDENCE,
    ACTION_LATER,
    ACTION_REJECT,
    EDIT_FORM,
    REJECT_FORM,
)
from bot.blocks.rollout import ROLLOUT_BACK, ROLLOUT_CUSTOMERS, ROLLOUT_WIDEN
from bot.commands import COMMANDS, Asker, Edge, handle_convotest
from bot.forms import FieldError, Submission
from bot.home import show_home
from bot.interactions import FORMS, Click, handle_click
from bot.memory_poster import MemoryPoster, Posted
from bot.outbox import Pace, Sender
from bot.workspace.block_kit import check_message_blocks, check_view
from jobs.actions._action import Action, Shown
from jobs.actions._keeper import ActionKeeper
from jobs.dispatcher import Dispatcher
from jobs.errors import RequestError
from jobs.model import WorkspaceId, short_id
from jobs.settings import Settings
from jobs.testing import InlineEngine, MovableClock, testing_ports

WORKSPACE = WorkspaceId("T1")
FAST = Pace(message_s=0.0, burst=100, edit_s=0.0, edit_per_run_s=0.0)
RUN = "run pizza n=4 seed=7 assistant=pizza@faulty"


class Stage:
    def __init__(self, edge: Edge, poster: MemoryPoster) -> None:
        self.edge, self.poster, self.asked = edge, poster, 0
        self.keeper = ActionKeeper(edge.ports)

    def asker(self, member: str, **more: Any) -> Asker:
        self.asked += 1
        asker = Asker(
            workspace_id=WORKSPACE, channel_id="C1", member_id=member, key=f"k{self.asked}", trigger_id="trigger"
        )
        return replace(asker, **more)

    async def type(self, text: str, member: str = "U0ADA") -> str:
        message = await handle_convotest(text, self.asker(member), self.edge)
        return message.text if message else ""

    async def click(self, action_id: str, value: str, member: str = "U0ADA", **more: Any) -> str:
        message = await handle_click(Click(action_id=action_id, value=value), self.asker(member, **more), self.edge)
        return message.text if message else ""

    async def submit(self, form: str, shown: str, values: dict[str, str], member: str = "U0ADA") -> str:
        state = {name: {name: {"value": value}} for name, value in values.items()}
        asker = self.asker(member)
        request = await FORMS[form].read(Submission(values=state, about=shown), asker, self.edge)
        message = await FORMS[form].carry_out(request, asker, self.edge)
        return message.text if message else ""

    async def action(self, words: str = "everything") -> Action:
        actions = await self.edge.ports.store.actions.recent(WORKSPACE)
        return next(each for each in actions if words in each.content.title)

    async def shown(self, words: str = "everything") -> str:
        return str(Shown.of(await self.action(words)))

    async def show(self) -> None:
        ports = self.edge.ports
        sender = Sender(workspace_id=WORKSPACE, ports=ports, poster=self.poster, pace=FAST)
        await sender.send_due()
        while (await ports.store.outbox.backlog(WORKSPACE)).waiting:
            await sender.send_due()
            assert isinstance(ports.clock, MovableClock)
            ports.clock.move(1)
        await sender.send_due()

    def cards(self, words: str) -> list[Posted]:
        return [each for each in self.poster.posted if words in each.versions[-1].text]


async def on_stage(directory: Path, **settings: Any) -> AsyncGenerator[Stage]:
    url = f"sqlite:///{directory / 'convotest.db'}"
    chosen = Settings(convotest_database_url=url, convotest_approvers=("U0ADA", "U0BEN"), **settings)
    async with testing_ports(directory, settings=chosen) as ports:
        poster = MemoryPoster()
        stage = Stage(Edge(ports=ports, poster=poster, commands=COMMANDS), poster)
        dispatcher = Dispatcher(InlineEngine(), ports)
        await dispatcher.start()
        try:
            await stage.type("assistants use pizza@faulty")
            await stage.type(RUN)
            while (await ports.store.runs.recent(WORKSPACE, limit=1))[0].state != "finished":
                await ports.bell.wait(at_most_s=0.05)
            await stage.show()
            yield stage
        finally:
            await dispatcher.stop()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async for stage in on_stage(tmp_path):
        yield stage


@pytest.fixture
async def stage_of_two(tmp_path: Path) -> AsyncGenerator[Stage]:
    """Two approvals are needed."""
    async for stage in on_stage(tmp_path, convotest_quorum=2):
        yield stage


async def test_the_cards_stand_in_the_runs_thread_before_its_last_message_and_mention_who_may_approve(
    stage: Stage,
) -> None:
    thread = [each for each in stage.poster.posted if each.thread_ts]
    cards = stage.cards("Proposed: ")

    assert len(cards) == 3
    assert all("May be approved by <@U0ADA> <@U0BEN>" in each.versions[-1].text for each in cards)
    assert thread[-1].versions[-1].text.startswith("<@U0ADA>, your run of")
    for each in cards:
        check_message_blocks(list(each.versions[-1].blocks))
        assert '- flow.order: ["pizza"]' in str(each.versions[-1].blocks) or "everything" not in each.versions[-1].text


async def test_an_approval_makes_the_variant_and_the_same_card_says_so(stage: Stage) -> None:
    said = await stage.click(ACTION_APPROVE, await stage.shown())
    await stage.keeper.look()
    await stage.show()

    assert "is approved: the change is made as a new variant and verified" in said
    [card] = stage.cards("Put everything")
    assert card.versions[-1].text.startswith("🔬 Being verified: Put everything")
    assert "faulty-1" in await stage.type("assistants")


async def test_a_second_click_and_a_late_refusal_are_answered_politely_and_change_nothing(stage: Stage) -> None:
    shown = await stage.shown()
    await stage.click(ACTION_APPROVE, shown)

    with pytest.raises(RequestError, match="is approved already; nothing was changed by you"):
        await stage.click(ACTION_APPROVE, shown, "U0BEN")
    with pytest.raises(RequestError, match="nothing was changed"):
        await stage.submit(REJECT_FORM, shown, {"reason": "no"}, "U0BEN")
    assert (await stage.action()).state == "approved"


@pytest.mark.parametrize(
    ("member", "more", "said"),
    [
        ("U0EVE", {}, "needs an approver"),
        ("U0GUEST", {}, "Guests cannot do this"),
        ("U0ADA", {"home_id": "T9"}, "Only members of this workspace"),
    ],
)
async def test_nobody_else_can_approve_and_the_refusal_is_recorded(
    stage: Stage, member: str, more: dict[str, Any], said: str
) -> None:
    stage.poster.standings[member] = "guest" if member == "U0GUEST" else "member"
    with pytest.raises(RequestError, match=said):
        await stage.click(ACTION_APPROVE, await stage.shown(), member, **more)

    entry = (await stage.edge.ports.store.audit.latest(WORKSPACE))[0]
    assert (entry.member_id, entry.verb, entry.outcome) == (member, "action approve", "refused")
    assert (await stage.action()).state == "proposed"


async def test_two_of_two_have_to_approve_and_one_who_is_no_approver_any_more_does_not_count(
    stage_of_two: Stage,
) -> None:
    stage = stage_of_two
    first = await stage.click(ACTION_APPROVE, await stage.shown(), "U0BEN")
    assert "Your approval counts: 1 of 2" in first
    await stage.show()
    assert "1 of 2 approvals" in str(stage.cards("Put everything")[0].versions[-1].blocks)
    stage.poster.standings["U0BEN"] = "deactivated"

    again = await stage.click(ACTION_APPROVE, await stage.shown(), "U0ADA")

    assert "Your approval counts: 1 of 2" in again
    assert (await stage.action()).state == "proposed"


async def test_a_refusal_asks_why_and_the_card_tells_everybody(stage: Stage) -> None:
    shown = await stage.shown()
    await stage.click(ACTION_REJECT, shown)
    check_view(stage.poster.views[-1], "modal")
    with pytest.raises(FieldError):
        await stage.submit(REJECT_FORM, shown, {"reason": "  "})

    await stage.submit(REJECT_FORM, shown, {"reason": "drinks are sold <!channel> elsewhere"})
    await stage.show()

    [card] = stage.cards("Put everything")
    assert card.versions[-1].text.startswith("⛔ Not made")
    assert "drinks are sold <!channel> elsewhere" in str(card.versions[-1].blocks)  # plain text: it pings nobody
    assert "<!channel>" not in card.versions[-1].text


async def test_an_edit_makes_a_new_version_that_its_editor_cannot_approve(stage: Stage) -> None:
    old = await stage.shown()
    await stage.click(ACTION_EDIT, old)
    view = stage.poster.views[-1]
    check_view(view, "modal")
    assert "- path: flow.order\n  remove: true" in str(view["blocks"][1]["element"]["initial_value"])
    with pytest.raises(FieldError) as refused:
        await stage.submit(EDIT_FORM, old, {"edits": "- path: flow.order"})
    assert "needs a value" in refused.value.message

    await stage.submit(EDIT_FORM, old, {"edits": "- path: flow.order\n  value: [drinks, pizza]"})

    with pytest.raises(RequestError, match="was changed after this was shown"):
        await stage.click(ACTION_APPROVE, old, "U0BEN")
    with pytest.raises(RequestError, match="cannot approve it"):
        await stage.click(ACTION_APPROVE, await stage.shown(), "U0ADA")
    assert "is approved" in await stage.click(ACTION_APPROVE, await stage.shown(), "U0BEN")


async def test_the_evidence_has_the_address_of_every_conversation_that_it_quotes(stage: Stage) -> None:
    shown = await stage.shown()
    asker = stage.asker("U0EVE")
    message = await handle_click(Click(action_id=ACTION_EVIDENCE, value=shown), asker, stage.edge)

    assert message is not None
    assert str(message.blocks).count("https://local.example/archives/C1/p") >= 3


async def test_later_puts_it_off_and_the_home_tab_shows_what_still_waits(stage: Stage) -> None:
    assert "put off until tomorrow" in await stage.click(ACTION_LATER, await stage.shown())
    await show_home(stage.asker("U0ADA"), stage.edge)

    home = str(stage.poster.homes["U0ADA"])
    assert "Actions waiting for a decision" in home
    assert "Bill what was quoted" in home
    assert "Put everything" not in home


async def test_the_verbs_say_the_same_as_the_buttons(stage: Stage) -> None:
    action = await stage.action()
    listed = await stage.type("actions")

    assert short_id(action.id) in listed
    assert (await stage.type(f"actions show {short_id(action.id)}")).startswith("💡 Proposed: Put everything")
    with pytest.raises(RequestError, match="why not"):
        await stage.type(f"actions reject {short_id(action.id)}")
    await stage.type(f"actions reject {short_id(action.id)} reason='not now'")
    assert (await stage.action()).state == "rejected"
    assert "is approved" in await stage.type(f"actions approve {short_id((await stage.action('quoted')).id)}")


async def test_a_rollout_is_begun_widened_and_taken_back_by_its_card(stage: Stage) -> None:
    await stage.type("rollout pizza@good target=pizza")
    await stage.show()
    [card] = stage.cards("Rollout at 10 %")
    rollout = await stage.edge.ports.store.rollouts.open_for(WORKSPACE, "pizza")
    assert rollout is not None
    value = f"{rollout.id}:0"
    check_message_blocks(list(card.versions[-1].blocks))
    assert "simulated customers are on their way" in await stage.click(ROLLOUT_CUSTOMERS, value, "U0EVE")

    await stage.click(ROLLOUT_WIDEN, value)
    with pytest.raises(RequestError, match="nothing was changed"):
        await stage.click(ROLLOUT_WIDEN, value, "U0BEN")
    with pytest.raises(RequestError, match="needs an approver"):
        await stage.click(ROLLOUT_BACK, value, "U0EVE")
    assert "pizza@faulty serves everybody again" in await stage.click(ROLLOUT_BACK, value)
    with pytest.raises(RequestError, match="was rolled back already"):
        await stage.click(ROLLOUT_BACK, value, "U0BEN")
    await stage.show()
    assert card.versions[-1].text == "↩️ Rolled back: pizza@good"


async def test_a_button_of_another_workspace_finds_nothing(stage: Stage) -> None:
    shown = await stage.shown()
    stranger = replace(stage.asker("U0ADA"), workspace_id=WorkspaceId("T2"))

    with pytest.raises(RequestError, match="not known here any more"):
        await handle_click(Click(action_id=ACTION_EVIDENCE, value=shown), stranger, stage.edge)
