"""The values that cases and suites have in common, read from their fields."""

from collections.abc import Iterator, Sequence
from typing import TypeVar, cast, get_args

from jobs.model import Category, Pattern
from jobs.patterns import why_unusable
from jobs.profiles.fields import Field, Section

ChoiceT = TypeVar("ChoiceT", bound=str)

CATEGORIES: tuple[Category, ...] = get_args(Category)
MOST_REPEATS = 10_000


def read_choice(field: Field | None, choices: Sequence[ChoiceT]) -> ChoiceT | None:
    """One of the choices; spaces and hyphens stand for underscores."""
    if field is None:
        return None
    written = field.written.lower().replace(" ", "_").replace("-", "_")
    if written in choices:
        return cast(ChoiceT, written)
    guess = field.report.guess(written, choices)
    fix = f"did you mean {guess!r}?" if guess else f"write one of {', '.join(choices)}"
    field.problem(f"{field.quoted()} is none of the known values", fix)
    return None


def read_share(field: Field | None, *, default: float) -> float:
    """A number from 0 to 1."""
    number = field.number() if field else None
    if field and number is not None and not 0 <= number <= 1:
        field.problem(f"{field.quoted()} is not between 0 and 1", "write a share such as 0.8")
        return default
    return default if number is None else float(number)


def read_text(field: Field | None, *, example: str) -> str | None:
    return field.text(example=example) if field else None


def read_texts(field: Field | None, *, example: str) -> tuple[str, ...]:
    items = field.items(example=example) if field else ()
    return tuple(text for item in items if (text := item.text(example=example)))


def read_repeats(field: Field | None) -> int | None:
    return field.whole(low=1, high=MOST_REPEATS) if field else None


def read_patterns(field: Field | None) -> tuple[Pattern, ...]:
    """Texts that are to be contained, and regular expressions."""
    items = field.items(example='["order number", {matches: "\\\\d+ minutes"}]') if field else ()
    return tuple(pattern for item in items if (pattern := _pattern(item)))


def read_criteria(field: Field | None) -> tuple[tuple[Pattern, ...], tuple[str, ...]]:
    """Patterns, and beside them what a judge is to decide (``judge:``)."""
    patterns: list[Pattern] = []
    judged: list[str] = []
    for item in field.items(example='["order number", {judge: the customer knows the price}]') if field else ():
        sentence = next((value for key, value in item.entries() if key.written == "judge"), None)
        if sentence is None:
            patterns += [pattern] if (pattern := _pattern(item, judge=True)) else []
        elif text := sentence.text(example="the customer knows the price"):
            judged.append(text)
    return tuple(patterns), tuple(judged)


def _pattern(item: Field, *, judge: bool = False) -> Pattern | None:
    if not item.is_mapping:
        text = item.text(example="order number")
        return Pattern(text=text) if text else None
    section = Section(item, keys="matches")
    written = section.take("matches")
    section.close(refuse=True)
    if written is None:
        also = " or judge: a sentence" if judge else ""
        item.problem("this pattern says nothing", f"write a text, matches: a regular expression{also}")
        return None
    text = written.text(example='"\\\\d+ minutes"')
    if text and (reason := why_unusable(text)):
        written.problem(f"this regular expression cannot be used ({reason})", "correct it (RE2 syntax)")
        return None
    return Pattern(text=text, is_regex=True) if text else None


def read_labels(field: Field | None) -> Iterator[str]:
    """Tags: short texts."""
    for item in field.items(example="[ordering, menu]") if field else ():
        text = item.text(example="ordering")
        if text and len(text) > 80:
            item.problem("this tag has more than 80 characters", "shorten it")
        elif text:
            yield text
