"""A scenario's goals as wishes: what is wanted or asked, what would answer it, and how to recognise its values."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from types import ModuleType
from typing import Literal

from jobs.model import Goal, Scenario, Slot, SlotValue
from jobs.simulate.facts import NUMBER_WORDS, NUMBERS, find_dates, find_times
from jobs.simulate.languages import tongue_of

WishKind = Literal["inform", "question", "request"]
Expected = Literal[
    "money", "duration", "time", "date", "number", "percentage", "place", "contact", "reference", "yes_or_no", "open"
]

SAME_THING: Sequence[frozenset[str]] = (
    frozenset(("large", "big")),
    frozenset(("small", "little")),
    frozenset(("medium", "regular")),
    frozenset(("cola", "coke", "coca-cola", "coca cola")),
    frozenset(("orange soda", "orange fanta", "fanta")),
    frozenset(("bike", "bicycle")),
    frozenset(("tire", "tyre")),
)
"""Words that an assistant may use for each other; never applied when both are choices of the same variable."""

ASKING = re.compile(
    r"^(?:to )?(?:ask(?: about| for| him| her| them)?|know|find out|check|tell me|i (?:want|would like|need) to know"
    r"|you (?:want|need) to know)\b[:,]?\s+(?=\w)",
    re.IGNORECASE,
)
QUESTION = re.compile(r"^(?:how|what|when|where|which|who|why|whether|if|is|are|do|does|will|until when)\b", re.I)
POLITE_REQUEST = re.compile(r"^(?:can|could|may|would)\b", re.IGNORECASE)
ASKED_THING = re.compile(
    r"\b(?:hours|price|prices|cost|costs|costing|estimate|estimation|quote|fees?|information|info|details|availability|address"
    r"|phone number|e-?mail|status|deadline|duration|schedule|requirements|documents|location|rates?)\b",
    re.IGNORECASE,
)
EXPECTATIONS: Mapping[Expected, re.Pattern[str]] = {
    "contact": re.compile(r"\b(?:phone number|telephone|e-?mail|contact|call you|reach)\b", re.IGNORECASE),
    "reference": re.compile(
        r"\b(?:order|booking|ticket|reference|tracking|case|confirmation) (?:number|id|code)\b", re.IGNORECASE
    ),
    "percentage": re.compile(r"\b(?:interest|percentage|discount|rate)\b(?! for)", re.IGNORECASE),
    "money": re.compile(
        r"\bhow much\b(?! (?:time|longer))|\b(?:price|prices|cost|costs|costing|fees?|charge|pay|expensive|quote"
        r"|estimation|estimate|bill|total)\b",
        re.IGNORECASE,
    ),
    "duration": re.compile(
        r"\bhow (?:long|quick|quickly|fast|soon|much (?:time|longer))\b"
        r"|\b(?:duration|waiting time|delivery time|how many (?:minutes|hours|days|weeks))\b",
        re.IGNORECASE,
    ),
    "number": re.compile(r"\bhow (?:many|old|big|far|heavy)\b|\bnumber of\b", re.IGNORECASE),
    "date": re.compile(r"\b(?:what|which) (?:day|date)\b|\b(?:deadline|due date|date)\b", re.IGNORECASE),
    "time": re.compile(
        r"\b(?:what time|when|opening hours|hours|until when|schedule|timetable|opens?|closes?)\b", re.IGNORECASE
    ),
    "place": re.compile(r"\b(?:where|address|location)\b", re.IGNORECASE),
    "yes_or_no": re.compile(r"^(?:whether|if|is|are|do|does|will|can|could|may)\b", re.IGNORECASE),
}
"""What kind of fact a question is after; the first that fits, in this order."""

ACTING = re.compile(
    r"(?:to )?(?:book|buy|order|rent|reserve|transfer|pay|send|change|update|cancel|open|report)\b", re.IGNORECASE
)
REFUSAL = re.compile(r"\b(?:no|not|without|instead of|rather than|except|minus|n't have)\s+(?:the |any |an? )?$", re.I)
NOISE_WORDS = frozenset(
    ("of", "for", "the", "a", "an", "in", "on", "at", "to", "and", "or", "with", "by", "from", "custom")
)
_ENGLISH = sys.modules[__name__]
"""This module has the patterns of English; those of other languages are modules with the same names."""


@dataclass(frozen=True, kw_only=True)
class Want:
    """One variable of a wish: what it is called, what is wanted, and how each value looks in a text.

    Args:
        unit: the word after a number that means this variable ("can", "night"), in the singular; empty = none.
    """

    slot: Slot
    unit: str
    forms: tuple[tuple[SlotValue, re.Pattern[str]], ...]
    refusal: re.Pattern[str] = REFUSAL

    @property
    def name(self) -> str:
        return self.slot.name

    @property
    def label(self) -> str:
        return self.slot.name.replace("_", " ").replace("-", " ").strip()

    @property
    def numeric(self) -> bool:
        return self.slot.type in ("int", "float")

    @property
    def values(self) -> tuple[SlotValue, ...]:
        return self.slot.values

    def mentioned(self, text: str) -> frozenset[SlotValue]:
        """The values of this variable that the text affirms; "not medium" does not mention medium."""
        if self.numeric:
            return frozenset(self._numbers(text))
        found = frozenset(value for value, form in self.forms if self._affirmed(form, text))
        return found or self._moments(text)

    def _affirmed(self, form: re.Pattern[str], text: str) -> bool:
        return any(
            not self.refusal.search(text[max(0, match.start() - 24) : match.start()]) for match in form.finditer(text)
        )

    def _numbers(self, text: str) -> Iterator[SlotValue]:
        for match in self._counted.finditer(text):
            if self.refusal.search(text[max(0, match.start() - 24) : match.start()]):
                continue
            said = match["number"].lower()
            value = (
                1.0
                if said in ("a", "an")
                else float(NUMBERS.get(said, -1))
                if said in NUMBERS
                else float(said.replace(",", "."))
            )
            yield next(
                (known for known in self.slot.domain if isinstance(known, int | float) and known == value), value
            )

    @cached_property
    def _counted(self) -> re.Pattern[str]:
        number = rf"(?<![\w.,$€£-])(?P<number>\d{{1,9}}(?:[.,]\d+)?|{'|'.join(NUMBER_WORDS)}|an?)"
        if not self.unit:
            plain = number.replace("|an?)", ")")
            return re.compile(rf"{plain}(?![\w:%-]|[.,]\d)", re.IGNORECASE)
        return re.compile(rf"{number}\s*(?:x\s*)?(?:\w+ )?{re.escape(self.unit)}s?\b", re.IGNORECASE)

    def _moments(self, text: str) -> frozenset[SlotValue]:
        """Dates and times that are written in another way than in the profile."""
        if not self._moments_of_values:
            return frozenset()
        said = {*find_dates(text), *find_times(text)}
        return frozenset(value for value, moments in self._moments_of_values.items() if said & moments)

    @cached_property
    def _moments_of_values(self) -> Mapping[SlotValue, frozenset[str]]:
        """The values that are dates or times."""
        return {value: moments for value in self.slot.domain if (moments := _moments_of(str(value)))}


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One goal as something to act on. ``text`` is the goal's text without "ask whether" and the like."""

    index: int
    goal: Goal
    kind: WishKind
    expected: Expected
    wants: tuple[Want, ...]
    tongue: ModuleType = field(default=_ENGLISH, compare=False, repr=False)

    @property
    def labels(self) -> str:
        """The variables in words: ``cans and drink``."""
        return listed([want.label for want in self.wants])

    @property
    def title(self) -> str:
        """The goal as the profile has it, without braces: fit to group by."""
        return re.sub(r"\{\{\s*([\w-]+)\s*\}\}", r"[\1]", self.goal.template).strip().rstrip("?")


