"""The history of what people said, day by day (UTC); for the helper process."""

from datetime import date, datetime

from jobs.feedback.csat import Figures
from jobs.feedback.rating import HEADLINE_SOURCES
from jobs.history.report import HistoryReport, NightFigure, analysed
from jobs.stats import MeanInterval, mean_interval
from jobs.store.votes import Scope, open_feedback_reader

ENOUGH_VOTES = 5
"""Ratings of a day below which its figure is not a point of the series."""


def report_feedback_days(database_url: str, metric: str, scope: Scope, *, until: datetime) -> HistoryReport:
    """The series of a figure of what people said, day by day (UTC)."""
    days = read_feedback_days(database_url, scope)
    nights = [_feedback_day(metric, day, figures) for day, figures in sorted(days.items())]
    known = [night for night in nights if night is not None]
    series = (analysed("ratings", metric, known, unscored=len(nights) - len(known)),) if known else ()
    since = scope.since
    assert since is not None, "the history is always read in a window"
    return HistoryReport(metric=metric, since=since, until=until, series=series)


def read_feedback_days(database_url: str, scope: Scope) -> dict[date, Figures]:
    """What people said of conversations that were not simulated, by day."""
    days: dict[date, Figures] = {}
    with open_feedback_reader(database_url) as reader:
        for each in reader.vote_counts(scope, by="week"):  # grouped by the day of the rating
            if each.source not in HEADLINE_SOURCES or each.group is None:
                continue
            one = (
                Figures(stars={each.value: each.n})
                if each.kind == "stars"
                else Figures(up=each.n * (each.value == 1), down=each.n * (each.value == -1))
            )
            day = date.fromisoformat(each.group)
            days[day] = days.get(day, Figures()) + one
    return days


def satisfaction_interval(figures: Figures) -> MeanInterval | None:
    """The mean of the stars with its interval."""
    return mean_interval([float(star) for star, n in figures.stars.items() for _ in range(n)], lower=1.0, upper=5.0)


def _feedback_day(metric: str, day: date, figures: Figures) -> NightFigure | None:
    if figures.n < ENOUGH_VOTES:
        return None
    found = {"csat": figures.csat, "nps": figures.nps("usual"), "satisfaction": satisfaction_interval(figures)}[metric]
    if found is None:
        return None
    return NightFigure(day=day, value=found.value, low=found.low, high=found.high, n=found.n)
