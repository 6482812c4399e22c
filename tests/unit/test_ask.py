"""Live threads: what is asked is answered once and in order, whatever dies in between."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.ask.answering import IDLE, MOST_ATTEMPTS, Answerer
from jobs.ask.asking import Said, ask, choose_assistant, end_conversation, wish_to_end
from jobs.ask.conversation import LiveConversation
from jobs.ask.rating import rate_conversation
from jobs.ask.words import named_assistant, says_done
from jobs.assistants.catalogue import Catalogue, load_catalogue
from jobs.bundle import Ports
from jobs.errors import AssistantError, RequestError
from jobs.feedback.examples import keep_examples
from jobs.model import Tokens, Variant, WorkspaceId, WorkspaceSettings
from jobs.ports import AssistantSession, Connector, Models, Reply
from jobs.settings import shipped_profiles
from jobs.spending import spent_this_month
from jobs.testing import MovableClock, ScriptedAssistant, testing_ports

TEAM = WorkspaceId("T1")
ADA, BEN = "U0ADA", "U0BEN"


class Stage:
    """People who talk in threads, and an answerer that can be killed."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self.answerer = Answerer(TEAM, ports)
        self.said = 0

    async def say(self, text: str, *, member: str = ADA, channel: str = "C1", thread: str | None = "1.0") -> None:
        """Say something in a thread, as a message of its own."""
        self.said += 1
        await ask(self.message(text, member=member, channel=channel, thread=thread, ts=f"{self.said}.5"), self.ports)

    @staticmethod
    def message(text: str, *, member: str = ADA, channel: str = "C1", thread: str | None, ts: str) -> Said:
        return Said(
            workspace_id=TEAM, channel_id=channel, member_id=member, text=text, key=f"message:{channel}:{ts}",
            thread_ts=thread, message_ts=ts,
        )  # fmt: skip

    async def hear(self) -> None:
        await self.answerer.answer_all()

    async def kill(self) -> None:
        """The process dies, and another one takes over: nothing but the store is left."""
        await self.answerer.stop()
        self.answerer = Answerer(TEAM, self.ports)

    async def open(self, *, member: str = ADA, channel: str = "C1", thread: str | None = "1.0") -> LiveConversation:
        """The newest conversation of a member there, with its turns."""
        found = await self.ports.store.live.in_thread(TEAM, channel, thread, member_id=member)
        assert found is not None
        whole = await self.ports.store.live.find(found.id)
        assert whole is not None
        return whole

    async def announced(self, kind: str) -> list[Mapping[str, str | int]]:
        due = await self.ports.store.outbox.due(TEAM, limit=500)
        return [item.announcement.ref for item in due if item.announcement.kind == kind]


@asynccontextmanager
async def staged(directory: Path, *, assistant: Connector | None = None, **more: Any) -> AsyncGenerator[Stage]:
    catalogue = more.pop("catalogue", None) or one_assistant()
    async with testing_ports(directory, assistant=assistant, catalogue=catalogue, **more) as ports:
        stage = Stage(ports)
        yield stage
        await stage.answerer.stop()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with staged(tmp_path, assistant=ScriptedAssistant("first", "second", "third")) as stage:
        yield stage


def one_assistant() -> Catalogue:
    catalogue = load_catalogue(shipped_profiles())
    return replace(catalogue, assistants=(catalogue.assistant("pizza"),))


def two_assistants() -> Catalogue:
    catalogue = one_assistant()
    pizza = catalogue.assistants[0]
    variants = {name: replace(each, assistant="bank") for name, each in pizza.variants.items()}
    return replace(catalogue, assistants=(pizza, replace(pizza, name="bank", variants=variants)))


def texts(conversation: LiveConversation) -> list[str]:
    return [turn.text for turn in conversation.turns]


class Several:
    """An assistant whose reply has several messages, a tool, tokens and a price."""

    def check(self, config: Mapping[str, Any]) -> Sequence[str]:
        return ()

    async def open(self, variant: Variant, *, seed: str, models: Models | None = None) -> AssistantSession:
        return self

    async def greet(self) -> Reply:
        return Reply(messages=())

    async def send(self, text: str) -> Reply:
        return Reply(
            messages=("One moment.", " ", "Here it is."),
            tokens=Tokens(input=7, output=3),
            cost_usd=0.25,
            latency_ms=420.0,
        )

    async def close(self) -> None:
        return


# --- asking and answering -------------------------------------------------------------------------------------------


