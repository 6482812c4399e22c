"""How often the assistant's tools worked."""

from jobs.metrics._metric import Metric, ScoringContext, count, share
from jobs.model import Score


async def score(context: ScoringContext) -> Score:
    """Share of tool calls that worked, among those of which the assistant said whether they did."""
    calls = [call for turn in context.assistant_turns for call in turn.tool_calls]
    known = [call for call in calls if call.ok is not None]
    if not known:
        return Score.unscored("the assistant did not say whether its tools worked" if calls else "no tool was used")
    worked = sum(call.ok is True for call in known)
    failed = sorted({call.name for call in known if not call.ok})
    note = f"; failed: {', '.join(failed[:5])}" if failed else ""
    return share(worked, len(known), f"{worked} of {count(len(known), 'tool call')} worked{note}")


METRIC = Metric(
    name="tool_success",
    better="higher",
    unit="share",
    description="Share of the assistant's tool calls that worked.",
    score=score,
)
