"""How metrics read text: what counts as the same saying."""

import re
from collections.abc import Sequence

from rapidfuzz import fuzz

from jobs.fallbacks import READ_AT_MOST, fallbacks_in, is_fallback, plain
from jobs.model import Turn

__all__ = ["READ_AT_MOST", "fallbacks_in", "is_fallback", "plain", "repeated", "same_saying"]

SAME_SAYING = 95
"""Similarity (0..100) from which two utterances are almost verbatim the same: a typo or a name apart."""


def same_saying(one: str, other: str) -> bool:
    """Whether two plain texts say almost verbatim the same; differing figures are a difference ("2 pizzas")."""
    if re.findall(r"\d+", one) != re.findall(r"\d+", other):
        return False
    return fuzz.ratio(one, other, score_cutoff=SAME_SAYING) > 0


def repeated(turns: Sequence[Turn]) -> tuple[bool, ...]:
    """For each turn, whether it repeats an earlier one of the sequence; empty utterances repeat nothing."""
    said = [plain(turn.text) for turn in turns]
    return tuple(bool(text) and any(same_saying(text, earlier) for earlier in said[:i]) for i, text in enumerate(said))
