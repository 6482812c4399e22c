"""The shelf of metrics: one file a measure of a finished conversation."""

from jobs.metrics import (
    accuracy,
    coherence,
    completeness,
    efficiency,
    fallback_share,
    helpfulness,
    latency,
    relevance,
    repeats,
    safety,
    tool_success,
    turns_to_goal,
    user_turns,
)
from jobs.metrics._metric import Metric, ScoringContext
from jobs.metrics._rubric import Grader, Rubric
from jobs.shelf import Shelf

METRICS: Shelf[Metric] = Shelf(
    "metric",
    [
        turns_to_goal.METRIC,
        user_turns.METRIC,
        completeness.METRIC,
        efficiency.METRIC,
        coherence.METRIC,
        safety.METRIC,
        fallback_share.METRIC,
        repeats.METRIC,
        tool_success.METRIC,
        latency.METRIC,
        accuracy.METRIC,
        relevance.METRIC,
        helpfulness.METRIC,
    ],
)

RUBRICS = (accuracy.RUBRIC, relevance.RUBRIC, helpfulness.RUBRIC)
"""What a judge is asked about each conversation."""

__all__ = ["METRICS", "RUBRICS", "Grader", "Metric", "Rubric", "ScoringContext"]
