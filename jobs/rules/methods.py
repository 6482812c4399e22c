"""The methods and attributes of plain values that rules may use; none of them changes its value."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from jobs.rules.budget import LONGEST_TEXT
from jobs.rules.values import Stopped


def _replace(text: str, old: str, new: str) -> str:
    _check_length(len(text) + text.count(old) * len(new))
    return text.replace(old, new)


def _join(separator: str, items: Iterable[str]) -> str:
    texts = list(items)
    _check_length(sum(len(text) + len(separator) for text in texts))
    return separator.join(texts)


def _check_length(length: int) -> None:
    if length > LONGEST_TEXT:
        raise Stopped("it makes a text of more than 100,000 characters", "shorten it")


def _keys(value: dict[Any, Any]) -> list[Any]:
    return list(value)


def _values(value: dict[Any, Any]) -> list[Any]:
    return list(value.values())


def _items(value: dict[Any, Any]) -> list[tuple[Any, Any]]:
    return list(value.items())


def _of_text(*methods: Callable[..., Any]) -> dict[str, dict[type, Callable[..., Any]]]:
    return {method.__name__: {str: method} for method in methods}


_List, _Tuple, _Dict, _Set = list[Any], tuple[Any, ...], dict[Any, Any], set[Any]

METHODS: Mapping[str, Mapping[type, Callable[..., Any]]] = {
    **_of_text(str.lower, str.upper, str.title, str.capitalize, str.casefold, str.swapcase),
    **_of_text(str.strip, str.lstrip, str.rstrip, str.removeprefix, str.removesuffix),
    **_of_text(str.split, str.rsplit, str.splitlines, str.partition, str.rpartition),
    **_of_text(str.startswith, str.endswith, str.find, str.rfind),
    **_of_text(str.isdigit, str.isnumeric, str.isdecimal, str.isalpha, str.isalnum, str.isspace),
    **_of_text(str.isupper, str.islower, str.istitle),
    "replace": {str: _replace},
    "join": {str: _join},
    "count": {str: str.count, list: _List.count, tuple: _Tuple.count},
    "index": {str: str.index, list: _List.index, tuple: _Tuple.index},
    "get": {dict: _Dict.get},
    "keys": {dict: _keys},
    "values": {dict: _values},
    "items": {dict: _items},
    "union": {set: _Set.union},
    "intersection": {set: _Set.intersection},
    "difference": {set: _Set.difference},
    "issubset": {set: _Set.issubset},
    "issuperset": {set: _Set.issuperset},
    "isdisjoint": {set: _Set.isdisjoint},
    "is_integer": {float: float.is_integer},
    "isoformat": {date: date.isoformat, datetime: datetime.isoformat},
    "weekday": {date: date.weekday, datetime: datetime.weekday},
}
ATTRIBUTES: Mapping[str, Mapping[type, Callable[[Any], Any]]] = {
    **{name: {date: attrgetter(name), datetime: attrgetter(name)} for name in ("year", "month", "day")},
    **{name: {datetime: attrgetter(name)} for name in ("hour", "minute")},
}
