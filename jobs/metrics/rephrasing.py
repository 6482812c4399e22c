"""How often the customer had to say the same thing in other words."""

import re
from itertools import pairwise

from rapidfuzz import fuzz

from jobs.metrics._metric import Metric, ScoringContext, count, share
from jobs.metrics._reading import plain
from jobs.model import Score

SAME_MATTER = 75
"""Similarity (0..100) of the sorted words from which two utterances are about the same in other words."""
WORDS_OF_A_STATEMENT = 4
"""Shorter utterances ("yes please") resemble each other for good reasons."""
SAYS_THAT_IT_REPEATS = re.compile(
    r"\b(?:i meant|i mean|what i (?:said|asked|meant) (?:was|is)|let me (?:rephrase|put it)|in other words"
    r"|as i (?:said|told you)|i (?:already|just) (?:said|asked|told)|once (?:more|again)[,:])",
    re.IGNORECASE,
)


async def score(context: ScoringContext) -> Score:
    """Share of the customer's turns, after the first, that put the turn before in other words.

    They do when they say so ("I meant …"), or when their words are nearly those of the turn before. The customer of a
    test case says what stands in a file, which is no signal.
    """
    if context.scenario.case:
        return Score.unscored("the customer says what the test case says")
    said = [plain(turn.text) for turn in context.user_turns]
    if len(said) < 2:
        return Score.unscored("the customer spoke less than twice")
    again = sum(_rephrases(text, before) for before, text in pairwise(said))
    return share(again, len(said) - 1, f"{again} of {count(len(said) - 1, 'later turn')} put the turn before anew")


def _rephrases(text: str, before: str) -> bool:
    if SAYS_THAT_IT_REPEATS.search(text):
        return True
    if min(len(text.split()), len(before.split())) < WORDS_OF_A_STATEMENT:
        return False
    return fuzz.token_sort_ratio(before, text, score_cutoff=SAME_MATTER) > 0


METRIC = Metric(
    name="rephrasing",
    better="lower",
    unit="share",
    description="Share of the customer's turns that had to put the turn before in other words.",
    score=score,
)
