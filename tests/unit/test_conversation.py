"""The turn loop: who speaks when, and what ends a conversation."""

import asyncio
from collections.abc import Sequence

import pytest

from jobs.errors import AssistantError, BudgetExhausted, ModelError
from jobs.model import Assessment, Ending, Goal, Limits, Scenario, Transcript, Turn, Variant
from jobs.ports import AssistantSession, Reply, Utterance
from jobs.simulate.conversation import LONGEST_TEXT, converse
from jobs.testing import MovableClock, ScriptedAssistant

VARIANT = Variant(assistant="a", name="v", connector="scripted", config={}, hash="h", limits=Limits())
SORRY = "Sorry, I did not get that."


class Customer:
    """Says what it is given, an Utterance or an exception at a time, and the last one over and over."""

    def __init__(self, *lines: str | Utterance | Exception) -> None:
        self.lines = [Utterance(text=line) if isinstance(line, str) else line for line in lines]
        self.asked = 0

    async def speak(self, turns: Sequence[Turn]) -> Utterance:
        line = self.lines[min(self.asked, len(self.lines) - 1)]
        self.asked += 1
        if isinstance(line, Exception):
            raise line
        return line

    async def assess(self, transcript: Transcript) -> Assessment:
        return Assessment(goals=())


class Talker:
    """Numbers its lines, so that no two are the same."""

    def __init__(self, text: str = "One pizza") -> None:
        self.text = text
        self.said = 0

    async def speak(self, turns: Sequence[Turn]) -> Utterance:
        self.said += 1
        return Utterance(text=f"{self.text} {self.said}")

    async def assess(self, transcript: Transcript) -> Assessment:
        return Assessment(goals=())


def scenario(**changes: object) -> Scenario:
    values: dict[str, object] = {
        "profile": "pizza",
        "number": 1,
        "seed": 1,
        "goals": (Goal(text="a pizza", template="a pizza"),),
        "ending": Ending(limit=5),
    }
    return Scenario(**(values | changes))  # type: ignore[arg-type]  # a test's shorthand


async def talk(
    user: Customer | Talker,
    assistant: ScriptedAssistant,
    playing: Scenario | None = None,
    *,
    answer_timeout_s: float = 5,
    session: AssistantSession | None = None,
) -> Transcript:
    seen: list[tuple[int, Turn]] = []

    async def on_turn(position: int, turn: Turn) -> None:
        seen.append((position, turn))

    transcript = await converse(
        playing or scenario(),
        user,
        session or await assistant.open(VARIANT, seed="1"),
        clock=MovableClock(),
        answer_timeout_s=answer_timeout_s,
        on_turn=on_turn,
    )
    assert [turn for _, turn in seen] == list(transcript.turns), "every turn is handed over as it is spoken"
    assert [position for position, _ in seen] == list(range(len(seen)))
    return transcript


def speakers(transcript: Transcript) -> str:
    return "".join("u" if turn.speaker == "user" else "a" for turn in transcript.turns)


async def test_user_and_assistant_take_turns_and_the_assistant_has_the_last_word() -> None:
    transcript = await talk(Customer("Hello", Utterance(text="Bye", ends=True)), ScriptedAssistant("Hi.", "Bye."))

    assert (speakers(transcript), transcript.ended_by) == ("uaua", "goal_reached")


async def test_an_assistant_that_starts_is_heard_first() -> None:
    transcript = await talk(
        Customer(Utterance(text="Bye", ends=True)), ScriptedAssistant(), scenario(assistant_starts=True)
    )

    assert speakers(transcript) == "aua"
    assert transcript.turns[0].text == "Hello!"


async def test_a_goodbye_answered_with_a_question_goes_on_for_one_more_turn() -> None:
    user = Customer("Hello", Utterance(text="Bye", ends=True), Utterance(text="No, really, bye", ends=True))

    transcript = await talk(user, ScriptedAssistant("Hi.", "Anything else?"))

    assert (speakers(transcript), transcript.ended_by) == ("uauaua", "goal_reached")


async def test_a_customer_never_leaves_while_the_assistant_asks_to_wait() -> None:
    user = Customer("Hello", Utterance(text="Thanks, bye", ends=True), Utterance(text="Fine, bye", ends=True))

    transcript = await talk(user, ScriptedAssistant("Hi.", "One moment please, let me check.", "It costs $9."))

    assert (speakers(transcript), transcript.ended_by) == ("uauaua", "goal_reached")
    assert transcript.turns[-1].text == "It costs $9."


@pytest.mark.parametrize(
    "says",
    ["I'm afraid I could not quite follow you.", "Welcome to the shop. Our menu is online."],
    ids=["a paraphrase", "the same answer to everything"],
)
async def test_a_loop_ends_without_a_declared_fallback(says: str) -> None:
    transcript = await talk(Talker(), ScriptedAssistant(says), scenario(ending=Ending(limit=30)))

    assert transcript.ended_by == "fallback_loop"
    assert len(transcript.turns) in (18, 22)


