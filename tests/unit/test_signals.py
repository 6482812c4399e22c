"""Implicit signals of customers, and the choice of tools."""

import pytest

from jobs.metrics import METRICS, ScoringContext
from jobs.model import (
    Assessment,
    Case,
    CaseTurn,
    Check,
    EndedBy,
    GoalProgress,
    Scenario,
    Score,
    ToolCall,
    Transcript,
    Turn,
)


def context(
    *said: str,
    tools: tuple[str, ...] = (),
    case: Case | None = None,
    answered: bool | None = True,
    ended_by: EndedBy = "goal_reached",
    checks: tuple[Check, ...] = (),
) -> ScoringContext:
    calls = tuple(ToolCall(name=name, ok=True) for name in tools)
    turns = [
        turn
        for text in said
        for turn in (
            Turn(speaker="user", text=text),
            Turn(speaker="assistant", text="Hm.", latency_ms=1, tool_calls=calls),
        )
    ]
    return ScoringContext(
        transcript=Transcript(turns=tuple(turns), ended_by=ended_by),
        scenario=Scenario(profile="p", number=1, seed=1, goals=(), case=case),
        assessment=Assessment(goals=(GoalProgress(text="g", asked=True, answered=answered, turn=None),), checks=checks),
    )


async def value(metric: str, given: ScoringContext) -> float | None:
    score: Score = await METRICS[metric].score(given)
    return score.value


CASE = Case(name="c", turns=(CaseTurn(user="x"),), tools=("book", "pay"))


@pytest.mark.parametrize(
    ("said", "share"),
    [
        (("How long does the delivery take?", "The delivery, how long does it take?"), 1.0),
        (("How long does it take?", "I meant the delivery"), 1.0),
        (("A large pizza with cheese, please", "And two cans of cola"), 0.0),
        (("Yes please", "Yes please"), 0.0),
        (("Hello",), None),
    ],
)
async def test_saying_it_in_other_words_is_counted(said: tuple[str, ...], share: float | None) -> None:
    assert await value("rephrasing", context(*said)) == share


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("Can I talk to a real person?", 1.0),
        ("I want to speak with your manager", 1.0),
        ("Are you a robot?", 1.0),
        ("Ich möchte mit einem Mitarbeiter sprechen", 1.0),
        ("Quiero hablar con una persona", 1.0),
        ("A pizza for one person, please", 0.0),
        ("Do you have a table for four?", 0.0),
    ],
)
async def test_asking_for_a_person_is_seen(said: str, asked: float) -> None:
    assert await value("asks_for_human", context(said)) == asked


@pytest.mark.parametrize(
    ("answered", "ended_by", "left"),
    [
        (False, "limit", 1.0),
        (True, "goal_reached", 0.0),
        (None, "goal_reached", None),
        (False, "steps", None),
        (False, "assistant_error", None),
    ],
)
async def test_leaving_without_an_answer_is_abandonment(
    answered: bool | None, ended_by: EndedBy, left: float | None
) -> None:
    assert await value("abandonment", context("hi", answered=answered, ended_by=ended_by)) == left


@pytest.mark.parametrize("metric", ["rephrasing", "asks_for_human"])
async def test_what_a_test_case_says_is_no_signal(metric: str) -> None:
    assert await value(metric, context("I meant a human agent", "I meant a human agent", case=CASE)) is None


@pytest.mark.parametrize(
    ("used", "share"), [(("book", "pay"), 1.0), (("book",), 0.5), (("book", "call"), 1 / 3), ((), 0.0)]
)
async def test_tools_are_held_against_the_expected_ones(used: tuple[str, ...], share: float) -> None:
    assert await value("tool_selection", context("x", tools=used, case=CASE)) == pytest.approx(share)


async def test_tools_are_unscored_where_nothing_is_expected() -> None:
    assert await value("tool_selection", context("x", tools=("book",))) is None
    none_wanted = Case(name="c", turns=(CaseTurn(user="x"),), tools=())
    assert await value("tool_selection", context("x", case=none_wanted)) == 1.0
    assert await value("tool_selection", context("x", tools=("book",), case=none_wanted)) == 0.0


async def test_good_turns_are_those_of_the_check() -> None:
    check = Check(name="good_turns", ok=False, reason="few", value=0.5)

    assert await value("good_turns", context("x", checks=(check,))) == 0.5
    assert await value("good_turns", context("x")) is None
