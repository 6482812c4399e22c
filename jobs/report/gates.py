"""Whether a run keeps the limits of its suite."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from jobs.metrics import METRICS
from jobs.model import Conversation, Gate
from jobs.report.summary import JUDGED, GateVerdict, MetricSummary, RunSummary
from jobs.scoring import mean_quality
from jobs.stats import MeanInterval, Proportion, mean_interval, wilson_interval

QUALITY = "quality"
WITHOUT_INTERVAL = frozenset({"latency_p50_ms", "latency_p95_ms", "cost_usd"})
MEASURES: Mapping[str, Literal["higher", "lower"]] = {
    "success": "higher",
    QUALITY: "higher",
    "errors": "lower",
    "latency_p50_ms": "lower",
    "latency_p95_ms": "lower",
    "cost_usd": "lower",
    **{metric.name: metric.better for metric in METRICS.values()},
}
"""What a gate can be set for, and which way is good."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """``low`` and ``high`` are the ends of the 95 % interval, None where there is none."""

    value: float
    low: float | None = None
    high: float | None = None
    n: int


def gate_verdicts(
    gates: Sequence[Gate], summary: RunSummary, conversations: Sequence[Conversation]
) -> tuple[GateVerdict, ...]:
    """Each gate in the order of the suite."""
    return tuple(
        _verdict(gate, _figure(gate.measure, summary, conversations), _objection(gate.measure, summary))
        for gate in gates
    )


def _objection(measure: str, summary: RunSummary) -> str | None:
    """Why a measure decides nothing: it is a judge's, who does not agree enough with people."""
    return summary.trust.objection(measure) if summary.trust and measure in summary.judged else None


def _verdict(gate: Gate, figure: Figure | None, objection: str | None) -> GateVerdict:
    low, high = (figure.low, figure.high) if figure else (None, None)
    ok = _keeps(gate, figure) if figure and objection is None else None
    return GateVerdict(
        name=gate.measure,
        ok=ok,
        value=figure.value if figure else None,
        low=low,
        high=high,
        n=figure.n if figure else 0,
        at_least=gate.at_least,
        at_most=gate.at_most,
        by=gate.by,
        reason=_reason(gate, figure, ok) if objection is None else f"{_named(gate)} decides nothing: {objection}",
        applies=objection is None,
    )


def _keeps(gate: Gate, figure: Figure) -> bool | None:
    """None when the interval decides and there is none, as with one value."""
    low, high = (figure.value, figure.value) if gate.by == "point" else (figure.low, figure.high)
    if low is None or high is None:
        return None
    return (gate.at_least is None or low >= gate.at_least) and (gate.at_most is None or high <= gate.at_most)


def _named(gate: Gate) -> str:
    return gate.measure.replace("_", " ")


def _reason(gate: Gate, figure: Figure | None, ok: bool | None) -> str:
    """One sentence, e.g. ``success is 0.85 (interval 0.64 to 0.95, n = 20); at least 0.9 is wanted``."""
    what = _named(gate)
    limits = [f"at least {gate.at_least:g}"] if gate.at_least is not None else []
    limits += [f"at most {gate.at_most:g}"] if gate.at_most is not None else []
    wanted = f"{' and '.join(limits)} is wanted" + (" of the interval's end" if gate.by == "interval" else "")
    if figure is None:
        return f"{what} is not known; {wanted}"
    interval = f"interval {figure.low:.3g} to {figure.high:.3g}, " if figure.low is not None and figure.high else ""
    note = "; there is no interval" if ok is None else ""
    return f"{what} is {figure.value:.4g} ({interval}n = {figure.n}); {wanted}{note}"


# --- figures ----------------------------------------------------------------------------------------------------------


def _figure(measure: str, summary: RunSummary, conversations: Sequence[Conversation]) -> Figure | None:
    latency = summary.latency
    match measure:
        case "success":
            return _from_interval(summary.success)
        case "errors":
            totals = summary.totals
            begun = totals.conversations - totals.skipped - totals.cancelled
            return _from_interval(wilson_interval(totals.errors, begun))
        case "quality":
            return _from_interval(_quality(summary, conversations))
        case "latency_p50_ms":
            return Figure(value=latency.p50, n=latency.n) if latency else None
        case "latency_p95_ms":
            return Figure(value=latency.p95, n=latency.n) if latency else None
        case "cost_usd":
            cost = summary.costs.total
            return None if cost is None else Figure(value=cost, n=summary.totals.conversations)
        case _:
            return _from_interval(summary.metrics.get(measure, MetricSummary(mean=None, unscored=0)).mean)


def _from_interval(interval: Proportion | MeanInterval | None) -> Figure | None:
    if interval is None:
        return None
    return Figure(value=interval.value, low=interval.low, high=interval.high, n=interval.n)


def _quality(summary: RunSummary, conversations: Sequence[Conversation]) -> MeanInterval | None:
    """The mean quality without the metrics of a judge that decides nothing."""
    left_out = {name for name in summary.judged if _objection(name, summary)}
    scores = (each.scores for each in conversations if each.verdict.outcome in JUDGED)
    trusted = ({name: score for name, score in each.items() if name not in left_out} for each in scores)
    played = (mean_quality(each).value for each in trusted)
    return mean_interval([value for value in played if value is not None], lower=0.0, upper=1.0)
