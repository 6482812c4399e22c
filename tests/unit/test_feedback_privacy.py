"""What is kept is free of personal data, and what is too old goes by itself."""

from datetime import timedelta
from pathlib import Path

from jobs.ask.conversation import LiveConversation, LiveQuestion, LiveTurn
from jobs.bundle import Ports
from jobs.feedback.examples import examples_of, keep_examples
from jobs.feedback.given import GivenFeedback
from jobs.feedback.privacy import forget_member, forget_old_feedback
from jobs.feedback.rating import About
from jobs.feedback.record import ratings_of
from jobs.model import (
    LOCAL_WORKSPACE,
    Assessment,
    Conversation,
    ConversationId,
    Goal,
    RunId,
    Scenario,
    ToolCall,
    Transcript,
    Turn,
    Verdict,
)
from jobs.schedule.shelf import SYSTEM_JOBS
from jobs.settings import Settings
from jobs.testing import MovableClock, testing_ports
from jobs.tokens import Pace

ANA = "ana@example.com"


async def test_what_is_older_than_the_retention_is_deleted_and_without_one_nothing_is(tmp_path: Path) -> None:
    clock = MovableClock()
    for days, left in ((None, 3), (30, 1)):
        settings = Settings(convotest_retention_days=days)
        folder = tmp_path / str(days)
        folder.mkdir()
        async with testing_ports(folder, clock=clock, settings=settings) as ports:
            given = [GivenFeedback(rating=5, timestamp=clock.now() - timedelta(days=age)) for age in (1, 31, 400)]
            ratings, _ = await ratings_of(
                given, store=ports.store, clock=clock, workspace_id=LOCAL_WORKSPACE, source="api"
            )
            await ports.store.feedback.add(ratings)

            assert (await forget_old_feedback(ports)).ratings == 3 - left
            assert len(await ports.store.feedback.ratings(LOCAL_WORKSPACE, limit=9)) == left


async def test_texts_are_redacted_before_they_are_stored_even_in_a_large_batch(tmp_path: Path) -> None:
    async with testing_ports(tmp_path) as ports:
        given = [GivenFeedback(rating=1, feedback_text=f"write to {ANA}", suggested_response=f"hello {ANA}")] * 200
        ratings, faults = await ratings_of(
            given, store=ports.store, clock=ports.clock, workspace_id=LOCAL_WORKSPACE, source="cli"
        )
    assert (len(ratings), faults) == (200, {})
    assert {(rating.comment, rating.suggested_response) for rating in ratings} == {
        ("write to [email]", "hello [email]")
    }


def test_an_example_has_the_exchange_its_context_and_its_cost_but_no_personal_data() -> None:
    turns = (
        Turn(speaker="user", text=f"I am {ANA}"),
        Turn(speaker="assistant", text="Hello!", latency_ms=10, cost_usd=0.5),
        Turn(speaker="user", text="Where is my order?"),
        Turn(speaker="assistant", text="One moment.", latency_ms=20, cost_usd=0.25),
        Turn(
            speaker="assistant",
            text=f"It went to {ANA}.",
            latency_ms=5,
            cost_usd=None,
            tool_calls=(ToolCall(name="track", arguments={"api_key": "hunter2hunter2"}, ok=True),),
        ),
        Turn(speaker="user", text="bye"),
    )
    conversation = Conversation(
        id=ConversationId("c"),
        run_id=RunId("r"),
        number=1,
        scenario=Scenario(profile="p", number=1, seed=1, goals=(Goal(text="x", template="x"),)),
        transcript=Transcript(turns=turns, ended_by="goal_reached"),
        verdict=Verdict(outcome="passed"),
        assessment=Assessment(goals=()),
    )
    clock = MovableClock()
    first, second = examples_of(
        conversation,
        About(assistant="pizza"),
        workspace_id=LOCAL_WORKSPACE,
        kept_by="U1",
        at=clock.now(),
        labels=["good"],
    )

    assert (first.content["query"], first.content["cost_usd"], first.content["context"]) == ("I am [email]", 0.5, [])
    assert second.content["query"] == "Where is my order?"
    assert second.content["response"] == "One moment.\nIt went to [email]."
    assert [turn["text"] for turn in second.content["context"]] == ["I am [email]", "Hello!"]
    assert (second.content["latency_ms"], second.content["cost_usd"]) == (25, None)
    assert second.content["labels"] == {"outcome": "passed", "tags": ["good"]}
    assert "hunter2" not in str(second.content)


def test_a_pace_allows_a_minutes_worth_at_once_and_then_its_steady_rate() -> None:
    clock = MovableClock()
    pace = Pace(clock)
    assert [pace.take("a", 60) for _ in range(60)] == [0.0] * 60
    assert pace.take("a", 60) == 1.0
    assert pace.take("b", 60) == 0.0
    clock.move(2)
    assert [pace.take("a", 60) == 0.0 for _ in range(3)] == [True, True, False]


async def test_forgetting_a_member_takes_their_conversations_and_what_others_kept_of_them_out_of_the_file(
    tmp_path: Path,
) -> None:
    async with testing_ports(tmp_path) as ports:
        for member in ("U0ANA", "U0BEN"):
            await a_live_conversation(ports, member, f"the secret of {member}")
            await keep_examples(
                f"live-of-{member}", store=ports.store, clock=ports.clock, workspace_id=None, kept_by="U0CY"
            )

        gone = await forget_member("U0ANA", store=ports.store)

        assert (gone.conversations, gone.examples) == (1, 1)
        assert await ports.store.live.find("live-of-U0ANA") is None
        assert [each.conversation_id for each in await ports.store.feedback.examples(None)] == ["live-of-U0BEN"]
        said = b"".join(file.read_bytes() for file in tmp_path.glob("convotest.db*"))
        assert (b"the secret of U0ANA" in said, b"the secret of U0BEN" in said) == (False, True)


async def test_retention_deletes_live_conversations_that_are_over_and_runs_by_itself(tmp_path: Path) -> None:
    clock = MovableClock()
    settings = Settings(convotest_retention_days=30)
    async with testing_ports(tmp_path, clock=clock, settings=settings) as ports:
        await a_live_conversation(ports, "U0ANA", "an old question")
        await ports.store.live.end(ConversationId("live-of-U0ANA"), "done")
        clock.move(31 * 86_400)
        await a_live_conversation(ports, "U0BEN", "a new question")
        await ports.store.live.end(ConversationId("live-of-U0BEN"), "done")

        await SYSTEM_JOBS["retention"].run(ports)

        assert await ports.store.live.find("live-of-U0ANA") is None
        assert await ports.store.live.find("live-of-U0BEN") is not None


async def a_live_conversation(ports: Ports, member: str, text: str) -> None:
    now = ports.clock.now()
    conversation = LiveConversation(
        id=ConversationId(f"live-of-{member}"),
        workspace_id=LOCAL_WORKSPACE,
        assistant="pizza",
        variant="good",
        channel_id="C1",
        thread_ts=f"1.{member}",
        member_id=member,
        created_at=now,
        last_at=now,
    )
    question = LiveQuestion(
        id=f"question-of-{member}",
        workspace_id=LOCAL_WORKSPACE,
        conversation_id=conversation.id,
        key=member,
        member_id=member,
        text=text,
        at=now,
    )
    assert await ports.store.live.begin(conversation, question)
    turns = [
        LiveTurn(position=0, speaker="user", text=text, at=now, member_id=member),
        LiveTurn(position=1, speaker="assistant", text=f"you said: {text}", at=now),
    ]
    assert await ports.store.live.save_answer(question, turns, ())
