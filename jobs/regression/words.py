"""Figures of a regression as people read them; nothing heavy is imported here."""

from collections.abc import Callable, Mapping

from jobs.regression.regression import ComparedFigure
from jobs.report.words import UNKNOWN, dollars, duration, percent

RATIOS = ("latency_ms", "cost_usd")
CATEGORY_NAMES: Mapping[str, str] = {"conversation_flow": "conversation flow"}


def _two_digits(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.2f}"


SHOWN: Mapping[str, tuple[str, Callable[[float | None], str]]] = {
    "success": ("success", percent),
    "quality": ("quality", _two_digits),
    "latency_ms": ("answer time", duration),
    "cost_usd": ("cost of a conversation", dollars),
    "errors": ("conversations that break off", percent),
}


def figure_sentence(figure: ComparedFigure) -> str:
    """E.g. ``success 98% → 71% (-27 points, 95% interval -41 to -12, 40 pairs)``."""
    name, shown = SHOWN[figure.name]
    parts: list[str] = []
    if figure.change is not None:
        parts.append(changed(figure.name, figure.change, unit=True))
    if figure.low is not None and figure.high is not None:
        parts.append(f"95% interval {changed(figure.name, figure.low)} to {changed(figure.name, figure.high)}")
    parts.append(f"{figure.n} pairs")
    return f"{name} {shown(figure.baseline)} → {shown(figure.now)} ({', '.join(parts)})"


def figure_cells(figure: ComparedFigure) -> tuple[str, str, str, str, str, str]:
    """Name, baseline, now, change, interval, pairs."""
    name, shown = SHOWN[figure.name]
    change = UNKNOWN if figure.change is None else changed(figure.name, figure.change, unit=True)
    interval = UNKNOWN
    if figure.low is not None and figure.high is not None:
        interval = f"{changed(figure.name, figure.low)} to {changed(figure.name, figure.high)}"
    return name, shown(figure.baseline), shown(figure.now), change, interval, str(figure.n)


def changed(name: str, change: float, *, unit: bool = False) -> str:
    """A change as points, per cent, or a difference of scores."""
    if name == "quality":
        return f"{change:+.2f}"
    return f"{100 * change:+.0f}" + (("%" if name in RATIOS else " points") if unit else "")
