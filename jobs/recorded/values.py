"""Plain values out of YAML documents that other tools wrote: the types of YAML 1.1, within bounds, nothing executed."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, cast

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from jobs.profiles.problems import Place, shown

MOST_BYTES = 2 * 1024 * 1024
MOST_NODES = 100_000
DEEPEST = 30
LONGEST_TYPED = 80
"""Characters: a longer unquoted text is a text, whatever it looks like."""

Value = str | int | float | bool | date | None | list["Value"] | dict[str, "Value"]

_PREFIX = "tag:yaml.org,2002:"
_TYPED = {f"{_PREFIX}{name}" for name in ("null", "bool", "int", "float", "timestamp")}
_STANDARD = {None, "!", f"{_PREFIX}str", f"{_PREFIX}map", f"{_PREFIX}seq", *_TYPED}


class UnreadableError(Exception):
    """The text is no YAML that we read; says where and what to do."""

    def __init__(self, place: Place, message: str, fix: str) -> None:
        super().__init__(message)
        self.place, self.message, self.fix = place, message, fix


def parse_documents(content: bytes) -> list[Value]:
    """Every document of the file. Of a key given twice the last one counts, as in other readers.

    Raises:
        UnreadableError: it is no YAML, no UTF-8, has foreign tags, or is larger than 2 MB, 100,000 values (aliases
            counted as what they stand for) or 30 levels.
    """
    if len(content) > MOST_BYTES:
        raise UnreadableError(Place(line=1, column=1), f"it is larger than {MOST_BYTES >> 20} MB", "split it")
    try:
        return list(_Reader(content.decode("utf-8-sig")).documents())
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UnreadableError(Place(line=line, column=1), "it is not UTF-8 text", "save it as UTF-8") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(line=mark.line + 1, column=mark.column + 1) if mark else Place(line=1, column=1)
        raise UnreadableError(place, f"it is not YAML ({error.problem})", "correct or remove it") from error
    except yaml.reader.ReaderError as error:
        fix = "remove it"
        raise UnreadableError(
            Place(line=1, column=1), f"it has a character that YAML forbids ({error.reason})", fix
        ) from error


class _Reader:
    """Builds values from the events of the C parser, which come one at a time."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=yaml.CSafeLoader))
        self._resolver = Resolver()
        self._constructor = SafeConstructor()
        self._anchors: dict[str, tuple[Value, int]] = {}
        self._nodes = 0

    def documents(self) -> Iterator[Value]:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors.clear()
                yield self._value(next(self._events), 0)

    def _value(self, event: yaml.Event, depth: int) -> Value:
        before = self._nodes
        if isinstance(event, yaml.AliasEvent):
            value, size = self._anchors.get(str(event.anchor), (None, 1))
            self._count(size, event)
            return value
        self._count(1, event)
        if getattr(event, "tag", None) not in _STANDARD:
            raise UnreadableError(
                _place(event), f"the tag {shown(str(getattr(event, 'tag', '')))} is refused", "remove it"
            )
        if depth > DEEPEST:
            raise UnreadableError(_place(event), f"values are nested deeper than {DEEPEST} levels", "flatten them")
        value = self._content(event, depth)
        if anchor := getattr(event, "anchor", None):
            self._anchors[str(anchor)] = (value, self._nodes - before)
        return value

    def _content(self, event: yaml.Event, depth: int) -> Value:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return list(self._items(depth + 1))
        return dict(self._entries(depth + 1))

    def _items(self, depth: int) -> Iterator[Value]:
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._value(event, depth)

    def _entries(self, depth: int) -> Iterator[tuple[str, Value]]:
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._value(event, depth)
            value = self._value(next(self._events), depth)
            yield str(key), value

    def _scalar(self, event: yaml.ScalarEvent) -> Value:
        text = str(event.value)
        if (not event.implicit[0] and event.tag in (None, "!", f"{_PREFIX}str")) or len(text) > LONGEST_TYPED:
            return text
        tag = event.tag or cast(str, self._resolver.resolve(yaml.ScalarNode, text, (True, False)))  # pyright: ignore[reportUnknownMemberType]
        if tag not in _TYPED:
            return text
        construct = cast(Callable[..., Any], SafeConstructor.yaml_constructors[tag])
        try:
            return construct(self._constructor, yaml.ScalarNode(tag, text))
        except (ValueError, KeyError, OverflowError):  # such as February 30, which then is a text like any other
            return text

    def _count(self, nodes: int, event: yaml.Event) -> None:
        self._nodes += nodes
        if self._nodes > MOST_NODES:
            raise UnreadableError(_place(event), f"there are more than {MOST_NODES:,} values", "split the file")


def _place(event: yaml.Event) -> Place:
    assert event.start_mark  # the C parser marks every event
    return Place(line=event.start_mark.line + 1, column=event.start_mark.column + 1)
