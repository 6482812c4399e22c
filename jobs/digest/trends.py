"""Where the figures of the nightly suites are heading: a line of their course, and since when it is another."""

from datetime import timedelta

from jobs.bundle import Ports
from jobs.digest._digest import DigestPart, Line, Tone
from jobs.digest._section import TREND_DAYS, DigestScope, DigestSection
from jobs.history.figures import in_words, shown
from jobs.history.point import HistoryScope
from jobs.history.record import catch_up
from jobs.history.report import Series, is_better, report_runs, sentences
from jobs.history.sparkline import sparkline

METRICS = ("success", "quality", "latency_p95_ms")
MOST_SERIES = 3
FRESH_NIGHTS = 5
"""A shift is found when it is four nights old; for so many nights it is news."""


async def build(scope: DigestScope, ports: Ports) -> DigestPart | None:
    series = await trend_series(scope, ports)
    if not series:
        return None
    success = [each for each in series if each.metric == "success"][:MOST_SERIES]
    fresh = [each for each in series if is_fresh(each)]
    worse = [each for each in fresh if not _got_better(each)]
    lines = [Line(text=_course(each)) for each in success]
    lines += [Line(text=_shift(each), tone=_tone(each)) for each in fresh]
    details = [
        Line(text=f"{each.name}, {in_words(each.metric)}: {sentence}")
        for each in series
        for sentence in sentences(each)
    ]
    return DigestPart(
        name=SECTION.name,
        title=f"{SECTION.title}, {TREND_DAYS[scope.kind]} days",
        lines=tuple(lines),
        details=tuple(details),
        is_news=bool(fresh),
        verdict=_shift(worse[0] if worse else fresh[0]) if fresh else None,
        tone="bad" if worse else "good" if fresh else "plain",
    )


async def trend_series(scope: DigestScope, ports: Ports) -> list[Series]:
    """The series of the digest: those of schedules, or what was run by hand where nothing is scheduled."""
    since = scope.back(TREND_DAYS[scope.kind])
    await catch_up(scope.workspace_id, since, ports)
    found: list[Series] = []
    for metric in METRICS:
        points = await ports.store.history.points(
            HistoryScope(
                workspace_id=scope.workspace_id, since=since, until=scope.until + timedelta(seconds=1), metric=metric
            )
        )
        nightly = [point for point in points if point.night.scheduled]
        report = await ports.helper.call(
            report_runs, metric, nightly or points, zone=scope.zone, since=since, until=scope.until
        )
        found += report.series[:MOST_SERIES]
    return found


def is_fresh(series: Series) -> bool:
    """Whether the latest shift is news."""
    return bool(series.shifts) and len(series.nights) - series.shifts[-1].place <= FRESH_NIGHTS


def _course(series: Series) -> str:
    last = series.nights[-1]
    line = sparkline([night.value for night in series.nights], most=20)
    return f"{series.name}: {line} {shown(series.metric, last.value)} (n={last.n})"


def _shift(series: Series) -> str:
    shift, metric = series.shifts[-1], series.metric
    way = "better" if _got_better(series) else "worse"
    since = series.nights[shift.place].day
    before, after = shown(metric, shift.before), shown(metric, shift.after)
    return f"{series.name}: {in_words(metric)} {way} since {since:%d %b}, {before} → {after}"


def _got_better(series: Series) -> bool:
    shift = series.shifts[-1]
    return is_better(series.metric, shift.before, shift.after)


def _tone(series: Series) -> Tone:
    return "good" if _got_better(series) else "bad"


SECTION = DigestSection(name="trends", title="Trends", build=build)
