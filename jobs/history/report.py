"""The history of one figure: a series a suite, with shifts, alarm and forecast. Computed in the helper process."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from jobs.history.figures import bounds, in_words, is_lower_better, shown
from jobs.history.found import Alarm, Forecast, Shift
from jobs.history.point import HistoryPoint

NIGHTS_AHEAD = 7
Z95 = 1.959964


@dataclass(frozen=True, kw_only=True)
class NightFigure:
    """One night of a series; ``run_id`` is None for what people said on that day."""

    day: date
    value: float
    low: float | None
    high: float | None
    n: int
    variant: str = ""
    run_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Series:
    """One figure night by night; shifts and alarm are indices into ``nights``.

    Args:
        name: the suite and its assistant.
        unscored_nights: nights in which the figure was not defined.
    """

    name: str
    metric: str
    nights: tuple[NightFigure, ...]
    shifts: tuple[Shift, ...] = ()
    alarm: Alarm | None = None
    forecast: Forecast | None = None
    unscored_nights: int = 0

    @property
    def since_last_shift(self) -> tuple[NightFigure, ...]:
        return self.nights[self.shifts[-1].place :] if self.shifts else self.nights


@dataclass(frozen=True, kw_only=True)
class HistoryReport:
    """The history of a figure in a window; no series = nothing is known of it there."""

    metric: str
    since: datetime
    until: datetime
    series: tuple[Series, ...]


def report_runs(
    metric: str, points: Sequence[HistoryPoint], *, zone: str, since: datetime, until: datetime
) -> HistoryReport:
    """The series of a figure of runs, those with most nights first."""
    series = [
        _of_points(name, metric, nights, ZoneInfo(zone)) for name, nights in _by_series(points, ZoneInfo(zone)).items()
    ]
    series.sort(key=lambda each: (-len(each.nights), each.name))
    return HistoryReport(metric=metric, since=since, until=until, series=tuple(series))


# --- nights -----------------------------------------------------------------------------------------------------------


def _by_series(points: Sequence[HistoryPoint], zone: ZoneInfo) -> dict[str, list[HistoryPoint]]:
    """The points of each suite and assistant; by variant where one night has several. Runs that somebody started by
    hand are left out where a schedule started any: they play what somebody was curious about."""
    nights = _largest_of_each_night(points, zone)
    scheduled = {(each.night.subject, each.night.assistant) for each in nights if each.night.scheduled}
    kept = [
        each for each in nights if each.night.scheduled or (each.night.subject, each.night.assistant) not in scheduled
    ]
    variants: dict[tuple[str, str, date], set[str]] = {}
    for each in kept:
        key = (each.night.subject, each.night.assistant, each.night.at.astimezone(zone).date())
        variants.setdefault(key, set()).add(each.night.variant)
    split = {key[:2] for key, names in variants.items() if len(names) > 1}
    series: dict[str, list[HistoryPoint]] = {}
    for each in kept:
        night = each.night
        who = f"{night.assistant}@{night.variant}" if (night.subject, night.assistant) in split else night.assistant
        series.setdefault(f"{night.subject} → {who}", []).append(each)
    return series


def _largest_of_each_night(points: Sequence[HistoryPoint], zone: ZoneInfo) -> list[HistoryPoint]:
    """Of several runs of the same thing on one date the one with most cases: a second look at a few says less."""
    largest: dict[tuple[Any, ...], HistoryPoint] = {}
    for each in points:
        night = each.night
        key = (night.subject, night.assistant, night.variant, night.scheduled, night.at.astimezone(zone).date())
        known = largest.get(key)
        if known is None or each.figure.n >= known.figure.n:
            largest[key] = each
    return sorted(largest.values(), key=lambda each: (each.night.at, each.night.run_id))


def _of_points(name: str, metric: str, points: Sequence[HistoryPoint], zone: ZoneInfo) -> Series:
    nights = [
        NightFigure(
            day=each.night.at.astimezone(zone).date(),
            value=each.figure.value,
            low=each.figure.low,
            high=each.figure.high,
            n=each.figure.n,
            variant=each.night.variant,
            run_id=each.night.run_id,
        )
        for each in points
        if each.figure.value is not None
    ]
    return analysed(name, metric, nights, unscored=len(points) - len(nights))


def analysed(name: str, metric: str, nights: Sequence[NightFigure], *, unscored: int) -> Series:
    from jobs.history.change import find_alarm, find_shifts, forecast  # numpy, which the bot's own process is without

    values = [night.value for night in nights]
    lower, upper = bounds(metric)
    errors = [standard_error(night) for night in nights]
    return Series(
        name=name,
        metric=metric,
        nights=tuple(nights),
        shifts=find_shifts(values, errors),
        alarm=find_alarm(values, errors),
        forecast=forecast(values, errors, nights=NIGHTS_AHEAD, lower=lower, upper=upper),
        unscored_nights=unscored,
    )


def standard_error(night: NightFigure) -> float | None:
    """From the width of the 95 % interval."""
    return (night.high - night.low) / (2 * Z95) if night.low is not None and night.high is not None else None


# --- in words and as JSON ---------------------------------------------------------------------------------------------


def sentences(series: Series) -> Iterator[str]:
    """What there is to say of a series, the most important first."""
    metric, nights = series.metric, series.nights
    if not nights:
        yield f"{in_words(metric)} was not defined in any of {series.unscored_nights} nights"
        return
    last = nights[-1]
    interval = (
        f", 95 % interval {shown(metric, last.low)} to {shown(metric, last.high)}" if last.low is not None else ""
    )
    yield f"last: {shown(metric, last.value)} on {last.day:%Y-%m-%d} (n={last.n}{interval})"
    for shift in series.shifts[-3:]:
        day, better = nights[shift.place].day, is_better(metric, shift.before, shift.after)
        way = "better" if better else "worse"
        change = f"{shown(metric, shift.before)} before, {shown(metric, shift.after)} after"
        yield f"{way} since {day:%Y-%m-%d}: {change}{_variant_change(nights, shift.place)}"
    if series.alarm and not series.shifts:
        alarm = series.alarm
        way = "better" if is_better(metric, alarm.level, alarm.smoothed) else "worse"
        yield (
            f"seems to get {way} since {nights[alarm.place].day:%Y-%m-%d}: smoothed {shown(metric, alarm.smoothed)} "
            f"against a level of {shown(metric, alarm.level)}; too early for a shift"
        )
    if not series.shifts and not series.alarm:
        few = len(nights) < 2 * 4
        yield f"{len(nights)} nights: too few to look for shifts" if few else f"no shift in {len(nights)} nights"
    if series.forecast:
        value, low, high = series.forecast.ahead[0]
        trend = "following the trend" if series.forecast.slope is not None else "as the level is now"
        yield (
            f"next night: {shown(metric, value)}, 95 % of nights in {shown(metric, low)} to {shown(metric, high)} "
            f"({trend})"
        )
    if series.unscored_nights:
        yield f"not defined in {series.unscored_nights} further nights"


def is_better(metric: str, before: float, after: float) -> bool:
    return after < before if is_lower_better(metric) else after > before


def _variant_change(nights: Sequence[NightFigure], place: int) -> str:
    before, after = nights[place - 1].variant, nights[place].variant
    return f" (variant {before} → {after})" if before != after else ""


def to_json(report: HistoryReport) -> dict[str, Any]:
    """The document that scripts rely on."""
    return {
        "metric": report.metric,
        "since": report.since.isoformat(),
        "until": report.until.isoformat(),
        "better": "lower" if is_lower_better(report.metric) else "higher",
        "series": [_series_json(each) for each in report.series],
    }


def _series_json(series: Series) -> Mapping[str, Any]:
    nights, alarm, ahead = series.nights, series.alarm, series.forecast
    return {
        "name": series.name,
        "nights": [
            {
                "day": night.day.isoformat(),
                "run": night.run_id,
                "variant": night.variant or None,
                "value": night.value,
                "low": night.low,
                "high": night.high,
                "n": night.n,
            }
            for night in nights
        ],
        "unscored_nights": series.unscored_nights,
        "shifts": [
            {"since": nights[each.place].day.isoformat(), "before": each.before, "after": each.after}
            for each in series.shifts
        ],
        "alarm": alarm
        and {
            "since": nights[alarm.place].day.isoformat(),
            "level": alarm.level,
            "smoothed": alarm.smoothed,
            "limit": alarm.limit,
        },
        "forecast": ahead
        and {
            "n": ahead.n,
            "slope": ahead.slope,
            "nights": [{"value": value, "low": low, "high": high} for value, low, high in ahead.ahead],
        },
        "summary": list(sentences(series)),
    }
