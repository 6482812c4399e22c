"""How many times the customer had to speak before the last goal was reached."""

from jobs.metrics._metric import Metric, ScoringContext, count
from jobs.model import Score


async def score(context: ScoringContext) -> Score:
    """User turns up to the evidence of the goal that was answered last; unscored unless every goal was answered.

    Where a goal has no evidence turn, the whole conversation counts.
    """
    goals = context.assessment.goals
    if not goals:
        return Score.unscored("there are no goals")
    if any(goal.answered is None for goal in goals):
        return Score.unscored("a goal could not be checked")
    if not all(goal.answered for goal in goals):
        return Score.unscored("not every goal was reached")
    spoken = sum(turn.speaker == "user" for turn in context.turns_until_goals)
    return Score(value=spoken, reason=f"{count(spoken, 'user turn')} until every goal was reached")


METRIC = Metric(
    name="turns_to_goal",
    better="lower",
    unit="turns",
    description="How many times the customer had to speak until every goal was reached.",
    score=score,
)
