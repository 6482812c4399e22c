"""The shelf of metrics: one file a measure of a finished conversation."""

from jobs.metrics import (
    abandonment,
    accuracy,
    asks_for_human,
    coherence,
    completeness,
    completion,
    corrections,
    efficiency,
    escalation,
    fallback_share,
    good_turns,
    helpfulness,
    latency,
    relevance,
    repeats,
    rephrasing,
    safety,
    style_adherence,
    tool_selection,
    tool_success,
    turns_to_goal,
    user_turns,
    withstands_attacks,
)
from jobs.metrics._metric import Metric, ScoringContext, Unit, metric_of
from jobs.metrics._rubric import Grader, Rubric
from jobs.metrics._styles import by_style
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
        withstands_attacks.METRIC,
        fallback_share.METRIC,
        repeats.METRIC,
        rephrasing.METRIC,
        corrections.METRIC,
        asks_for_human.METRIC,
        escalation.METRIC,
        abandonment.METRIC,
        completion.METRIC,
        good_turns.METRIC,
        tool_selection.METRIC,
        tool_success.METRIC,
        latency.METRIC,
        style_adherence.METRIC,
        accuracy.METRIC,
        relevance.METRIC,
        helpfulness.METRIC,
    ],
)

RUBRICS = (accuracy.RUBRIC, relevance.RUBRIC, helpfulness.RUBRIC)
"""What a judge is asked about each conversation."""

__all__ = ["METRICS", "RUBRICS", "Grader", "Metric", "Rubric", "ScoringContext", "Unit", "by_style", "metric_of"]
