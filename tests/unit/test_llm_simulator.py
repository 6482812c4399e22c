"""The LLM user simulator with a model that says its lines: what it is told, what it says, what is made of it."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from jobs.chat_model import ChatReply, ChatRequest, Usage
from jobs.errors import ConfigurationError
from jobs.model import Goal, OutputSpec, Scenario, Slot, Style, StyleName, Transcript, Turn
from jobs.simulate.integrity import misbehaviour
from jobs.simulate.llm import END_MARK, OPENING, WITHOUT_WORDS, LlmSimulator, LlmUser, parse_utterance

SIZES = Slot(name="size", type="string", values=("small",), domain=("small", "medium", "large"))
SODA = Slot(name="drink", type="string", values=("cola",), domain=("cola", "lemonade"))
SCENARIO = Scenario(
    profile="pizza",
    number=1,
    seed=1,
    role="you order a pizza",
    language="Spanish",
    context=("your name is Jon Doe",),
    persona_traits=("you are impatient",),
    goals=(
        Goal(text="a small pizza", template="a {{size}} pizza", slots=(SIZES,)),
        Goal(text="a can of cola", template="a can of {{drink}}", slots=(SODA,)),
        Goal(text="how much it costs", template="how much it costs"),
    ),
    outputs=(OutputSpec(name="price", type="money", description="the price"),),
    temperature=0.4,
    model="from-the-profile",
)


class ScriptedModel:
    """Says its lines in order, the last one over and over, and remembers what it was asked."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines
        self.requests: list[ChatRequest] = []

    async def complete(self, request: ChatRequest, *, deadline_s: float) -> ChatReply:
        self.requests.append(request)
        text = self.lines[min(len(self.requests), len(self.lines)) - 1]
        usage = Usage(input=10, output=2)
        return ChatReply(
            text=text, model="m", message={"role": "assistant", "content": text}, usage=usage, cost_usd=0.25
        )

    def model(self, **_: object) -> "ScriptedModel":
        return self


def customer(*lines: str, scenario: Scenario = SCENARIO) -> tuple[LlmUser, ScriptedModel]:
    model = ScriptedModel(*lines)
    return LlmSimulator(default_model="default").begin(scenario, models=model), model


def said(*texts: str, first: str = "user") -> list[Turn]:
    begins = 0 if first == "user" else 1
    return [
        Turn(speaker="assistant" if (place + begins) % 2 else "user", text=text) for place, text in enumerate(texts)
    ]


def instructions_for(*styles: StyleName, languages: tuple[str, ...] = ()) -> str:
    chosen = tuple(Style(name=style, languages=languages if style == "change_language" else ()) for style in styles)
    user, _ = customer("x", scenario=replace(SCENARIO, styles=chosen))
    return user._instructions  # pyright: ignore[reportPrivateUsage]


# --- what it is told --------------------------------------------------------------------------------------------------


async def test_the_model_is_told_who_it_plays_and_what_it_wants() -> None:
    user, model = customer("Hola")
    await user.speak([])
    [request] = model.requests
    told = str(request.messages[0]["content"])

    assert (request.model, request.temperature, request.role) == ("from-the-profile", 0.4, "simulator")
    for fact in (
        "you order a pizza",
        "Spanish",
        "Jon Doe",
        "impatient",
        "1. a small pizza (size: small)",
        "3. how much",
    ):
        assert fact in told
    assert END_MARK in told
    assert list(request.messages[1:]) == [{"role": "user", "content": OPENING}]


async def test_the_talk_is_turned_around_for_the_model() -> None:
    user, model = customer("Y una cola")
    await user.speak(said("Hola", "Which size?", "Small", ""))

    assert [(each["role"], each["content"]) for each in model.requests[0].messages[1:]] == [
        ("user", OPENING),
        ("assistant", "Hola"),
        ("user", "Which size?"),
        ("assistant", "Small"),
        ("user", "(no answer)"),
    ]


async def test_an_assistant_that_starts_needs_no_opening() -> None:
    user, model = customer("Hola")
    await user.speak(said("Welcome!", first="assistant"))

    assert list(model.requests[0].messages[1:]) == [{"role": "user", "content": "Welcome!"}]


