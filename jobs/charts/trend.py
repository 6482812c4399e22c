"""Trend: a figure night by night, with its intervals, where its level shifted, the baseline, and what is expected."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from jobs.charts._sheet import DARK, INNER, LIGHT, MARGIN, WIDTH, Sheet, fit, showable
from jobs.history.figures import bounds, in_words, is_lower_better, shown
from jobs.history.report import NightFigure, Series

PANEL = 3.25
"""Inches that one series takes."""
PLOT = 1.75
LEFT = 0.95
"""Left of it the values are written."""
MOST_PANELS = 4
MOST_DOTTED = 60
"""More nights are a line without dots."""
MOST_LABELS = 2
"""Shifts that are written out, the latest; all are marked."""


@dataclass(frozen=True, kw_only=True)
class TrendLine:
    """A series with what it is held against; None = nothing is."""

    series: Series
    baseline: float | None = None
    limit: float | None = None


def trend_chart(lines: Sequence[TrendLine], *, dark: bool = False) -> bytes:
    """A PNG, 1600 pixels wide: the series under each other."""
    look = DARK if dark else LIGHT
    drawn = [line for line in lines if line.series.nights][:MOST_PANELS]
    sheet = Sheet(0.25 + PANEL * max(1, len(drawn)), look)
    if not drawn:
        sheet.write(MARGIN, 0.6, "There is nothing to draw yet.", 18, look.quiet)
    for place, line in enumerate(drawn):
        draw_trend(sheet, 0.2 + PANEL * place, line)
    return sheet.png()


def draw_trend(sheet: Sheet, y: float, line: TrendLine) -> float:
    """One series; returns where it ends."""
    series = line.series
    _draw_title(sheet, y, series)
    plot = _Plot(sheet, y + 0.72, line)
    plot.draw()
    return y + PANEL


def _draw_title(sheet: Sheet, y: float, series: Series) -> None:
    look, last = sheet.look, series.nights[-1]
    value = shown(series.metric, last.value)
    width = sheet.measure(value, 26, bold=True)
    sheet.write(WIDTH - MARGIN - width, y + 0.42, value, 26, look.ink, bold=True)
    room = INNER - width - 0.2
    title = fit(sheet, showable(in_words(series.metric).capitalize(), bold=True), room, 19, bold=True)
    sheet.write(MARGIN, y + 0.26, title, 19, look.ink, bold=True)
    better = "lower is better" if is_lower_better(series.metric) else "higher is better"
    facts = f"{series.name} · {better} · n = {last.n} in the last night"
    sheet.write(MARGIN, y + 0.52, fit(sheet, showable(facts), room, 13), 13, look.quiet)


class _Plot:
    """The plot of one series: places on the sheet for nights and values."""

    def __init__(self, sheet: Sheet, top: float, line: TrendLine) -> None:
        self._sheet, self._top, self._line = sheet, top, line
        self._series, self._look = line.series, sheet.look
        self._ahead = line.series.forecast.ahead if line.series.forecast else ()
        self._low, self._high = _range(line)
        self._nights = len(self._series.nights) + len(self._ahead)

    def draw(self) -> None:
        self._draw_scale()
        self._draw_shifts()
        for value, name in ((self._line.baseline, "baseline"), (self._line.limit, "limit")):
            if value is not None:
                self._draw_level(value, name)
        self._draw_nights()
        self._draw_ahead()
        self._draw_days()

    def _x(self, place: float) -> float:
        width = WIDTH - MARGIN - LEFT - 0.1
        return LEFT + 0.05 + width * (place / max(1, self._nights - 1) if self._nights > 1 else 0.5)

    def _y(self, value: float) -> float:
        share = (value - self._low) / (self._high - self._low)
        return self._top + PLOT * (1 - min(1.0, max(0.0, share)))

    def _draw_scale(self) -> None:
        look, metric = self._look, self._series.metric
        for value in (self._low, (self._low + self._high) / 2, self._high):
            y = self._y(value)
            self._sheet.box(LEFT, y - 0.006, WIDTH - MARGIN - LEFT, 0.012, look.track)
            label = shown(metric, value)
            self._sheet.write(LEFT - 0.08 - self._sheet.measure(label, 13), y + 0.06, label, 13, look.quiet)

    def _draw_level(self, value: float, name: str) -> None:
        y, look = self._y(value), self._look
        self._sheet.line([(LEFT, y), (WIDTH - MARGIN, y)], look.cancelled, width=1.6, dashed=True)
        text = f"{name} {shown(self._series.metric, value)}"
        self._sheet.write(WIDTH - MARGIN - self._sheet.measure(text, 12), y - 0.06, text, 12, look.quiet)

    def _draw_shifts(self) -> None:
        """A line where a level ends, and the levels themselves; what they are stands under the plot."""
        series, look = self._series, self._look
        starts = [0, *(shift.place for shift in series.shifts), len(series.nights)]
        if not series.shifts:
            return
        for begin, end in pairwise(starts):
            nights = series.nights[begin:end]
            level = sum(night.value for night in nights) / len(nights)
            edges = [
                (self._x(begin - 0.4 if begin else 0), self._y(level)),
                (self._x(min(end - 0.6, len(series.nights) - 1)), self._y(level)),
            ]
            self._sheet.line(edges, look.ink, width=1.4)
        for shift in series.shifts:
            x = self._x(shift.place - 0.5)
            self._sheet.line([(x, self._top - 0.05), (x, self._top + PLOT)], look.failed, width=2.0, dashed=True)

    def _draw_nights(self) -> None:
        nights, look = self._series.nights, self._look
        self._sheet.band(*self._edges(nights, lambda night: (night.low, night.high)), look.times)
        points = [(self._x(place), self._y(night.value)) for place, night in enumerate(nights)]
        self._sheet.line(points, look.times, width=2.2)
        radius = 0.055 if len(nights) <= MOST_DOTTED else 0.0
        for place, point in enumerate(points):
            if radius or place == len(points) - 1:
                self._sheet.dot(*point, radius or 0.055, look.times)

    def _edges(
        self, nights: Sequence[NightFigure], ends: Callable[[NightFigure], tuple[float | None, float | None]]
    ) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        top: list[tuple[float, float]] = []
        bottom: list[tuple[float, float]] = []
        for place, night in enumerate(nights):
            low, high = ends(night)
            top.append((self._x(place), self._y(high if high is not None else night.value)))
            bottom.append((self._x(place), self._y(low if low is not None else night.value)))
        return top, bottom

    def _draw_ahead(self) -> None:
        if not self._ahead:
            return
        first, look = len(self._series.nights), self._look
        places = [self._x(first + number) for number in range(len(self._ahead))]
        top = [(x, self._y(high)) for x, (_, _, high) in zip(places, self._ahead, strict=True)]
        bottom = [(x, self._y(low)) for x, (_, low, _) in zip(places, self._ahead, strict=True)]
        self._sheet.band(top, bottom, look.skipped)
        line = [(x, self._y(value)) for x, (value, _, _) in zip(places, self._ahead, strict=True)]
        self._sheet.line(line, look.quiet, width=1.6, dashed=True)

    def _draw_days(self) -> None:
        nights, look, sheet = self._series.nights, self._look, self._sheet
        floor = self._top + PLOT + 0.24
        first, last = f"{nights[0].day:%d %b %Y}", f"{nights[-1].day:%d %b}"
        sheet.write(LEFT, floor, first, 13, look.quiet)
        at = self._x(len(nights) - 1) - sheet.measure(last, 13) / 2
        if self._ahead:
            ahead = f"next {len(self._ahead)} nights"
            room = WIDTH - MARGIN - sheet.measure(ahead, 13)
            if room > at + sheet.measure(last, 13) + 0.1:
                sheet.write(room, floor, ahead, 13, look.quiet)
        at = min(at, WIDTH - MARGIN - sheet.measure(last, 13))
        if at > LEFT + sheet.measure(first, 13) + 0.2:
            sheet.write(at, floor, last, 13, look.quiet)
        sheet.write(MARGIN, floor + 0.29, fit(sheet, _shift_words(self._series), INNER, 14), 14, look.ink)


def _shift_words(series: Series) -> str:
    if not series.shifts:
        return f"no shift in {len(series.nights)} nights" if len(series.nights) > 1 else "one night"
    metric = series.metric
    told = [
        f"{series.nights[shift.place].day:%d %b}: {shown(metric, shift.before)} → {shown(metric, shift.after)}"
        for shift in series.shifts[-MOST_LABELS:]
    ]
    earlier = len(series.shifts) - len(told)
    return f"shifted {' · '.join(told)}" + (f" · {earlier} earlier" if earlier else "")


def _range(line: TrendLine) -> tuple[float, float]:
    """What the plot reaches over: all values and levels with a margin, never beyond what the figure can be."""
    series = line.series
    values = [night.value for night in series.nights]
    values += [each for each in (line.baseline, line.limit) if each is not None]
    if series.forecast:
        values += [value for value, _, _ in series.forecast.ahead]
    low, high = min(values), max(values)
    lower, upper = bounds(series.metric)
    margin = (high - low) * 0.25 or abs(high) * 0.1 or 0.1
    low, high = max(lower, low - margin), high + margin
    return low, high if upper is None else min(upper, high)
