"""Whether answers are what a test case expects: patterns, entities, types of answers, tools, shares of good turns."""

from collections.abc import Mapping

import pytest

from jobs.model import (
    Case,
    CaseTurn,
    Check,
    Goal,
    Pattern,
    ResponseType,
    Scenario,
    Score,
    ToolCall,
    Transcript,
    Turn,
)
from jobs.patterns import is_in, why_unusable
from jobs.scoring import decide_verdict, with_quality
from jobs.simulate.expected import response_types, same_value
from jobs.simulate.scripted import ScriptedUser


def answer(text: str, *, intent: str | None = None, tools: tuple[str, ...] = (), **entities: str) -> Turn:
    calls = tuple(ToolCall(name=name, ok=True) for name in tools)
    return Turn(speaker="assistant", text=text, intent=intent, entities=entities, tool_calls=calls)


def scenario(case: Case, *criteria: str) -> Scenario:
    goals = tuple(Goal(text=each, template=each) for each in criteria)
    return Scenario(profile=case.name, number=1, seed=1, goals=goals, case=case)


def transcript(case: Case, *answers: Turn) -> Transcript:
    said = [Turn(speaker="user", text=text) for text in (*case.context, *(turn.user for turn in case.turns))]
    turns = [turn for pair in zip(said, answers, strict=False) for turn in pair]
    return Transcript(turns=tuple(turns), ended_by="steps")


async def outcome(case: Case, *answers: Turn) -> tuple[str, tuple[str, ...]]:
    """Outcome and reasons of the case when the assistant answers so."""
    played = transcript(case, *answers)
    verdict = decide_verdict(played, await ScriptedUser(scenario(case), case).assess(played))
    return verdict.outcome, verdict.reasons


def one_turn(turn: CaseTurn) -> Case:
    return Case(name="case", turns=(turn,))


# --- what is said -----------------------------------------------------------------------------------------------------


async def test_the_customer_says_the_context_and_then_every_turn_word_for_word() -> None:
    case = Case(name="c", context=("hello",), turns=(CaseTurn(user="a pizza", intent="order"), CaseTurn(user="yes")))
    user = ScriptedUser(scenario(case), case)
    turns: list[Turn] = []
    said: list[tuple[str, str | None, bool, bool]] = []

    for _ in range(3):
        utterance = await user.speak(turns)
        said.append((utterance.text, utterance.intent, utterance.verbatim, utterance.ends))
        turns += [Turn(speaker="user", text=utterance.text), answer("ok?")]

    assert said == [("hello", None, True, False), ("a pizza", "order", True, False), ("yes", None, True, False)]


async def test_answers_to_the_context_are_not_judged() -> None:
    case = Case(
        name="c",
        context=("hello",),
        turns=(CaseTurn(user="a pizza", patterns=(Pattern(text="size"),)),),
        must_not=(Pattern(text="sorry"),),
    )

    assert await outcome(case, answer("Sorry, who is there?"), answer("Which size?")) == ("passed", ())
    assert (await outcome(case, answer("Which size?"), answer("Sorry?")))[0] == "failed"


# --- one answer -------------------------------------------------------------------------------------------------------


async def test_an_intent_that_nobody_tells_is_inconclusive_and_another_one_fails() -> None:
    case = one_turn(CaseTurn(user="a pizza", intent="order"))

    assert await outcome(case, answer("Fine.", intent="Order")) == ("passed", ())
    assert await outcome(case, answer("Fine.", intent="greet")) == (
        "failed",
        ("the intent 'order' was taken for 'greet'",),
    )
    assert (await outcome(case, answer("Fine.")))[0] == "inconclusive"


async def test_entities_are_compared_by_value() -> None:
    case = one_turn(CaseTurn(user="x", entities={"size": ("large",), "toppings": ("cheese", "olives")}))

    assert await outcome(case, answer("ok", size="LARGE", toppings="olives, cheese")) == ("passed", ())
    assert (await outcome(case, answer("ok", size="small", toppings="cheese and olives")))[1] == (
        "the entity 'size' should be 'large', it is 'small'",
    )
    assert (await outcome(case, answer("ok", size="large")))[1] == (
        "the entity 'toppings' (cheese, olives) was not found",
    )
    assert (await outcome(case, answer("ok")))[0] == "inconclusive"


@pytest.mark.parametrize(
    ("expected", "found", "same"),
    [
        (("2",), "2.0", True),
        (("2",), "20", False),
        (("New York",), " new  york ", True),
        (("12345",), "12345", True),
        (("a", "b"), "b and a", True),
        (("a", "b"), "a", False),
        (("a", "b"), "a, b, c", False),
    ],
)
def test_values_are_the_same_whatever_their_writing(expected: tuple[str, ...], found: str, same: bool) -> None:
    assert same_value(expected, found) is same


TYPES: Mapping[str, set[ResponseType]] = {
    "Which size would you like?": {"question"},
    "We are open from 11 to 11.": {"information"},
    "Your order is placed. The order number is A-1.": {"information", "confirmation"},
    "I'm afraid we don't have pineapple.": {"information", "refusal"},
    "Hello!": {"greeting"},
    "Thank you, goodbye!": {"farewell"},
    "Sorry, I did not understand that.": {"fallback"},
}


