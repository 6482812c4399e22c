"""Whether people are more satisfied than in the period before: a difference with its interval, or not enough data."""

from dataclasses import dataclass, replace
from typing import Any, Literal

from jobs.feedback.csat import ENOUGH, Figures
from jobs.feedback.scope import Scope
from jobs.stats import Difference, Proportion, rate_difference

Change = Literal["higher", "lower", "no_difference_shown", "not_enough_data"]


@dataclass(frozen=True, kw_only=True)
class Trend:
    """CSAT against the period of the same length before.

    Args:
        change: ``higher`` or ``lower`` only if the interval of the difference does not contain 0.
    """

    before: Proportion | None
    now: Proportion | None
    difference: Difference | None
    change: Change

    @property
    def sentence(self) -> str:
        if self.before is None:
            return "nothing was rated in the period before"
        was = f"the period before had {self.before.value:.0%} of {self.before.n}"
        if self.difference is None or self.change == "not_enough_data":
            return f"{was}; not enough ratings to compare (each period needs {ENOUGH})"
        value, low, high = (
            f"{100 * share:+.0f}" for share in (self.difference.value, self.difference.low, self.difference.high)
        )
        points = f"{value} points, 95 % interval {low} to {high}"
        if self.change == "no_difference_shown":
            return f"{was}; no difference shown ({points})"
        return f"{was}; {self.change} now ({points})"

    @property
    def as_json(self) -> dict[str, Any]:
        difference = self.difference
        return {
            "change": self.change,
            "before": None if self.before is None else {"value": self.before.value, "n": self.before.n},
            "difference": difference and {"value": difference.value, "low": difference.low, "high": difference.high},
        }


def previous_scope(scope: Scope) -> Scope | None:
    """The same length of time before; None when the scope has no beginning or no end."""
    if scope.since is None or scope.until is None:
        return None
    return replace(scope, since=scope.since - (scope.until - scope.since), until=scope.since)


def trend_between(before: Figures, now: Figures) -> Trend:
    a, b = before.csat, now.csat
    difference = rate_difference(a, b) if a and b else None
    change: Change = "not_enough_data"
    if difference and before.enough and now.enough:
        change = "higher" if difference.low > 0 else "lower" if difference.high < 0 else "no_difference_shown"
    return Trend(before=a, now=b, difference=difference, change=change)
