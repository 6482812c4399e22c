"""How well the simulated customer kept to the interaction styles of its profile."""

import asyncio
from statistics import fmean

from jobs.metrics._metric import Metric, ScoringContext
from jobs.metrics._styles import by_style
from jobs.model import Score


async def score(context: ScoringContext) -> Score:
    """The mean over the styles that can be measured; the reason has each of them. It judges the simulator."""
    if context.scenario.case:
        return Score.unscored("the customer says what the test case says")
    if not context.scenario.styles:
        return Score.unscored("no interaction style is asked for")
    if any(style.name == "spelling_mistakes" for style in context.scenario.styles):
        found = await asyncio.to_thread(by_style, context.scenario, context.transcript)  # reads a list of words once
    else:
        found = by_style(context.scenario, context.transcript)
    told = "; ".join(f"{name.replace('_', ' ')}: {each.reason}" for name, each in found.items())
    values = [each.value for each in found.values() if each.value is not None]
    return Score(value=fmean(values), reason=told) if values else Score.unscored(told)


METRIC = Metric(
    name="style_adherence",
    better="higher",
    unit="share",
    description="How well the simulated customer kept to the interaction styles of its profile.",
    score=score,
)
