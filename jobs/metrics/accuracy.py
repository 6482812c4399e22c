"""Whether what the assistant states is right, as far as the conversation shows."""

from jobs.metrics._metric import Metric, ScoringContext, judged
from jobs.metrics._rubric import Rubric
from jobs.model import Score

RUBRIC = Rubric(
    name="accuracy",
    question=(
        "Are the assistant's statements right? Compare them with what the customer said, with the facts given about "
        "the customer, with the results of its tools, and with each other. Do not use knowledge of your own about the "
        "assistant's business."
    ),
    grades=(
        "its main statements are wrong or contradict each other",
        "an important statement is wrong or contradicts another",
        "a minor statement is wrong, or an important one stays vague",
        "everything important is right; a detail is imprecise",
        "everything it states fits, and nothing is made up",
    ),
)


async def score(context: ScoringContext) -> Score:
    return await judged(context, RUBRIC)


METRIC = Metric(
    name="accuracy",
    better="higher",
    unit="share",
    description="Whether what the assistant states is right and free of contradictions, as a judge sees it.",
    score=score,
)
