"""What is found in a series of nights."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Shift:
    """The level was another one from night ``place`` (an index into the series) on."""

    place: int
    before: float
    after: float


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """The smoothed series has left its limits: on night ``place`` for the first time since its level was known."""

    place: int
    level: float
    smoothed: float
    limit: float


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What the next night is expected to bring, and the interval that holds 95 of 100 such nights.

    Args:
        ahead: values and interval ends, one a night to come.
        slope: a night; None = the level does not show a trend.
        n: nights that it is drawn from, all since the last shift.
    """

    ahead: tuple[tuple[float, float, float], ...]
    slope: float | None
    n: int