def wishes_of(scenario: Scenario) -> tuple[Wish, ...]:
    """The scenario's goals, in their order."""
    tongue = tongue_of(scenario) or _ENGLISH
    return tuple(_wish(index, goal, tongue) for index, goal in enumerate(scenario.goals))


def listed(parts: Sequence[str], last: str = "and") -> str:
    """``a, b and c``."""
    return f" {last} ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def plain_question(text: str, tongue: ModuleType = _ENGLISH) -> str:
    """A goal's text without what is said about asking it."""
    return tongue.ASKING.sub("", text.strip()).strip().rstrip("?").strip()


def _wish(index: int, goal: Goal, tongue: ModuleType) -> Wish:
    text = plain_question(goal.text, tongue)
    kind = _kind(text, goal, tongue)
    facts: list[Expected] = [fact for fact, pattern in tongue.EXPECTATIONS.items() if pattern.search(text)]
    wants = tuple(_want(goal, slot, tongue) for slot in goal.slots)
    expected = facts[0] if facts and kind == "question" else "open"
    return Wish(index=index, goal=goal, kind=kind, expected=expected, wants=wants, tongue=tongue)


def _kind(text: str, goal: Goal, tongue: ModuleType) -> WishKind:
    if tongue.QUESTION.match(text) or (tongue.ASKED_THING.search(text) and not tongue.ACTING.match(text)):
        return "question"
    if goal.slots:
        return "inform"
    told_to_ask = len(text) < len(goal.text.strip().rstrip("?").strip())
    return "question" if told_to_ask or tongue.POLITE_REQUEST.match(text) else "request"


