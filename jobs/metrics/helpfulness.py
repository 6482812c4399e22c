"""Whether the assistant brought the customer closer to what they came for."""

from jobs.metrics._metric import Metric, ScoringContext, judged
from jobs.metrics._rubric import Rubric
from jobs.model import Score

RUBRIC = Rubric(
    name="helpfulness",
    question=(
        "Did the assistant bring the customer closer to what they came for? Judge what the customer could do or know "
        "at the end, and how much of the work the assistant took off them."
    ),
    grades=(
        "the customer is no closer, or worse off",
        "the customer got a little of what they came for, with much effort of their own",
        "the customer got part of it, or all of it with needless effort",
        "the customer got what they came for with little needless effort",
        "the customer got everything they came for, with clear next steps and no needless effort",
    ),
)


async def score(context: ScoringContext) -> Score:
    return await judged(context, RUBRIC)


METRIC = Metric(
    name="helpfulness",
    better="higher",
    unit="share",
    description="Whether the assistant brought the customer closer to what they came for, as a judge sees it.",
    score=score,
)
