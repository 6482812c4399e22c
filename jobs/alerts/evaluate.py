"""What the rules find in the figures: pure, for the helper process."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from jobs.alerts.incident import Finding
from jobs.alerts.rules import AlertRule
from jobs.feedback.csat import Figures
from jobs.history.feedback import satisfaction_interval
from jobs.history.figures import in_words, shown
from jobs.history.found import Alarm
from jobs.history.point import HistoryPoint
from jobs.history.report import (
    NightFigure,
    Series,
    is_better,
    report_runs,
    standard_error,
)
from jobs.model import RunId
from jobs.stats import MeanInterval, Proportion

FRESH_NIGHTS = 14
"""A shift that nobody mended is the new level after so many nights: its alert ends, the history keeps it."""
CONFIRMING_NIGHTS = 2
ODD = 0.001
"""Chance that a night among unchanged ones counts as odd: 4 % of windows of 40 nights."""


@dataclass(frozen=True, kw_only=True)
class RunRules:
    """What is looked at: the rules for figures of runs, and all points of those figures in the window."""

    rules: tuple[AlertRule, ...]
    points: tuple[HistoryPoint, ...]
    zone: str


def find_in_runs(given: RunRules) -> tuple[Finding, ...]:
    """What is out of bounds now, by the last nights of each series."""
    findings: list[Finding] = []
    for rule in given.rules:
        points = [
            point
            for point in given.points
            if point.figure.metric == rule.metric
            and (point.night.scheduled or rule.runs == "all")
            and (not rule.suites or point.night.subject in rule.suites)
            and (not rule.assistants or point.night.assistant in rule.assistants)
        ]
        if not points:
            continue
        since, until = points[0].night.at, points[-1].night.at
        report = report_runs(rule.metric, points, zone=given.zone, since=since, until=until)
        findings += [finding for series in report.series if (finding := _find(rule, series))]
    return tuple(findings)


def find_in_feedback(rule: AlertRule, figures: Figures) -> Finding | None:
    """What people say, if it is beyond its limit; too few of them say nothing."""
    if figures.n < rule.at_least:
        return None
    found: Proportion | MeanInterval | None
    if rule.metric == "nps":
        nps = figures.nps("usual")
        found = MeanInterval(value=nps.value, low=nps.low, high=nps.high, n=nps.n) if nps else None
    else:
        found = figures.csat if rule.metric == "csat" else satisfaction_interval(figures)
    if found is None:
        return None
    night = _Value(value=found.value, low=found.low, high=found.high, n=found.n)
    limit = _broken(rule, night)
    if limit is None:
        return None
    days = rule.over.total_seconds() / 86400
    return Finding(
        rule=rule.name,
        subject="ratings",
        severity=rule.severity,
        metric=rule.metric,
        sentence=f"{_figure(rule.metric, night)} over {days:g} days; {_limit_words(rule, limit)}",
        value=found.value,
        limit=limit,
        n=found.n,
    )


@dataclass(frozen=True, kw_only=True)
class _Value:
    value: float
    low: float | None
    high: float | None
    n: int


def _find(rule: AlertRule, series: Series) -> Finding | None:
    if not series.nights:
        return None
    if rule.shift is not None:
        return _find_shift(rule, series)
    return _find_odd(rule, series) if rule.anomaly else _find_beyond(rule, series)


# --- limits -----------------------------------------------------------------------------------------------------------


def _find_beyond(rule: AlertRule, series: Series) -> Finding | None:
    """The last nights, if each of so many is beyond the limit."""
    times = _nights_beyond(rule, series.nights)
    if times < rule.nights:
        return None
    last = series.nights[-1]
    limit = _broken(rule, _Value(value=last.value, low=last.low, high=last.high, n=last.n))
    assert limit is not None, "the last night is one of those beyond it"
    nights = f", {times} nights in a row" if times > 1 else ""
    return _finding(
        rule, series, f"{_figure(rule.metric, last)}{nights}; {_limit_words(rule, limit)}", limit=limit, times=times
    )


def _nights_beyond(rule: AlertRule, nights: Sequence[NightFigure]) -> int:
    times = 0
    for night in reversed(nights):
        if night.n < rule.at_least or _broken(rule, night) is None:
            break
        times += 1
    return times


def _broken(rule: AlertRule, night: "NightFigure | _Value") -> float | None:
    """The limit that the figure is beyond; None when it is within, or its interval leaves it open."""
    low, high = night.value, night.value
    if rule.by == "interval":
        low, high = (night.low, night.high) if night.low is not None and night.high is not None else (low, high)
    if rule.above is not None and low > rule.above:
        return rule.above
    return rule.below if rule.below is not None and high < rule.below else None


# --- shifts and odd nights --------------------------------------------------------------------------------------------


def _find_shift(rule: AlertRule, series: Series) -> Finding | None:
    """A step change that still stands: by PELT since when, by EWMA before that can tell."""
    metric, nights = series.metric, series.nights
    if series.shifts:
        last = series.shifts[-1]
        age = len(nights) - last.place
        if _is_meant(rule, metric, last.before, last.after) and age <= FRESH_NIGHTS:
            way = "better" if is_better(metric, last.before, last.after) else "worse"
            sentence = (
                f"{in_words(metric)} is {way} since {nights[last.place].day:%d %b}: "
                f"{shown(metric, last.before)} before, {shown(metric, last.after)} after ({age} nights)"
            )
            return _finding(rule, series, sentence, limit=last.before, times=age, value=last.after)
        return None
    alarm = series.alarm
    if alarm is None or not _is_meant(rule, metric, alarm.level, alarm.smoothed) or not _is_confirmed(alarm, nights):
        return None
    way = "better" if is_better(metric, alarm.level, alarm.smoothed) else "worse"
    sentence = (
        f"{in_words(metric)} seems to get {way} since {nights[alarm.place].day:%d %b}: smoothed "
        f"{shown(metric, alarm.smoothed)} against a level of {shown(metric, alarm.level)}"
    )
    return _finding(rule, series, sentence, limit=alarm.limit, times=len(nights) - alarm.place, value=alarm.smoothed)


def _is_confirmed(alarm: Alarm, nights: Sequence[NightFigure]) -> bool:
    """Whether more than one night is beyond the limit itself: a single bad one is looked at again first."""
    way = alarm.limit - alarm.level
    beyond = [night for night in nights[alarm.place :] if (night.value - alarm.limit) * way > 0]
    return len(beyond) >= CONFIRMING_NIGHTS


def _is_meant(rule: AlertRule, metric: str, before: float, after: float) -> bool:
    if rule.shift == "any":
        return True
    return is_better(metric, before, after) == (rule.shift == "better")


def _find_odd(rule: AlertRule, series: Series) -> Finding | None:
    """The last night, if it does not fit the nights since the last shift."""
    from scipy.special import stdtrit

    from jobs.history.change import FEWEST_REFERENCE, noise

    steady = series.since_last_shift
    last, before = steady[-1], steady[:-1]
    if len(before) < FEWEST_REFERENCE:
        return None
    values = [night.value for night in before]
    level, spread = sum(values) / len(values), noise(values)
    errors = [error for night in before if (error := standard_error(night)) is not None]
    if errors:
        spread = max(spread, math.sqrt(sum(error**2 for error in errors) / len(errors)))
    reach = float(stdtrit(len(values) - 1, 1 - ODD / 2)) * spread * math.sqrt(1 + 1 / len(values))
    if reach == 0 or abs(last.value - level) <= reach:
        return None
    low, high = shown(rule.metric, max(0.0, level - reach)), shown(rule.metric, level + reach)
    sentence = f"{_figure(rule.metric, last)} in the last night; nights like those before are in {low} to {high}"
    return _finding(rule, series, sentence, limit=level + math.copysign(reach, last.value - level))


def _finding(
    rule: AlertRule, series: Series, sentence: str, *, limit: float, times: int = 1, value: float | None = None
) -> Finding:
    last = series.nights[-1]
    return Finding(
        rule=rule.name,
        subject=series.name,
        severity=rule.severity,
        metric=rule.metric,
        sentence=sentence,
        value=last.value if value is None else value,
        limit=limit,
        n=last.n,
        run_id=RunId(last.run_id) if last.run_id else None,
        times=times,
    )


def _figure(metric: str, night: "NightFigure | _Value") -> str:
    interval = ""
    if night.low is not None and night.high is not None:
        interval = f" ({shown(metric, night.low)}–{shown(metric, night.high)}, n={night.n})"
    elif night.n:
        interval = f" (n={night.n})"
    return f"{in_words(metric)} {shown(metric, night.value)}{interval}"


def _limit_words(rule: AlertRule, limit: float) -> str:
    way = "at most" if limit == rule.above else "at least"
    return f"the limit is {way} {shown(rule.metric, limit)}"
