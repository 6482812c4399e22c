"""A small, strict part of YAML as a tree in which every value keeps its written text and its place."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from jobs.profiles.problems import Place, Report, shown

MOST_BYTES = 256 * 1024
MOST_NODES = 20_000
MOST_CHARACTERS = 10_000
DEEPEST = 20


@dataclass(frozen=True, kw_only=True)
class Scalar:
    """A text as written; nothing is guessed about it, so ``no``, ``1.10`` and ``010`` stay what they are."""

    text: str
    quoted: bool
    place: Place


@dataclass(frozen=True, kw_only=True)
class Items:
    nodes: tuple["Node", ...]
    place: Place


@dataclass(frozen=True, kw_only=True)
class Entry:
    key: Scalar
    value: "Node"


@dataclass(frozen=True, kw_only=True)
class Mapping:
    entries: tuple[Entry, ...]
    place: Place


@dataclass(frozen=True, kw_only=True)
class Broken:
    """Stands where something was refused, so that it is not complained about twice."""

    place: Place


Node = Scalar | Items | Mapping | Broken

_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})", re.ASCII)
_DECIMAL = re.compile(r"[-+]?[0-9]{1,17}\.[0-9]{1,17}([eE][-+]?[0-9]{1,2})?", re.ASCII)
_JSON_PAIR = re.compile(rb"\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)
_WORDS = {"": None, "~": None, "null": None, "true": True, "True": True, "false": False, "False": False}


def plain(node: Node) -> Any:
    """The node as plain values: without quotes, numbers, true, false and null are what they look like."""
    if isinstance(node, Mapping):
        return {entry.key.text: plain(entry.value) for entry in node.entries}
    if isinstance(node, Items):
        return [plain(each) for each in node.nodes]
    if isinstance(node, Broken):
        return None
    if node.quoted:
        return node.text
    if node.text in _WORDS:
        return _WORDS[node.text]
    if _WHOLE.fullmatch(node.text):
        return int(node.text)
    return float(node.text) if _DECIMAL.fullmatch(node.text) else node.text


class _RefusedError(Exception):
    """The file cannot be read any further."""

    def __init__(self, place: Place, field: str, message: str, fix: str) -> None:
        super().__init__(message)
        self.place, self.field, self.message, self.fix = place, field, message, fix


def parse_tree(content: bytes, report: Report, *, is_json: bool = False) -> Node | None:
    """The tree of one YAML document, or None when it cannot be read; every reason is in ``report``.

    JSON is YAML, but for how it may write characters beyond the first 65,536.

    Refused are aliases, anchors, tags and duplicate keys, and whatever is larger than 256 KB, 20,000 values,
    10,000 characters a text or 20 levels.
    """
    text = _decoded(_JSON_PAIR.sub(_character, content) if is_json else content, report)
    if text is None:
        return None
    try:
        return _Builder(text, report).document()
    except _RefusedError as refused:
        report.problem(refused.place, refused.field, refused.message, refused.fix)
    except yaml.MarkedYAMLError as error:
        _report_syntax(error, text, report)
    except yaml.reader.ReaderError as error:
        _report_character(error, text, report)
    return None


def _character(pair: re.Match[bytes]) -> bytes:
    return bytes.fromhex((pair[1] + pair[2]).decode()).decode("utf-16-be").encode()


def _decoded(content: bytes, report: Report) -> str | None:
    if len(content) > MOST_BYTES:
        report.problem(Place(line=1, column=1), "", f"the file is larger than {MOST_BYTES // 1024} KB", "split it")
        return None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        report.problem(Place(line=1, column=1), "", "the file is UTF-16 text", "save it as UTF-8")
        return None
    if content.startswith(b"\xef\xbb\xbf"):
        report.warn(Place(line=1, column=1), "file", "begins with a byte order mark, which is skipped; save it without")
        content = content[3:]
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        place = _place_after(content[: error.start].decode())
        report.problem(place, "", f"byte {content[error.start]:#04x} is not UTF-8 text", "save the file as UTF-8")
        return None


class _Builder:
    """Builds the tree from the events of the C parser, which come one at a time and cost nothing before they do."""

    def __init__(self, text: str, report: Report) -> None:
        self._events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=yaml.CSafeLoader))
        self._report = report
        self._nodes = 0

    def document(self) -> Node | None:
        next(self._events)  # the stream begins
        if isinstance(start := next(self._events), yaml.StreamEndEvent):
            self._report.problem(_place(start), "", "the file is empty", "describe a profile in it")
            return None
        root = self._node(next(self._events), "", 0)
        next(self._events)  # the document ends
        if not isinstance(more := next(self._events), yaml.StreamEndEvent):
            raise _RefusedError(_place(more), "", "a second document begins here", "keep one document in a file")
        return root

    def _node(self, event: yaml.Event, field: str, depth: int) -> Node:
        place = _place(event)
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise _RefusedError(place, field, f"there are more than {MOST_NODES:,} values", "split the file")
        if isinstance(event, yaml.AliasEvent):
            self._report.problem(place, field, f"an alias (*{event.anchor}) is refused", "write the value out")
            return Broken(place=place)
        self._refuse_decoration(event, place, field)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, place, field)
        if depth == DEEPEST:
            raise _RefusedError(place, field, f"values are nested deeper than {DEEPEST} levels", "flatten them")
        if isinstance(event, yaml.SequenceStartEvent):
            return Items(nodes=tuple(self._items(field, depth + 1)), place=place)
        return Mapping(entries=tuple(self._entries(field, depth + 1)), place=place)

    def _refuse_decoration(self, event: yaml.Event, place: Place, field: str) -> None:
        if anchor := getattr(event, "anchor", None):
            self._report.problem(place, field, f"an anchor (&{anchor}) is refused", "remove it")
        if tag := getattr(event, "tag", None):
            self._report.problem(place, field, f"the tag {shown(str(tag))} is refused", "remove it")

    def _scalar(self, event: yaml.ScalarEvent, place: Place, field: str) -> Scalar | Broken:
        text = str(event.value)
        if len(text) > MOST_CHARACTERS:
            message = f"this text has {len(text):,} characters"
            self._report.problem(place, field, message, f"write at most {MOST_CHARACTERS:,}")
            return Broken(place=place)
        return Scalar(text=text, quoted=not event.implicit[0], place=place)

    def _items(self, field: str, depth: int) -> Iterator[Node]:
        number = 0
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._node(event, f"{field}[{number}]", depth)
            number += 1

    def _entries(self, field: str, depth: int) -> Iterator[Entry]:
        seen: dict[str, Place] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, field, depth)
            name = f"{field}.{key.text}" if field and isinstance(key, Scalar) else getattr(key, "text", field)
            value = self._node(next(self._events), name, depth)
            if not isinstance(key, Scalar):
                fix = 'put a text that holds braces or brackets in quotes, for example "a {{size}} pizza"'
                self._report.problem(key.place, field, "a key must be a plain text", fix)
            elif key.text in seen:
                message = f"the key {shown(key.text)} stands here a second time"
                fix = f"keep one of them (the first is in line {seen[key.text].line})"
                self._report.problem(key.place, name, message, fix)
            else:
                seen[key.text] = key.place
                yield Entry(key=key, value=value)


def _place(event: yaml.Event) -> Place:
    assert event.start_mark  # the C parser marks every event
    return Place(line=event.start_mark.line + 1, column=event.start_mark.column + 1)


def _place_after(before: str) -> Place:
    return Place(line=before.count("\n") + 1, column=len(before) - (before.rfind("\n") + 1) + 1)


def _report_syntax(error: yaml.MarkedYAMLError, text: str, report: Report) -> None:
    mark = error.problem_mark or error.context_mark
    place = Place(line=mark.line + 1, column=mark.column + 1) if mark else Place(line=1, column=1)
    lines = text.splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    message, fix = _explained(error.problem or "", line, place)
    report.problem(place, "", message, fix)


def _explained(problem: str, line: str, place: Place) -> tuple[str, str]:
    at = line[place.column - 1 : place.column]
    if "\t" in line[: max(place.column, len(line) - len(line.lstrip()))]:
        return "a tab is used as indentation", "use spaces"
    if "cannot start any token" in problem and at:
        return f"a text cannot begin with {at!r}", "put it in quotes"
    if "{{" in line:
        return "this text begins with a brace", 'put the whole text in quotes, for example "a {{size}} pizza"'
    if "mapping values are not allowed" in problem:
        return "a ':' is not expected here", "put a text that holds ': ' in quotes, or correct the indentation"
    if "unexpected end of stream" in problem:
        return "a quotation mark is never closed", "close it"
    return f"this is not YAML ({problem or 'it cannot be read'})", "correct the indentation, the quotes or the brackets"


def _report_character(error: yaml.reader.ReaderError, text: str, report: Report) -> None:
    bad = next((index for index, character in enumerate(text) if _is_control(character)), 0)
    place = _place_after(text[:bad])
    report.problem(place, "", f"the character {text[bad : bad + 1]!r} is not allowed ({error.reason})", "remove it")


def _is_control(character: str) -> bool:
    code = ord(character)
    if code < 32:
        return character not in "\t\n\r"
    return (0x7F <= code < 0xA0 and code != 0x85) or code in (0xFEFF, 0xFFFE, 0xFFFF)
