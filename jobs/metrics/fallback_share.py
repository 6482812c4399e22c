"""How often the assistant said that it did not understand."""

from jobs.metrics._metric import Metric, ScoringContext, count, share
from jobs.metrics._reading import fallbacks_in
from jobs.model import Score


async def score(context: ScoringContext) -> Score:
    """Share of the assistant's turns that are fallbacks (``fallbacks_in``); unscored without an answer."""
    heard = fallbacks_in(context.transcript.turns, context.scenario.fallback)
    if not heard:
        return Score.unscored("the assistant never answered")
    lost = sum(heard)
    return share(lost, len(heard), f"{lost} of {count(len(heard), 'answer')} did not understand")


METRIC = Metric(
    name="fallback_share",
    better="lower",
    unit="share",
    description="Share of answers in which the assistant said that it did not understand.",
    score=score,
)
