"""What conversations say about satisfaction though nobody rated them: implicit signals, beside the explicit ones."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from rapidfuzz import fuzz

from jobs.model import EndedBy, Transcript, Turn
from jobs.stats import Proportion, wilson_interval

SAME_FROM = 80
"""Similarity (0..100, of the sets of words) from which an utterance says the one before it again."""
FEWEST_WORDS = 3
"""Shorter utterances ("yes please") are alike without being rephrased."""
GIVEN_UP: tuple[EndedBy, ...] = ("limit", "fallback_loop", "timeout")

_HUMAN = (
    r"(?:human|person|people|agent|representative|operator|advisor|employee|colleague|supervisor|manager"
    r"|mensch|mitarbeiter\w*|humain|conseill\w+|persona|agente|operatore)"
)
_ASKING = re.compile(
    rf"\b(?:speak|talk|chat|connect\w*|transfer\w*|get|give|want|need|is there|sprechen|parler|hablar|parlare)\b"
    rf"[^.?!]{{0,40}}\b{_HUMAN}\b|\breal {_HUMAN}\b",
    re.IGNORECASE,
)
_HANDING_OVER = re.compile(
    rf"\b(?:connect|transfer|forward|hand|put|pass|escalat)\w*\b[^.?!]{{0,60}}\b(?:{_HUMAN}|team|desk|support)s?\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True)
class Signals:
    """What one conversation shows.

    Args:
        rephrasings: times the user said the same again in other words.
        fallbacks: answers of which the assistant itself says that it did not understand.
        asked_for_human: the user wanted a person.
        escalated: the assistant handed over to one.
        abandoned: it ended without the goal, by giving up.
        completed: it ended because the goal was reached.
    """

    rephrasings: int
    fallbacks: int
    asked_for_human: bool
    escalated: bool
    abandoned: bool
    completed: bool


def read_signals(transcript: Transcript) -> Signals:
    """The signals of one finished conversation."""
    user = [turn.text for turn in transcript.turns if turn.speaker == "user"]
    assistant = [turn for turn in transcript.turns if turn.speaker == "assistant"]
    return Signals(
        rephrasings=sum(_says_again(before, after) for before, after in pairwise(user)),
        fallbacks=sum(turn.fallback is True for turn in assistant),
        asked_for_human=any(_ASKING.search(text) for text in user),
        escalated=any(hands_over(turn) for turn in assistant),
        abandoned=transcript.ended_by in GIVEN_UP,
        completed=transcript.ended_by == "goal_reached",
    )


RATES: Mapping[str, Callable[[Signals], bool]] = {
    "rephrased": lambda signals: signals.rephrasings > 0,
    "fell_back": lambda signals: signals.fallbacks > 0,
    "asked_for_human": lambda signals: signals.asked_for_human,
    "escalated": lambda signals: signals.escalated,
    "abandoned": lambda signals: signals.abandoned,
    "completed": lambda signals: signals.completed,
}


def signal_rates(conversations: Iterable[Signals]) -> dict[str, Proportion | None]:
    """The share of conversations that show each signal, with its interval; None without conversations."""
    all_signals = list(conversations)
    return {
        name: wilson_interval(sum(holds(each) for each in all_signals), len(all_signals))
        for name, holds in RATES.items()
    }


def _says_again(before: str, after: str) -> bool:
    """Nearly the same words; one may say it shorter or longer."""
    if min(len(_WORD.findall(before)), len(_WORD.findall(after))) < FEWEST_WORDS:
        return False
    return fuzz.token_set_ratio(before.lower(), after.lower()) >= SAME_FROM


def hands_over(turn: Turn) -> bool:
    """Whether the assistant passes the user on to a person in this turn."""
    if turn.intent and re.search(r"hand_?over|escalat|human", turn.intent, re.IGNORECASE):
        return True
    return _HANDING_OVER.search(turn.text) is not None


# --- of many conversations -------------------------------------------------------------------------------------------

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


def _json(rates: SignalRates) -> dict[str, Any]:
    shares = {
        name: None if rate is None else {"value": rate.value, "low": rate.low, "high": rate.high, "n": rate.n}
        for name, rate in rates.rates.items()
    }
    return {"conversations": rates.total, "looked_at": rates.looked_at, "rates": shares}
