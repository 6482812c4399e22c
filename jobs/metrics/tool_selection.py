"""Whether the assistant chose the tools that it should choose."""

from jobs.metrics._metric import Metric, ScoringContext
from jobs.model import Score


async def score(context: ScoringContext) -> Score:
    """Chosen tools that were expected / tools that were chosen or expected (the Jaccard index of the two sets).

    Undefined where no tools are expected or ruled out: only test cases say so.
    """
    case = context.scenario.case
    if case is None or case.tools is None:
        return Score.unscored("nothing says which tools should be used")
    if not context.assistant_turns:
        return Score.unscored("the assistant never answered")
    expected = set(case.tools)
    chosen = {call.name for turn in context.assistant_turns for call in turn.tool_calls}
    if not expected | chosen:
        return Score(value=1.0, reason="no tool should be used, and none was")
    missing, extra = sorted(expected - chosen), sorted(chosen - expected)
    notes = [f"not used: {', '.join(missing[:3])[:100]}"] if missing else []
    notes += [f"used without need: {', '.join(extra[:3])[:100]}"] if extra else []
    right = len(expected & chosen)
    return Score(value=right / len(expected | chosen), reason="; ".join(notes) or "exactly the expected tools")


METRIC = Metric(
    name="tool_selection",
    better="higher",
    unit="share",
    description="How well the tools that the assistant chose are those that the test case expects.",
    score=score,
)
