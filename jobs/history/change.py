"""Whether a series has shifted, since when, and where it is heading; only for the helper process.

Two questions, two tools: change points say since when, an EWMA chart says soon. Both take their measure of noise from
the differences of neighbouring nights, which one shift hardly touches.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, median
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from jobs.history.found import Alarm, Forecast, Shift

Floats = NDArray[np.float64]

FEWEST_NIGHTS = 8
"""Two stretches of ``SHORTEST`` nights: below it there is nothing to be found."""
SHORTEST = 4
"""Nights on each side of a shift; a single bad night is none."""
PENALTY = 3.0
"""Times ln n."""
EWMA_WEIGHT = 0.2
EWMA_LIMIT = 3.4
REFERENCE = 20
"""Nights that an EWMA chart is measured against; fewer make its limits themselves uncertain."""
FEWEST_REFERENCE = 10
FEWEST_FOR_TREND = 10
FEWEST_FOR_FORECAST = 5


def noise(values: Sequence[float]) -> float:
    """The standard deviation of a series around its level, from the differences of neighbours; 0 if all are equal.

    Their root mean square rather than a robust spread: with a spread that ignores one bad night, that night would
    count as a shift (69 % of series with one, against 0 %).
    """
    steps = np.diff(np.asarray(values, dtype=float))
    return float(np.sqrt(np.mean(steps**2) / 2)) if len(steps) else 0.0


def find_shifts(values: Sequence[float], errors: Sequence[float | None] = ()) -> tuple[Shift, ...]:
    """Where the level of the series changes, oldest first.

    PELT with a squared-error cost; the linear kernel is that cost, computed by ruptures in C.

    Args:
        errors: the standard error of each value where it is known: nights cannot be quieter than what was measured
            in them, though a row of 100 % looks so.

    Source: Killick, Fearnhead & Eckley 2012, JASA 107:1590; Truong, Oudre & Vayatis 2020 (ruptures).
    """
    n, sigma = len(values), max(noise(values), _measured(errors))
    if n < FEWEST_NIGHTS or sigma == 0:
        return ()
    import ruptures

    search = cast(Any, ruptures).KernelCPD(kernel="linear", min_size=SHORTEST)
    scaled = (np.asarray(values, dtype=float) / sigma).reshape(-1, 1)
    ends = [int(end) for end in search.fit(scaled).predict(pen=PENALTY * math.log(n))]
    starts = _confirmed(values, [0, *ends[:-1]])
    levels = [fmean(values[start:end]) for start, end in pairwise([*starts, n])]
    return tuple(
        Shift(place=start, before=before, after=after)
        for start, (before, after) in zip(starts[1:], pairwise(levels), strict=True)
    )


def _confirmed(values: Sequence[float], starts: Sequence[int]) -> list[int]:
    """The beginnings of levels without those that one bad night makes: its mean differs, its median does not."""
    kept, ends = [starts[0]], [*starts[1:], len(values)]
    for start, end in list(zip(starts, ends, strict=True))[1:]:
        before, after = values[kept[-1] : start], values[start:end]
        by_mean, by_median = fmean(after) - fmean(before), median(after) - median(before)
        if by_median * by_mean > 0 and abs(by_median) >= abs(by_mean) / 2:
            kept.append(start)
    return kept


def find_alarm(values: Sequence[float], errors: Sequence[float | None] = ()) -> Alarm | None:
    """The first night of the present excursion of the smoothed series beyond its limits; None if it is within them.

    The level is that of the first ``REFERENCE`` nights (of half of them, if there are fewer).

    Args:
        errors: the standard error of each value where it is known: nights cannot be quieter than what was measured
            in them.

    Source: Roberts 1959, Technometrics 1:239; limits that widen from the first night on: Montgomery, 9.2.
    """
    known = min(REFERENCE, len(values) // 2)
    if known < FEWEST_REFERENCE:
        return None
    reference = values[:known]
    level, sigma = fmean(reference), max(noise(reference), _measured(errors[:known]))
    if sigma == 0:
        return None
    smoothed, found = level, None
    for place in range(known, len(values)):
        smoothed = EWMA_WEIGHT * values[place] + (1 - EWMA_WEIGHT) * smoothed
        age = place - known + 1
        spread = EWMA_WEIGHT / (2 - EWMA_WEIGHT) * (1 - (1 - EWMA_WEIGHT) ** (2 * age))
        limit = EWMA_LIMIT * sigma * math.sqrt(spread)
        if abs(smoothed - level) <= limit:
            found = None
        else:
            found = Alarm(
                place=found.place if found else place,
                level=level,
                smoothed=smoothed,
                limit=level + math.copysign(limit, smoothed - level),
            )
    return found


def _measured(errors: Sequence[float | None]) -> float:
    known = [error for error in errors if error is not None]
    return math.sqrt(fmean(error**2 for error in known)) if known else 0.0


def forecast(
    values: Sequence[float],
    errors: Sequence[float | None] = (),
    *,
    nights: int = 7,
    lower: float | None = None,
    upper: float | None = None,
) -> Forecast | None:
    """The next nights with their prediction interval; None with too few nights since the last shift.

    A straight line where the nights show a trend (p < .05), else their level: of all nights if a line through them
    says more than the shifts do, else of those since the last shift.

    Args:
        errors: the standard error of each value where it is known: nights to come cannot be quieter than that.
        lower, upper: the range of the values; the interval does not leave it.
    """
    shifts = find_shifts(values, errors)
    first = shifts[-1].place if shifts and not _is_drift(values, shifts) else 0
    recent = np.asarray(values[first:], dtype=float)
    n = len(recent)
    if n < FEWEST_FOR_FORECAST:
        return None
    from scipy.special import stdtrit

    nights_at = np.arange(n, dtype=float)
    slope, has_trend = _slope(nights_at, recent)
    centre, spread = nights_at.mean(), float(np.sum((nights_at - nights_at.mean()) ** 2))
    fitted = recent.mean() + (slope * (nights_at - centre) if has_trend else 0.0)
    free = n - (2 if has_trend else 1)
    residual = max(float(np.sqrt(np.sum((recent - fitted) ** 2) / free)), _measured(errors[first:]))
    reach = float(stdtrit(free, 0.975)) * residual
    ahead: list[tuple[float, float, float]] = []
    for night in range(n, n + nights):
        away = night - centre
        value = float(recent.mean() + (slope * away if has_trend else 0.0))
        width = reach * math.sqrt(1 + 1 / n + (away**2 / spread if has_trend else 0.0))
        ends = (_within(each, lower, upper) for each in (value, value - width, value + width))
        ahead.append(cast("tuple[float, float, float]", tuple(ends)))
    return Forecast(ahead=tuple(ahead), slope=slope if has_trend else None, n=n)


def _is_drift(values: Sequence[float], shifts: Sequence[Shift]) -> bool:
    """Whether the shifts are but the steps of a staircase: a line fits better, each shift paid at its penalty."""
    everything = np.asarray(values, dtype=float)
    n, variance = len(values), noise(values) ** 2
    line = np.polyfit(np.arange(n, dtype=float), everything, 1)
    of_line = float(np.sum((everything - np.polyval(line, np.arange(n, dtype=float))) ** 2))
    stretches = np.split(everything, [shift.place for shift in shifts])
    of_steps = sum(float(np.sum((each - each.mean()) ** 2)) for each in stretches)
    return of_line / variance < of_steps / variance + (len(shifts) - 1) * PENALTY * math.log(n)


def _slope(places: Floats, values: Floats) -> tuple[float, bool]:
    """The slope of the least squares line, and whether it is distinguishable from none."""
    if len(values) < FEWEST_FOR_TREND or float(np.ptp(values)) == 0:
        return 0.0, False
    from scipy.stats import linregress

    line = linregress(places, values)
    return float(line.slope), float(line.pvalue) < 0.05


def _within(value: float, lower: float | None, upper: float | None) -> float:
    if lower is not None:
        value = max(lower, value)
    return value if upper is None else min(upper, value)