async def test_a_question_is_answered_and_kept_with_who_asked_whom(stage: Stage) -> None:
    await stage.say("what is on the menu?")
    await stage.hear()

    conversation = await stage.open()
    assert texts(conversation) == ["what is on the menu?", "first"]
    assert [turn.member_id for turn in conversation.turns] == [ADA, None]
    assert (conversation.assistant, conversation.variant, conversation.state) == ("pizza", "good", "open")
    assert await stage.announced("answer") == [{"conversation_id": conversation.id, "position": 1}]


async def test_every_message_of_a_reply_is_shown_and_its_price_counts_once(tmp_path: Path) -> None:
    async with staged(tmp_path, assistant=Several()) as stage:
        await stage.say("hello")
        await stage.hear()

        conversation = await stage.open()
        assert texts(conversation) == ["hello", "One moment.", "Here it is."]
        assert [each["position"] for each in await stage.announced("answer")] == [1, 2]
        assert (conversation.tokens, conversation.cost_usd) == (Tokens(input=7, output=3), 0.25)
        assert conversation.turns[1].latency_ms == 420.0
        assert (await spent_this_month(TEAM, stage.ports)).total_usd == 0.25


async def test_questions_that_come_faster_than_answers_are_answered_in_order(stage: Stage) -> None:
    for text in ("one", "two", "three"):
        await stage.say(text)
    await stage.hear()

    assert texts(await stage.open()) == ["one", "first", "two", "second", "three", "third"]


async def test_the_same_message_delivered_four_times_is_one_question(stage: Stage) -> None:
    for _ in range(4):
        await ask(stage.message("hello", thread="1.0", ts="9.9"), stage.ports)
        await stage.hear()

    assert texts(await stage.open()) == ["hello", "first"]


async def test_two_people_in_one_thread_have_each_their_own_conversation(stage: Stage) -> None:
    await stage.say("a pizza", member=ADA)
    await stage.say("a pasta", member=BEN)
    await stage.say("and a cola", member=ADA)
    await stage.hear()

    adas, bens = await stage.open(member=ADA), await stage.open(member=BEN)
    assert [turn.text for turn in adas.turns if turn.speaker == "user"] == ["a pizza", "and a cola"]
    assert [turn.text for turn in bens.turns if turn.speaker == "user"] == ["a pasta"]
    assert bens.turns[1].text == "first"  # the first words of a session of his own
    assert (adas.variant_hash, adas.thread_ts) == (bens.variant_hash, bens.thread_ts)


async def test_a_thread_that_somebody_else_began_with_a_variant_stays_with_it(stage: Stage) -> None:
    await ask(replace(stage.message("hi", thread="1.0", ts="8.1"), assistant="pizza@faulty"), stage.ports)
    await stage.say("hello", member=BEN)

    assert (await stage.open(member=BEN)).variant == "faulty"


async def test_nothing_is_asked_of_an_assistant_that_is_not_there(stage: Stage) -> None:
    with pytest.raises(RequestError, match="did you mean 'pizza'"):
        await ask(replace(stage.message("hi", thread="1.0", ts="8.1"), assistant="piza"), stage.ports)
    with pytest.raises(RequestError, match="what do you want to ask"):
        await stage.say("   ")
    with pytest.raises(RequestError, match="too long"):
        await stage.say("x" * 50_000)

    assert await stage.ports.store.live.in_thread(TEAM, "C1", "1.0") is None


# --- failures -------------------------------------------------------------------------------------------------------


async def test_a_failure_is_said_and_kept_and_the_conversation_goes_on(tmp_path: Path) -> None:
    broken = AssistantError("the shop is closed, key sk-abcdefgh12345678", permanent=True)
    async with staged(tmp_path, assistant=ScriptedAssistant(broken)) as stage:
        await stage.say("hello")
        await stage.hear()
        failed = (await stage.open()).turns[1]
        assert failed.error is not None and "the shop is closed" in failed.error
        assert "sk-abc" not in failed.error and failed.text == ""
        assert len(await stage.announced("answer")) == 1

        stage.ports.connectors["demo"].lines = ("open again",)  # type: ignore[attr-defined]  # the scripted double
        await stage.say("still there?")
        await stage.hear()

        assert texts(await stage.open())[2:] == ["still there?", "open again"]


async def test_a_failure_that_may_pass_is_tried_again_before_it_is_said(tmp_path: Path) -> None:
    hiccup = AssistantError("a hiccup", permanent=False)
    async with staged(tmp_path, assistant=ScriptedAssistant(hiccup, hiccup, "hello")) as stage:
        await stage.say("hello")
        await stage.hear()

        assert texts(await stage.open()) == ["hello", "hello"]


async def test_an_empty_answer_is_a_failure(tmp_path: Path) -> None:
    async with staged(tmp_path, assistant=ScriptedAssistant("  ")) as stage:
        await stage.say("hello")
        await stage.hear()

        assert "answered with nothing" in ((await stage.open()).turns[1].error or "")


