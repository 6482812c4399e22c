"""Whether the assistant passed the customer on to a person."""

from jobs.feedback.signals import hands_over
from jobs.metrics._metric import Metric, ScoringContext, count
from jobs.model import Score


async def score(context: ScoringContext) -> Score:
    """1 when an answer passes the customer on to a person, by its words or its intent, 0 when none does."""
    answers = context.assistant_turns
    if not answers or not context.user_turns:
        return Score.unscored("the assistant never answered")
    passed_on = sum(hands_over(turn) for turn in answers)
    return Score(value=float(passed_on > 0), reason=f"passed on in {passed_on} of {count(len(answers), 'answer')}")


METRIC = Metric(
    name="escalation",
    better="lower",
    unit="share",
    description="Share of conversations in which the assistant passed the customer on to a person.",
    score=score,
)
