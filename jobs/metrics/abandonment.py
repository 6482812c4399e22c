"""Whether the customer left without what they came for."""

from jobs.metrics._metric import BROKEN_OFF, Metric, ScoringContext, count
from jobs.model import Score


async def score(context: ScoringContext) -> Score:
    """1 when the customer gave up with something asked and not answered, 0 when they left with everything.

    Undefined where that is not known, where the number of turns was fixed beforehand, and for what broke off.
    """
    ended_by, goals = context.transcript.ended_by, context.assessment.goals
    if ended_by in BROKEN_OFF or ended_by == "steps":
        return Score.unscored("the customer did not decide when to leave")
    if not goals or not context.user_turns:
        return Score.unscored("there are no goals" if not goals else "the customer never spoke")
    unanswered = sum(goal.asked and goal.answered is False for goal in goals)
    if unanswered:
        return Score(value=1.0, reason=f"left with {count(unanswered, 'goal')} unanswered")
    if any(goal.answered is not True for goal in goals):
        return Score.unscored("a goal was not asked or could not be checked")
    return Score(value=0.0, reason="left with everything answered")


METRIC = Metric(
    name="abandonment",
    better="lower",
    unit="share",
    description="Share of conversations in which the customer gave up before everything was answered.",
    score=score,
)
