"""How much of what the customer asked for was answered."""

from jobs.metrics._metric import Metric, ScoringContext, count, share
from jobs.model import GoalProgress, Score


async def score(context: ScoringContext) -> Score:
    """Share of goals answered, among those that were put to the assistant and could be checked."""
    goals = context.assessment.goals
    judged = [goal for goal in goals if _was_put_and_checked(goal)]
    if not judged:
        return Score.unscored("no goal that was asked could be checked" if goals else "there are no goals")
    answered = sum(goal.answered is True for goal in judged)
    left_out = len(goals) - len(judged)
    note = f"; {count(left_out, 'goal')} not asked or not checkable" if left_out else ""
    return share(answered, len(judged), f"{answered} of {count(len(judged), 'goal')} answered{note}")


def _was_put_and_checked(goal: GoalProgress) -> bool:
    return goal.answered is True or (goal.asked and goal.answered is False)


METRIC = Metric(
    name="completeness",
    better="higher",
    unit="share",
    description="Share of the customer's goals that were answered.",
    score=score,
)