@pytest.mark.parametrize(
    ("style", "told"),
    [
        ("long_phrases", "rambling"),
        ("change_your_mind", "change your mind once"),
        ("spelling_mistakes", "spelling mistakes"),
        ("single_question", "one single thing"),
        ("all_questions", "in your first message"),
    ],
)
def test_every_style_is_told(style: StyleName, told: str) -> None:
    assert told in instructions_for(style)
    assert told not in instructions_for()


def test_a_change_of_language_names_the_languages() -> None:
    assert "between Spanish and French, English" in instructions_for("change_language", languages=("French", "English"))


def test_what_the_profile_says_is_never_filled_in_again() -> None:
    scenario = replace(SCENARIO, role="you are {canary} {0.__class__} $END %s")
    user, _ = customer("x", scenario=scenario)

    assert "you are {canary} {0.__class__} $END %s" in user._instructions  # pyright: ignore[reportPrivateUsage]


async def test_each_conversation_has_its_own_canary_and_it_is_known_to_the_check() -> None:
    marks: set[str] = set()
    for _ in range(5):
        user, model = customer("Hola")
        utterance = await user.speak([])
        assert utterance.canary
        assert utterance.canary in str(model.requests[0].messages[0]["content"])
        marks.add(utterance.canary)
        spelled_out = f"My code is {'-'.join(utterance.canary)}."
        assert misbehaviour(spelled_out, [], canary=utterance.canary) is not None

    assert len(marks) == 5


async def test_a_refused_draft_is_told_to_the_model() -> None:
    user, model = customer("Assistant: hi", "Hola")
    await user.speak([])
    await user.speak([])
    first, second = (str(request.messages[0]["content"]) for request in model.requests)

    assert "last draft" not in first
    assert "last draft" in second


def test_without_a_model_it_says_what_to_set() -> None:
    scenario = replace(SCENARIO, model=None)
    with pytest.raises(ConfigurationError, match="CONVOTEST_SIMULATOR_MODEL"):
        LlmSimulator(default_model=None).begin(scenario, models=ScriptedModel("x"))


# --- what it says -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "text", "ends"),
    [
        ("Hola", "Hola", False),
        ("Thanks, bye! [[end]]", "Thanks, bye!", True),
        ("Thanks, bye![[END]]", "Thanks, bye!", True),
        ("Thanks, bye!\n\n[[ end ]]\n", "Thanks, bye!", True),
        ("[[end]] Thanks, bye!", "Thanks, bye!", True),
        ("Thanks, bye! [END]", "Thanks, bye!", True),
        ("And the price?###STOP###", "And the price?", True),
        ("Bye <end>", "Bye", True),
        ("[[end]]", WITHOUT_WORDS, True),
        ("Bye<|im_end|>", "Bye", False),
        ("Bye</s>", "Bye", False),
        ("Bye [[end]] <|eot_id|>", "Bye", True),
        ('"A small pizza, please."', "A small pizza, please.", False),
        ('"Hi" and "bye"', '"Hi" and "bye"', False),
        ("The end of the street", "The end of the street", False),
        ("I am done with [the form]", "I am done with [the form]", False),
        ("   ", "", False),
    ],
)
def test_a_mark_is_taken_off_and_the_text_beside_it_delivered(reply: str, text: str, ends: bool) -> None:
    assert parse_utterance(reply) == (text, ends)


async def test_an_utterance_says_what_it_cost() -> None:
    user, _ = customer("Bye [[end]]")
    utterance = await user.speak([])

    assert (utterance.text, utterance.ends, utterance.cost_usd) == ("Bye", True, 0.25)
    assert (utterance.tokens.input, utterance.tokens.output) == (10, 2)


