"""The history of a figure as a page for the terminal."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from jobs.history.figures import in_words, is_lower_better, shown
from jobs.history.report import HistoryReport, NightFigure, Series, sentences
from jobs.history.sparkline import sparkline
from jobs.redact import redact
from jobs.report.as_text import printable

SHOWN_NIGHTS = 14


def history_page(report: HistoryReport) -> RenderableType:
    """Each series with a line of its course, what there is to say, and its latest nights."""
    return Group(*_parts(report))


def _parts(report: HistoryReport) -> Iterator[RenderableType]:
    metric = report.metric
    better = "lower is better" if is_lower_better(metric) else "higher is better"
    yield Text(f"{in_words(metric)}, {report.since:%Y-%m-%d} to {report.until:%Y-%m-%d} ({better})", style="bold")
    if not report.series:
        yield Text("nothing is known of it in this time; it is recorded whenever a run finishes")
    for series in report.series:
        yield Text("")
        yield Text(_safe(series.name), style="bold")
        yield Text(f"  {sparkline([night.value for night in series.nights], most=60)}")
        yield from (Text(f"  {_safe(sentence)}") for sentence in sentences(series))
        yield _table(metric, series)


def _table(metric: str, series: Series) -> Table:
    table = Table("night", "value", "95 % interval", "n", "variant", box=None)
    starts = {shift.place for shift in series.shifts}
    first = max(0, len(series.nights) - SHOWN_NIGHTS)
    for place, night in enumerate(series.nights[first:], first):
        mark = " ←" if place in starts else ""
        table.add_row(
            f"{night.day:%Y-%m-%d}", f"{shown(metric, night.value)}{mark}", _interval(metric, night), str(night.n),
            Text(_safe(night.variant)),
        )  # fmt: skip
    return table


def _interval(metric: str, night: NightFigure) -> str:
    if night.low is None or night.high is None:
        return ""
    return f"{shown(metric, night.low)} to {shown(metric, night.high)}"


def _safe(text: str) -> str:
    return printable(redact(text)).replace("\n", " ")
