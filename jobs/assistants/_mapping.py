"""How requests are filled in and replies are read: templates with named places, and paths into JSON."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote

PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(?:(-?\d{1,6})|(\*)|'([^'\]]{1,200})'|\"([^\"\]]{1,200})\")\]")
LONGEST_PATH = 300

Values = Mapping[str, Any]


# --- templates -------------------------------------------------------------------------------------------------------


def places_in(template: Any) -> set[str]:
    """The names that a template has places for, anywhere inside it."""
    if isinstance(template, str):
        return set(PLACE.findall(template))
    if isinstance(template, Mapping):
        return {name for value in cast("Mapping[str, Any]", template).values() for name in places_in(value)}
    if isinstance(template, Sequence):
        return {name for value in cast("Sequence[Any]", template) for name in places_in(value)}
    return set()


def filled(template: Any, values: Values) -> Any:
    """The template with its places filled in, once: what a value contains is never filled in again.

    A text that is nothing but a place becomes the value itself, a list for example; elsewhere the value is written out.
    """
    if isinstance(template, str):
        whole = PLACE.fullmatch(template)
        if whole and whole[1] in values:
            return values[whole[1]]
        return PLACE.sub(lambda match: _written(match, values), template)
    if isinstance(template, Mapping):
        return {key: filled(value, values) for key, value in cast("Mapping[str, Any]", template).items()}
    if isinstance(template, Sequence):
        return [filled(value, values) for value in cast("Sequence[Any]", template)]
    return template


def filled_url(template: str, values: Values) -> str:
    """The URL with its places filled in; a value can never become a part of the URL's structure."""
    return PLACE.sub(lambda match: quote(_written(match, values), safe=""), template)


def _written(match: re.Match[str], values: Values) -> str:
    if match[1] not in values:
        return match[0]
    value = values[match[1]]
    return "" if value is None else str(value)


# --- paths -----------------------------------------------------------------------------------------------------------


class Path:
    """The way to values in JSON: ``$.messages[*].text``, ``$['a name'][0]``, ``$[-1]``.

    Raises:
        ValueError: this is none.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._steps: list[str | int | None] = []  # a key, an index, or None for each item
        if not text.startswith("$") or len(text) > LONGEST_PATH:
            raise ValueError(f"{text[:LONGEST_PATH]!r} is no path; write one such as $.messages[*].text")
        end = 1
        while end < len(text):
            step = STEP.match(text, end)
            if step is None:
                raise ValueError(f"{text!r} is no path: {text[end:]!r} is neither .name nor [0] nor [*] nor ['name']")
            self._steps.append(_step(step))
            end = step.end()

    def find(self, value: Any) -> list[Any] | None:
        """The values there. None if the way ends early; an empty list if it goes through an empty list."""
        found = [value]
        several = False
        for step in self._steps:
            if step is None:
                lists = [cast("list[Any]", each) for each in found if isinstance(each, list)]
                if not lists and (found or not several):
                    return None
                found, several = [item for each in lists for item in each], True
            else:
                reached = [item for each in found if (item := _reach(each, step)) is not _MISSING]
                if found and not reached and not several:
                    return None
                found = reached
        return found

    def first(self, value: Any) -> Any:
        """The first value there, or None."""
        return next(iter(self.find(value) or ()), None)


_MISSING = object()


def _step(match: re.Match[str]) -> str | int | None:
    if match[2] is not None:
        return int(match[2])
    return None if match[3] else match[1] or match[4] or match[5]


def _reach(value: Any, step: str | int) -> Any:
    if isinstance(step, str):
        return cast("dict[str, Any]", value).get(step, _MISSING) if isinstance(value, dict) else _MISSING
    if not isinstance(value, list):
        return _MISSING
    items = cast("list[Any]", value)
    return items[step] if -len(items) <= step < len(items) else _MISSING
