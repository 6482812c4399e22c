"""Implicit signals beside the explicit ones: people's live conversations apart from those of simulated customers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.feedback.signals import read_signals, signal_rates
from jobs.model import Transcript
from jobs.stats import Proportion
from jobs.store.votes import FeedbackReader, Scope

MOST_LOOKED_AT = 1_000
"""Conversations of each kind, the newest ones."""
ENDINGS = frozenset({"abandoned", "completed"})
"""Nobody knows of a live thread that just goes quiet whether it was given up."""

SIGNAL_NAMES = {
    "rephrased": "said it again in other words",
    "fell_back": "not understood",
    "asked_for_human": "asked for a human",
    "escalated": "handed over",
    "abandoned": "gave up",
    "completed": "reached the goal",
}
"""Each signal as people read it."""

Rates = Mapping[str, Proportion | None]


@dataclass(frozen=True, kw_only=True)
class SignalRates:
    """The share of conversations that show each signal.

    Args:
        total: conversations there are; ``looked_at`` of them, the newest, were read.
    """

    total: int = 0
    looked_at: int = 0
    rates: Rates = field(default_factory=dict[str, Proportion | None])


@dataclass(frozen=True, kw_only=True)
class ImplicitSignals:
    live: SignalRates = field(default_factory=SignalRates)
    simulated: SignalRates = field(default_factory=SignalRates)

    @property
    def as_json(self) -> dict[str, Any]:
        return {"live": _json(self.live), "simulated": _json(self.simulated)}


def read_implicit(reader: FeedbackReader, scope: Scope) -> ImplicitSignals:
    """The signals of the conversations in the scope; a channel narrows ratings only."""
    return ImplicitSignals(
        live=_rates(*reader.live_transcripts(scope, limit=MOST_LOOKED_AT), without=ENDINGS),
        simulated=_rates(*reader.played_transcripts(scope, limit=MOST_LOOKED_AT)),
    )


def _rates(total: int, transcripts: Sequence[Transcript], *, without: frozenset[str] = frozenset[str]()) -> SignalRates:
    rates = signal_rates(read_signals(each) for each in transcripts)
    return SignalRates(
        total=total,
        looked_at=len(transcripts),
        rates={name: rate for name, rate in rates.items() if name not in without},
    )


def _json(rates: SignalRates) -> dict[str, Any]:
    shares = {
        name: None if rate is None else {"value": rate.value, "low": rate.low, "high": rate.high, "n": rate.n}
        for name, rate in rates.rates.items()
    }
    return {"conversations": rates.total, "looked_at": rates.looked_at, "rates": shares}
