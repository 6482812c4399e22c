"""How long the assistant took to answer."""

from jobs.metrics._metric import Metric, ScoringContext, count
from jobs.model import Score


async def score(context: ScoringContext) -> Score:
    """Mean response time of the assistant's turns, in milliseconds.

    An answer that never came has no time: it is an assistant error, not a long answer.
    """
    times = [turn.latency_ms for turn in context.assistant_turns if turn.latency_ms is not None]
    if not times:
        return Score.unscored("no answer was timed")
    mean = sum(times) / len(times)
    return Score(value=mean, reason=f"mean of {count(len(times), 'answer')}, slowest {max(times):.0f} ms")


METRIC = Metric(
    name="latency",
    better="lower",
    unit="ms",
    description="Mean time the assistant took to answer.",
    score=score,
)
