"""How well a simulated customer kept to each of its interaction styles, measured on what it said."""

import re
from collections.abc import Callable, Mapping, Sequence

from jobs.feedback.language import LANGUAGES, likely_language
from jobs.metrics import _spelling
from jobs.metrics._metric import count, share
from jobs.model import Scenario, Score, Style, StyleName, Transcript
from jobs.simulate.spoken import acts_in
from jobs.simulate.wishes import Wish, wishes_of

LONG_PHRASE = 20
"""Words from which an utterance that brings something up is a long one; the usual ones have about ten."""
FEWEST_WORDS = 3
"""Utterances with fewer words that can be looked up need no mistake in them."""

Measure = Callable[[Style, Scenario, Sequence[str], Sequence[Wish]], Score]


def by_style(scenario: Scenario, transcript: Transcript) -> dict[StyleName, Score]:
    """For each style of the scenario 0..1 with the reason, or unscored where it cannot be measured."""
    said = [turn.text for turn in transcript.turns if turn.speaker == "user"]
    if not said:
        return {style.name: Score.unscored("the customer never spoke") for style in scenario.styles}
    wishes = wishes_of(scenario)
    return {style.name: MEASURES[style.name](style, scenario, said, wishes) for style in scenario.styles}


def _long_phrases(style: Style, scenario: Scenario, said: Sequence[str], wishes: Sequence[Wish]) -> Score:
    raising: list[str] = []
    known: set[int] = set()
    for text in said:
        about = {act.wish.index for act in acts_in(text, wishes) if act.wish}
        raising += [text] if about - known else []  # corrections and answers are short with everybody
        known |= about
    if not raising:
        return Score.unscored("the customer brought nothing up")
    long = sum(len(text.split()) >= LONG_PHRASE for text in raising)
    what = count(len(raising), "message")
    return share(long, len(raising), f"{long} of {what} with something new have {LONG_PHRASE} words or more")


def _change_your_mind(style: Style, scenario: Scenario, said: Sequence[str], wishes: Sequence[Wish]) -> Score:
    wants = [want for wish in wishes for want in wish.wants if set(want.slot.domain) - set(want.values)]
    if not wants:
        return Score.unscored("there is nothing to change one's mind about")
    for want in wants:
        mentioned = [found for text in said if (found := want.mentioned(text))]
        other = next((place for place, found in enumerate(mentioned) if not found & set(want.values)), None)
        if other is not None and any(found & set(want.values) for found in mentioned[other + 1 :]):
            return Score(value=1.0, reason=f"wanted another {want.label} at first")
    return Score(value=0.0, reason="wanted the same from the first word to the last")


def _change_language(style: Style, scenario: Scenario, said: Sequence[str], wishes: Sequence[Wish]) -> Score:
    wanted = {name for each in style.languages for name in LANGUAGES if each.casefold() == name.casefold()}
    if not wanted:
        return Score.unscored(f"{', '.join(style.languages) or 'that language'} cannot be recognised")
    spoken = [language for text in said if (language := likely_language(text))]
    if not spoken:
        return Score.unscored("too little was said to tell the language")
    changed = sorted(wanted & set(spoken) - {scenario.language})
    if changed:
        return Score(value=1.0, reason=f"spoke {' and '.join(changed)} for a while")
    return Score(value=0.0, reason=f"never changed to {' or '.join(sorted(wanted))}")


def _spelling_mistakes(style: Style, scenario: Scenario, said: Sequence[str], wishes: Sequence[Wish]) -> Score:
    if not _spelling.knows(scenario.language):
        return Score.unscored(f"there is no list of words for {scenario.language}")
    topic = " ".join([scenario.role, *scenario.context, *(goal.text for goal in scenario.goals)])
    topic += " " + " ".join(str(value) for goal in scenario.goals for slot in goal.slots for value in slot.domain)
    known = frozenset(re.findall(r"[^\W\d_]+", topic.lower()))
    checked = [words for text in said if len(words := _spelling.checkable(text)) >= FEWEST_WORDS]
    if not checked:
        return Score.unscored("too little was said to make mistakes in")
    wrong = sum(bool(_spelling.misspelt(words, scenario.language, known=known)) for words in checked)
    return share(wrong, len(checked), f"{wrong} of {count(len(checked), 'longer message')} have a misspelt word")


def _single_question(style: Style, scenario: Scenario, said: Sequence[str], wishes: Sequence[Wish]) -> Score:
    raised = [len(acts) for text in said if (acts := acts_in(text, wishes))]
    if not raised:
        return Score.unscored("the customer brought nothing up")
    single = sum(each == 1 for each in raised)
    return share(single, len(raised), f"{single} of {count(len(raised), 'message')} bring up one thing alone")


def _all_questions(style: Style, scenario: Scenario, said: Sequence[str], wishes: Sequence[Wish]) -> Score:
    first = next((acts for text in said if (acts := acts_in(text, wishes))), None)
    if first is None:
        return Score.unscored("the customer brought nothing up")
    return share(len(first), len(wishes), f"{len(first)} of {count(len(wishes), 'goal')} stand in the first message")


MEASURES: Mapping[StyleName, Measure] = {
    "long_phrases": _long_phrases,
    "change_your_mind": _change_your_mind,
    "change_language": _change_language,
    "spelling_mistakes": _spelling_mistakes,
    "single_question": _single_question,
    "all_questions": _all_questions,
}
