"""Comparisons as one JSON document; what is not known is null."""

from collections.abc import Sequence
from typing import Any

from jobs.experiments.analysis import Arm, Comparison, MetricResult
from jobs.experiments.wording import advice_notes, recommendation


def to_json(compared: Sequence[Comparison]) -> dict[str, Any]:
    """The first comparison; those of further variants with the first one stand under ``others``."""
    first, *others = compared
    return {**_comparison(first), "others": [_comparison(each) for each in others]}


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "design": comparison.design,
        "pairs": comparison.pairs,
        "scenarios": comparison.scenarios,
        "a": _arm(comparison.a),
        "b": _arm(comparison.b),
        "is_aa": comparison.is_aa,
        "primary": comparison.primary,
        "verdict": comparison.verdict,
        "metrics": {name: _metric(each) for name, each in comparison.metrics.items()},
        "recommendation": recommendation(comparison),
        "notes": list(advice_notes(comparison)),
    }


def _arm(arm: Arm) -> dict[str, Any]:
    return {"variant": arm.variant, "n": arm.n}


def _metric(result: MetricResult) -> dict[str, Any]:
    return {
        "test": result.test,
        "method": result.method,
        "a": result.a,
        "b": result.b,
        "difference": result.difference,
        "low": result.low,
        "high": result.high,
        "p": result.p,
        "p_adjusted": result.p_adjusted,
        "verdict": result.verdict,
        "needs_n": result.needs_n,
        "better": result.measure.better,
        "n": result.units,
        "pairs": result.pairs,
        "missing": result.missing,
    }
