"""The pictures: one file a kind, all drawn on one sort of sheet, from measured figures only. For the helper process."""

from jobs.charts._sheet import (
    DARK,
    INNER,
    LIGHT,
    MARGIN,
    NO_FONT,
    WIDTH,
    Look,
    Sheet,
    fit,
    showable,
)
from jobs.charts.night import NightPicture, night_chart, picture_of
from jobs.charts.run import run_chart
from jobs.charts.trend import TrendLine, trend_chart

__all__ = [
    "DARK",
    "INNER",
    "LIGHT",
    "MARGIN",
    "NO_FONT",
    "WIDTH",
    "Look",
    "NightPicture",
    "Sheet",
    "TrendLine",
    "fit",
    "night_chart",
    "picture_of",
    "run_chart",
    "showable",
    "trend_chart",
]
