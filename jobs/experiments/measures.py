"""What is compared: on which scale a metric is measured, and whether more of it is better."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from jobs.metrics import METRICS

Scale = Literal["success", "score", "latency", "cost"]
Better = Literal["higher", "lower"]

SCALES: Mapping[str, Scale] = {"success": "success", "latency_ms": "latency", "cost_usd": "cost"}
"""Of the standard columns; everything else is a score."""

LESS_IS_BETTER = ("latency", "cost", "error", "duration", "fallback", "tokens", "turns", "retries", "corrections")
TIME_OR_MONEY = ("_ms", "_s", "_seconds", "_usd")


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A metric as an experiment sees it; ``is_guess`` when only its name told the direction."""

    name: str
    scale: Scale
    better: Better
    is_guess: bool = False


def measure_named(name: str, *, lower_is_better: Sequence[str] = ()) -> Measure:
    """The measure in a column of that name; ``lower_is_better`` are the columns for which a person said so."""
    scale = SCALES.get(name, "score")
    if name in lower_is_better or scale in ("latency", "cost"):
        return Measure(name=name, scale=scale, better="lower")
    if name in ("success", "score"):
        return Measure(name=name, scale=scale, better="higher")
    if name in METRICS:
        return Measure(name=name, scale=scale, better="lower" if METRICS[name].better == "lower" else "higher")
    sounds_bad = any(word in name for word in LESS_IS_BETTER) or name.endswith(TIME_OR_MONEY)
    return Measure(name=name, scale=scale, better="lower" if sounds_bad else "higher", is_guess=True)
