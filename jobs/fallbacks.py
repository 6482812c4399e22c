"""When an assistant did not understand: by what it says of itself, its declared text, the usual phrases, and by itself.

Everybody who must know asks here: the turn loop, the metrics, the checks of test cases, a customer that is a model.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from rapidfuzz import fuzz

from jobs.model import Turn

READ_AT_MOST = 4_000
"""Characters of one utterance that are compared; comparing is quadratic, and replies may be a megabyte."""

SAME_FALLBACK = 88
"""Similarity (0..100) to the declared fallback, or to one heard before; it may carry a name or a suggestion."""

LONGEST_GENERIC_FALLBACK = 240
"""A longer reply that says "I do not understand" somewhere is a real answer."""

SHORTEST_WITHIN = 12
"""A declared text of a word or two ("Sorry?") stands in many good answers; only longer ones are looked for inside."""

LEARNT_AFTER = 3
"""The same answer to so many different utterances in a row is no answer to any of them."""

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
_PHRASES = re.compile("|".join(map(re.escape, sorted(GENERIC_FALLBACKS, key=len, reverse=True))))
_PARAPHRASES = re.compile(
    r"\b(?:i |we |i'm |i am |sorry,? )*(?:did not|didn't|do not|don't|could not|couldn't|can't|cannot|not able to"
    r"|unable to|(?:am )?having (?:trouble|difficulty)|struggl\w+ to|failed to)(?: quite| really| fully)? "
    r"(?:understand|understanding|follow(?: you| what| that)|get (?:that|you|what you)|catch (?:that|what)"
    r"|make sense of|grasp|interpret(?:ing)?|recogni[sz]e (?:that|what|your))"
    r"|\bi'?m? ?(?:am )?not sure (?:i|that i|what you) (?:understand|understood|follow|got|mean)"
    r"|\b(?:say|put|phrase|word) (?:that|it|this|your \w+) (?:again|another way|differently|in another way)"
    r"|\b(?:rephrase|reword|reformulate)\b"
    r"|\brepeat (?:that|what you said|your (?:question|request|message))\b"
    r"|\btry (?:asking|saying) (?:that |it )?(?:again|differently|another way|in (?:other|different) words)"
    r"|\b(?:no|nicht) (?:lo |la |le |te |se |richtig |ganz )?(?:entiendo|entend[ií]|verstanden)\b"
    r"|\b(?:reformuler|reformular|riformulare|anders (?:formulieren|ausdrücken|sagen)|umformulieren)\b"
)
"""The same in other words."""


def plain(text: str) -> str:
    """The text as it is compared: one case, one kind of quote and space, at most ``READ_AT_MOST`` characters."""
    folded = unicodedata.normalize("NFKC", text[:READ_AT_MOST]).casefold()
    return " ".join(folded.replace("’", "'").replace("‘", "'").split())


def is_fallback(turn: Turn, declared: str | None) -> bool:
    """Whether the assistant gave up understanding in this turn, looked at by itself.

    What the assistant says about itself counts; where it says nothing, similarity to the profile's declared fallback,
    and a short reply with one of the usual phrases or their paraphrases.
    """
    return turn.fallback if turn.fallback is not None else _says_so(plain(turn.text), declared)


class FallbackEar:
    """Hears the answers of one conversation in their order, and learns what this assistant says instead of answering.

    Learnt is what was recognised once, which is then known in other words too, and an answer that came to three
    different utterances in a row. It learns from its own conversation only, so that a conversation is judged the same
    whatever else was played before it.
    """

    def __init__(self, declared: str | None) -> None:
        self._declared = declared
        self._learnt: list[str] = []
        self._in_a_row: list[tuple[str, str]] = []

    def hears(self, turn: Turn, said: str = "") -> bool:
        """Whether this answer is a fallback; ``said`` is what it was the answer to."""
        text = plain(turn.text)
        if turn.fallback is not None:
            found = turn.fallback
        else:
            found = _says_so(text, self._declared) or self._is_learnt(text) or self._answers_everything(text, said)
        if found and text and text not in self._learnt:
            self._learnt.append(text)
        return found

    def _is_learnt(self, text: str) -> bool:
        return any(fuzz.ratio(text, known, score_cutoff=SAME_FALLBACK) > 0 for known in self._learnt)

    def _answers_everything(self, text: str, said: str) -> bool:
        if self._in_a_row and self._in_a_row[-1][0] != text:
            self._in_a_row.clear()
        self._in_a_row.append((text, plain(said)))
        return bool(text) and len({each for _, each in self._in_a_row if each}) >= LEARNT_AFTER


def fallbacks_in(turns: Sequence[Turn], declared: str | None) -> tuple[bool, ...]:
    """For each of the assistant's turns, in their order, whether it is a fallback."""
    ear = FallbackEar(declared)
    before = ("", *(turn.text if turn.speaker == "user" else "" for turn in turns))
    return tuple(
        ear.hears(turn, said) for turn, said in zip(turns, before, strict=False) if turn.speaker == "assistant"
    )


def lost_in_a_row(turns: Sequence[Turn], declared: str | None) -> int:
    """How many of the last answers were fallbacks, without a real one in between."""
    heard = fallbacks_in(turns, declared)
    return next((count for count, lost in enumerate(reversed(heard)) if not lost), len(heard))


@lru_cache(maxsize=5_000)  # the turn loop and several metrics ask about the same answer
def _says_so(text: str, declared: str | None) -> bool:
    if declared and _resembles(text, plain(declared)):
        return True
    return len(text) <= LONGEST_GENERIC_FALLBACK and bool(_PHRASES.search(text) or _PARAPHRASES.search(text))


def _resembles(text: str, declared: str) -> bool:
    if fuzz.ratio(text, declared, score_cutoff=SAME_FALLBACK) > 0:
        return True
    return SHORTEST_WITHIN <= len(declared) <= len(text) and fuzz.partial_ratio(declared, text, score_cutoff=92) > 0
