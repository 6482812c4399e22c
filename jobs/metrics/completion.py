"""Whether the customer got everything they came for."""

from jobs.metrics._metric import BROKEN_OFF, Metric, ScoringContext, count
from jobs.model import Score


async def score(context: ScoringContext) -> Score:
    """1 when every goal was answered, 0 when one was asked and not answered or the customer left before it was asked.

    Undefined for what broke off and where it cannot be told.
    """
    goals = context.assessment.goals
    if context.transcript.ended_by in BROKEN_OFF:
        return Score.unscored("the conversation broke off")
    if not goals or not context.user_turns:
        return Score.unscored("there are no goals" if not goals else "the customer never spoke")
    answered = sum(goal.answered is True for goal in goals)
    told = f"{answered} of {count(len(goals), 'goal')} answered"
    if answered == len(goals):
        return Score(value=1.0, reason=told)
    if any(goal.answered is False or not goal.asked for goal in goals):
        return Score(value=0.0, reason=told)
    return Score.unscored("a goal could not be checked")


METRIC = Metric(
    name="completion",
    better="higher",
    unit="share",
    description="Share of conversations in which the customer got everything they came for.",
    score=score,
)
