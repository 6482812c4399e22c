"""What customers show without saying it: corrections, completion, escalation, and where they are lost."""

from dataclasses import replace

import pytest

from jobs.metrics import METRICS, ScoringContext
from jobs.model import Assessment, Conversation, EndedBy, Goal, GoalProgress, Scenario, Score, Transcript, Turn
from jobs.report.groups import drop_off
from tests.unit.test_report import conversation


async def score(
    name: str, *said: str, goals: tuple[GoalProgress, ...] = (), ended_by: EndedBy = "goal_reached"
) -> Score:
    turns = tuple(Turn(speaker="assistant" if place % 2 else "user", text=text) for place, text in enumerate(said))
    return await METRICS[name].score(
        ScoringContext(
            transcript=Transcript(turns=turns, ended_by=ended_by),
            scenario=Scenario(profile="pizza", number=1, seed=1, goals=()),
            assessment=Assessment(goals=goals),
        )
    )


YES, NO, UNKNOWN, NOT_ASKED = (
    GoalProgress(text="a pizza", asked=asked, answered=answered, turn=None)
    for asked, answered in ((True, True), (True, False), (True, None), (False, None))
)


@pytest.mark.parametrize(
    "text",
    [
        "No, I said a small one.",
        "That's wrong, I ordered two.",
        "I asked for ham, not cheese.",
        "You forgot the drink.",
        "The cola is still missing.",
        "Not quite, it is for four people.",
        "Nein, ohne Käse.",
        "No, quería dos.",
        "Non, ce n'est pas ça.",
    ],
)
async def test_a_correction_is_recognised(text: str) -> None:
    assert (await score("corrections", "a pizza", "A large pizza.", text)).value == 1.0


@pytest.mark.parametrize(
    "text", ["No, thank you.", "No, that's all.", "Yes, right.", "How much is it?", "And one cola.", "Nein danke."]
)
async def test_an_ordinary_reply_is_no_correction(text: str) -> None:
    assert (await score("corrections", "a pizza", "A large pizza.", text)).value == 0.0


@pytest.mark.parametrize(
    ("goals", "value"),
    [
        ((YES, YES), 1.0),
        ((YES, NO), 0.0),
        ((YES, NOT_ASKED), 0.0),
        ((YES, UNKNOWN), None),
        ((), None),
    ],
)
async def test_completion_is_everything_or_nothing_or_unknown(
    goals: tuple[GoalProgress, ...], value: float | None
) -> None:
    assert (await score("completion", "a pizza", "Fine.", goals=goals)).value == value
    assert (await score("completion", "a pizza", "Fine.", goals=goals, ended_by="timeout")).value is None


async def test_an_escalation_is_a_handing_over_by_the_assistant() -> None:
    assert (await score("escalation", "help", "I will transfer you to one of our agents.")).value == 1.0
    assert (await score("escalation", "I want to talk to a human", "Which size?")).value == 0.0
    assert (await score("escalation", "help")).value is None


def test_customers_are_lost_at_a_goal_and_at_a_turn() -> None:
    goals = (Goal(text="a small pizza", template="a {{size}} pizza"), Goal(text="the price", template="the price"))

    def talk(number: int, exchanges: int, *progress: GoalProgress) -> Conversation:
        turns = (Turn(speaker="user", text="x"), Turn(speaker="assistant", text="y")) * exchanges
        played = conversation(number)
        return replace(
            played,
            scenario=replace(played.scenario, goals=goals),
            transcript=Transcript(turns=turns, ended_by="goal_reached"),
            assessment=Assessment(goals=progress),
        )

    found = drop_off(
        [
            talk(1, 2, YES, YES),
            talk(2, 1, YES, NOT_ASKED),
            talk(3, 3, YES, NO),
            talk(4, 3, YES, UNKNOWN),
        ]
    )

    assert found is not None
    figures = [(g.goal, g.conversations, g.asked, g.answered, g.unanswered, g.unknown) for g in found.goals]
    assert figures == [("a [size] pizza", 4, 4, 4, 0, 0), ("the price", 4, 3, 1, 1, 1)]
    turns = [(t.turn, t.reached, t.completed, t.left, t.unknown) for t in found.turns]
    assert turns == [(1, 4, 0, 1, 0), (2, 3, 1, 0, 0), (3, 2, 0, 1, 1)]
    assert drop_off([]) is None
