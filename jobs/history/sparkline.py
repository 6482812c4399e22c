"""A series as one line of text."""

from collections.abc import Sequence

SPARKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], *, most: int = 30) -> str:
    """The latest values as one line of bars, the smallest the lowest; equal values are all half high."""
    latest = values[-most:]
    if not latest:
        return ""
    low, high = min(latest), max(latest)
    if high == low:
        return SPARKS[3] * len(latest)
    return "".join(SPARKS[round((value - low) / (high - low) * (len(SPARKS) - 1))] for value in latest)
