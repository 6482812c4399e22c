"""Bars: named figures under each other, each with its interval, and with what it was before where that is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from jobs.charts._sheet import INNER, MARGIN, WIDTH, Sheet, fit, showable
from jobs.report.words import UNKNOWN, percent

ROW = 0.5
HEAD = 0.42
LEFT = 2.3
RIGHT = 5.75
MOST_ROWS = 10

Change = Literal["better", "worse", "same", "unknown"]
WORDS: dict[Change, str] = {"better": "better", "worse": "worse", "same": "no difference shown", "unknown": ""}


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A share in 0..1 with its 95 % interval; ``value`` None = it is not defined.

    Args:
        before: what it was, e.g. in the baseline; ``change`` is how that compares.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    before: float | None = None
    change: Change = "unknown"


def bars_height(bars: Sequence[Bar]) -> float:
    return HEAD + ROW * min(len(bars), MOST_ROWS) + 0.25 if bars else 0.0


def draw_bars(sheet: Sheet, y: float, title: str, bars: Sequence[Bar]) -> float:
    """Each on a track from 0 to 100 %; returns where they end."""
    look = sheet.look
    if not bars:
        return y
    left_out = len(bars) - MOST_ROWS
    told = f"{title} · the first {MOST_ROWS} of {len(bars)}" if left_out > 0 else title
    sheet.write(MARGIN, y + 0.18, fit(sheet, told, INNER, 16, bold=True), 16, look.ink, bold=True)
    for place, bar in enumerate(bars[:MOST_ROWS]):
        _draw_bar(sheet, y + HEAD + ROW * place, bar)
    return y + bars_height(bars)


def _draw_bar(sheet: Sheet, y: float, bar: Bar) -> None:
    look, width = sheet.look, RIGHT - LEFT
    name = fit(sheet, showable(bar.name.replace("_", " ")), LEFT - MARGIN - 0.12, 14)
    sheet.write(MARGIN, y + 0.24, name, 14, look.ink)
    sheet.box(LEFT, y + 0.1, width, 0.16, look.track)
    if bar.value is None:
        sheet.write(RIGHT + 0.15, y + 0.24, f"{UNKNOWN}  not scored", 13, look.quiet)
        return
    if bar.low is not None and bar.high is not None:
        color = look.failed if bar.change == "worse" else look.passed if bar.change == "better" else look.times
        sheet.box(LEFT + width * bar.low, y + 0.1, max(width * (bar.high - bar.low), 0.02), 0.16, color)
    sheet.box(LEFT + width * bar.value - 0.03, y + 0.03, 0.06, 0.3, look.ink)
    if bar.before is not None:
        x = LEFT + width * bar.before
        sheet.dot(x, y + 0.39, 0.05, look.quiet)
    text = f"{percent(bar.value)}  n={bar.n}"
    sheet.write(RIGHT + 0.15, y + 0.2, fit(sheet, text, WIDTH - MARGIN - RIGHT - 0.15, 14), 14, look.ink)
    if bar.before is not None:
        was = f"was {percent(bar.before)}" + (f", {WORDS[bar.change]}" if WORDS[bar.change] else "")
        sheet.write(RIGHT + 0.15, y + 0.42, fit(sheet, was, WIDTH - MARGIN - RIGHT - 0.15, 12), 12, look.quiet)
