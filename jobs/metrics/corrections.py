"""How often the customer had to put right what the assistant had understood."""

import re

from jobs.metrics._metric import Metric, ScoringContext, count, share
from jobs.metrics._reading import plain
from jobs.model import Score

CORRECTS = re.compile(
    r"^(?:no|nope|not quite|almost|wait|actually|sorry)\b[,.!: ]+(?![,.!: ])"
    r"(?!thank|that'?s (?:all|it|everything|fine)|problem|worries|more|nothing|bye|need)(?=.{3})"
    r"|\b(?:that(?:'s| is)|this is|it(?:'s| is)) (?:wrong|not (?:right|correct|what i|quite right|it\b))"
    r"|\b(?:that'?s|this is) incorrect\b"
    r"|\bi (?:did not|didn't|never) (?:say|ask(?:ed)? for|want|order|mean)\b"
    r"|\bi (?:said|asked for|ordered|wanted|meant)\b.{0,80}\b(?:not|instead of|rather than)\b"
    r"|\byou (?:forgot|left out|missed|got (?:that|it|the \w+) wrong|misunderstood)\b"
    r"|\b(?:is|are) (?:still )?missing\b"
    r"|^(?:nein|falsch|doch nicht)\b[,.! ]+(?![,.! ])(?!danke)|\bdas (?:ist falsch|stimmt nicht|habe ich nicht)\b"
    r"|^no,? (?:quer[ií]a|quiero|ped[ií]|he pedido|eso no)\b|\beso no es\b|\best[áa] mal\b"
    r"|^non,? (?:je|c'est|ce n'est)\b|\bce n'est pas (?:ce que|correct|ça)\b|\bc'est faux\b"
    r"|^no,? (?:volevo|voglio|ho chiesto|non è)\b|\bè sbagliato\b"
)
"""Wordings in English, German, Spanish, French and Italian."""
ACTS = frozenset(("missing", "wrong", "unwanted"))
"""What the offline customer calls its own corrections; it knows them without being read."""


async def score(context: ScoringContext) -> Score:
    """Share of the customer's turns, after the first, that put the assistant right.

    A change of mind is none. The customer of a test case says what stands in a file, which is no signal.
    """
    if context.scenario.case:
        return Score.unscored("the customer says what the test case says")
    later = context.user_turns[1:]
    if not later:
        return Score.unscored("the customer spoke less than twice")
    corrected = sum(_corrects(turn.text, turn.intent) for turn in later)
    return share(corrected, len(later), f"{corrected} of {count(len(later), 'later turn')} put the assistant right")


def _corrects(text: str, intent: str | None) -> bool:
    if intent is not None:
        return bool(ACTS & set(intent.split("+")))
    return bool(CORRECTS.search(plain(text)))


METRIC = Metric(
    name="corrections",
    better="lower",
    unit="share",
    description="Share of the customer's turns that had to put right what the assistant understood.",
    score=score,
)
