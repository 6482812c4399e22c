"""Implicit signals beside the explicit ones: people's live conversations apart from those of simulated customers."""

from collections.abc import Sequence

from jobs.feedback.scope import Scope
from jobs.feedback.signals import ImplicitSignals, SignalRates, read_signals, signal_rates
from jobs.model import Transcript
from jobs.store.votes import FeedbackReader

MOST_LOOKED_AT = 1_000
"""Conversations of each kind, the newest ones."""
ENDINGS = frozenset({"abandoned", "completed"})
"""Nobody knows of a live thread that just goes quiet whether it was given up."""


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
