"""Whether the assistant's answers are about what the customer said."""

from jobs.metrics._metric import Metric, ScoringContext, judged
from jobs.metrics._rubric import Rubric
from jobs.model import Score

RUBRIC = Rubric(
    name="relevance",
    question=(
        "Are the assistant's answers about what the customer had just said or asked? Judge whether they stay with the "
        "customer's topic, not whether they are right or friendly."
    ),
    grades=(
        "hardly any answer is about what the customer said",
        "several answers miss what the customer said",
        "most answers are about it; one important thing the customer said is passed over",
        "all answers are about it, some with needless additions",
        "every answer is about exactly what the customer said",
    ),
)


async def score(context: ScoringContext) -> Score:
    return await judged(context, RUBRIC)


METRIC = Metric(
    name="relevance",
    better="higher",
    unit="share",
    description="Whether answers are about what the customer had just said, as a judge sees it.",
    score=score,
)
