"""How much of the customer's effort moved the conversation forward."""

from collections.abc import Sequence

from jobs.metrics._metric import Metric, ScoringContext, count, share
from jobs.metrics._reading import is_fallback, plain, repeated, same_saying
from jobs.model import Score, Turn

WORDS_OF_A_STATEMENT = 4
"""Shorter utterances ("yes please") are said again for good reasons."""


async def score(context: ScoringContext) -> Score:
    """User turns that were needed / user turns that were used, until every goal was reached.

    A user turn was *not needed* when its answer was missing, empty, a fallback or a repetition, or when the customer
    had to say the same thing (of at least ``WORDS_OF_A_STATEMENT`` words) again later. At least one turn is needed.
    Undefined unless every goal was reached: there is no efficient way of not getting there.
    """
    goals = context.assessment.goals
    if not goals or not all(goal.answered is True for goal in goals):
        return Score.unscored("not every goal is known to be reached")
    turns = context.turns_until_goals
    used = [i for i, turn in enumerate(turns) if turn.speaker == "user"]
    if not used:
        return Score.unscored("the customer never spoke")
    in_vain = _in_vain(turns, used, context.scenario.fallback)
    needed = max(1, len(used) - len(in_vain))
    return share(needed, len(used), f"{needed} of {count(len(used), 'user turn')} moved the conversation forward")


def _in_vain(turns: Sequence[Turn], used: Sequence[int], fallback: str | None) -> set[int]:
    """Positions of the user turns that were not needed."""
    replies = [i for i, turn in enumerate(turns) if turn.speaker == "assistant"]
    again = dict(zip(replies, repeated([turns[i] for i in replies]), strict=True))
    helped = {i for i in replies if turns[i].text.strip() and not again[i] and not is_fallback(turns[i], fallback)}
    in_vain: set[int] = set()
    for position, start in enumerate(used):
        end = used[position + 1] if position + 1 < len(used) else len(turns)
        if helped.isdisjoint(range(start + 1, end)) or _said_again(turns, start, used[position + 1 :]):
            in_vain.add(start)
    return in_vain


def _said_again(turns: Sequence[Turn], start: int, later: Sequence[int]) -> bool:
    text = plain(turns[start].text)
    return len(text.split()) >= WORDS_OF_A_STATEMENT and any(same_saying(text, plain(turns[i].text)) for i in later)


METRIC = Metric(
    name="efficiency",
    better="higher",
    unit="share",
    description="Share of the customer's turns that moved the conversation forward.",
    score=score,
)
