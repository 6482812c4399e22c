"""What a simulated customer makes of an assistant's message: what is asked, read back, offered, stated."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType

from rapidfuzz import fuzz

from jobs.model import SlotValue
from jobs.simulate import cues
from jobs.simulate.cues import Personal
from jobs.simulate.facts import (
    DURATION,
    EMAIL,
    PERCENT,
    PHONE,
    PLACE,
    find_dates,
    find_days,
    find_durations,
    find_money,
    find_numbers,
    find_references,
    find_times,
)
from jobs.simulate.wishes import Expected, Want, Wish

READ_AT_MOST = 8_000
"""Characters of one message that are read; replies may be a megabyte."""
SENTENCES_AT_MOST = 120
SAME_AS_DECLARED = 84
"""Similarity (0..100) from which a sentence counts as the profile's fallback message."""


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """One sentence; ``asks``: it wants an answer."""

    text: str
    asks: bool


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one message of the assistant says.

    Args:
        not_understood: it says that it did not understand; ``blank``: and it says nothing else of use.
        asked: the variables that it asks for, as (index of the wish, name).
        mentions: for each variable the values that it states or reads back (not those it offers).
        confirms: it waits for a yes or no on what it read back or is about to do.
        reads_back: it sums up, confirms or has done what was asked.
        asks_change: it wants to know what is wrong with what it read back.
        choice: alternatives of a question that is about none of the wishes.
        question: the text of a question that none of this covers.
    """

    text: str
    sentences: tuple[Sentence, ...]
    not_understood: bool
    blank: bool
    asked: tuple[tuple[int, str], ...]
    personal: tuple[Personal, ...]
    mentions: Mapping[tuple[int, str], frozenset[SlotValue]]
    confirms: bool
    reads_back: bool
    done: bool
    anything_else: bool
    asks_change: bool
    invites: bool
    offers: bool
    holds: bool
    farewell: bool
    choice: tuple[str, ...]
    question: str | None
    cues: ModuleType = field(default=cues, compare=False, repr=False)

    @property
    def statements(self) -> tuple[str, ...]:
        return tuple(sentence.text for sentence in self.sentences if not sentence.asks)


class Reader:
    """Reads an assistant's messages with one scenario's wishes in mind."""

    def __init__(
        self, wishes: Sequence[Wish], declared_fallback: str | None, *, tongue: ModuleType | None = None
    ) -> None:
        self.cues: ModuleType = tongue or cues
        self._wants = [((wish.index, want.name), want) for wish in wishes for want in wish.wants]
        self._labels = [(key, _label_pattern(want, self.cues)) for key, want in self._wants]
        self._fallback = plain(declared_fallback or "")

    def read(self, message: str) -> Reading:
        """What the message says; never fails, whatever the message is."""
        cues = self.cues
        text = tidy(message)
        sentences = tuple(_sentences(text, cues))
        lost = [self._is_fallback(sentence.text) for sentence in sentences]
        useful = [sentence for sentence, is_lost in zip(sentences, lost, strict=True) if not is_lost]
        whole_is_fallback = self._resembles_fallback(plain(text))
        not_understood = any(lost) or whole_is_fallback
        questions = [sentence.text for sentence in useful if sentence.asks]
        to_confirm = [each for each in questions if cues.CONFIRMS.search(each) and not cues.ASKS_WHAT.match(each)]
        confirms = bool(to_confirm) or bool(cues.PLEASE_CONFIRM.search(text))
        others = [each for each in questions if each not in to_confirm]
        more = [each for each in others if cues.ANYTHING_ELSE.search(each)]
        asked_by = {each: tuple(self._asked(each)) for each in others}
        asked = tuple(dict.fromkeys(key for keys in asked_by.values() for key in keys))
        about = [each for each in others if each not in more and not asked_by[each]]
        personal: list[Personal] = [
            kind for kind, form in cues.PERSONAL.items() if any(form.search(each) for each in about)
        ]
        invites = any(cues.INVITES.search(each) for each in about)
        offers = any(cues.OFFERS.search(each) for each in about) and not invites
        asks_change = any(cues.ASKS_CHANGE.search(each) for each in questions)
        left = [each for each in about if not (personal or invites or offers or asks_change)]
        statements = " ".join(sentence.text for sentence in useful)
        return Reading(
            text=text,
            sentences=sentences,
            not_understood=not_understood,
            blank=not_understood and (whole_is_fallback or not useful or _only_padding(useful)),
            asked=asked,
            personal=tuple(personal),
            mentions=self._mentions(useful),
            confirms=confirms,
            reads_back=bool(cues.READS_BACK.search(statements)) or confirms,
            done=bool(cues.DONE.search(" ".join(sentence.text for sentence in useful if not sentence.asks))),
            anything_else=bool(more) and not asked,
            asks_change=asks_change,
            invites=invites,
            offers=offers,
            holds=any(cues.HOLDS.search(sentence.text) for sentence in useful if not sentence.asks) and not questions,
            farewell=bool(cues.FAREWELLS.search(statements)) and not questions,
            choice=next((tuple(_choices(each, cues)) for each in left if cues.CHOICE.search(each)), ()),
            question=left[0] if left else None,
            cues=cues,
        )

    def _is_fallback(self, sentence: str) -> bool:
        return bool(self.cues.NOT_UNDERSTOOD.search(sentence)) or self._resembles_fallback(plain(sentence))

    def _resembles_fallback(self, said: str) -> bool:
        if not self._fallback or not said or len(said) > 3 * len(self._fallback) + 40:
            return False
        if fuzz.ratio(said, self._fallback, score_cutoff=SAME_AS_DECLARED) > 0:
            return True
        parts = [part for part in re.split(r"(?<=[.!?])\s+", self._fallback) if len(part) >= 15]
        return any(fuzz.ratio(said, part, score_cutoff=SAME_AS_DECLARED) > 0 for part in parts)

    def _asked(self, question: str) -> Iterator[tuple[int, str]]:
        """The variables that a question asks for: by name, or by the choices it lists."""
        cues = self.cues
        if (
            cues.ANYTHING_ELSE.search(question)
            and "?" in question
            and not re.search(r"\bto (?:drink|eat)\b", question, re.I)
        ):
            return
        for (key, label), (_, want) in zip(self._labels, self._wants, strict=True):
            chosen_from = len(want.mentioned(question)) >= 2
            other_choice = cues.CHOICE.search(question) and not want.mentioned(question)
            if chosen_from or (label.search(question) and not other_choice):
                yield key

    def _mentions(self, useful: Sequence[Sentence]) -> dict[tuple[int, str], frozenset[SlotValue]]:
        """The values stated or read back; choices that are merely offered are none."""
        cues = self.cues
        found: dict[tuple[int, str], frozenset[SlotValue]] = {}
        for sentence in useful:
            if sentence.asks and not cues.CONFIRMS.search(sentence.text) and not cues.READS_BACK.search(sentence.text):
                continue
            if cues.SUGGESTED.search(sentence.text) and not cues.READS_BACK.search(sentence.text):
                continue
            for key, want in self._wants:
                if values := want.mentioned(sentence.text):
                    found[key] = found.get(key, frozenset()) | values
        return found


def tidy(message: str) -> str:
    """The message as it is read: bounded, without markup and control characters, with plain quotes and spaces."""
    text = unicodedata.normalize("NFKC", message[:READ_AT_MOST]).replace("’", "'").replace("‘", "'")
    text = re.sub(r"<[^<>]{0,200}>", " ", text)
    if not text.replace("\n", "").isprintable():
        text = "".join(char if char in "\n" or unicodedata.category(char)[0] != "C" else " " for char in text)
    return re.sub(r"[ \t]+", " ", text.replace("*", "").replace("_", " ")).strip()


def plain(text: str) -> str:
    """One case, one space: for comparing."""
    return " ".join(text.casefold().split())


def states(expected: Expected, statement: str, cues: ModuleType = cues) -> bool:
    """Whether a statement has a fact of the expected kind; ``cues`` are those of its language."""
    match expected:
        case "money":
            return bool(find_money(statement)) or bool(cues.FREE.search(statement))
        case "duration":
            return bool(find_durations(statement) or find_times(statement)) or bool(cues.SOON.search(statement))
        case "time":
            return bool(
                find_times(statement) or find_durations(statement) or find_days(statement) or find_dates(statement)
            )
        case "date":
            return bool(find_dates(statement) or find_days(statement))
        case "number":
            return bool(find_numbers(statement))
        case "percentage":
            return bool(PERCENT.search(statement))
        case "place":
            return bool(PLACE.search(statement))
        case "contact":
            return bool(EMAIL.search(statement) or PHONE.search(statement))
        case "reference":
            return bool(find_references(statement))
        case "yes_or_no":
            return bool(cues.YES_OR_NO.search(statement))
        case "open":
            return False


def stated_totals(reading: Reading) -> list[str]:
    """The totals that a message states, as ``14.50 USD``; prices of parts and fees are none."""
    totals, cues = list[str](), reading.cues
    for sentence in reading.sentences:
        amounts = {str(money) for money in find_money(sentence.text)}
        if len(amounts) == 1 and cues.TOTAL.search(sentence.text) and not cues.NOT_A_TOTAL.search(sentence.text):
            totals += amounts
    return totals


def _sentences(text: str, cues: ModuleType) -> Iterator[Sentence]:
    parts = re.split(r"(?<=[.!?…])\s+|\n+", text)
    for part in parts[:SENTENCES_AT_MOST]:
        if said := part.strip(" -•\t"):
            yield Sentence(text=said, asks=said.rstrip(" )\"'").endswith("?") or bool(cues.ASKS_FOR.search(said)))


def _label_pattern(want: Want, cues: ModuleType) -> re.Pattern[str]:
    """How a question names a variable: its name, singular or plural, the usual other words, "how many" of its unit."""
    words = re.findall(r"[^\W\d_]+", want.label.lower()) or [want.label.lower()]
    names = {want.label.lower(), words[-1]}
    names |= {name.removesuffix("s") for name in names if len(name) > 3 and name != "cans"}  # "can" is mostly the verb
    also = {other for name in names for other in cues.OTHER_LABELS.get(name, ())}
    forms = [rf"{re.escape(name)}s?" for name in names] + [re.escape(other) for other in also]
    forms += [rf"how many (?:\w+ )?{re.escape(unit)}s?" for unit in want.unit]
    return re.compile(rf"\b(?:{'|'.join(sorted(forms, key=len, reverse=True))})\b", re.IGNORECASE)


def _choices(question: str, cues: ModuleType) -> Iterator[str]:
    """The alternatives that can be told apart from the question around them: the last, and a first that opens it."""
    if match := cues.CHOICE.search(question):
        yield match["last"].strip()
        if match.start("first") == 0:
            yield match["first"].strip()


def _only_padding(useful: Sequence[Sentence]) -> bool:
    """Whether what is left beside the fallback is only "Sorry!" or "Hm."."""
    return all(
        len(sentence.text.split()) <= 3 and not DURATION.search(sentence.text) and not find_money(sentence.text)
        for sentence in useful
    )
