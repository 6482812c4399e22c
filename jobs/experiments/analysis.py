"""What the results of an experiment show: results in, verdicts out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from jobs.experiments.choice import TestName, choose_test
from jobs.experiments.experiment import Verdict
from jobs.experiments.inference import Floats, holm
from jobs.experiments.measures import Measure, measure_named
from jobs.experiments.results import Design, Flags, Results, Sample, design_of, sample_of

__all__ = ["ALPHA", "FEWEST", "Arm", "Comparison", "MetricResult", "Verdict", "analyze"]

ALPHA = 0.05
FEWEST = 10
"""Scenarios (unpaired: in each arm) below which nothing is claimed."""


@dataclass(frozen=True, kw_only=True)
class MetricResult:
    """One metric of a comparison.

    ``difference`` is B - A; the ratio B / A for latency and cost. ``a`` and ``b`` are the arms' means (latency:
    geometric) over the scenarios that were compared; ``units`` says how many those are, in the smaller arm.
    ``direction`` is 1 when B looks better, -1 when it looks worse. ``needs_n`` counts pairs (unpaired: results an
    arm): how many show a difference as large as the one seen, with 80 % power; None when one is shown or none seen.
    """

    measure: Measure
    test: TestName
    method: str
    a: float | None
    b: float | None
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    p_adjusted: float | None
    verdict: Verdict
    needs_n: int | None
    units: int
    pairs: int
    missing: int
    direction: int


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A variant and how many results it has."""

    variant: str | None
    n: int


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two variants, metric by metric; ``primary`` decides, None when nothing was measured."""

    design: Design
    pairs: int
    scenarios: int
    a: Arm
    b: Arm
    metrics: Mapping[str, MetricResult]
    primary: str | None
    is_aa: bool
    notes: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        return self.metrics[self.primary].verdict if self.primary is not None else "not_enough_data"


def analyze(
    results: Results, *, lower_is_better: Sequence[str] = (), primary: str | None = None, looks: int = 1
) -> tuple[Comparison, ...]:
    """Each further variant against the first; at least one comparison, if need be with an arm that has no results.

    The p-values of all metrics in all comparisons are adjusted together, except those of a metric that was declared
    to decide: they are adjusted among themselves, so that what was planned for it holds.

    Args:
        lower_is_better: metrics of which less is better, besides those whose name says so.
        primary: the metric that was declared before there were any results.
        looks: how many verdicts there are with this one. Each further one doubles the p-values, so that all of them
            together err at most twice as often as the first.
    """
    cleaned, notes = _cleaned(results)
    measures = [measure_named(name, lower_is_better=lower_is_better) for name in cleaned.metrics]
    compared = [_compare(cleaned, b, measures, primary) for b in range(1, max(2, len(results.variants)))]
    judged = _judged(compared, primary, factor=2.0 ** (looks - 1))
    return tuple(replace(each, notes=(*results.notes, *notes, *each.notes)) for each in judged)


def _cleaned(results: Results) -> tuple[Results, list[str]]:
    """Values that a metric cannot have count as missing, and are told."""
    possible: Mapping[str, tuple[str, Callable[[Floats], object]]] = {
        "success": ("neither success nor failure", lambda values: (values >= 0) & (values <= 1)),
        "latency_ms": ("not above zero", lambda values: values > 0),
        "cost_usd": ("below zero", lambda values: values >= 0),
    }
    metrics, notes = dict(results.metrics), list[str]()
    for name, (fault, is_possible) in possible.items():
        if name in metrics:
            values = np.where(is_possible(metrics[name]), metrics[name], np.nan)
            lost = int(np.count_nonzero(np.isfinite(metrics[name])) - np.count_nonzero(np.isfinite(values)))
            notes += [f"{lost} values of {name} are {fault} and count as missing"] * (lost > 0)
            metrics[name] = values
    return replace(results, metrics=metrics), notes


def _compare(results: Results, b: int, measures: Sequence[Measure], primary: str | None) -> Comparison:
    design, pairs = design_of(results, 0, b)
    names = (*results.variants, None, None)
    in_arms = [results.variant == arm for arm in (0, b)]
    known = [each.name for each in measures if np.isfinite(results.metrics[each.name]).any()]
    comparison = Comparison(
        design=design,
        pairs=pairs,
        scenarios=len(np.unique(results.scenario[in_arms[0] | in_arms[1]])),
        a=Arm(variant=names[0], n=int(np.count_nonzero(in_arms[0]))),
        b=Arm(variant=names[b], n=int(np.count_nonzero(in_arms[1]))),
        metrics={each.name: _measure(each, results, b, design) for each in measures},
        primary=primary or ("success" if "success" in known else next(iter(known), None)),
        is_aa=results.is_aa,
        notes=(),
    )
    return replace(comparison, notes=tuple(_notes(comparison, results, in_arms[0], in_arms[1])))


def _notes(comparison: Comparison, results: Results, in_a: Flags, in_b: Flags) -> list[str]:
    """What was left out or put together."""
    notes, rows = list[str](), in_a | in_b
    met = np.unique(results.meeting[rows] * 2 + in_b[rows])
    doubled, alone = int(np.count_nonzero(rows)) - len(met), len(met) - 2 * comparison.pairs
    if doubled:
        notes.append(f"{doubled} results repeat a scenario and seed of their variant; they were averaged")
    if comparison.design == "paired" and alone:
        notes.append(f"{alone} results have no partner in the other variant and were left out")
    if comparison.design == "unpaired" and comparison.pairs:
        notes.append(f"only {comparison.pairs} pairs share scenario and seed; the variants were compared as unpaired")
    what = "pairs" if comparison.design == "paired" else "results"
    for name, each in comparison.metrics.items():
        if each.missing and each.units:
            notes.append(f"{each.missing} {what} lack {name} and were left out of it")
    return notes


def _measure(measure: Measure, results: Results, b: int, design: Design) -> MetricResult:
    """A metric with its test, still without a verdict."""
    values = results.metrics[measure.name]
    sample = sample_of(np.log(values) if measure.scale == "latency" else values, results, 0, b, design)
    test = choose_test(measure.scale, sample)
    estimate = test.run(sample) if sample.units >= FEWEST else None
    low, high = estimate.interval if estimate and estimate.interval else (None, None)
    return MetricResult(
        measure=measure,
        test=test.name,
        method=test.method,
        a=_mean(sample.a, measure),
        b=_mean(sample.b, measure),
        difference=_difference(measure, sample),
        low=low,
        high=high,
        p=estimate.p if estimate else None,
        p_adjusted=None,
        verdict="not_enough_data",
        needs_n=_pairs_needed(sample, test.needed(sample) if sample.units else None),
        units=sample.units,
        pairs=sample.pairs,
        missing=sample.missing,
        direction=_direction(sample, measure),
    )


def _mean(values: Floats, measure: Measure) -> float | None:
    if not len(values):
        return None
    mean = float(values.mean())
    return float(np.exp(mean)) if measure.scale == "latency" else mean


def _difference(measure: Measure, sample: Sample) -> float | None:
    if not sample.units:
        return None
    a, b = float(sample.a.mean()), float(sample.b.mean())
    if measure.scale == "latency":
        return float(np.exp(b - a))
    if measure.scale == "cost":
        return b / a if a > 0 else None
    return b - a


def _direction(sample: Sample, measure: Measure) -> int:
    if not sample.units:
        return 0
    sign = int(np.sign(sample.b.mean() - sample.a.mean()))
    return sign if measure.better == "higher" else -sign


def _pairs_needed(sample: Sample, units: int | None) -> int | None:
    """Pairs (unpaired: results an arm) for so many scenarios, with as many repeats in each as there are now."""
    if units is None:
        return FEWEST if sample.units < FEWEST else None
    repeats = sample.pairs / sample.units if sample.pairs else 1
    return max(FEWEST, round(units * repeats), sample.pairs + 1 if sample.pairs else sample.units + 1)


def _judged(compared: Sequence[Comparison], primary: str | None, *, factor: float) -> list[Comparison]:
    """The comparisons with adjusted p-values and the verdicts that follow from them."""
    tested = [(i, name) for i, each in enumerate(compared) for name, m in each.metrics.items() if m.p is not None]
    adjusted: dict[tuple[int, str], float] = {}
    for family in ([key for key in tested if key[1] == primary], [key for key in tested if key[1] != primary]):
        p_values = holm([compared[i].metrics[name].p or 0.0 for i, name in family])
        adjusted |= {key: min(1.0, p * factor) for key, p in zip(family, p_values, strict=True)}
    return [
        replace(each, metrics={name: _with_verdict(m, adjusted.get((i, name))) for name, m in each.metrics.items()})
        for i, each in enumerate(compared)
    ]


def _with_verdict(result: MetricResult, p_adjusted: float | None) -> MetricResult:
    if p_adjusted is None:
        return result
    if p_adjusted >= ALPHA or result.direction == 0:
        return replace(result, p_adjusted=p_adjusted, verdict="no_difference_shown")
    verdict: Verdict = "b_better" if result.direction > 0 else "b_worse"
    return replace(result, p_adjusted=p_adjusted, verdict=verdict, needs_n=None)