@pytest.mark.parametrize("text", TYPES)
def test_what_kind_of_answer_it_is(text: str) -> None:
    assert response_types(answer(text), None) == TYPES[text]


def test_an_answer_with_a_tool_that_worked_is_an_action() -> None:
    assert "action" in response_types(answer("There you are.", tools=("book",)), None)


# --- turns together ---------------------------------------------------------------------------------------------------

FIVE = Case(
    name="five", turns=tuple(CaseTurn(user=str(number), patterns=(Pattern(text="good"),)) for number in range(5))
)


async def test_one_bad_turn_of_five_is_a_warning_and_two_fail() -> None:
    played = transcript(FIVE, *[answer("good")] * 4, answer("bad"))
    assessment = await ScriptedUser(scenario(FIVE), FIVE).assess(played)

    assert decide_verdict(played, assessment).outcome == "passed"
    assert assessment.warnings == ("turn 5: has 'good': the answer does not have 'good'",)
    assert Check(name="good_turns", ok=True, reason="", value=0.8) in assessment.checks
    assert await outcome(FIVE, *[answer("good")] * 3, answer("bad"), answer("bad")) == (
        "failed",
        ("the answer does not have 'good'", "fewer than 80% of the turns are as expected"),
    )


async def test_a_turn_that_was_never_said_is_not_good() -> None:
    [*_, last] = (await outcome(FIVE, answer("good")))[1]

    assert last == "fewer than 80% of the turns are as expected"


async def test_doubts_count_only_when_they_could_tip_the_balance() -> None:
    turns = tuple(CaseTurn(user=str(number), intent="order") for number in range(5))
    case = Case(name="doubts", turns=turns)
    sure, unsure, wrong = answer("x", intent="order"), answer("x"), answer("x", intent="greet")

    assert (await outcome(case, sure, sure, sure, sure, unsure))[0] == "passed"
    assert (await outcome(case, sure, sure, sure, unsure, unsure))[0] == "inconclusive"
    assert (await outcome(case, wrong, wrong, sure, unsure, unsure))[0] == "failed"


# --- the whole conversation -------------------------------------------------------------------------------------------


async def test_tools_must_be_the_expected_ones() -> None:
    case = Case(name="tools", turns=(CaseTurn(user="book it"),), tools=("book",))

    assert await outcome(case, answer("done", tools=("book",))) == ("passed", ())
    assert (await outcome(case, answer("done")))[1] == ("the tool 'book' was not used",)
    assert (await outcome(case, answer("done", tools=("book", "pay"))))[1] == (
        "the tool 'pay' was used, and should not be",
    )


async def test_what_must_be_said_may_be_said_in_any_turn() -> None:
    case = Case(
        name="c",
        turns=(CaseTurn(user="a"), CaseTurn(user="b")),
        must=(Pattern(text=r"\b\d+ minutes", is_regex=True),),
        must_not=(Pattern(text="system prompt"),),
    )

    assert await outcome(case, answer("It takes 20 minutes."), answer("Bye.")) == ("passed", ())
    assert (await outcome(case, answer("Soon."), answer("My System  Prompt is …")))[1] == (
        r"never said /\b\d+ minutes/",
        "said 'system prompt', which it must not",
    )


async def test_a_criterion_for_a_judge_is_inconclusive_without_one() -> None:
    case = Case(name="c", turns=(CaseTurn(user="a"),))
    played = transcript(case, answer("fine"))

    verdict = decide_verdict(
        played, await ScriptedUser(scenario(case, "the customer knows the price"), case).assess(played)
    )

    assert (verdict.outcome, verdict.reasons) == ("inconclusive", ("not judged: the customer knows the price",))


@pytest.mark.parametrize(("coherence", "ok"), [(1.0, True), (0.3, False), (None, None)])
async def test_the_mean_quality_is_a_check_like_any_other(coherence: float | None, ok: bool | None) -> None:
    case = Case(name="c", turns=(CaseTurn(user="a"),))
    played = transcript(case, answer("fine"))
    assessment = await ScriptedUser(scenario(case), case).assess(played)

    judged = with_quality(assessment, scenario(case), {"coherence": Score(value=coherence, reason="")})

    assert [(check.name, check.ok) for check in judged.checks] == [("quality", ok)]


# --- patterns ---------------------------------------------------------------------------------------------------------


def test_texts_are_found_whatever_their_case_quotes_and_spaces() -> None:
    assert is_in(Pattern(text="It's  READY"), "well, it’s\nready now")
    assert not is_in(Pattern(text="a.c"), "abc")
    assert is_in(Pattern(text="a.c", is_regex=True), "xABCx")
    assert not is_in(Pattern(text="(?-i)abc", is_regex=True), "ABC")
    assert is_in(Pattern(text="x", is_regex=True), "\ud800x"), "half a surrogate pair is no reason to fail"


@pytest.mark.parametrize("pattern", ["(", "a" * 1001, r"(a)\1", "(?=a)", "\ud800"])
def test_a_regular_expression_that_cannot_be_used_says_why(pattern: str) -> None:
    assert why_unusable(pattern)


def test_an_evil_regular_expression_takes_no_time() -> None:
    assert not is_in(Pattern(text="(a+)+$", is_regex=True), "a" * 20_000 + "b")
