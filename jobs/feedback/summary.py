"""What one conversation was about, in two sentences: by a model, or the words that say most, copied and labelled so."""

from dataclasses import dataclass
from typing import Literal

from jobs.feedback.signals import read_signals
from jobs.model import Transcript
from jobs.redact import redact_personal

LONGEST_PART = 160
MOST_OF_A_TURN = 500
MOST_MATERIAL = 6_000


@dataclass(frozen=True, kw_only=True)
class ConversationSummary:
    """``by``: an ``extract`` is made of passages of the conversation, without a model.

    Args:
        material: what was said, without personal data and bounded, for a model to read.
    """

    text: str
    by: Literal["extract", "model"]
    material: str = ""


def extract(transcript: Transcript) -> ConversationSummary:
    """What the customer came with, the last answer, and how it looked on the way."""
    said = [turn.text for turn in transcript.turns if turn.speaker == "user" and turn.text.strip()]
    answers = [turn.text for turn in transcript.turns if turn.speaker == "assistant" and turn.text.strip()]
    # greetings say nothing: the first utterance of some length is what they came for
    asked = next((text for text in said if len(text.split()) > 3), said[0] if said else "")
    parts = [f"asked: “{_short(asked)}”"] if asked else []
    parts += [f"last answer: “{_short(answers[-1])}”"] if answers else ["no answer"]
    text = "; ".join((*parts, *_signs(transcript)))
    return ConversationSummary(text=text, by="extract", material=_material(transcript))


def _material(transcript: Transcript) -> str:
    lines = [f"{turn.speaker.upper()}: {_short(turn.text, MOST_OF_A_TURN)}" for turn in transcript.turns]
    while len(lines) > 2 and sum(map(len, lines)) > MOST_MATERIAL:
        del lines[len(lines) // 2]  # beginnings say what is wanted, ends what came of it
    return "\n".join(lines)


def _signs(transcript: Transcript) -> list[str]:
    signals = read_signals(transcript)
    seen = {
        "said again in other words": signals.rephrasings,
        "not understood": signals.fallbacks,
        "asked for a human": signals.asked_for_human,
        "handed over": signals.escalated,
    }
    return [f"{name} {times}×" if times > 1 else name for name, times in seen.items() if times]


def _short(text: str, most: int = LONGEST_PART) -> str:
    line = " ".join(redact_personal(text[: 4 * most]).split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"
