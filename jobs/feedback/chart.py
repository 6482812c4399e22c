"""The chart of a feedback report: CSAT with its interval, how many stars were given, and the weeks. For the helper."""

from collections.abc import Mapping, Sequence

from jobs.charts import DARK, INNER, LIGHT, MARGIN, WIDTH, Sheet
from jobs.feedback.csat import STARS, Figures
from jobs.feedback.rating import SOURCES
from jobs.feedback.reported import FeedbackReport
from jobs.report.words import percent
from jobs.stats import Proportion

MOST_WEEKS = 8
ROW = 0.36
LABEL = 1.5
"""Inches that names take at the left."""
COUNT = 2.35
"""Inches that figures take at the right."""
SOURCE_NAMES = {
    "live": "answers in Slack",
    "api": "other systems",
    "cli": "imported",
    "run": "on simulations",
    "simulated": "by simulations",
}


def feedback_chart(report: FeedbackReport, title: str, *, dark: bool = False) -> bytes:
    """A PNG, 1600 pixels wide; every figure is written out, and no colour says anything alone."""
    weeks = list(report.weeks.items())[-MOST_WEEKS:]
    sources = [(SOURCE_NAMES[each], report.by_source[each]) for each in SOURCES if report.by_source[each].n]
    groups = [("CSAT by week", weeks)] if len(weeks) > 1 else []
    groups += [("CSAT by source", sources)] if sources else []
    height = 2.1 + 0.62 + ROW * len(STARS) + sum(0.75 + ROW * len(rows) for _, rows in groups) + 0.3
    sheet = Sheet(height, DARK if dark else LIGHT)
    y = _head(sheet, report.headline, title)
    y = _distribution(sheet, y, report.headline)
    for name, rows in groups:
        y = _rates(sheet, y, name, rows)
    return sheet.png()


def _head(sheet: Sheet, figures: Figures, title: str) -> float:
    look = sheet.look
    sheet.write(MARGIN, 0.5, title, 21, look.ink, bold=True)
    said = (
        f"{figures.n:,} {'rating' if figures.n == 1 else 'ratings'}, thumbs: {figures.up:,} up, {figures.down:,} down"
    )
    sheet.write(MARGIN, 0.82, said, 14, look.quiet)
    if not figures.enough or figures.csat is None or figures.mean is None:
        sheet.write(MARGIN, 1.4, "too few ratings for a figure" if figures.n else "no ratings yet", 18, look.ink)
        return 1.85
    rate = figures.csat
    end = sheet.write(MARGIN, 1.5, f"CSAT {percent(rate.value)}", 30, look.ink, bold=True)
    words = f"gave 4 or 5 stars; 95 % interval {percent(rate.low)} to {percent(rate.high)}"
    sheet.write(end + 0.2, 1.4, words, 13, look.quiet)
    sheet.write(end + 0.2, 1.62, f"mean {figures.mean:.2f} of 5", 13, look.quiet)
    _interval(sheet, MARGIN, INNER, 1.85, rate)
    return 2.1


def _distribution(sheet: Sheet, y: float, figures: Figures) -> float:
    look = sheet.look
    sheet.write(MARGIN, y + 0.4, "How many stars", 15, look.ink, bold=True)
    top, width = y + 0.62, WIDTH - MARGIN - LABEL - MARGIN - 1.2
    most = max((figures.count(each) for each in STARS), default=0) or 1
    for place, stars in enumerate(reversed(STARS)):
        row, count = top + ROW * place, figures.count(stars)
        sheet.write(MARGIN, row + 0.2, f"{stars} {'star' if stars == 1 else 'stars'}", 13, look.ink)
        sheet.box(MARGIN + LABEL, row + 0.04, width, 0.2, look.track)
        if count:
            sheet.box(MARGIN + LABEL, row + 0.04, max(0.02, width * count / most), 0.2, look.times)
        share = f"  {percent(count / figures.n)}" if figures.n else ""
        sheet.write(MARGIN + LABEL + width + 0.1, row + 0.2, f"{count:,}{share}", 13, look.ink)
    return top + ROW * len(STARS)


def _rates(sheet: Sheet, y: float, name: str, rows: Sequence[tuple[str, Figures]]) -> float:
    """A rate a row: a dot on a track from 0 to 100 %, the interval as a line."""
    look = sheet.look
    sheet.write(MARGIN, y + 0.5, name, 15, look.ink, bold=True)
    top, left = y + 0.75, MARGIN + LABEL + 0.6
    width = WIDTH - MARGIN - COUNT - left
    for place, (label, figures) in enumerate(rows):
        row = top + ROW * place
        sheet.write(MARGIN, row + 0.2, label, 13, look.ink)
        _interval(sheet, left, width, row + 0.14, figures.csat if figures.enough else None)
        rate = figures.csat
        told = f"{percent(rate.value)}, n = {rate.n:,}" if rate and figures.enough else f"{figures.n:,}: too few"
        sheet.write(left + width + 0.15, row + 0.2, told, 13, look.ink)
    return top + ROW * len(rows)


def _interval(sheet: Sheet, x: float, width: float, y: float, rate: Proportion | None) -> None:
    look = sheet.look
    sheet.line([(x, y), (x + width, y)], look.track, width=5.0)
    if rate is not None:
        sheet.line([(x + width * rate.low, y), (x + width * rate.high, y)], look.times, width=5.0)
        sheet.dot(x + width * rate.value, y, 0.075, look.times)


def chart_alt_text(figures: Figures, weeks: Mapping[str, Figures]) -> str:
    """The chart in words."""
    rate = figures.csat
    said = [f"{figures.n} ratings; stars " + ", ".join(f"{each}: {figures.count(each)}" for each in reversed(STARS))]
    if rate and figures.enough:
        said.insert(0, f"CSAT {percent(rate.value)} ({percent(rate.low)} to {percent(rate.high)})")
    said += [
        f"week {name}: {percent(each.csat.value)} of {each.n}"
        for name, each in list(weeks.items())[-MOST_WEEKS:]
        if each.csat and each.enough
    ]
    return "; ".join(said)
