"""Feedback from files: CSV, JSON and JSONL with the field names of the HTTP interface."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, cast

import orjson

from jobs.errors import RequestError
from jobs.feedback.given import FIELDS, Fault, FeedbackError, GivenFeedback, parse_feedback
from jobs.feedback.rating import ASPECTS, Source
from jobs.feedback.record import keyed_by_content, ratings_of
from jobs.model import WorkspaceId
from jobs.ports import Clock
from jobs.store import Store

Format = Literal["csv", "json", "jsonl"]
LARGEST_FILE = 512 * 1024 * 1024
LONGEST_CELL = 16 * 1024 * 1024
"""Characters; beyond it a quotation mark was forgotten."""
AT_ONCE = 1000
"""Rows that are saved together."""


@dataclass(frozen=True, kw_only=True)
class BadRow:
    """A row that was left out; ``line`` counts from 1, in JSON the objects."""

    line: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What became of a file: rows that were new, rows that were known, rows that are no feedback."""

    stored: int
    known: int
    bad: tuple[BadRow, ...]
    ignored: tuple[str, ...] = ()
    """Columns that are no fields of feedback."""


@dataclass(frozen=True, kw_only=True)
class _Row:
    line: int
    value: object


async def import_feedback(
    path: Path, *, store: Store, clock: Clock, workspace_id: WorkspaceId, source: Source, format: Format | None = None
) -> Imported:
    """Takes over every row that is feedback and lists the others; the same file again adds nothing.

    Raises:
        RequestError: the file cannot be read at all.
    """
    rows, ignored = _read(path, format or _format_of(path))
    good, bad = _parse(rows, now=clock.now())
    ratings, faults = await ratings_of(
        [given for _, given in good], store=store, clock=clock, workspace_id=workspace_id, source=source
    )
    bad += [BadRow(line=good[place][0], reason=str(fault)) for place, fault in faults.items()]
    taken = [given for place, (_, given) in enumerate(good) if place not in faults]
    keyed = keyed_by_content(ratings, taken)
    stored = 0
    for start in range(0, len(keyed), AT_ONCE):
        stored += await store.feedback.add(keyed[start : start + AT_ONCE])
    ordered = tuple(sorted(bad, key=lambda each: each.line))
    return Imported(stored=stored, known=len(keyed) - stored, bad=ordered, ignored=ignored)


def _parse(rows: Iterator[_Row], *, now: datetime) -> tuple[list[tuple[int, GivenFeedback]], list[BadRow]]:
    good: list[tuple[int, GivenFeedback]] = []
    bad: list[BadRow] = []
    for row in rows:
        try:
            if isinstance(row.value, Fault):
                raise FeedbackError([row.value])
            good.append((row.line, parse_feedback(row.value, now=now)))
        except FeedbackError as error:
            bad.append(BadRow(line=row.line, reason=str(error)))
    return good, bad


def _format_of(path: Path) -> Format:
    known: dict[str, Format] = {".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}
    if path.suffix.lower() not in known:
        raise RequestError(f"{path.name!r} ends in none of .csv, .json and .jsonl; say which it is with --format")
    return known[path.suffix.lower()]


def _read(path: Path, format: Format) -> tuple[Iterator[_Row], tuple[str, ...]]:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise RequestError(f"{path.name!r} is larger than {LARGEST_FILE >> 20} MB; split it")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise RequestError(f"{str(path)!r} cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise RequestError(f"{path.name!r} is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    if format == "csv":
        return _csv_rows(text, path.name)
    return (_json_lines(text) if format == "jsonl" else _json_objects(text, path.name)), ()


def _json_lines(text: str) -> Iterator[_Row]:
    for line, content in enumerate(text.split("\n"), 1):
        if content.strip():
            yield _Row(line=line, value=_json(content))


def _json_objects(text: str, name: str) -> Iterator[_Row]:
    value = _json(text)
    if isinstance(value, Fault):
        raise RequestError(f"{name!r} {value.message}")
    objects = cast(list[object], value) if isinstance(value, list) else [value]
    return iter([_Row(line=place, value=each) for place, each in enumerate(objects, 1)])


def _json(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return Fault(field="", message=f"is no JSON: {error.msg} at line {error.lineno}, column {error.colno}")


def _csv_rows(text: str, name: str) -> tuple[Iterator[_Row], tuple[str, ...]]:
    csv.field_size_limit(LONGEST_CELL)
    lines = csv.reader(io.StringIO(text, newline=""))
    header = [each.strip() for each in next(lines, list[str]())]
    known = [each for each in header if _is_known(each)]
    if not {"rating", "thumb", "feedback_text"} & set(known):
        raise RequestError(f"{name!r} has no column 'rating', 'thumb' or 'feedback_text' in its first line")
    if doubled := {each for each in known if known.count(each) > 1}:
        raise RequestError(f"{name!r} has more than one column {sorted(doubled)[0]!r}")
    ignored = tuple(each for each in header if each and not _is_known(each))
    return _csv_values(lines, header, name), ignored


def _csv_values(lines: Any, header: list[str], name: str) -> Iterator[_Row]:
    line = lines.line_num + 1
    try:
        for cells in lines:
            if len(cells) > len(header):
                yield _Row(
                    line=line, value=Fault(field="", message=f"has {len(cells)} cells for {len(header)} columns")
                )
            elif any(cells):
                yield _Row(line=line, value=_from_cells(dict(zip(header, cells, strict=False))))
            line = lines.line_num + 1
    except csv.Error as error:
        raise RequestError(f"{name!r} cannot be read from line {line} on ({error})") from error


def _is_known(column: str) -> bool:
    return column in FIELDS or column.removeprefix("aspects.") in ASPECTS


def _from_cells(cells: dict[str, str]) -> dict[str, Any]:
    """A row as an object: empty cells are absent, lists have semicolons, each aspect has a column of its own."""
    given: dict[str, Any] = {}
    aspects: dict[str, Any] = {}
    for name, cell in cells.items():
        text = cell.strip()
        if not text or not _is_known(name):
            continue
        aspect = name.removeprefix("aspects.")
        if aspect in ASPECTS:
            aspects[aspect] = _number(text)
        elif name == "aspects":
            value = _json(text)
            given[name] = text if isinstance(value, Fault) else value
        elif name in ("tags", "suggested_tools"):
            given[name] = [part.strip() for part in text.split(";") if part.strip()]
        else:
            given[name] = _number(text) if name == "rating" else _moment(text) if name == "timestamp" else text
    return given | ({"aspects": aspects} if aspects else {})


def _number(text: str) -> int | str:
    """Whole numbers as such, also as spreadsheets write them (``4.0``); the rest as it is, to be refused."""
    whole = text.removesuffix(".0")
    return int(whole) if whole.isascii() and whole.isdecimal() and len(whole) < 10 else text


def _moment(text: str) -> float | str:
    """Seconds since 1970 as a number; the rest as it is."""
    plain = text.replace(".", "", 1)
    return float(text) if plain.isascii() and plain.isdecimal() and 9 <= len(text) <= 20 else text
