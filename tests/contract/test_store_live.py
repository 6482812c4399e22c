"""Live threads are kept alike on SQLite and on PostgreSQL."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta

import pytest

from jobs.ask.conversation import LiveConversation, LiveQuestion, LiveTurn
from jobs.model import Announcement, ConversationId, Place, Tokens, ToolCall, Variant, WorkspaceId
from jobs.store import Store, open_store
from jobs.testing import MovableClock

TEAM = WorkspaceId("T1")
PLACE = Place(workspace_id=TEAM, channel_id="C1")
VARIANT = Variant(assistant="pizza", name="good", connector="demo", config={}, hash="h1")


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def store(database_url: str, clock: MovableClock) -> AsyncGenerator[Store]:
    async with open_store(database_url, clock) as opened:
        yield opened


def a_conversation(clock: MovableClock, number: int = 1, **change: str | None) -> LiveConversation:
    conversation = LiveConversation(
        id=ConversationId(f"0190-live-000{number}"),
        workspace_id=TEAM,
        assistant="pizza",
        variant="good",
        variant_hash="h1",
        channel_id="C1",
        thread_ts="1.0",
        member_id="U0ADA",
        created_at=clock.now(),
        last_at=clock.now(),
        context={"channel_id": "C2"},
    )
    return replace(conversation, **change)  # type: ignore[arg-type]  # fields of text only


def a_question(conversation: LiveConversation, key: str = "k1") -> LiveQuestion:
    return LiveQuestion(
        id=f"q-{key}",
        workspace_id=TEAM,
        conversation_id=conversation.id,
        key=key,
        member_id=conversation.member_id,
        text="hello",
        at=conversation.created_at,
    )


def an_exchange(clock: MovableClock) -> tuple[LiveTurn, LiveTurn]:
    asked = LiveTurn(position=0, speaker="user", text="hello", at=clock.now(), member_id="U0ADA")
    tool = ToolCall(name="find_order", arguments={"number": 7}, ok=True)
    said = LiveTurn(
        position=1,
        speaker="assistant",
        text="hi",
        at=clock.now(),
        latency_ms=12.5,
        tool_calls=(tool,),
        tokens=Tokens(input=3, output=4),
        cost_usd=0.5,
        forgot=True,
    )
    return asked, said


def shown(key: str) -> Announcement:
    return Announcement(key=key, kind="answer", place=PLACE, thread_ts="1.0", ref={"position": 1})


async def test_an_exchange_comes_back_as_it_was_written_with_its_announcement(
    store: Store, clock: MovableClock
) -> None:
    conversation = a_conversation(clock)
    question = replace(a_question(conversation), text="hello")
    assert await store.live.begin(conversation, question)
    assert await store.live.waiting(TEAM) == (conversation.id,)
    assert await store.live.next_question(conversation.id) == question

    assert await store.live.save_answer(question, an_exchange(clock), [shown("a")])
    assert not await store.live.save_answer(question, an_exchange(clock), [shown("b")])

    found = await store.live.find(conversation.id)
    assert found == replace(conversation, turns=an_exchange(clock))
    assert await store.live.waiting(TEAM) == ()
    (item,) = await store.outbox.due(TEAM)
    assert (item.announcement.key, item.announcement.thread_ts, item.parent_ts) == ("a", "1.0", "1.0")


async def test_a_place_holds_one_open_conversation_of_a_member_and_a_key_one_question(
    store: Store, clock: MovableClock
) -> None:
    first = a_conversation(clock)
    assert await store.live.begin(first, replace(a_question(first), text="x"))

    assert not await store.live.begin(
        a_conversation(clock, 2), replace(a_question(a_conversation(clock, 2), "k2"), text="x")
    )
    assert not await store.live.begin(a_conversation(clock, 3, thread_ts="2.0"), replace(a_question(first), text="x"))
    assert await store.live.begin(a_conversation(clock, 4, member_id="U0BEN"))
    assert await store.live.add_question(replace(a_question(first), text="again"))
    assert not await store.live.is_known(TEAM, "k2")
    waiting = await store.live.next_question(first.id)
    assert waiting is not None and waiting.text == "x"


async def test_a_thread_that_our_own_message_began_is_found_by_its_ts_once_that_was_sent(
    store: Store, clock: MovableClock
) -> None:
    conversation = a_conversation(clock, thread_ts=None, root_key="root")
    root = Announcement(key="root", kind="asked", place=PLACE, ref={"conversation_id": conversation.id})
    assert await store.live.begin(conversation, None, [root])
    assert await store.live.in_thread(TEAM, "C1", None, member_id="U0ADA") is None
    (item,) = await store.outbox.due(TEAM)
    await store.outbox.mark_sent(item, "7.0")

    found = await store.live.in_thread(TEAM, "C1", "7.0", member_id="U0ADA")
    assert found is not None and (found.id, found.thread_ts) == (conversation.id, "7.0")
    assert await store.live.in_thread(TEAM, "C1", "7.0", member_id="U0BEN") is None
    assert await store.live.in_thread(WorkspaceId("T2"), "C1", "7.0") is None


async def test_what_waits_at_the_end_goes_on_in_the_successor(store: Store, clock: MovableClock) -> None:
    first = a_conversation(clock)
    bye = replace(a_question(first, "k1"), kind="end", text="done")
    await store.live.begin(first, bye)
    await store.live.add_question(replace(a_question(first, "k2"), text="one more thing"))
    assert await store.live.has_more_waiting(bye)

    assert await store.live.end(first.id, "done", [shown("e")], question=bye, successor=a_conversation(clock, 2))
    assert not await store.live.end(first.id, "done", [shown("f")])

    ended = await store.live.find(first.id)
    assert ended is not None and (ended.state, ended.ended_by, ended.ended_at) == ("ended", "done", clock.now())
    waiting = await store.live.next_question(ConversationId("0190-live-0002"))
    assert waiting is not None and waiting.text == "one more thing"
    assert len(await store.outbox.due(TEAM)) == 1


async def test_idle_ones_are_those_without_a_word_and_without_a_question(store: Store, clock: MovableClock) -> None:
    quiet, asking = a_conversation(clock), a_conversation(clock, 2, thread_ts="2.0")
    await store.live.begin(quiet)
    await store.live.begin(asking, replace(a_question(asking), text="x"))
    clock.move(60)

    idle = await store.live.idle(TEAM, since=clock.now())

    assert [each.id for each in idle] == [quiet.id]
    assert not await store.live.end(quiet.id, "idle", idle_since=quiet.last_at)
    assert await store.live.end(quiet.id, "idle", idle_since=clock.now())


async def test_costs_and_periods_count_what_was_said(store: Store, clock: MovableClock) -> None:
    begun = clock.now()
    for number, cost in ((1, 0.5), (2, None)):
        conversation = a_conversation(clock, number, thread_ts=f"{number}.0")
        question = replace(a_question(conversation, f"k{number}"), text="x")
        await store.live.begin(conversation, question)
        asked, said = an_exchange(clock)
        await store.live.save_answer(question, [asked, replace(said, cost_usd=cost)], [])
    await store.live.begin(a_conversation(clock, 3, thread_ts="3.0"))

    assert await store.live.costs_since(TEAM, begun) == {"0190-live-0001": 0.5, "0190-live-0002": None}
    assert await store.live.costs_since(TEAM, begun + timedelta(days=1)) == {}
    listed = await store.live.between(TEAM, begun, begun + timedelta(hours=1))
    assert [each.id[-1] for each in listed] == ["1", "2"]
    assert await store.live.between(TEAM, begun + timedelta(hours=1), begun + timedelta(hours=2)) == ()
    known = await store.feedback.conversations(TEAM, {"0190-live-0001"})
    assert known["0190-live-0001"].run_id is None and known["0190-live-0001"].about.variant == "good"


async def test_a_choice_is_made_once_and_forgetting_leaves_nothing(store: Store, clock: MovableClock) -> None:
    open_one = replace(a_conversation(clock), state="choosing", assistant="", variant="", variant_hash="")
    await store.live.begin(open_one, replace(a_question(open_one), text="x"))
    assert await store.live.waiting(TEAM) == ()

    assert await store.live.choose(open_one.id, VARIANT)
    assert not await store.live.choose(open_one.id, VARIANT)
    assert await store.live.waiting(TEAM) == (open_one.id,)
    assert await store.live.forget_member("U0ADA", workspace_id=None) == 1
    assert await store.live.find(open_one.id) is None
    assert await store.live.waiting(TEAM) == ()
