"""What of a judge's answer is believed: passages that occur, word for word, where they are said to occur."""

import re
import unicodedata

from jobs.judge.model import NoJudgement
from jobs.model import Speaker, Transcript

SHORTEST_EVIDENCE = 8
"""Characters of a quote, unless it is a whole utterance: shorter ones occur everywhere."""
TOLD_AT_MOST = 400
"""Characters of a reason or quote that are shown."""

ADDRESSES_A_JUDGE = re.compile(
    r"\b(?:judge|grader|evaluator|rubric|grading|ignore (?:all|any|the|your|previous|prior)\b|disregard"
    r"|(?:score|rate|grade|rating|points?)\W{0,3}(?:this|it|me|of|as|:|=|is)?\W{0,3}(?:a |an )?"
    r"(?:[1-5]|five|full|max\w*|perfect))",
    re.IGNORECASE,
)
"""Text of a transcript that speaks to whoever grades it is no evidence of anything."""


def evidence(
    quote: str, transcript: Transcript, speaker: Speaker | None = None, *, at: int | None = None, short: bool = False
) -> int:
    """The position of the utterance with that passage; spaces, quotes and case do not matter.

    Args:
        at: the only utterance that will do.
        short: a few letters are evidence enough, since it is about a value ("$9").

    Raises:
        NoJudgement: there is none, or it addresses a judge.
    """
    wanted = normal(quote).strip(" \"'.…")
    if not wanted:
        raise NoJudgement("the judge gave no evidence")
    if ADDRESSES_A_JUDGE.search(wanted):
        raise NoJudgement("the judge's evidence is a text that addresses the judge")
    for position, turn in enumerate(transcript.turns):
        if speaker in (None, turn.speaker) and at in (None, position) and _has(normal(turn.text), wanted, short=short):
            return position
    whose = f"{speaker}'s " if speaker else ""
    raise NoJudgement(f"the judge's evidence does not occur in the {whose}words")


def normal(text: str) -> str:
    """The text as it is compared."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.sub(r"[‘’‚`´]", "'", re.sub(r"[“”„«»]", '"', folded)).split())


def told(text: str) -> str:
    """A reason or quote as it is shown: on one line, bounded."""
    words = " ".join(text.split())
    return words if len(words) <= TOLD_AT_MOST else f"{words[: TOLD_AT_MOST - 1]}…"


def _has(text: str, wanted: str, *, short: bool) -> bool:
    return text.strip(" \"'.…") == wanted or ((short or len(wanted) >= SHORTEST_EVIDENCE) and wanted in text)