@pytest.mark.parametrize(("style", "ended_by"), [("steps", "steps"), ("all_answered", "limit")])
async def test_the_number_of_user_turns_is_limited(style: str, ended_by: str) -> None:
    playing = scenario(ending=Ending(style=style, limit=3))  # type: ignore[arg-type]  # parametrised

    transcript = await talk(Talker(), ScriptedAssistant("Go on."), playing)

    assert (speakers(transcript), transcript.ended_by) == ("uauaua", ended_by)


async def test_an_assistant_that_only_says_its_fallback_ends_the_conversation() -> None:
    transcript = await talk(
        Talker(), ScriptedAssistant(SORRY), scenario(fallback=SORRY.upper(), ending=Ending(limit=30))
    )

    assert (transcript.ended_by, len(transcript.turns)) == ("fallback_loop", 18)


async def test_endless_goodbyes_end() -> None:
    transcript = await talk(Talker("Thanks, bye"), ScriptedAssistant("Bye!"), scenario(ending=Ending(limit=30)))

    assert (transcript.ended_by, len(transcript.turns)) == ("goodbye_loop", 6)


@pytest.mark.parametrize(
    "text", ["", "  ", "Assistant: hello", "<think>hm</think> hello", "Hi, how can I help you?", "<|end|>"]
)
async def test_a_simulated_user_that_twice_is_no_customer_voids_the_conversation(text: str) -> None:
    assistant = ScriptedAssistant()

    transcript = await talk(Customer(text), assistant)

    assert transcript.ended_by == "simulator_error"
    assert transcript.error
    assert assistant.heard == [], "the assistant never sees it"


async def test_a_simulated_user_may_slip_once() -> None:
    transcript = await talk(Customer("User: hi", "Hi", Utterance(text="Bye", ends=True)), ScriptedAssistant("Hello."))

    assert transcript.ended_by == "goal_reached"
    assert transcript.turns[0].text == "Hi"


async def test_a_failing_assistant_ends_the_transcript_with_what_was_said_so_far() -> None:
    transcript = await talk(Talker(), ScriptedAssistant(fails_at=2))

    assert (speakers(transcript), transcript.ended_by) == ("uau", "assistant_error")
    assert transcript.error == "the scripted assistant fails here"


async def test_a_failure_that_may_pass_is_tried_three_times() -> None:
    class Flaky(ScriptedAssistant):
        tries = 0

    flaky = Flaky()

    class Session:
        async def greet(self) -> Reply:
            return Reply(messages=("Hello",))

        async def send(self, text: str) -> Reply:
            Flaky.tries += 1
            if Flaky.tries < 3:
                raise AssistantError("down for a moment", permanent=False)
            return Reply(messages=("I am back.",))

        async def close(self) -> None:
            return

    transcript = await talk(Customer(Utterance(text="Hi, bye", ends=True)), flaky, session=Session())

    assert (transcript.ended_by, Flaky.tries) == ("goal_reached", 3)


async def test_an_assistant_that_hangs_is_given_up_after_its_time() -> None:
    class Hanging:
        async def greet(self) -> Reply:
            return Reply(messages=())

        async def send(self, text: str) -> Reply:
            await asyncio.Event().wait()
            raise AssertionError

        async def close(self) -> None:
            return

    transcript = await talk(Talker(), ScriptedAssistant(), answer_timeout_s=0.01, session=Hanging())

    assert (transcript.ended_by, transcript.error) == ("timeout", "the assistant did not answer within 0.01 s")


async def test_two_empty_answers_in_a_row_are_an_error_of_the_assistant() -> None:
    transcript = await talk(
        Talker(), ScriptedAssistant("Hi.", "", "Here I am.", "", ""), scenario(ending=Ending(limit=9))
    )

    assert (transcript.ended_by, len(transcript.turns)) == ("assistant_error", 10)


@pytest.mark.parametrize(
    ("error", "ended_by"),
    [(BudgetExhausted("the budget is used up"), "budget"), (ModelError("no model", permanent=True), "harness_error")],
)
async def test_a_simulator_that_cannot_go_on_is_not_the_assistants_fault(error: Exception, ended_by: str) -> None:
    transcript = await talk(Customer(error), ScriptedAssistant())

    assert transcript.ended_by == ended_by


async def test_a_huge_answer_is_cut_and_says_by_how_much() -> None:
    transcript = await talk(Customer(Utterance(text="Hi, bye", ends=True)), ScriptedAssistant("x" * 1_000_000))

    assert transcript.turns[1].text == "x" * LONGEST_TEXT + " … [980,000 more characters]"
