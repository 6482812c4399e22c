"""The store keeps its promises on SQLite and on PostgreSQL."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from jobs.model import (
    Announcement,
    Assessment,
    Conversation,
    ConversationId,
    Goal,
    GoalProgress,
    Outcome,
    Place,
    Run,
    RunId,
    Scenario,
    Score,
    Slot,
    ToolCall,
    Transcript,
    Turn,
    Verdict,
    WorkspaceId,
)
from jobs.store import Delivery, Showing, Store, open_store
from jobs.store._rows import table_of
from jobs.store.tables import TurnRow
from jobs.testing import MovableClock

TEAM = WorkspaceId("T1")
PLACE = Place(workspace_id=TEAM, channel_id="C1")
ROOM = Showing(failures=30, sample=30)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def store(database_url: str, clock: MovableClock) -> AsyncGenerator[Store]:
    async with open_store(database_url, clock) as opened:
        yield opened


def a_run(clock: MovableClock, *, planned: int = 3, run_id: str = "0190-run-1", place: Place | None = PLACE) -> Run:
    return Run(
        id=RunId(run_id),
        workspace_id=TEAM,
        state="planned",
        target="pizza",
        profile="pizza",
        suite=None,
        assistant="pizza",
        variant="good",
        simulator="agenda",
        seed=2**31 - 1,
        planned=planned,
        stamps={"profile": "abc"},
        notes=("a note",),
        started_by="U1",
        place=place,
        created_at=clock.now(),
    )


def scenarios(run: Run) -> list[tuple[ConversationId, Scenario]]:
    goal = Goal(
        text="2 cans of cola",
        template="{{cans}} cans of cola",
        slots=(Slot(name="cans", type="int", values=(2,), domain=(1, 2, 3)),),
    )
    return [
        (ConversationId(f"{run.id}-{n}"), Scenario(profile="pizza", number=n, seed=7, goals=(goal,)))
        for n in range(1, run.planned + 1)
    ]


TURNS = (
    Turn(speaker="user", text="Hello \N{SLICE OF PIZZA}\x00"),
    Turn(
        speaker="assistant",
        text="Hi!",
        latency_ms=12.5,
        intent="greet",
        entities={"size": "large"},
        tool_calls=(ToolCall(name="menu", arguments={"page": 1}, ok=True),),
        cost_usd=None,
    ),
)


def finished(run: Run, number: int, outcome: Outcome = "passed") -> Conversation:
    return Conversation(
        id=ConversationId(f"{run.id}-{number}"),
        run_id=run.id,
        number=number,
        scenario=scenarios(run)[number - 1][1],
        transcript=Transcript(turns=TURNS, ended_by="goal_reached"),
        verdict=Verdict(outcome=outcome, reasons=() if outcome == "passed" else ("it forgot the drinks",)),
        assessment=Assessment(
            goals=(GoalProgress(text="2 cans of cola", asked=True, answered=True, turn=1),), outputs={"price": "9 USD"}
        ),
        scores={"turns": Score(value=1.0, reason="one turn"), "safety": Score.unscored("nothing was said")},
        cost_usd=None,
    )


def card(run: Run) -> Announcement:
    return Announcement(key=f"run:{run.id}:card", kind="run_card", place=PLACE, ref={"run_id": run.id})


def message(run: Run, number: int, *, last: bool = False) -> Announcement:
    return Announcement(
        key=f"run:{run.id}:c{number}",
        kind="conversation",
        place=PLACE,
        ref={"run_id": run.id, "number": number},
        parent_key=f"run:{run.id}:card",
        last=last,
    )


async def play(store: Store, run: Run, number: int, outcome: Outcome = "passed") -> None:
    conversation = finished(run, number, outcome)
    await store.runs.begin_attempt(conversation.id)
    for position, turn in enumerate(TURNS):
        await (await store.runs.add_turn(conversation.id, 1, position, turn))
    await store.runs.finish_conversation(
        conversation, announcement=message(run, number), card_key=f"run:{run.id}:card", showing=ROOM
    )


async def test_a_run_reads_back_as_it_was_written(store: Store, clock: MovableClock) -> None:
    run = a_run(clock)

    assert await store.runs.create(run, scenarios(run), key="k1") == run
    assert await store.runs.get(run.id) == run
    assert await store.runs.by_short_id(TEAM, "run-1") == (run,)
    assert await store.runs.by_short_id(WorkspaceId("T2"), "run-1") == ()


async def test_the_same_key_is_the_same_run(store: Store, clock: MovableClock) -> None:
    first = a_run(clock, run_id="first")
    await store.runs.create(first, scenarios(first), key="trigger")

    second = a_run(clock, run_id="second")
    same = await store.runs.create(second, scenarios(second), key="trigger", announcements=[card(second)])

    assert same.id == "first"
    assert await store.runs.recent(TEAM, limit=10) == (first,)
    assert await store.outbox.find(TEAM, card(second).key) is None


async def test_a_conversation_reads_back_with_its_turns(store: Store, clock: MovableClock) -> None:
    run = a_run(clock)
    await store.runs.create(run, scenarios(run), key="k", announcements=[card(run)])
    await play(store, run, 2, "failed")

    [read] = await store.runs.conversations(run.id)

    wanted = finished(run, 2, "failed")
    assert read.transcript.turns[0].text == "Hello \N{SLICE OF PIZZA}\N{REPLACEMENT CHARACTER}"
    assert read.transcript.turns[1] == TURNS[1]
    assert (read.verdict, read.assessment, read.scores, read.scenario, read.cost_usd) == (
        wanted.verdict,
        wanted.assessment,
        wanted.scores,
        wanted.scenario,
        None,
    )
    assert (await store.runs.progress(run)).by_outcome == {"failed": 1}
    assert await store.runs.left_to_play(run.id) == 2
    assert await store.runs.conversation(run.id, 3) is None


async def test_a_conversation_is_finished_and_announced_once(store: Store, clock: MovableClock) -> None:
    run = a_run(clock)
    await store.runs.create(run, scenarios(run), key="k", announcements=[card(run)])
    await play(store, run, 1)

    again = await store.runs.finish_conversation(
        finished(run, 1, "failed"), announcement=message(run, 1), card_key=card(run).key, showing=ROOM
    )

    assert again is False
    assert len(await store.outbox.in_thread(TEAM, card(run).key)) == 1
    assert (await store.runs.progress(run)).by_outcome == {"passed": 1}


async def test_a_thread_shows_no_more_conversations_than_it_has_room_for(store: Store, clock: MovableClock) -> None:
    run = a_run(clock, planned=6)
    await store.runs.create(run, scenarios(run), key="k", announcements=[card(run)])
    for number in range(1, 7):
        await store.runs.begin_attempt(finished(run, number).id)
        await store.runs.finish_conversation(
            finished(run, number, "failed" if number % 2 else "passed"),
            announcement=message(run, number),
            card_key=card(run).key,
            showing=Showing(failures=2, sample=1),
        )

    shown = await store.outbox.in_thread(TEAM, card(run).key)

    assert [item.announcement.ref["number"] for item in shown] == [1, 2, 3]


async def test_an_attempt_without_a_turn_is_a_strike_and_one_with_a_turn_is_not(
    store: Store, clock: MovableClock
) -> None:
    run = a_run(clock, planned=1)
    [(conversation_id, _)] = scenarios(run)
    await store.runs.create(run, scenarios(run), key="k")

    async def strikes() -> int:
        [planned] = await store.runs.to_play(run.id, first=1, last=25)
        return planned.strikes

    assert await strikes() == 0
    await store.runs.begin_attempt(conversation_id)
    assert await strikes() == 1
    await store.runs.begin_attempt(conversation_id)
    await (await store.runs.add_turn(conversation_id, 2, 0, TURNS[0]))
    assert await strikes() == 1
    await store.runs.begin_attempt(conversation_id)
    assert await strikes() == 2


async def test_a_run_is_closed_once(store: Store, clock: MovableClock) -> None:
    run = a_run(clock, planned=1)
    await store.runs.create(run, scenarios(run), key="k", announcements=[card(run)])
    await store.runs.mark_running(run.id)

    results = await asyncio.gather(
        *(
            store.runs.finish(run, state="finished", summary={"n": n}, announcements=[message(run, n)])
            for n in range(1, 6)
        )
    )

    assert sum(results) == 1
    assert len(await store.outbox.in_thread(TEAM, card(run).key)) == 1
    assert await store.runs.unfinished() == ()
    assert await store.runs.request_cancel(run.id, "too late") is False


async def test_the_previous_run_is_the_last_finished_one_of_its_kind(store: Store, clock: MovableClock) -> None:
    for n in (1, 2, 3):
        run = a_run(clock, run_id=f"0190-{n}")
        await store.runs.create(run, scenarios(run), key=f"k{n}")
        if n < 3:
            await store.runs.finish(run, state="finished", summary={"n": n})

    assert await store.runs.previous_summary(a_run(clock, run_id="0190-3")) == {"n": 2}
    assert await store.runs.previous_summary(a_run(clock, run_id="0190-1")) is None


async def test_a_thread_waits_for_its_card_and_the_last_message_for_the_rest(store: Store, clock: MovableClock) -> None:
    run = a_run(clock)
    await store.outbox.add(card(run), message(run, 1), message(run, 2, last=True))

    async def due() -> list[str]:
        return [item.announcement.key for item in await store.outbox.due(TEAM)]

    assert await due() == [card(run).key]
    [item] = await store.outbox.due(TEAM)
    await store.outbox.mark_sending(item)
    assert await due() == []
    await store.outbox.mark_sent(item, "1.0")
    [item] = await store.outbox.due(TEAM)
    assert (item.announcement.key, item.parent_ts) == (message(run, 1).key, "1.0")
    await store.outbox.mark_ambiguous(item, not_before=clock.now() + timedelta(seconds=6), error="timeout")
    assert await due() == []
    clock.move(7)
    assert await due() == [message(run, 1).key]
    await store.outbox.mark_sent(item, "1.1")
    assert await due() == [message(run, 2).key]


async def test_what_was_being_sent_at_a_crash_is_in_doubt_afterwards(store: Store, clock: MovableClock) -> None:
    await store.outbox.add(card(a_run(clock)))
    [item] = await store.outbox.due(TEAM)
    await store.outbox.mark_sending(item)

    await store.outbox.doubt_interrupted()

    [item] = await store.outbox.due(TEAM)
    assert (item.state, item.attempts) == ("ambiguous", 1)


async def test_a_changed_message_is_edited_once_and_not_too_soon(store: Store, clock: MovableClock) -> None:
    run = a_run(clock)
    await store.outbox.add(card(run))
    [item] = await store.outbox.due(TEAM)
    await store.outbox.mark_sent(item, "1.0")
    assert await store.outbox.edits_due(TEAM) == ()

    await store.outbox.want_edit(TEAM, card(run).key)
    await store.outbox.want_edit(TEAM, card(run).key)
    [item] = await store.outbox.edits_due(TEAM)
    await store.outbox.mark_edited(item, not_before=clock.now() + timedelta(seconds=3))
    assert await store.outbox.edits_due(TEAM) == ()
    await store.outbox.want_edit(TEAM, card(run).key)
    assert await store.outbox.edits_due(TEAM) == ()
    clock.move(4)
    assert len(await store.outbox.edits_due(TEAM)) == 1


async def test_a_delivery_is_recorded_once_and_found_again_until_it_is_worked_on(
    store: Store, clock: MovableClock
) -> None:
    delivery = Delivery(workspace_id=TEAM, key="evt1", kind="event", payload={"text": "hi"})

    assert await store.deliveries.record(delivery) is True
    assert await store.deliveries.record(delivery) is False
    clock.move(1)
    assert await store.deliveries.unfinished(before=clock.now()) == (delivery,)
    await store.deliveries.finish(TEAM, "evt1")
    assert await store.deliveries.unfinished(before=clock.now()) == ()
    assert await store.deliveries.record(delivery) is False


async def test_one_bad_write_does_not_cost_the_others_of_its_batch(store: Store, clock: MovableClock) -> None:
    run = a_run(clock)
    await store.runs.create(run, scenarios(run), key="k")
    conversation_id = ConversationId(f"{run.id}-1")

    futures = [await store.runs.add_turn(conversation_id, 1, position, TURNS[0]) for position in (0, 1, 1, 2)]
    results = await asyncio.gather(*futures, return_exceptions=True)

    assert [type(result) for result in results].count(IntegrityError) == 1
    assert results.count(None) == 3


async def test_waiting_writes_are_committed_when_the_store_closes(database_url: str, clock: MovableClock) -> None:
    run = a_run(clock)
    async with open_store(database_url, clock) as store:
        await store.runs.create(run, scenarios(run), key="k")
        for position in range(100):
            await store.writer.insert(
                table_of(TurnRow),
                {
                    "conversation_id": f"{run.id}-1",
                    "attempt": 1,
                    "position": position,
                    "speaker": "user",
                    "text": "x",
                    "details": {},
                },
            )

    async with open_store(database_url, clock) as store:
        count = await store.writer.run(lambda connection: connection.execute(text("SELECT count(*) FROM turn")))
        assert count.scalar_one() == 100


async def test_variants_are_kept_by_their_content(store: Store) -> None:
    from jobs.model import Limits, Variant

    variant = Variant(
        assistant="pizza",
        name="good",
        connector="demo",
        config={"noise": 0.1},
        hash="h1",
        limits=Limits(concurrency=3),
        workspaces=("T1",),
    )
    await store.variants.save(TEAM, variant)
    await store.variants.save(TEAM, variant)

    assert await store.variants.get(TEAM, "pizza", "good", "h1") == variant
    assert await store.variants.get(TEAM, "pizza", "good", "h2") is None
    assert await store.variants.get(WorkspaceId("T2"), "pizza", "good", "h1") is None


async def test_silent_workers_are_told_from_living_ones(store: Store, clock: MovableClock) -> None:
    await store.workers.beat("old")
    clock.move(100)
    await store.workers.beat("new")

    since = clock.now() - timedelta(seconds=60)
    assert await store.workers.alive(since=since) == ("new",)
    assert await store.workers.silent(since=since) == ("old",)
    await store.workers.leave("old")
    assert await store.workers.silent(since=since) == ()


async def test_a_conversation_that_was_closed_is_not_begun_again(store: Store, clock: MovableClock) -> None:
    run = a_run(clock)
    await store.runs.create(run, scenarios(run), key="k")
    conversation = finished(run, 1)
    assert await store.runs.begin_attempt(conversation.id)

    await store.runs.cancel_unplayed(run.id, conversation)

    assert not await store.runs.begin_attempt(conversation.id)
    assert await store.runs.left_to_play(run.id) == 0
