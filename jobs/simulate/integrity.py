"""Does a simulated user still behave like a customer? Checked on every utterance before the assistant sees it."""

import re
from collections.abc import Sequence

from jobs.model import Turn

ROLE_PREFIX = re.compile(
    r"^[\s*_#>\[(]*(assistant|bot|chatbot|system|user|simulated user|customer|client|human|ai|agent|kunde|cliente"
    r"|usuario|utilisateur|benutzer|asistente|assistente)[\s*_\])]*:",
    re.IGNORECASE,
)
BOTH_SIDES = re.compile(r"\n[\s*_#>\[(]*(assistant|bot|chatbot|user|customer|agent|ai)[\s*_\])]*:", re.IGNORECASE)
"""It goes on to write the other side's lines too."""
CONTROL_TEXT = re.compile(
    r"<\s*/?\s*(think|thinking|thought|reasoning|scratchpad|analysis|reflection|tool_call|function)\b"
    r"|\[\s*/?\s*(INST|END|STOP|DONE|SYS)\s*\]|<\||\|>|<</?SYS>>|</?s>|#{2,}\s*(STOP|END|TRANSFER)|\[\[|\]\]",
    re.IGNORECASE,
)
REASONING = re.compile(
    r"^\W*(?:okay|ok|alright|hmm|wait|so)?[\s,.]*"
    r"(?:the (?:user|customer) (?:wants|asked|is asking|should|would|needs)\b"
    r"|the (?:assistant|bot|chatbot) (?:just )?(?:asked|asks|is asking|wants) (?:me|for|about|if|whether|how|what)\b"
    r"|i (?:need to|have to|should|must|will) (?:respond|reply|act) (?:as|in|with|to the)\b"
    r"|as (?:the|a) (?:simulated )?(?:customer|user),? i\b|my (?:next|first) (?:message|utterance)\b)"
    r"|\b(?:stay(?:ing)? in character|according to my instructions|my instructions (?:say|are|tell)|my persona"
    r"|my (?:next|remaining|list of) goals?\b|my system prompt|simulated (?:customer|user))",
    re.IGNORECASE,
)
"""What models write when they think about the part they play; customers do not."""
INVERTED = re.compile(
    r"\b(as an ai|as a language model|i'?m (?:just )?an ai|how (can|may) i (help|assist) you"
    r"|what can i (?:do|get) for you|is there anything else i can (?:help|assist|do)"
    r"|thank you for (?:contacting|choosing|calling) us)\b",
    re.IGNORECASE,
)
WORDS_OF_AN_ECHO = 6
"""Shorter utterances are said by both sides for good reasons."""


def misbehaviour(text: str, turns: Sequence[Turn], *, canary: str | None = None) -> str | None:
    """Why this utterance is not a customer's, or None if it is fine.

    ``canary`` is a mark in the simulator's instructions that the customer cannot know.
    """
    if not text.strip():
        return "the simulated customer said nothing"
    if canary and canary.casefold() in re.sub(r"[\s\-_]", "", text.casefold()):
        return "the simulated customer gave away its instructions"
    if ROLE_PREFIX.search(text):
        return "the simulated customer wrote a speaker's name in front of its text"
    if BOTH_SIDES.search(text):
        return "the simulated customer wrote the assistant's lines too"
    if CONTROL_TEXT.search(text):
        return "the simulated customer leaked control text"
    if REASONING.search(text):
        return "the simulated customer thought aloud about its role"
    if INVERTED.search(text):
        return "the simulated customer spoke as if it were the assistant"
    return _repetition(text, turns)


def _repetition(text: str, turns: Sequence[Turn]) -> str | None:
    own = [turn.text for turn in turns if turn.speaker == "user"]
    if len(own) >= 2 and own[-1] == own[-2] == text:
        return "the simulated customer repeated itself word for word three times"
    heard = turns[-1].text if turns and turns[-1].speaker == "assistant" else ""
    if len(text.split()) >= WORDS_OF_AN_ECHO and _words(text) == _words(heard):
        return "the simulated customer said the assistant's words again"
    return None


def _words(text: str) -> str:
    return " ".join(text.casefold().split())
