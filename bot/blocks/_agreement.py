"""What a judge says of a run, and how far it agrees with the people who rated the same conversations."""

from collections.abc import Iterator

from bot.blocks._parts import Json, context, one_line, percent, plain
from jobs.report import RunSummary

MOST_JUDGED = 8


def judged_lines(summary: RunSummary) -> Iterator[Json]:
    """A line for each metric of a judge that is scored; small and grey, as every context is."""
    if summary.trust is None:
        return
    means = [(name, metric.mean) for name, metric in summary.metrics.items() if name in summary.judged]
    lines = [
        f"Judge: {_name(name)} {percent(mean.value)} (n = {mean.n}), {summary.trust.words(name)}"
        for name, mean in means
        if mean is not None
    ]
    if lines:
        yield context(*(plain(each, 300) for each in lines[:MOST_JUDGED]))


def _name(metric: str) -> str:
    return one_line(metric.replace("_", " "), 60)
