"""What a customer who speaks freely said: which goals an utterance is about, read from its words."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from jobs.model import Assessment, Check, GoalProgress, Transcript
from jobs.simulate.phrasing import Act
from jobs.simulate.wishes import EXPECTATIONS, NOISE_WORDS, Want, Wish

ASKS = re.compile(
    r"\?|\b(?:how|what|when|where|which|whether|tell me|let me know|like to know|want to know|wondering)\b",
    re.IGNORECASE,
)
ENOUGH_WORDS = 0.5
"""Share of a goal's own words that an utterance must have to be about it."""
COMMON_WORDS = NOISE_WORDS | frozenset(
    re.findall(
        r"\w+",
        "you your i me my we it its is are be do does did can could would will please how what when where which who "
        "want need like get ask know until much many if whether there this that have has",
    )
)


def acts_in(text: str, wishes: Sequence[Wish]) -> tuple[Act, ...]:
    """What the utterance does for each wish it is about."""
    return tuple(act for wish in wishes if (act := _act(text, wish, wishes)))


def _act(text: str, wish: Wish, wishes: Sequence[Wish]) -> Act | None:
    if wish.kind == "question":
        return Act(kind="ask", wish=wish) if _asks_for(text, wish, wishes) else None
    wants = tuple(want for want in wish.wants if want.mentioned(text))
    if wants or _shared(text, wish) >= ENOUGH_WORDS:
        return Act(kind="inform", wish=wish, wants=wants)
    return None


def _asks_for(text: str, wish: Wish, wishes: Sequence[Wish]) -> bool:
    """By the kind of fact it asks for; among several wishes for the same kind, by the words."""
    asking = " ".join(part for part in re.split(r"(?<=[.!?…])\s+|\n+", text) if ASKS.search(part))
    if not asking:
        return False
    pattern = EXPECTATIONS.get(wish.expected)
    rivals = [each for each in wishes if each.kind == "question" and each.expected == wish.expected]
    if pattern and wish.expected != "yes_or_no" and len(rivals) == 1:
        return bool(pattern.search(asking)) or _shared(asking, wish) >= ENOUGH_WORDS
    return _shared(asking, wish) >= ENOUGH_WORDS


def _shared(text: str, wish: Wish) -> float:
    own = set(_words(wish.goal.text))
    return len(own & set(_words(text))) / len(own) if own else 0.0


def _words(text: str) -> Iterator[str]:
    for word in re.findall(r"\w+", text.casefold()):
        if word not in COMMON_WORDS and len(word) > 1:
            yield word[:-1] if len(word) > 3 and word.endswith("s") else word


# --- customers who ask for something else --------------------------------------------------------------------------


def without_strayed_goals(assessment: Assessment, wishes: Sequence[Wish], transcript: Transcript) -> Assessment:
    """The assessment without blame for what the customer itself got wrong.

    A model that plays a customer may ask for other values than its scenario has. An assistant that does what it was
    told is then judged by a wrong measure: such a goal cannot be decided.
    """
    said = [turn.text for turn in transcript.turns if turn.speaker == "user"]
    strayed = {wish.index for wish in wishes if any(_strayed(want, said) for want in wish.wants)}
    doubtful = [wish for wish in wishes if wish.index in strayed and assessment.goals[wish.index].answered is False]
    if not doubtful:
        return assessment
    goals = list(assessment.goals)
    for wish in doubtful:
        goals[wish.index] = _undecided(goals[wish.index], wish)
    decided = [
        goal for wish, goal in zip(wishes, goals, strict=True) if wish.kind == "inform" and goal.answered is False
    ]
    checks = tuple(
        check if decided or not check.name.startswith("confirmed ") else _open(check) for check in assessment.checks
    )
    titles = ", ".join(wish.title for wish in doubtful)
    warning = f"the simulated customer asked for something else than its scenario says: {titles}"
    return replace(assessment, goals=tuple(goals), checks=checks, warnings=(*assessment.warnings, warning))


def _strayed(want: Want, said: Sequence[str]) -> bool:
    """Whether the last value the customer named is another than it wants; changing one's mind back is fine."""
    last = next((found for text in reversed(said) if (found := want.mentioned(text))), None)
    return last is not None and not set(want.values) & last


def _undecided(goal: GoalProgress, wish: Wish) -> GoalProgress:
    reason = f"the simulated customer asked for something else than its scenario says: {wish.title}"
    return replace(goal, answered=None, reason=reason)


def _open(check: Check) -> Check:
    return replace(check, ok=None, reason="the simulated customer did not ask for what its scenario says")
