"""Does a simulated user still behave like a customer? Checked on every utterance before the assistant sees it."""

import re
from collections.abc import Sequence

from jobs.model import Turn

ROLE_PREFIX = re.compile(r"^\s*(assistant|bot|chatbot|system|user|customer|ai)\s*:", re.IGNORECASE)
CONTROL_TEXT = re.compile(
    r"<\s*/?\s*(think|thinking|reasoning|scratchpad)\b|\[\s*/?\s*(INST|END|STOP)\s*\]|<\|", re.IGNORECASE
)
INVERTED = re.compile(r"\b(as an ai|how (can|may) i (help|assist) you)\b", re.IGNORECASE)


def misbehaviour(text: str, turns: Sequence[Turn]) -> str | None:
    """Why this utterance is not a customer's, or None if it is fine."""
    if not text.strip():
        return "the simulated customer said nothing"
    if ROLE_PREFIX.search(text):
        return "the simulated customer wrote a speaker's name in front of its text"
    if CONTROL_TEXT.search(text):
        return "the simulated customer leaked control text"
    if INVERTED.search(text):
        return "the simulated customer spoke as if it were the assistant"
    own = [turn.text for turn in turns if turn.speaker == "user"]
    if len(own) >= 2 and own[-1] == own[-2] == text:
        return "the simulated customer repeated itself word for word three times"
    return None
