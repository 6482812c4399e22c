"""Reads chats as JSON lines: a conversation a line, or a message a line with the id of its conversation."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from jobs.importing.chat import (
    CONVERSATION,
    LONGEST_LINE,
    SPEAKER,
    TEXT,
    Chat,
    NoConversation,
    first_of,
    unread,
)
from jobs.recorded import Recorded, UnreadFile

MESSAGES = ("messages", "turns", "conversations", "conversation", "interaction", "dialogue")
MOST_BAD_LINES = 1_000
"""Then the file is something else than chats, and nobody reads on."""
_FIX = "write a JSON object with messages: a list of {role, content}"


def read_jsonl(path: Path, name: str) -> Iterator[Recorded | UnreadFile]:
    """The conversations of a file in their order; a bad line is told with its number, the others are read."""
    loose: dict[str, tuple[int, Chat]] = {}
    bad: set[str] = set()
    complaints = 0
    for number, line in _lines(path):
        if complaints >= MOST_BAD_LINES:
            yield unread(path, number, f"{MOST_BAD_LINES:,} lines are bad, the rest was not read", _FIX)
            break
        try:
            fields = _parsed(line)
            messages = next((fields[each] for each in MESSAGES if isinstance(fields.get(each), list)), None)
            if messages is not None:
                yield _whole(fields, cast("list[Any]", messages), f"{name}:{number}")
            else:
                _add_loose(fields, loose, bad, name, number)
        except NoConversation as error:
            complaints += 1
            yield unread(path, number, error.message, error.fix)
    for key, (number, chat) in loose.items():
        if key in bad:
            yield unread(path, number, f"a message of the conversation {key[:80]!r} is bad", "correct it")
            continue
        try:
            yield chat.finished()
        except NoConversation as error:
            yield unread(path, number, error.message, error.fix)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            while len(line) > LONGEST_LINE and not line.endswith(b"\n") and (rest := file.readline(LONGEST_LINE)):
                line = line[: LONGEST_LINE + 1]  # too long already; only its end is looked for
                if rest.endswith(b"\n"):
                    break
            if line.strip(b" \t\r\n\xef\xbb\xbf"):
                yield number, line


def _parsed(line: bytes) -> Mapping[str, Any]:
    if len(line) > LONGEST_LINE:
        raise NoConversation(f"the line is longer than {LONGEST_LINE >> 20} MB", "split it")
    try:
        value: object = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise NoConversation("it is not UTF-8 text", "save the file as UTF-8") from error
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", None) or "it is nested too deeply or has a number without end"
        raise NoConversation(f"it is not JSON ({reason})", "write one JSON object a line") from error
    if not isinstance(value, dict):
        raise NoConversation("it is no JSON object", _FIX)
    return cast("dict[str, Any]", value)


def _whole(fields: Mapping[str, Any], messages: list[Any], name: str) -> Recorded:
    chat = Chat(name=name, **_about(fields))
    for message in messages:
        _say(chat, message)
    return chat.finished()


def _add_loose(
    fields: Mapping[str, Any], loose: dict[str, tuple[int, Chat]], bad: set[str], name: str, number: int
) -> None:
    """A message alone, which names its conversation."""
    key = _id(fields)
    if not key or first_of(SPEAKER, fields) is None:
        raise NoConversation("it has neither messages nor the id of its conversation and a role", _FIX)
    _, chat = loose.setdefault(key, (number, Chat(name=f"{name}:{key}", **_about(fields))))
    try:
        _say(chat, fields)
    except NoConversation:
        bad.add(key)
        raise


def _about(fields: Mapping[str, Any]) -> dict[str, Any]:
    def mapping(*names: str) -> dict[str, Any]:
        found = first_of(names, fields)
        return cast("dict[str, Any]", found) if isinstance(found, dict) else {}

    language = fields.get("language")
    return {
        "serial": _id(fields),
        "language": language if isinstance(language, str) else None,
        "variables": dict(mapping("variables", "metadata")),
        "outputs": dict(mapping("outputs", "data_output")),
    }


def _id(fields: Mapping[str, Any]) -> str:
    ids = {name: fields[name] for name in CONVERSATION if isinstance(fields.get(name), str | int)}
    return str(first_of(CONVERSATION, ids) or "")


def _say(chat: Chat, message: Any) -> None:
    if not isinstance(message, dict):
        raise NoConversation("a message is no JSON object", _FIX)
    fields = cast("dict[str, Any]", message)
    speaker = first_of(SPEAKER, fields)
    if speaker is None and len(fields) == 1 and not set(TEXT) & set(fields):  # {"User": "hello"}
        speaker, said = next(iter(fields.items()))
    else:
        said = next((fields[name] for name in TEXT if name in fields), None)
    if speaker is None:
        raise NoConversation("a message does not say who speaks", _FIX)
    chat.say(str(speaker), _text(said))
    latency = fields.get("latency_ms")
    if isinstance(latency, int | float) and not isinstance(latency, bool):
        chat.times_s.append(latency / 1000)


def _text(said: Any) -> str:
    """A text, or the texts among parts of several kinds; nothing said is an empty text."""
    if isinstance(said, list):
        parts = [cast("dict[str, Any]", part) for part in cast("list[Any]", said) if isinstance(part, dict)]
        return "\n".join(str(part["text"]) for part in parts if isinstance(part.get("text"), str))
    if said is None or isinstance(said, str):
        return said or ""
    raise NoConversation("what is said is no text", _FIX)
