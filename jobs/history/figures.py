"""The figures of a finished run that its history keeps, whole and by category and persona, and what is counted."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from statistics import fmean

from jobs.feedback.signals import RATES, read_signals
from jobs.history.point import Figure, Tally
from jobs.metrics import METRICS
from jobs.model import Conversation
from jobs.report import RunReport
from jobs.report.summary import ERRORS, JUDGED, answer_times
from jobs.stats import Proportion, mean_interval, percentile, wilson_interval
from jobs.suites.values import CATEGORIES

QUALITY = ("accuracy", "relevance", "helpfulness", "coherence", "completeness", "efficiency", "safety")
"""The metrics whose mean is a conversation's quality; those that nobody scored are left out of it."""
BEHAVIOUR = ("completed", "abandoned", "escalated")
"""What customers do, as shares of the conversations that were played; read from the transcripts."""
EXECUTIONS = "test_executions"
DURATION_BUCKETS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600)


def figures_of(report: RunReport) -> tuple[Figure, ...]:
    """Every figure of the run; what is not defined is kept as such."""
    return (*_of_run(report), *_of_parts(report.conversations))


def tallies_of(report: RunReport) -> tuple[Tally, ...]:
    """What is added up over all runs: conversations by category and outcome, their durations by persona."""
    return tuple(_tallies(report.conversations))


def quality_of(conversation: Conversation) -> float | None:
    """The mean of the quality metrics that the conversation was scored by; None if it was scored by none."""
    if conversation.verdict.outcome not in JUDGED:
        return None
    scores = [conversation.scores[name].value for name in QUALITY if name in conversation.scores]
    values = [value for value in scores if value is not None]
    return fmean(values) if values else None


def parts_of(conversation: Conversation) -> Iterator[str]:
    """The parts of a run that the conversation belongs to, e.g. ``category:security``."""
    for tag in conversation.scenario.tags:
        if tag in CATEGORIES:
            yield f"category:{tag}"
    if conversation.scenario.persona:
        yield f"persona:{conversation.scenario.persona}"


def _of_run(report: RunReport) -> Iterator[Figure]:
    summary, conversations = report.summary, report.conversations
    played = [each for each in conversations if each.verdict.outcome in JUDGED]
    yield _share("success", summary.success)
    yield _mean("quality", conversations, quality_of, upper=1.0)
    for name, metric in summary.metrics.items():
        if metric.mean is not None:
            mean = metric.mean
            yield Figure(
                metric=name, value=mean.value, low=mean.low, high=mean.high, n=mean.n, unscored=metric.unscored
            )
        elif metric.unscored:
            yield Figure(metric=name, value=None, unscored=metric.unscored)
    times = summary.latency
    yield Figure(metric="latency_p50_ms", value=times.p50 if times else None, n=times.n if times else 0)
    yield Figure(metric="latency_p95_ms", value=times.p95 if times else None, n=times.n if times else 0)
    tried = [each for each in conversations if each.verdict.outcome in JUDGED | ERRORS]
    errors = sum(each.verdict.outcome in ERRORS for each in tried)
    yield _share("error_rate", wilson_interval(errors, len(tried)))
    total = summary.costs.total
    yield Figure(metric="cost_usd", value=total, n=len(tried))
    yield Figure(
        metric="cost_per_conversation_usd",
        value=total / len(tried) if total is not None and tried else None,
        n=len(tried),
    )
    signals = [read_signals(each.transcript) for each in played if each.scenario.case is None]
    for name in BEHAVIOUR:
        shown = sum(RATES[name](each) for each in signals)
        yield _share(name, wilson_interval(shown, len(signals)))


def _of_parts(conversations: Sequence[Conversation]) -> Iterator[Figure]:
    groups: dict[str, list[Conversation]] = {}
    for each in conversations:
        for part in parts_of(each):
            groups.setdefault(part, []).append(each)
    for part, members in sorted(groups.items()):
        passed = sum(each.verdict.outcome == "passed" for each in members)
        failed = sum(each.verdict.outcome == "failed" for each in members)
        yield _share("success", wilson_interval(passed, passed + failed), part=part)
        yield _mean("quality", members, quality_of, upper=1.0, part=part)
        times = [time for each in members for time in answer_times(each)]
        yield Figure(metric="latency_p95_ms", value=percentile(times, 0.95), n=len(times), part=part)


