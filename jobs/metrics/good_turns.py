"""How many of a test case's turns were answered as expected."""

from jobs.metrics._metric import Metric, ScoringContext
from jobs.model import Score

CHECK = "good_turns"


async def score(context: ScoringContext) -> Score:
    """Share of turns whose answer met every expectation, among those of which something is expected."""
    check = next((each for each in context.assessment.checks if each.name == CHECK), None)
    if check is None:
        return Score.unscored("nothing is expected of single turns")
    if check.value is None:
        return Score.unscored(check.reason or "a turn could not be judged")
    return Score(value=check.value, reason=f"{check.value:.0%} of the judged turns were as expected")


METRIC = Metric(
    name="good_turns",
    better="higher",
    unit="share",
    description="Share of a test case's turns that were answered as expected.",
    score=score,
)
