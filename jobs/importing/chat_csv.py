"""Reads chats from CSV: one message a row, with columns for the conversation, the speaker and the text."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from jobs.importing.chat import CONVERSATION, SPEAKER, TEXT, Chat, NoConversation, first_of, unread
from jobs.recorded import Recorded, UnreadFile
from jobs.report.as_csv import RUNS_A_FORMULA

LARGEST = 256 * 1024 * 1024
VARIABLE, OUTPUT = "variable_", "output_"
_FIX = "write a header with conversation_id, role and text"


def read_csv(path: Path, name: str) -> Iterator[Recorded | UnreadFile]:
    """The conversations of a file; rows of one conversation need not follow each other.

    Columns ``variable_NAME`` and ``output_NAME`` are what the customer wanted and what was read out, from the first
    row of the conversation that has them.
    """
    try:
        rows = _rows(path)
        header = next(rows, list[str]())
        columns = [cell.strip() for cell in header]
        _check(columns)
    except NoConversation as error:
        yield unread(path, 1, error.message, error.fix)
        return
    except csv.Error as error:
        yield unread(path, 1, f"the header is no CSV ({error})", _FIX)
        return
    chats: dict[str, tuple[int, Chat]] = {}
    bad: dict[str, tuple[int, NoConversation]] = {}
    for line, row in _numbered(rows, path):
        if isinstance(row, UnreadFile):
            yield row
            continue
        fields = dict(zip(columns, map(_unquoted, row), strict=False))
        key = str(first_of(CONVERSATION, fields) or "")
        _, chat = chats.setdefault(key, (line, Chat(name=f"{name}:{key}" if key else name, serial=key)))
        try:
            _add(chat, fields)
        except NoConversation as error:
            bad.setdefault(key, (line, error))
    for key, (line, chat) in chats.items():
        try:
            if key in bad:
                line, error = bad[key]
                raise error
            yield chat.finished()
        except NoConversation as error:
            yield unread(path, line, error.message, error.fix)


def _add(chat: Chat, fields: Mapping[str, str]) -> None:
    chat.say(str(first_of(SPEAKER, fields) or ""), next(fields[name] for name in TEXT if name in fields))
    chat.language = chat.language or fields.get("language") or None
    for column, value in fields.items():
        for prefix, known in ((VARIABLE, chat.variables), (OUTPUT, chat.outputs)):
            if column.startswith(prefix) and value:
                known.setdefault(column.removeprefix(prefix), value)
    if latency := fields.get("latency_ms"):
        try:
            chat.times_s.append(float(latency) / 1000)
        except ValueError as error:
            raise NoConversation(f"{latency[:40]!r} is no number of milliseconds", "correct or remove it") from error


def _unquoted(cell: str) -> str:
    """Without the apostrophe that keeps a spreadsheet from running a cell."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(RUNS_A_FORMULA) else cell


def _check(columns: Sequence[str]) -> None:
    for names, what in ((SPEAKER, "who speaks"), (TEXT, "what is said")):
        if not set(names) & set(columns):
            listed = ", ".join(names)
            raise NoConversation(f"no column says {what} ({listed})", _FIX)


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise NoConversation(f"it is larger than {LARGEST >> 20} MB", "split it")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise NoConversation(f"line {line} is not UTF-8 text", "save the file as UTF-8") from error
    first_line = text.partition("\n")[0]
    delimiter = max(",;\t", key=first_line.count)
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _numbered(rows: Iterator[list[str]], path: Path) -> Iterator[tuple[int, list[str] | UnreadFile]]:
    """Rows with their line; one that is no CSV is told, and the next is read."""
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield _line(rows), unread(path, _line(rows), f"the row is no CSV ({error})", "correct or remove it")
            continue
        if row:
            yield _line(rows), row


def _line(rows: Iterator[list[str]]) -> int:
    return int(getattr(rows, "line_num", 1))
