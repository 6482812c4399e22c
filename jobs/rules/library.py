"""The functions that rules may call. They look at values and never change them, nor anything else."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, cast

from jobs.rules.methods import ATTRIBUTES, METHODS
from jobs.rules.scope import Scope
from jobs.rules.similarity import METHODS as SIMILARITIES
from jobs.rules.similarity import sequence_matcher
from jobs.rules.values import Conversation, Question, QuestionKind, kind_of

MOST_TYPED = 1_000
"""Characters of a text that ``int`` and ``float`` read."""

_SPEAKERS = {"user": ("user",), "chatbot": ("chatbot",), "assistant": ("assistant",)}
_ASSISTANT = ("chatbot", "assistant")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d)")
_FLOAT = re.compile(r"[-+]?\d*\.\d+|\d+")
_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR"}
_CODES = re.compile(r"\b(USD|EUR|GBP|JPY|INR)\b")
_WORDS = {"dollars": "USD", "euros": "EUR", "pounds": "GBP", "yen": "JPY", "rupees": "INR"}
_CURRENCY_NAME = re.compile(rf"\b({'|'.join(_WORDS)})\b", re.IGNORECASE)


# --- what Python has too --------------------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """The value, if it may become a text: conversations and running loops may not."""
    if not isinstance(value, str | int | float | bool | date | list | tuple | set | dict | None):
        raise TypeError("this has no text")
    return cast(Any, value)


def _pure(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that needs no scope."""

    def call(scope: Scope, *arguments: Any, **named: Any) -> Any:
        return function(*arguments, **named)

    return call


def _str(value: Any = "") -> str:
    return str(plain(value))


def _lower(text: str) -> str:
    return text.lower()


def _number(kind: type[int] | type[float]) -> Callable[..., Any]:
    def convert(value: Any = 0) -> int | float:
        if isinstance(value, str) and len(value) > MOST_TYPED:
            raise ValueError("this is too long for a number")
        return kind(value)

    return convert


def _round(value: float, digits: int | None = None) -> float:
    if digits is not None and not -20 <= digits <= 20:
        raise ValueError("this is no number of digits")
    return round(value, digits)


def _sorted(scope: Scope, value: Iterable[Any], *, reverse: Any = False) -> list[Any]:
    items = list(value)
    scope.budget.charge(10 * len(items))
    return sorted(items, reverse=bool(reverse))


def _hasattr(value: Any, name: str) -> bool:
    if isinstance(value, Conversation):
        return name in value.variables
    kind = kind_of(value)
    return kind in METHODS.get(name, {}) or kind in ATTRIBUTES.get(name, {})


def _sum(values: Iterable[Any]) -> Any:
    total: Any = 0
    for value in values:
        if not isinstance(value, int | float):
            raise TypeError("only numbers can be summed")
        total += value
    return total


# --- texts ----------------------------------------------------------------------------------------------------------


def _extract_float(text: str) -> float | None:
    """The first number of the text, commas between digits left out; a sign counts only before a decimal point."""
    found = _FLOAT.search(_THOUSANDS.sub("", text))
    return float(found.group()) if found else None


def _currency(text: str) -> str | None:
    sign = next((character for character in text if character in _SIGNS), None)
    if sign:
        return _SIGNS[sign]
    if code := _CODES.search(text):
        return code.group()
    name = _CURRENCY_NAME.search(text)
    return _WORDS[name.group().lower()] if name else None


def _length(item: str | list[str], kind: str = "min") -> float:
    """Characters of the shortest, the longest or the average text; of no text the smallest or largest there is."""
    lengths = [len(text) for text in _texts(item)]
    match kind.lower():
        case "min":
            return min(lengths, default=100_000_000)
        case "max":
            return max(lengths, default=0)
        case "average":
            return sum(lengths) / len(lengths) if lengths else 0
        case _:
            raise ValueError(f"length is min, max or average, not {kind!r}")


def _texts(item: Any) -> list[str]:
    if isinstance(item, str):
        return [item]
    if not isinstance(item, list):
        raise TypeError("a text or a list of texts is expected")
    return cast(list[str], item)


# --- what was said --------------------------------------------------------------------------------------------------


def _spoken(scope: Scope, who: tuple[str, ...] = _ASSISTANT) -> Iterator[tuple[int, Any]]:
    """Number of the step and text of each utterance of these speakers."""
    for number, step in enumerate(scope.only.interaction):
        for speaker, text in step.items():
            if speaker.lower() in who:
                yield number, text


def _conversation_length(scope: Scope, who: str = "both") -> int:
    if who.lower() == "both":
        return len(scope.only.interaction)
    return sum(1 for _ in _spoken(scope, _SPEAKERS[who.lower()]))


def _chatbot_returns(scope: Scope, what: str, and_not: str | None = None) -> list[int]:
    """The steps in which the assistant says ``what``, and (if given) not ``and_not`` after it."""

    def matches(text: str) -> bool:
        _, found, after = text.partition(what)
        return bool(found) and (and_not is None or and_not not in after)

    return [number for number, text in _spoken(scope) if matches(text)]


def _empty_responses(scope: Scope) -> list[int]:
    """The steps in which the assistant says nothing."""
    return [number for number, text in _spoken(scope) if text is None or not str(text).strip()]


