"""How often the assistant said again what it had already said."""

from jobs.metrics._metric import Metric, ScoringContext, count, share
from jobs.metrics._reading import repeated
from jobs.model import Score


async def score(context: ScoringContext) -> Score:
    """Share of the assistant's turns, after its first, that are almost verbatim an earlier one."""
    replies = context.assistant_turns
    if len(replies) < 2:
        return Score.unscored("fewer than two answers, so nothing could be repeated")
    again, chances = sum(repeated(replies)), len(replies) - 1
    return share(again, chances, f"{again} of {count(chances, 'later answer')} repeated an earlier one")


METRIC = Metric(
    name="repeats",
    better="lower",
    unit="share",
    description="Share of answers that repeat an earlier answer almost word for word.",
    score=score,
)
