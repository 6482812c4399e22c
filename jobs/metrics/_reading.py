"""How metrics read text: what counts as the same saying, and what as "I did not understand"."""

import re
import unicodedata
from collections.abc import Sequence

from rapidfuzz import fuzz

from jobs.model import Turn

READ_AT_MOST = 4_000
"""Characters of one utterance that are compared; comparing is quadratic, and replies may be a megabyte."""

SAME_SAYING = 95
"""Similarity (0..100) from which two utterances are almost verbatim the same: a typo or a name apart."""

SAME_FALLBACK = 88
"""Similarity to the declared fallback; it may carry a name or a suggestion of its own."""

LONGEST_GENERIC_FALLBACK = 240
"""A longer reply that says "I do not understand" somewhere is a real answer."""

GENERIC_FALLBACKS = (
    "i didn't understand",
    "i did not understand",
    "i don't understand",
    "i do not understand",
    "i didn't quite understand",
    "i didn't get that",
    "i didn't quite get that",
    "i didn't catch that",
    "i'm not sure i understand",
    "i'm not sure what you mean",
    "i don't know what you mean",
    "i'm having trouble understanding",
    "could you rephrase",
    "can you rephrase",
    "please rephrase",
    "could you say that again",
    "say that in another way",
    "no te entiendo",
    "no entiendo",
    "no he entendido",
    "no te he entendido",
    "je n'ai pas compris",
    "je ne comprends pas",
    "das habe ich nicht verstanden",
    "ich verstehe nicht",
    "ich habe sie nicht verstanden",
    "non ho capito",
    "non capisco",
    "não entendi",
    "não compreendi",
    "ik begrijp het niet",
    "dat heb ik niet begrepen",
    "не понимаю",
    "я вас не понял",
)


def plain(text: str) -> str:
    """The text as it is compared: one case, one kind of quote and space, at most ``READ_AT_MOST`` characters."""
    folded = unicodedata.normalize("NFKC", text[:READ_AT_MOST]).casefold()
    return " ".join(folded.replace("’", "'").replace("‘", "'").split())


def same_saying(one: str, other: str) -> bool:
    """Whether two plain texts say almost verbatim the same; differing figures are a difference ("2 pizzas")."""
    if re.findall(r"\d+", one) != re.findall(r"\d+", other):
        return False
    return fuzz.ratio(one, other, score_cutoff=SAME_SAYING) > 0


def repeated(turns: Sequence[Turn]) -> tuple[bool, ...]:
    """For each turn, whether it repeats an earlier one of the sequence; empty utterances repeat nothing."""
    said = [plain(turn.text) for turn in turns]
    return tuple(bool(text) and any(same_saying(text, earlier) for earlier in said[:i]) for i, text in enumerate(said))


def is_fallback(turn: Turn, declared: str | None) -> bool:
    """Whether the assistant gave up understanding in this turn.

    What the assistant says about itself counts; where it says nothing, similarity to the profile's declared fallback,
    and a short reply with one of the usual phrases.
    """
    if turn.fallback is not None:
        return turn.fallback
    text = plain(turn.text)
    if declared and _resembles(text, plain(declared)):
        return True
    return len(text) <= LONGEST_GENERIC_FALLBACK and any(
        fuzz.partial_ratio(phrase, text, score_cutoff=92) > 0
        for phrase in GENERIC_FALLBACKS
        if len(phrase) <= len(text)
    )


def _resembles(text: str, declared: str) -> bool:
    if fuzz.ratio(text, declared, score_cutoff=SAME_FALLBACK) > 0:
        return True
    # a fallback of a word or two ("Sorry?") stands in many good answers, so only longer ones are looked for inside
    return len(declared) >= 12 and len(declared) <= len(text) and fuzz.partial_ratio(declared, text) >= 92
