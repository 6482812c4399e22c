"""What became of a simulated customer's goals: read from the finished transcript, without a model."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from jobs.model import Assessment, Check, GoalProgress, Scenario, SlotValue, Transcript
from jobs.simulate.facts import (
    find_durations,
    find_money,
)
from jobs.simulate.languages import is_spoken
from jobs.simulate.outputs import stated_outputs
from jobs.simulate.phrasing import Act
from jobs.simulate.reading import Reader, Reading, stated_totals, states
from jobs.simulate.wishes import Expected, Want, Wish, listed

ORDER_WORDS: Mapping[str, str] = {
    "order": "order",
    "appointment": "appointment",
    "reserv": "reservation",
    "book": "booking",
    "transfer": "transfer",
    "rent": "rental",
    "regist": "registration",
    "ticket": "ticket",
}
CHANGES_ORDER = frozenset(("inform", "answer", "affirm_but", "missing", "wrong", "unwanted", "change"))
ARRIVAL_CUES = re.compile(
    r"\b(?:takes?|deliver\w*|arriv\w*|ready|wait\w*|with you|at your|there in|be there|be here|from now|expect)\b",
    re.IGNORECASE,
)
UNJUDGED: frozenset[Expected] = frozenset(("open", "yes_or_no"))
"""Kinds of questions whose answers only a reader who understands them can tell from other replies."""

UNMISTAKABLE: frozenset[Expected] = frozenset(("place", "contact", "reference", "percentage"))
"""Kinds of facts that answer a question asked earlier, whatever words they come in."""

IGNORED_STEMS = frozenset(
    ("what", "when", "wher", "whic", "much", "many", "long", "will", "does", "take", "have", "your", "with", "that")
)
LIST_OF_PRICES = 3
"""So many amounts in one message are a price list, not the answer to "how much"."""

Spoken = Mapping[int, tuple[Act, ...]]
"""What the customer did at each position of the transcript where it spoke."""


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One message of the assistant at its position in the transcript."""

    position: int
    reading: Reading


def assess_transcript(
    scenario: Scenario, wishes: Sequence[Wish], reader: Reader, transcript: Transcript, spoken: Spoken
) -> Assessment:
    """Every goal with its evidence, the checks, and the outputs that were stated."""
    heard = [
        Heard(position=position, reading=reader.read(turn.text))
        for position, turn in enumerate(transcript.turns)
        if turn.speaker == "assistant"
    ]
    goals = tuple(_progress(wish, heard, spoken, scenario) for wish in wishes)
    stated = stated_outputs(scenario.outputs, [(each.position, each.reading) for each in heard], wishes)
    return Assessment(
        goals=goals,
        checks=tuple(_checks(wishes, goals, heard, spoken, scenario)),
        outputs={name: each.value for name, each in stated.items()},
        output_turns={name: each.turn for name, each in stated.items()},
        warnings=tuple(_warnings(scenario)),
    )


def is_answer(wish: Wish, reading: Reading, *, direct: bool, asked: bool) -> bool:
    """Whether a message answers a question.

    Args:
        direct: it was asked just before, so that the topic is clear.
        asked: it was asked at some time.
    """
    if reading.blank or wish.expected == "open":
        return False
    statements = reading.statements
    if wish.expected == "money":
        amounts = {str(money) for statement in statements for money in find_money(statement)}
        told = any(states("money", each, reading.cues) for each in statements) and len(amounts) < LIST_OF_PRICES
        free = any(reading.cues.FREE.search(each) for each in statements)
        return bool(stated_totals(reading)) or (direct and told) or (asked and free)
    if direct or (asked and wish.expected in UNMISTAKABLE):
        return any(states(wish.expected, each, reading.cues) for each in statements)
    if wish.expected == "duration" and any(find_durations(each) and ARRIVAL_CUES.search(each) for each in statements):
        return True
    topic = _stems(wish.goal.text)
    return asked and any(states(wish.expected, each, reading.cues) and topic & _stems(each) for each in statements)


def order_word(scenario: Scenario) -> str:
    """What the customer calls the whole of what is wanted: order, booking, appointment … else request."""
    known = " ".join([scenario.role, *(goal.template for goal in scenario.goals)]).lower()
    return next((word for start, word in ORDER_WORDS.items() if re.search(rf"\b{start}", known)), "request")


# --- goals --------------------------------------------------------------------------------------------------------


def _progress(wish: Wish, heard: Sequence[Heard], spoken: Spoken, scenario: Scenario) -> GoalProgress:
    said_at = [position for position, acts in spoken.items() if any(act.wish == wish for act in acts)]
    answered, turn, reason = _judged(wish, heard, spoken, said_at, scenario)
    return GoalProgress(text=wish.goal.text, asked=bool(said_at), answered=answered, turn=turn, reason=reason)


def _judged(
    wish: Wish, heard: Sequence[Heard], spoken: Spoken, said_at: Sequence[int], scenario: Scenario
) -> tuple[bool | None, int | None, str]:
    if wish.kind == "question":
        return _question_judged(wish, heard, spoken, said_at)
    if not said_at:
        return None, None, f"was not raised before the conversation ended: {wish.title}"
    after = [each for each in heard if each.position > said_at[0]]
    if not any(not each.reading.blank for each in after):
        return False, None, f"the assistant did not understand: {wish.title}"
    if wish.kind == "request" or not wish.wants:
        return None, None, f"cannot be checked offline: {wish.title}"
    return _inform_judged(wish, heard, spoken, scenario)