def _share(metric: str, share: Proportion | None, *, part: str = "") -> Figure:
    if share is None:
        return Figure(metric=metric, value=None, part=part)
    return Figure(metric=metric, value=share.value, low=share.low, high=share.high, n=share.n, part=part)


def _mean(
    metric: str,
    conversations: Iterable[Conversation],
    measure: Callable[[Conversation], float | None],
    *,
    upper: float | None,
    part: str = "",
) -> Figure:
    measured = [measure(each) for each in conversations if each.verdict.outcome in JUDGED]
    values = [value for value in measured if value is not None]
    mean = mean_interval(values, lower=0.0, upper=upper)
    unscored = len(measured) - len(values)
    if mean is None:
        return Figure(metric=metric, value=None, unscored=unscored, part=part)
    return Figure(metric=metric, value=mean.value, low=mean.low, high=mean.high, n=mean.n, unscored=unscored, part=part)


def _tallies(conversations: Sequence[Conversation]) -> Iterator[Tally]:
    for each in conversations:
        kind = next((tag for tag in each.scenario.tags if tag in CATEGORIES), "simulation")
        yield Tally(name=EXECUTIONS, first=kind, second=each.verdict.outcome, value=1)
        times = answer_times(each)
        if not times:
            continue
        seconds, persona = sum(times) / 1000, each.scenario.persona or "none"
        for bound in DURATION_BUCKETS_S:
            if seconds <= bound:
                yield Tally(name="conversation_duration_bucket", first=persona, second=str(bound), value=1)
        yield Tally(name="conversation_duration_sum", first=persona, second="", value=seconds)
        yield Tally(name="conversation_duration_count", first=persona, second="", value=1)


# --- what a figure is ------------------------------------------------------------------------------------------------

LOWER_IS_BETTER = frozenset(
    {
        "latency_p50_ms",
        "latency_p95_ms",
        "error_rate",
        "cost_usd",
        "cost_per_conversation_usd",
        "abandoned",
        "escalated",
    }
)
SHARES = frozenset({"success", "quality", "error_rate", "csat", *BEHAVIOUR})
OF_RUNS = ("success", "quality", *sorted(LOWER_IS_BETTER - {"abandoned", "escalated"}), *BEHAVIOUR)
OF_FEEDBACK = ("csat", "nps", "satisfaction")
"""Figures of what people say: shares of 4 and 5 stars, net promoters, mean stars."""


def is_lower_better(metric: str) -> bool:
    known = METRICS.get(metric)
    return known.better == "lower" if known else metric in LOWER_IS_BETTER


def bounds(metric: str) -> tuple[float, float | None]:
    """The smallest and the largest value that the figure can have; None = there is no largest."""
    if metric == "nps":
        return -100.0, 100.0
    if metric == "satisfaction":
        return 1.0, 5.0
    known = METRICS.get(metric)
    return 0.0, (known.upper if known else 1.0 if metric in SHARES else None)


def known_metrics() -> Mapping[str, str]:
    """Every figure that has a history, with what it is called."""
    names = dict.fromkeys((*OF_RUNS, *METRICS, *OF_FEEDBACK))
    return {name: in_words(name) for name in names}


def in_words(metric: str) -> str:
    """E.g. ``latency p95``."""
    known = {
        "latency_p50_ms": "answer time p50",
        "latency_p95_ms": "answer time p95",
        "cost_usd": "cost of a run",
        "cost_per_conversation_usd": "cost of a conversation",
        "csat": "CSAT",
        "nps": "NPS (5-point)",
        "satisfaction": "satisfaction (stars)",
    }
    return known.get(metric, metric.replace("_", " "))


def shown(metric: str, value: float | None) -> str:
    """The value as people read it."""
    from jobs.report.words import UNKNOWN, dollars, duration, percent

    if value is None:
        return UNKNOWN
    if metric.endswith("_ms") or (metric in METRICS and METRICS[metric].unit == "ms"):
        return duration(value)
    if metric.startswith("cost_"):
        return dollars(value)
    if metric == "nps":
        return f"{value:+.0f}"
    if metric in SHARES or (metric in METRICS and METRICS[metric].unit == "share"):
        return percent(value)
    return f"{value:.2f}".rstrip("0").rstrip(".")
