"""Outputs: what a profile wants read out of a finished conversation, found by rules and normalised by type."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from jobs.model import OutputSpec, SlotValue
from jobs.simulate.facts import (
    NUMBERS,
    PERCENT,
    find_dates,
    find_days,
    find_durations,
    find_money,
    find_numbers,
    find_references,
    find_times,
)
from jobs.simulate.reading import Reading, stated_totals
from jobs.simulate.wishes import Wish, listed

LONGEST_TEXT = 500
NONE_WORDS = frozenset(("none", "null", "n/a", "nothing", "not applicable", "no"))
"""What stands where a value would, of types whose values are no texts: there is none."""
DURATION = re.compile(r"(?P<count>[\w.,]+(?:\s?(?:-|–|to|or)\s?[\w.,]+)?)[\s-]?(?P<unit>[a-z]+)", re.IGNORECASE)
UNITS: Mapping[str, str] = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "seconds"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "minutes"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "hours"),
    **{unit: f"{unit.removesuffix('s')}s" for unit in ("day", "days", "week", "weeks", "month", "months", "year")},
    "years": "years",
}
PRICE = re.compile(
    r"\b(?:price|prices|total|costs?|amount|bill|fare|fees?|charge[ds]?|sum|pay|paid|quote|estimate|rent|preis|kosten|betrag"
    r"|summe|precio|coste|importe|prix|montant|prezzo|costo|preço|prijs)\b"
)
REFERENCE = re.compile(
    r"\b(?:number|no|id|ids|code|reference|ref|ticket|confirmation|tracking|case|nummer|número|numéro|numero|référence)\b"
)
STOP_WORDS = frozenset(("the", "and", "for", "with", "from", "this", "that", "what", "which", "final", "last", "name"))


@dataclass(frozen=True, kw_only=True)
class Stated:
    """What was stated of one output, and where (0-based index into the transcript); None = that there is none."""

    value: SlotValue | None
    turn: int


def stated_outputs(
    specs: Sequence[OutputSpec], heard: Sequence[tuple[int, Reading]], wishes: Sequence[Wish]
) -> dict[str, Stated]:
    """Those outputs that were stated; the last statement counts, totals before other amounts.

    Args:
        heard: the assistant's messages with their positions in the transcript.
    """
    found: dict[str, Stated] = {}
    for spec in specs:
        for position, reading in reversed(heard):
            if denied(spec, reading):
                found[spec.name] = Stated(value=None, turn=position)
                break
            if (value := _stated(spec, reading, wishes)) is not None:
                is_none = kind_of(spec) != "str" and isinstance(value, str) and value.casefold() in NONE_WORDS
                found[spec.name] = Stated(value=None if is_none else value, turn=position)
                break
    return found


def kind_of(spec: OutputSpec) -> str:
    """The type as it is read: every unknown one is text."""
    kind = spec.type.casefold()
    return kind if kind in ("int", "float", "money", "time", "date") else "str"


def normalised(spec: OutputSpec, text: str) -> SlotValue | None:
    """A value in words as one of the output's type; None when it is none of that type.

    ``14.50 USD`` for money (without a currency the number alone), ``HH:MM`` or ``35 minutes`` for time, ISO dates
    (``--MM-DD`` without a year, else the day's name), numbers for int and float, anything else as it stands.
    """
    match kind_of(spec):
        case "money":
            amounts = find_money(text)
            return str(amounts[-1]) if amounts else _bare_amount(text)
        case "time":
            return next(iter([*find_times(text), *map(_duration, find_durations(text))]), None)
        case "date":
            return next(iter([*find_dates(text), *find_days(text)]), None)
        case "int":
            return next((int(number) for number in _numbers(text) if number == int(number)), None)
        case "float":
            return next(iter(_numbers(text)), None)
        case _:
            said = " ".join(text.split()).strip(" \"'")
            return said[:LONGEST_TEXT] or None


# --- by rules ---------------------------------------------------------------------------------------------------------


def _stated(spec: OutputSpec, reading: Reading, wishes: Sequence[Wish]) -> SlotValue | None:
    kind = kind_of(spec)
    if (labelled := _labelled(spec, reading)) is not None:
        if kind != "str" and labelled.casefold() in NONE_WORDS:
            return labelled
        if (value := normalised(spec, labelled)) is not None:
            return value
    about = [text for text in reading.statements if _shares_words(spec, text)]
    if kind == "money":
        return _amount(spec, reading, about)
    text = " ".join(about or reading.statements)
    if kind == "time":  # how long comes before when: "ready at 6, it takes 20 minutes" answers "how long"
        return next(iter([*map(_duration, find_durations(text)), *find_times(text)]), None)
    if kind == "str":
        return _text(spec, reading, wishes)
    return normalised(spec, text)


def _amount(spec: OutputSpec, reading: Reading, about: Sequence[str]) -> str | None:
    """The total, for what is a price; anything else ("a discount") must be spoken of where the amount stands."""
    is_price = bool(PRICE.search(_described(spec)))
    totals = stated_totals(reading) if is_price else []
    amounts = [str(money) for money in find_money(" ".join(about or (reading.statements if is_price else ())))]
    return totals[-1] if totals else amounts[-1] if len(amounts) == 1 else None


def _text(spec: OutputSpec, reading: Reading, wishes: Sequence[Wish]) -> str | None:
    """The values of the variable that is called like the output, else a reference number, for what is one."""
    wanted = _described(spec.name).strip()
    for wish in wishes:
        for want in wish.wants:
            if want.label.casefold() in (wanted, f"{wanted}s", wanted.removesuffix("s")):
                found = reading.mentions.get((wish.index, want.name), frozenset())
                return listed([str(value) for value in want.slot.domain if value in found]) or None
    if REFERENCE.search(_described(spec)):
        return next(iter(find_references(" ".join(reading.statements))), None)
    return None


def denied(spec: OutputSpec, reading: Reading) -> bool:
    """Whether the message says that there is no such thing: "there is no discount today"."""
    form = rf"\b(?:no|without(?: any| an?)?|not (?:any|an?))\s+(?:(?!\d)\w+\s+)??{_name_form(spec)}s?\b"
    return any(re.search(form, text, re.IGNORECASE) for text in reading.statements if not find_money(text))


def _labelled(spec: OutputSpec, reading: Reading) -> str | None:
    """What stands behind the output's name: ``Topping: ham``, "your drink is cola"."""
    form = rf"(?:^|[\s(*])(?:{_name_form(spec)})\s*(?:[:=]|\b(?:is|will be|are)\b)\s*(?P<value>[^\n;!?]{{1,120}})"
    for text in reversed(reading.statements):
        if match := re.search(form, text, re.IGNORECASE):
            value = re.split(r"\.(?:\s|$)|,\s+(?!\d)", match["value"])[0]
            return value.strip(" .*\"'") or None
    return None


def _name_form(spec: OutputSpec) -> str:
    words = re.split(r"[\s_-]+", spec.name.strip(" _-"))
    return r"[\s_-]+".join(map(re.escape, words))


def _described(spec: OutputSpec | str) -> str:
    """Name and description in small letters, names in words."""
    told = spec if isinstance(spec, str) else f"{spec.name} {spec.description}"
    return re.sub(r"[_-]+", " ", told).casefold()


def _words(spec: OutputSpec) -> frozenset[str]:
    words = re.findall(r"[^\W\d_]{4,}", f"{spec.description} {spec.name.replace('_', ' ')}".lower())
    return frozenset(words) - STOP_WORDS


def _shares_words(spec: OutputSpec, text: str) -> bool:
    return bool(_words(spec) & set(re.findall(r"[^\W\d_]{4,}", text.lower())))


# --- values -----------------------------------------------------------------------------------------------------------


def _numbers(text: str) -> Iterator[float]:
    yield from find_numbers(text)
    for match in PERCENT.finditer(text):
        yield float(re.sub(r"[^\d.]", "", match[0].replace(",", ".")))


def _duration(text: str) -> str:
    """``twelve mins`` as ``12 minutes``; what is not that plain stays as it is written."""
    match = DURATION.fullmatch(text.strip())
    unit = UNITS.get(match["unit"].lower()) if match else None
    if match is None or unit is None:
        return text
    count = match["count"].lower()
    number = {"a": "1", "an": "1"}.get(count, str(NUMBERS[count]) if count in NUMBERS else count)
    return f"{number} {unit.removesuffix('s') if number == '1' else unit}"


def _bare_amount(text: str) -> str | None:
    """An amount that names no currency."""
    numbers = find_numbers(text)
    return f"{Decimal(str(numbers[-1])):.2f}" if numbers else None