def _question_judged(
    wish: Wish, heard: Sequence[Heard], spoken: Spoken, said_at: Sequence[int]
) -> tuple[bool | None, int | None, str]:
    for each in heard:
        direct = any(act.kind == "ask" and act.wish == wish for act in spoken.get(each.position - 1, ()))
        asked = bool(said_at) and said_at[0] < each.position
        if is_answer(wish, each.reading, direct=direct, asked=asked):
            return True, each.position, "" if asked else "told without being asked"
    if not said_at:
        return None, None, f"was not raised before the conversation ended: {wish.title}"
    replies = [each for each in heard if each.position - 1 in said_at]
    understood = [each for each in replies if not each.reading.not_understood and each.reading.statements]
    if wish.expected in UNJUDGED and understood:
        return None, understood[-1].position, f"cannot be checked offline: whether the reply answers: {wish.title}"
    return False, replies[-1].position if replies else None, f"no answer to: {wish.title}"


def _inform_judged(
    wish: Wish, heard: Sequence[Heard], spoken: Spoken, scenario: Scenario
) -> tuple[bool | None, int | None, str]:
    """By the last read-back after the customer said it; without one, by what the assistant repeated."""
    last_said = max(
        position
        for position, acts in spoken.items()
        if any(act.wish == wish and act.kind in ("inform", "affirm_but", "answer", "change") for act in acts)
    )
    word = order_word(scenario)
    after = [each for each in heard if each.position > last_said]
    read_back = [each for each in after if _is_read_back(wish, each, spoken)]
    if read_back:
        final = read_back[-1]
        problem = _problem(wish, [final], word)
        return problem is None, final.position, problem or ""
    echoes = [each for each in heard if any(key[0] == wish.index for key in each.reading.mentions)]
    problem = _problem(wish, echoes, word)
    if problem is None:
        return True, echoes[-1].position, ""
    if "another" in problem:
        return False, echoes[-1].position, problem
    return None, None, f"cannot be checked offline: the assistant never read back: {wish.title}"


def _is_read_back(wish: Wish, heard: Heard, spoken: Spoken) -> bool:
    """Whether a message sums up what was agreed: on its own account, when asked to, or with all of this wish."""
    reading = heard.reading
    if not reading.mentions:
        return False
    asked_to = any(act.kind == "recap" for act in spoken.get(heard.position - 1, ()))
    has_all = all((wish.index, want.name) in reading.mentions for want in wish.wants)
    return reading.confirms or reading.done or asked_to or (reading.reads_back and has_all)


def _problem(wish: Wish, messages: Sequence[Heard], word: str) -> str | None:
    """What is wrong with a read-back, in a sentence that does not name this customer's values."""
    missing: list[Want] = []
    wrong: list[Want] = []
    for want in wish.wants:
        found: frozenset[SlotValue] = frozenset()
        for each in messages:
            found = each.reading.mentions.get((wish.index, want.name)) or found
        others = _others(want, found)
        if others and (len(want.values) > 1 or not set(want.values) & found):
            wrong.append(want)
        elif not set(want.values) <= found:
            missing.append(want)
    if wrong:
        return f"the confirmed {word} has another {listed([want.label for want in wrong])} than asked for"
    if missing:
        things = [want for want in missing if not want.numeric] or missing  # without the thing, its number says nothing
        return f"the confirmed {word} left out the {listed([want.label for want in things])}"
    return None


def _others(want: Want, found: frozenset[SlotValue]) -> frozenset[SlotValue]:
    """Values of the variable that were not asked for; a bare number may mean anything."""
    if want.numeric and not want.unit:
        return frozenset()
    return found - set(want.values)


# --- checks -------------------------------------------------------------------------------------------------------


def _checks(
    wishes: Sequence[Wish], goals: Sequence[GoalProgress], heard: Sequence[Heard], spoken: Spoken, scenario: Scenario
) -> Iterator[Check]:
    judged = [
        goal
        for wish, goal in zip(wishes, goals, strict=True)
        if wish.kind == "inform" and goal.asked and goal.answered is not None and goal.turn is not None
    ]
    word = order_word(scenario)
    if judged:
        wrong = [goal.reason for goal in judged if goal.answered is False]
        reason = wrong[0] if wrong else f"the confirmed {word} has what was asked for"
        yield Check(name=f"confirmed {word}", ok=not wrong, reason=reason)
    yield from _price_check(heard, spoken)


def _price_check(heard: Sequence[Heard], spoken: Spoken) -> Iterator[Check]:
    """Two different totals, with nothing changed in between, contradict each other."""
    before: Heard | None = None
    compared = False
    for each in heard:
        totals = set(stated_totals(each.reading))
        if len(totals) != 1:
            continue
        if before and not _order_changed(spoken, before.position, each.position):
            compared = True
            if totals != set(stated_totals(before.reading)):
                what = "between quote and bill" if each.reading.done else "although nothing else did"
                yield Check(name="price is consistent", ok=False, reason=f"the price changed {what}")
                return
        before = each
    if compared:
        yield Check(name="price is consistent", ok=True, reason="the same price was stated each time")


def _order_changed(spoken: Spoken, start: int, end: int) -> bool:
    return any(act.kind in CHANGES_ORDER for position, acts in spoken.items() if start < position < end for act in acts)


def _stems(text: str) -> set[str]:
    """The longer words cut to four letters, so that "opening" meets "open"."""
    return {word[:4] for word in re.findall(r"[^\W\d_]{4,}", text.lower())} - IGNORED_STEMS


def _warnings(scenario: Scenario) -> Iterator[str]:
    if not is_spoken(scenario):
        yield f"customers without a model do not speak {scenario.language}: this one spoke English"
    for style in scenario.styles:
        if style.name == "change_language":
            languages = listed(list(style.languages)) or "another language"
            yield f"customers without a model keep to one language: the change to {languages} was not played"