async def test_with_the_months_budget_used_up_nothing_is_asked_and_that_is_said(tmp_path: Path) -> None:
    assistant = ScriptedAssistant("hello")
    async with staged(tmp_path, assistant=assistant) as stage:
        await stage.ports.store.workspaces.save(TEAM, WorkspaceSettings(budget_usd=0.0))
        await stage.say("hello")
        await stage.hear()

        assert "budget" in ((await stage.open()).turns[1].error or "")
        assert assistant.heard == []


# --- crashes --------------------------------------------------------------------------------------------------------


class Slow(ScriptedAssistant):
    """It answers when it is allowed to."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def open(self, variant: Variant, *, seed: str, models: Models | None = None) -> AssistantSession:
        inner, slow = await super().open(variant, seed=seed, models=models), self

        class Waiting:
            async def greet(self) -> Reply:
                return await inner.greet()

            async def send(self, text: str) -> Reply:
                slow.asked.set()
                await slow.may_answer.wait()
                return await inner.send(text)

            async def close(self) -> None:
                await inner.close()

        return Waiting()


async def test_a_question_whose_answer_was_interrupted_is_asked_again_and_answered_once(tmp_path: Path) -> None:
    slow = Slow("the answer")
    async with staged(tmp_path, assistant=slow) as stage:
        await stage.say("hello")
        await stage.answerer.look()
        await slow.asked.wait()
        await stage.kill()
        assert (await stage.open()).turns == ()

        slow.may_answer.set()
        await stage.hear()

        assert texts(await stage.open()) == ["hello", "the answer"]
        assert len(await stage.announced("answer")) == 1


async def test_two_processes_that_answer_the_same_question_write_one_answer(tmp_path: Path) -> None:
    slow = Slow("the answer")
    async with staged(tmp_path, assistant=slow) as stage:
        await stage.say("hello")
        other = Answerer(TEAM, stage.ports)
        await stage.answerer.look()
        await other.look()
        await slow.asked.wait()
        slow.may_answer.set()
        await asyncio.gather(stage.hear(), other.answer_all())
        await other.stop()

        assert texts(await stage.open()) == ["hello", "the answer"]
        assert len(await stage.announced("answer")) == 1


async def test_a_question_that_takes_the_process_down_is_given_up(stage: Stage) -> None:
    await stage.say("the poison")
    conversation = await stage.open()
    question = await stage.ports.store.live.next_question(conversation.id)
    assert question is not None
    for _ in range(MOST_ATTEMPTS):
        await stage.ports.store.live.begin_attempt(question)
    await stage.hear()

    assert "took convotest down" in ((await stage.open()).turns[1].error or "")


async def test_a_demo_order_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        for text in ("a large pizza with mushrooms, please", "two cans of coke", "what is on my order?"):
            await stage.say(text)
            await stage.hear()
            await stage.kill()

        conversation = await stage.open()
        assert "large" in conversation.turns[-1].text
        assert "mushroom" in conversation.turns[-1].text
        assert "2 cans of cola" in conversation.turns[-1].text
        assert not any(turn.forgot for turn in conversation.turns)


async def test_an_assistant_that_cannot_be_put_back_is_said_to_have_forgotten(stage: Stage) -> None:
    await stage.say("one")
    await stage.hear()
    await stage.kill()
    await stage.say("two")
    await stage.hear()
    await stage.say("three")
    await stage.hear()

    assert [turn.forgot for turn in (await stage.open()).answers] == [False, True, False]


async def test_a_resumable_assistant_hears_again_what_was_said(tmp_path: Path) -> None:
    catalogue = one_assistant()
    pizza = catalogue.assistants[0]
    resumable = replace(pizza, variants={name: replace(each, resumable=True) for name, each in pizza.variants.items()})
    assistant = ScriptedAssistant("first", "second")
    async with staged(tmp_path, assistant=assistant, catalogue=replace(catalogue, assistants=(resumable,))) as stage:
        await stage.say("one")
        await stage.hear()
        await stage.kill()
        await stage.say("two")
        await stage.hear()

        assert assistant.heard == ["one", "one", "two"]
        assert texts(await stage.open()) == ["one", "first", "two", "second"]


# --- the end --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "done",
        "Done.",
        "thanks, done",
        "ok, that's all, thank you!",
        "no thanks, I’m done",
        "Finished",
        "done, thanks a lot",
    ],
)
def test_words_that_end_a_conversation(text: str) -> None:
    assert says_done(text)


@pytest.mark.parametrize(
    "text", ["thanks", "is it done?", "done with the pizza, now drinks", "all toppings", "what have you done", "no", ""]
)
def test_words_that_do_not(text: str) -> None:
    assert not says_done(text)


async def test_done_ends_it_after_what_was_asked_before_and_asks_how_it_was(stage: Stage) -> None:
    await stage.say("one")
    await stage.say("thanks, done")
    await stage.hear()

    conversation = await stage.open()
    assert (conversation.state, conversation.ended_by) == ("ended", "done")
    assert texts(conversation) == ["one", "first"]
    assert await stage.announced("ask_ended") == [{"conversation_id": conversation.id}]


async def test_what_is_asked_right_after_done_begins_a_new_conversation_and_is_not_lost(stage: Stage) -> None:
    for text in ("one", "done", "two"):
        await stage.say(text)
    await stage.hear()

    newest = await stage.open()
    assert texts(newest) == ["two", "first"]
    assert (newest.state, newest.assistant) == ("open", "pizza")


async def test_the_button_ends_it_once(stage: Stage) -> None:
    await stage.say("one")
    await stage.hear()
    conversation = await stage.open()

    assert await wish_to_end(conversation, key="click:1", ports=stage.ports)
    assert await wish_to_end(conversation, key="click:1", ports=stage.ports)
    await stage.hear()

    assert not await wish_to_end(conversation, key="click:2", ports=stage.ports)
    assert len(await stage.announced("ask_ended")) == 1


async def test_done_without_a_conversation_says_so(stage: Stage) -> None:
    with pytest.raises(RequestError, match="no conversation of yours is open"):
        await stage.say("done")


async def test_a_conversation_that_nobody_continues_ends_by_itself(stage: Stage) -> None:
    clock = stage.ports.clock
    assert isinstance(clock, MovableClock)
    await stage.say("one")
    await stage.hear()
    clock.move(IDLE.total_seconds() - 1)
    await stage.answerer.sweep()
    assert (await stage.open()).state == "open"

    clock.move(2)
    await stage.answerer.sweep()
    await stage.answerer.sweep()

    conversation = await stage.open()
    assert (conversation.state, conversation.ended_by) == ("ended", "idle")
    assert len(await stage.announced("ask_ended")) == 1


async def test_a_question_that_waits_is_never_swept_away(stage: Stage) -> None:
    clock = stage.ports.clock
    assert isinstance(clock, MovableClock)
    await stage.say("one")
    clock.move(IDLE.total_seconds() * 2)
    await stage.answerer.sweep()
    await stage.hear()

    assert texts(await stage.open()) == ["one", "first"]


async def test_somebody_who_comes_back_at_the_last_moment_is_not_shown_out(stage: Stage) -> None:
    clock = stage.ports.clock
    assert isinstance(clock, MovableClock)
    await stage.say("one")
    await stage.hear()
    seen, since = await stage.open(), clock.now() + timedelta(seconds=1)
    clock.move(2)
    await stage.say("two")

    assert not await end_conversation(seen, "idle", stage.ports, idle_since=since)
    assert (await stage.open()).state == "open"


async def test_the_stars_are_recorded_as_a_live_rating_and_the_message_is_edited(stage: Stage) -> None:
    await stage.say("one")
    await stage.say("done")
    await stage.hear()
    conversation = await stage.open()

    with pytest.raises(RequestError, match="only the one"):
        await rate_conversation(conversation, 1, member_id=BEN, message_ts="5.0", ports=stage.ports)
    for stars in (2, 4):
        stage.ports.clock.move(1)  # type: ignore[attr-defined]  # the movable clock of testing_ports
        await rate_conversation(conversation, stars, member_id=ADA, message_ts="5.0", ports=stage.ports)

    (rating,) = await stage.ports.store.feedback.ratings(TEAM, limit=10)
    assert (rating["source"], rating["kind"], rating["value"]) == ("live", "stars", 4)
    assert (rating["conversation_id"], rating["assistant"], rating["variant"]) == (conversation.id, "pizza", "good")


# --- several assistants ---------------------------------------------------------------------------------------------


async def test_with_several_assistants_the_question_waits_until_one_is_chosen(tmp_path: Path) -> None:
    async with staged(tmp_path, assistant=ScriptedAssistant("hello"), catalogue=two_assistants()) as stage:
        await stage.say("hi there")
        await stage.hear()
        conversation = await stage.open()
        assert (conversation.state, conversation.assistant) == ("choosing", "")
        assert len(await stage.announced("ask_choose")) == 1

        assert await choose_assistant(conversation, "bank", stage.ports)
        assert not await choose_assistant(conversation, "pizza", stage.ports)
        await stage.hear()

        conversation = await stage.open()
        assert (conversation.assistant, texts(conversation)) == ("bank", ["hi there", "hello"])


async def test_naming_another_assistant_ends_this_conversation_and_begins_one_with_it(tmp_path: Path) -> None:
    async with staged(tmp_path, assistant=ScriptedAssistant("hello"), catalogue=two_assistants()) as stage:
        await ask(replace(stage.message("one", thread="1.0", ts="8.1"), assistant="pizza"), stage.ports)
        await stage.hear()
        first = await stage.open()
        await ask(replace(stage.message("two", thread="1.0", ts="8.2"), assistant="bank@faulty"), stage.ports)
        await stage.hear()

        second, ended = await stage.open(), await stage.ports.store.live.find(first.id)
        assert ended is not None and ended.ended_by == "switched"
        assert (second.assistant, second.variant, texts(second)) == ("bank", "faulty", ["two", "hello"])


async def test_an_assistant_that_is_for_no_profile_has_to_be_named(tmp_path: Path) -> None:
    catalogue = two_assistants()
    hidden = replace(catalogue, assistants=(catalogue.assistants[0], replace(catalogue.assistants[1], profiles=())))
    async with staged(tmp_path, assistant=ScriptedAssistant("hello"), catalogue=hidden) as stage:
        await stage.say("one")
        await ask(replace(stage.message("two", thread="2.0", ts="8.1"), assistant="bank"), stage.ports)

        assert [(await stage.open(thread=thread)).assistant for thread in ("1.0", "2.0")] == ["pizza", "bank"]


async def test_the_assistant_that_a_member_spoke_to_last_in_a_channel_is_asked_again(tmp_path: Path) -> None:
    async with staged(tmp_path, assistant=ScriptedAssistant("hello"), catalogue=two_assistants()) as stage:
        await ask(replace(stage.message("one", channel="D1", thread=None, ts="8.1"), assistant="bank"), stage.ports)
        await stage.say("done", channel="D1", thread=None)
        await stage.hear()
        await stage.say("two", channel="D1", thread=None)
        await stage.say("three", channel="C2")

        assert (await stage.open(channel="D1", thread=None)).assistant == "bank"
        assert (await stage.open(channel="C2")).state == "choosing"


@pytest.mark.parametrize(
    ("text", "named", "question"),
    [
        ("assistant=bank what is my balance?", "bank", "what is my balance?"),
        ("--assistant=bank@v2 hello", "bank@v2", "hello"),
        ("hello assistant=bank", "bank", "hello"),
        ("what does assistant=bank mean here?", None, "what does assistant=bank mean here?"),
        ("hello", None, "hello"),
    ],
)
def test_whom_a_question_names(text: str, named: str | None, question: str) -> None:
    assert named_assistant(text) == (named, question)


# --- examples and forgetting ----------------------------------------------------------------------------------------


async def test_an_exchange_is_kept_as_an_example_and_failures_are_none(tmp_path: Path) -> None:
    lines = ("first", AssistantError("no", permanent=True))
    async with staged(tmp_path, assistant=ScriptedAssistant(*lines)) as stage:
        for text in ("one, my mail is ada@example.com", "two"):
            await stage.say(text)
            await stage.hear()
        conversation = await stage.open()
        arguments: dict[str, Any] = {
            "store": stage.ports.store, "clock": stage.ports.clock, "workspace_id": TEAM, "kept_by": ADA,
        }  # fmt: skip
        kept = [await keep_examples(conversation.id[-8:], **arguments, position=1) for _ in range(2)]
        everything = await keep_examples(conversation.id, **arguments)

        (example,) = await stage.ports.store.feedback.examples(TEAM)
        assert [len(each) for each in (*kept, everything)] == [1, 1, 1]
        assert example.content["query"] == "one, my mail is [email]"
        assert example.content["response"] == "first"
        assert example.content["labels"] == {"outcome": None, "tags": []}
        assert (example.content["variant"], example.content["cost_usd"]) == ("good", 0.0)


async def test_a_forgotten_member_leaves_no_conversation_behind(stage: Stage) -> None:
    await stage.say("one", member=ADA)
    await stage.say("two", member=BEN)
    await stage.hear()

    assert await stage.ports.store.live.forget_member(ADA, workspace_id=TEAM) == 1

    assert await stage.ports.store.live.in_thread(TEAM, "C1", "1.0", member_id=ADA) is None
    now = stage.ports.clock.now()
    left = await stage.ports.store.live.between(TEAM, now - timedelta(days=1), now + timedelta(days=1))
    assert [each.member_id for each in left] == [BEN]
