"""Whether each answer fits what was said just before."""

import unicodedata
from collections import Counter
from collections.abc import Iterator

from jobs.metrics._metric import Metric, ScoringContext, count, share
from jobs.metrics._reading import READ_AT_MOST, plain, same_saying
from jobs.model import Score, Turn

LETTERS_THAT_SHOW_A_SCRIPT = 12
WORDS_OF_AN_ECHO = 4


async def score(context: ScoringContext) -> Score:
    """Share of the assistant's turns without one of the breaks that rules can see.

    A turn breaks when it is empty, echoes the customer's words, says again what it said just before although the
    customer went on, or is written in another script than the customer's (not looked at when the
    profile makes the customer change language). Whether the *content* fits is for a judge.
    """
    replies = len(context.assistant_turns)
    if not replies:
        return Score.unscored("the assistant never answered")
    changes_language = any(style.name == "change_language" for style in context.scenario.styles)
    breaks = list(_breaks(context.transcript.turns, one_script=not changes_language))
    found = ", ".join(f"{kind} ({times}×)" for kind, times in Counter(breaks).most_common())
    return share(replies - len(breaks), replies, found or f"{count(replies, 'answer')} without a break")


def _breaks(turns: tuple[Turn, ...], *, one_script: bool) -> Iterator[str]:
    """What is wrong with each assistant turn that breaks; at most one break a turn."""
    asked = asked_before = answered_before = ""
    for turn in turns:
        text = plain(turn.text)
        if turn.speaker == "user":
            asked = text
            continue
        kind = _break(text, asked=asked, asked_before=asked_before, answered_before=answered_before)
        if kind or (one_script and (kind := _other_script(text, asked))):
            yield kind
        asked_before, answered_before = asked, text


def _break(text: str, *, asked: str, asked_before: str, answered_before: str) -> str | None:
    if not text:
        return "an empty answer"
    if len(text.split()) >= WORDS_OF_AN_ECHO and same_saying(text, asked):
        return "echoed the customer"
    if same_saying(text, answered_before) and not same_saying(asked, asked_before):
        return "repeated itself although the customer went on"
    return None


def _other_script(text: str, asked: str) -> str | None:
    script, wanted = _script(text), _script(asked)
    return "answered in another script" if script and wanted and script != wanted else None


def _script(text: str) -> str | None:
    """The script of most letters ("LATIN", "CYRILLIC", "CJK" …); None when there are too few to tell."""
    letters = [character for character in text[:READ_AT_MOST] if character.isalpha()]
    if len(letters) < LETTERS_THAT_SHOW_A_SCRIPT:
        return None
    if text.isascii():  # nearly always, and looking every letter up is slow
        return "LATIN"
    scripts = Counter(unicodedata.name(letter, "?").split()[0] for letter in letters)
    name, times = scripts.most_common(1)[0]
    # Japanese mixes three scripts in one sentence
    name = "CJK" if name in {"HIRAGANA", "KATAKANA"} else name
    return name if times > len(letters) / 2 else None


METRIC = Metric(
    name="coherence",
    better="higher",
    unit="share",
    description="Share of answers that fit what was said just before, as far as rules can see.",
    score=score,
)