def _repeated_answers(scope: Scope, method: str = "exact", threshold: float = 0.4) -> dict[str, list[str]]:
    """Answers that come more than once, each with its repetitions; an unknown method is ``exact``."""
    similarity = SIMILARITIES.get(method.lower(), SIMILARITIES["exact"])
    repeated: dict[str, list[str]] = {}
    for _, text in _spoken(scope):
        same = next((first for first in repeated if _alike(scope, similarity, text, first) >= threshold), None)
        if same is None:
            repeated[text] = []
        else:
            repeated[same].append(text)
    return {text: others for text, others in repeated.items() if others}


def _alike(scope: Scope, similarity: Callable[[str, str], float], one: str, other: str) -> float:
    is_slow = similarity is sequence_matcher
    scope.budget.charge(5 + (len(one) * len(other) >> 12 if is_slow else len(one) + len(other) >> 6))
    return similarity(one, other)


def _missing_slots(scope: Scope) -> list[str]:
    """The outputs that were not found in the (first) conversation."""
    return [name for output in scope.first.outputs for name, value in output.items() if is_missing(value)]


def _data_collected(scope: Scope) -> bool:
    return not _missing_slots(scope)


def is_missing(value: Any) -> bool:
    """Whether an output counts as not found: null, or the text that some recordings have instead."""
    return value is None or value == "None"


# --- all conversations ----------------------------------------------------------------------------------------------


def _num_exist(scope: Scope, condition: str) -> int:
    world = scope.world
    return sum(1 for each in world.selected if world.holds(condition, each, world, scope.budget))


def _exists(scope: Scope, condition: str) -> bool:
    world = scope.world
    return any(world.holds(condition, each, world, scope.budget) for each in world.selected)


def _is_unique(scope: Scope, name: str) -> bool:
    """Whether no two conversations have the same value; those without it, or with null, are left out."""
    seen: set[Any] = set()
    for each in scope.world.selected:
        scope.budget.charge(1)
        value = each.variables.get(name)
        if value is not None and value in seen:
            return False
        seen.add(value)
    return True


# --- what only a model can tell -------------------------------------------------------------------------------------


def _script(scope: Scope, *, numbered: bool = False) -> str:
    lines = [f"{speaker}: {text}" for step in scope.only.interaction for speaker, text in step.items()]
    return "\n".join(f"{number} - {line}" if numbered else line for number, line in enumerate(lines, 1))


def _ask(scope: Scope, kind: QuestionKind, material: str, about: str = "") -> Any:
    return scope.world.ask(Question(kind=kind, material=material, about=about))


def _tone(scope: Scope, item: str | list[str]) -> list[str]:
    return [_ask(scope, "tone", text) for text in _texts(item)]


def _language(scope: Scope, item: str | list[str]) -> str:
    return _ask(scope, "language", "\n".join(str(text) for text in _texts(item)))


def _semantic_content(scope: Scope, variable: Any, content: str) -> bool:
    return _ask(scope, "semantic_content", str(plain(variable)), content)


def _only_talks_about(scope: Scope, topics: str | list[str], fallback: str | None = None) -> Any:
    allowed = ", ".join(_texts(topics))
    return _ask(scope, "only_talks_about", _script(scope), f"{allowed}\n{fallback}" if fallback else allowed)


def _responds_in_same_language(scope: Scope) -> bool:
    answers = [text for _, text in _spoken(scope) if not str(text).startswith("Error: The server")]
    return True if not answers else _ask(scope, "responds_in_same_language", _script(scope))


def _utterance_index(scope: Scope, who: str, what: str) -> int:
    """The number (from 1) of the utterance in which ``who`` talked about ``what``, else -1."""
    return _ask(scope, "utterance_index", _script(scope, numbered=True), f"{who}: {what}")


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "len": _pure(len),
    "str": _pure(_str),
    "lower": _pure(_lower),
    "int": _pure(_number(int)),
    "float": _pure(_number(float)),
    "bool": _pure(bool),
    "abs": _pure(abs),
    "round": _pure(_round),
    "all": _pure(all),
    "any": _pure(any),
    "set": _pure(set[Any]),
    "list": _pure(list[Any]),
    "tuple": _pure(tuple[Any, ...]),
    "sorted": _sorted,
    "sum": _pure(_sum),
    "min": _pure(min),
    "max": _pure(max),
    "hasattr": _pure(_hasattr),
    "extract_float": _pure(_extract_float),
    "currency": _pure(_currency),
    "length": _pure(_length),
    "conversation_length": _conversation_length,
    "chatbot_returns": _chatbot_returns,
    "empty_responses": _empty_responses,
    "repeated_answers": _repeated_answers,
    "data_collected": _data_collected,
    "missing_slots": _missing_slots,
    "missing_outputs": _missing_slots,
    "is_unique": _is_unique,
    "exists": _exists,
    "num_exist": _num_exist,
    "tone": _tone,
    "language": _language,
    "semantic_content": _semantic_content,
    "only_talks_about": _only_talks_about,
    "responds_in_same_language": _responds_in_same_language,
    "utterance_index": _utterance_index,
}
MODEL_BACKED = frozenset(
    {"tone", "language", "semantic_content", "only_talks_about", "responds_in_same_language", "utterance_index"}
)
OF_THE_FIRST = frozenset({"data_collected", "missing_slots", "missing_outputs"})
"""Functions that look at ``conv[0]`` without being told."""
