"""Tonight against the baseline: a suite is played, compared in pairs, and what got worse is confirmed and told."""

from jobs.regression.regression import (
    OVER,
    SEVERITIES,
    Baseline,
    CategoryCount,
    ComparedFigure,
    PlayedAgain,
    Regressed,
    Regression,
    RegressionId,
    RegressionRequest,
    RegressionState,
    RegressionSummary,
    RegressionVerdict,
    Severity,
    Worse,
)

__all__ = [
    "OVER",
    "SEVERITIES",
    "Baseline",
    "CategoryCount",
    "ComparedFigure",
    "PlayedAgain",
    "Regressed",
    "Regression",
    "RegressionId",
    "RegressionRequest",
    "RegressionState",
    "RegressionSummary",
    "RegressionVerdict",
    "Severity",
    "Worse",
]
