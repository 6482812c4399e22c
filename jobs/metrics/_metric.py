"""What a metric is: a named measure of one finished conversation."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from jobs.metrics._rubric import Grader, Rubric
from jobs.model import Assessment, EndedBy, Scenario, Score, Transcript, Turn

Unit = Literal["share", "turns", "ms"]

BROKEN_OFF: frozenset[EndedBy] = frozenset(
    {"assistant_error", "simulator_error", "harness_error", "timeout", "budget", "cancelled", "skipped"}
)
"""Endings of conversations that were not played to their end; judging them would cost money for nothing."""


@dataclass(frozen=True, kw_only=True)
class ScoringContext:
    """Everything a metric may look at; without a ``judge`` only what rules can see."""

    transcript: Transcript
    scenario: Scenario
    assessment: Assessment
    judge: Grader | None = None

    @property
    def user_turns(self) -> tuple[Turn, ...]:
        return tuple(turn for turn in self.transcript.turns if turn.speaker == "user")

    @property
    def assistant_turns(self) -> tuple[Turn, ...]:
        return tuple(turn for turn in self.transcript.turns if turn.speaker == "assistant")

    @property
    def turns_until_goals(self) -> tuple[Turn, ...]:
        """The turns up to the evidence of the goal that was answered last; all turns where a goal has no evidence."""
        evidence = [goal.turn for goal in self.assessment.goals]
        known = [turn for turn in evidence if turn is not None]
        return (
            self.transcript.turns[: max(known) + 1] if known and len(known) == len(evidence) else self.transcript.turns
        )


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One measure of a conversation.

    Args:
        better: which way is good.
        unit: ``share`` is 0..1; the others are 0 or more.
        description: one sentence for a product manager.
        score: the value with its reason; unscored, with the reason, where the measure is not defined.
    """

    name: str
    better: Literal["higher", "lower"]
    unit: Unit
    description: str
    score: Callable[[ScoringContext], Awaitable[Score]]

    @property
    def upper(self) -> float | None:
        """The largest possible value; None when there is none. The smallest is 0 for every unit."""
        return 1.0 if self.unit == "share" else None


async def judged(context: ScoringContext, rubric: Rubric) -> Score:
    """What the judge says by that rubric."""
    if context.judge is None:
        return Score.unscored("there is no judge: CONVOTEST_JUDGE_MODEL names none that can be used")
    if context.transcript.ended_by in BROKEN_OFF:
        return Score.unscored("the conversation broke off")
    if not any(turn.text.strip() for turn in context.assistant_turns):
        return Score.unscored("the assistant never answered")
    return await context.judge.grade(rubric, context.transcript, context.scenario)


def metric_of(rubric: Rubric) -> Metric:
    """A question of a profile's own as a metric."""
    return Metric(
        name=rubric.name,
        better="higher",
        unit="share",
        description=rubric.question,
        score=lambda context: judged(context, rubric),
    )


def share(part: int, whole: int, reason: str) -> Score:
    """``part / whole`` as a score; ``whole`` is at least 1."""
    return Score(value=part / whole, reason=reason)


def count(number: int, noun: str) -> str:
    """E.g. ``1 turn``, ``3 turns``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
