"""How many times the customer spoke."""

from jobs.metrics._metric import Metric, ScoringContext, count
from jobs.model import Score


async def score(context: ScoringContext) -> Score:
    """The number of user turns; unscored when the conversation never began."""
    if not context.transcript.turns:
        return Score.unscored("nothing was said")
    spoken = len(context.user_turns)
    return Score(value=spoken, reason=count(spoken, "user turn"))


METRIC = Metric(
    name="user_turns",
    better="lower",
    unit="turns",
    description="How many times the customer spoke.",
    score=score,
)
