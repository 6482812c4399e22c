"""A regression and a baseline as JSON documents: unknown is null, no key is ever missing."""

from dataclasses import asdict
from typing import Any

from jobs.regression.regression import Baseline, Regression


def to_json(regression: Regression) -> dict[str, Any]:
    """The document of ``regress``."""
    summary = regression.summary
    document: dict[str, Any] = {
        "regression": regression.id,
        "suite": regression.suite,
        "assistant": {"name": regression.assistant, "variant": regression.variant},
        "run": regression.run_id,
        "played_again_in": regression.confirming_run_id,
        "baseline": {"number": regression.baseline, "run": regression.baseline_run_id},
        "schedule": regression.schedule_id,
        "state": regression.state,
        "note": regression.note,
        "created_at": regression.created_at.isoformat(),
        "finished_at": regression.finished_at.isoformat() if regression.finished_at else None,
        "verdict": regression.verdict,
        "severity": summary.severity if summary else None,
    }
    return document | {"summary": asdict(summary) if summary else None}


def baseline_json(baseline: Baseline) -> dict[str, Any]:
    return {
        "suite": baseline.suite,
        "assistant": baseline.assistant,
        "number": baseline.number,
        "run": baseline.run_id,
        "set_by": baseline.set_by,
        "set_at": baseline.set_at.isoformat(),
        "reason": baseline.reason or None,
    }
