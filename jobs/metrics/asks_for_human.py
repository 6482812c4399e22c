"""Whether the customer asked for a person."""

import re

from jobs.metrics._metric import Metric, ScoringContext
from jobs.metrics._reading import plain
from jobs.model import Score

PERSON = r"(?:human|real person|person|agent|representative|operator|supervisor|manager|someone real|staff)"
ASKS = re.compile(
    rf"\b(?:speak|talk|chat|connect(?: me)?|transfer me|put me through|pass me on)\b[^.!?]{{0,30}}\b(?:to|with)\b"
    rf"[^.!?]{{0,20}}\b{PERSON}\b"
    rf"|\b(?:want|need|give me|get me|like)\b[^.!?]{{0,20}}\b(?:a|an|the|your) (?:human|real {PERSON}|{PERSON})\b"
    rf"|\b(?:are you|is this) (?:a |an )?(?:human|real|bot|robot|machine)\b"
    r"|\b(?:mit|an) (?:einem|einen|einer) (?:menschen|mitarbeiter|mitarbeiterin|berater|kollegen)\b"
    r"|\b(?:hablar|hable) con (?:una persona|un humano|un agente|alguien)\b"
    r"|\bparler (?:à|avec) (?:une personne|un humain|un conseiller|quelqu'un)\b"
    r"|\bparlare con (?:una persona|un operatore|un umano)\b"
)


async def score(context: ScoringContext) -> Score:
    """1 when the customer asked for a person (or whether there is one), 0 when not.

    Known are English, German, Spanish, French and Italian wordings. The customer of a test case says what stands in a
    file, which is no signal.
    """
    if context.scenario.case:
        return Score.unscored("the customer says what the test case says")
    if not context.user_turns:
        return Score.unscored("the customer never spoke")
    asked = sum(bool(ASKS.search(plain(turn.text))) for turn in context.user_turns)
    return Score(value=float(bool(asked)), reason=f"asked in {asked} of {len(context.user_turns)} turns")


METRIC = Metric(
    name="asks_for_human",
    better="lower",
    unit="share",
    description="Share of conversations in which the customer asked for a person.",
    score=score,
)