def _want(goal: Goal, slot: Slot, tongue: ModuleType) -> Want:
    forms = () if slot.type in ("int", "float") else tuple(_forms(slot))
    return Want(slot=slot, unit=_unit(goal, slot) if not forms else "", forms=forms, refusal=tongue.REFUSAL)


def _forms(slot: Slot) -> Iterator[tuple[SlotValue, re.Pattern[str]]]:
    choices = frozenset(str(value).casefold() for value in (*slot.domain, *slot.values))
    for value in dict.fromkeys((*slot.values, *slot.domain)):
        yield value, _appearance(str(value).casefold(), choices)


@lru_cache(maxsize=2_000)
def _appearance(said: str, choices: frozenset[str]) -> re.Pattern[str]:
    """How a value looks in a text: the words themselves or others for the same, unless these are another choice."""
    bare = re.sub(r"^(?:an?|the|some) ", "", said)
    alike = {bare}
    for group in SAME_THING:
        for one in group:
            if re.search(rf"\b{re.escape(one)}\b", bare):
                others = {re.sub(rf"\b{re.escape(one)}\b", other, bare) for other in group if other not in choices}
                alike |= others - choices
    longest_first = sorted(alike, key=lambda each: (-len(each), each))
    return re.compile("|".join(map(_form, longest_first)), re.IGNORECASE)


def _form(said: str) -> str:
    words = re.findall(r"\w+", said) or [said]
    body = r"\W{1,3}".join(re.escape(word) for word in (*words[:-1], _stem(words[-1])))
    return rf"(?<!\w){body}(?:e?s|'s)?(?!\w)"


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _unit(goal: Goal, slot: Slot) -> str:
    """The word after the variable in the goal's template, unless it is one of the small ones."""
    after = re.search(rf"\{{\{{\s*{re.escape(slot.name)}\s*\}}\}}\s+(\w+)", goal.template)
    unit = after[1].lower() if after else ""
    return "" if unit in NOISE_WORDS else _stem(unit)


@lru_cache(maxsize=10_000)
def _moments_of(value: str) -> frozenset[str]:
    return frozenset((*find_dates(value), *find_times(value)))
