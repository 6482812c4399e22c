"""How often the assistant said that it did not understand."""

from jobs.metrics._metric import Metric, ScoringContext, count, share
from jobs.metrics._reading import is_fallback
from jobs.model import Score


async def score(context: ScoringContext) -> Score:
    """Share of the assistant's turns that are fallbacks (``is_fallback``); unscored without an answer."""
    replies = context.assistant_turns
    if not replies:
        return Score.unscored("the assistant never answered")
    fallbacks = sum(is_fallback(turn, context.scenario.fallback) for turn in replies)
    return share(fallbacks, len(replies), f"{fallbacks} of {count(len(replies), 'answer')} did not understand")


METRIC = Metric(
    name="fallback_share",
    better="lower",
    unit="share",
    description="Share of answers in which the assistant said that it did not understand.",
    score=score,
)