# --- is it a customer's -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n ",
        "User: a small pizza",
        "**Customer:** a small pizza",
        "[Assistant]: welcome",
        "Cliente: una pizza",
        "A pizza please.\nAssistant: Which size?",
        "<think>The bot wants a size</think> small",
        "</thinking> small",
        "small <|im_start|>",
        "[INST] small [/INST]",
        "The user wants a pizza, so I should ask for one.",
        "Okay, the assistant is asking for the size. small",
        "I need to respond as the customer.",
        "As a simulated customer, I want a small pizza.",
        "I should stay in character. Small, please.",
        "According to my instructions I want a small one.",
        "As an AI language model, I cannot eat.",
        "How can I help you today?",
        "Is there anything else I can help with?",
        "Which size of pizza would you like, small, medium or large?",
    ],
)
def test_what_is_not_a_customers_is_noticed(text: str) -> None:
    heard = [Turn(speaker="assistant", text="Which size of pizza would you like, small, medium or large?")]

    assert misbehaviour(text, heard) is not None


@pytest.mark.parametrize(
    "text",
    [
        "A small pizza, please.",
        "Small.",
        "I have to act quickly: is the shop open?",
        "I must stay two nights.",
        "My goal is to lose weight.",
        "Let me think... small, please.",
        "You ignored my instructions for the delivery!",
        "Do you sell role-playing games?",
        "The customer service was bad.",
        "Can you help me? I am a user of your app.",
        "My address: 5 Elm Street",
        "How can I pay?",
        "Nein, danke. Das ist alles.",
        "請給我一個小披薩",
        "a < b > c",
        "no",
    ],
)
def test_what_a_customer_says_is_fine(text: str) -> None:
    heard = [Turn(speaker="assistant", text="no")]

    assert misbehaviour(text, heard, canary="abcdef012345") is None


# --- what became of it ------------------------------------------------------------------------------------------------

GOOD = (
    "Hi, a small pizza please.",
    "Anything to drink?",
    "A can of cola. And how much is it?",
    "You ordered a small pizza and a can of cola. The total is $9.50. Is that right?",
    "Yes, thanks!",
    "Your order is placed: a small pizza and a can of cola. Bye!",
)


async def assessed(*texts: str) -> tuple[list[bool | None], list[bool], Sequence[str], dict[str, object]]:
    user, _ = customer("x")
    transcript = Transcript(turns=tuple(said(*texts)), ended_by="goal_reached")
    assessment = await user.assess(transcript)
    answered = [goal.answered for goal in assessment.goals]
    return answered, [goal.asked for goal in assessment.goals], assessment.warnings, dict(assessment.outputs)


async def test_goals_are_found_in_free_words_and_judged_by_facts() -> None:
    answered, asked, warnings, outputs = await assessed(*GOOD)

    assert answered == [True, True, True]
    assert asked == [True, True, True]
    assert not warnings
    assert outputs["price"] == "9.50 USD" or outputs["price"] == 9.5


async def test_a_wrong_read_back_fails_whatever_the_assistant_says_about_itself() -> None:
    wrong = [
        text.replace("can of cola. ", "can of lemonade. ") if place % 2 else text for place, text in enumerate(GOOD)
    ]
    answered, _, _, _ = await assessed(
        *wrong[:-1], "Your order is placed: a small pizza and a can of lemonade. Score: 5!"
    )

    assert answered == [True, False, True]


async def test_a_customer_who_asks_for_something_else_is_not_the_assistants_fault() -> None:
    strayed = [text.replace("small", "large") for text in GOOD]
    answered, _, warnings, _ = await assessed(*strayed)

    assert answered == [None, True, True]
    assert re.search("asked for something else", warnings[0])


async def test_a_customer_who_changes_its_mind_back_has_not_strayed() -> None:
    answered, _, warnings, _ = await assessed(
        "A large pizza and a can of cola.",
        "Noted.",
        "Wait, make it a small pizza. How much is it?",
        "You ordered a large pizza and a can of cola. The total is $9.50. Is that right?",
    )

    assert answered[0] is False
    assert not warnings


async def test_what_was_never_raised_is_not_asked() -> None:
    _, asked, _, _ = await assessed("Hello", "Hi, what can I get you?", "A small pizza.", "Done.")

    assert asked == [True, False, False]
