"""Results from a file: CSV in whatever dialect a spreadsheet wrote it, or a JSON list of objects.

A file is read row by row; what is kept of a row is a few numbers.
"""

import codecs
import csv
import io
import json
import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from jobs.errors import RequestError
from jobs.experiments.results import Integers, Results, with_aa_arms
from jobs.report.as_text import printable

IDENTITY = ("scenario", "seed", "repeat", "variant")
STANDARD = ("success", "score", "latency_ms", "cost_usd")
DELIMITERS = ",;\t|"

LONGEST_LINE = 4 << 20
LARGEST_JSON = 256 << 20
MOST_ROWS = 2_000_000
"""A million pairs take about a minute and half a gigabyte."""

MOST_VALUES = 16_000_000
"""Rows times metrics."""

MOST_VARIANTS = 20
MOST_COLUMNS = 1_000
HUGE, TINY = 1e30, 1e-30
"""Nothing that is measured is larger, and what is smaller is zero; powers of such numbers would overflow."""

GIVEN_UP_AFTER = 100
"""Cells of a further column that are no numbers, before it is taken for text."""

MISSING = frozenset(
    ("", "nan", "na", "n/a", "#n/a", "null", "none", "-", "–", "?", "unknown", "unscored", "inconclusive")
)
SUCCESS = {
    **dict.fromkeys(("true", "yes", "y", "t", "pass", "passed", "ok", "success"), 1.0),
    **dict.fromkeys(("false", "no", "n", "f", "fail", "failed", "failure"), 0.0),
}

Cells = Sequence[Any]
Table = tuple[list[str], Iterable[Cells], bool]
"""The names of the columns, the rows, and whether numbers may be written with a decimal comma."""


def load_results(path: Path, *, only: Sequence[str] = ()) -> Results:
    """The results in a file.

    Args:
        only: names of the metrics to read; all when empty.

    Raises:
        RequestError: the file cannot be read, or is no table of results.
    """
    try:
        with path.open("rb") as file:
            start = file.peek(4096)[:4096]
            if start.startswith((b"PK\x03\x04", b"\x1f\x8b", b"\xd0\xcf\x11\xe0")):
                raise RequestError("this is a workbook or an archive; save the table as a CSV file")
            with io.TextIOWrapper(file, encoding=_encoding(start), errors="convotest-cp1252", newline="") as text:
                is_json = start.lstrip(b"\xef\xbb\xbf\xfe\xff \t\r\n\x00")[:1] in (b"[", b"{")
                header, rows, decimal_comma = _json_table(text) if is_json else _csv_table(text)
                return collect(header, rows, only=only, decimal_comma=decimal_comma)
    except OSError as error:
        raise RequestError(f"cannot read {str(path)!r}: {error.strerror or error}") from error
    except csv.Error as error:
        raise RequestError(f"{str(path)!r} is not a readable CSV file: {error}") from error


def _csv_table(text: io.TextIOWrapper) -> Table:
    lines = _lines(text)
    first = next((line for line in lines if line.strip(" \t\r\n;,|")), "")
    if first.casefold().startswith("sep="):  # Excel's way of saying it
        first = next(lines, "")
    delimiter = max(DELIMITERS, key=first.count)
    header = next(csv.reader([first.rstrip("\r\n")], delimiter=delimiter, skipinitialspace=True), list[str]())
    return header, csv.reader(lines, delimiter=delimiter, skipinitialspace=True), delimiter != ","


def _encoding(start: bytes) -> str:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig"


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are no UTF-8 are read as what Windows writes."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", errors="replace"), error.end


codecs.register_error("convotest-cp1252", _as_cp1252)


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Lines of a bounded length: a gigabyte without a line break is refused, not read."""
    while line := text.readline(LONGEST_LINE):
        if len(line) >= LONGEST_LINE:
            raise RequestError(f"a line of this file is longer than {LONGEST_LINE:,} characters; it is no table")
        yield line


def _json_table(text: io.TextIOWrapper) -> Table:
    content = text.read(LARGEST_JSON + 1)
    if len(content) > LARGEST_JSON:
        raise RequestError(f"a JSON file may have {LARGEST_JSON >> 20} MB; save it as CSV, which is read row by row")
    try:
        listed: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"this is not valid JSON: {error}") from error
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in cast("list[Any]", listed)):
        raise RequestError("a JSON file must hold a list of objects, one a result")
    objects = cast("list[dict[str, Any]]", listed)
    names = list(dict.fromkeys(name for each in objects for name in each))
    return names, ([each.get(name) for name in names] for each in objects), False


@dataclass(kw_only=True)
class _Metric:
    """A column of numbers while it is read."""

    name: str
    place: int
    decimal_comma: bool
    values: "array[float]" = field(default_factory=lambda: array("d"))
    known: int = 0
    unreadable: int = 0
    is_text: bool = False

    def add(self, cell: Any) -> None:
        if self.is_text:
            return
        try:
            value = float(cell)
        except (TypeError, ValueError, OverflowError):
            value = self._read_word(cell)
        if -HUGE < value < HUGE:
            self.known += 1
            value = value if abs(value) > TINY else 0.0
        elif not math.isnan(value):
            self.unreadable += 1
            value = math.nan
        self.values.append(value)

    def _read_word(self, cell: Any) -> float:
        """The number that a word stands for; infinite when it stands for none."""
        if cell is None:
            return math.nan
        word = cell.strip().casefold() if isinstance(cell, str) else "no text"
        if word in MISSING:
            return math.nan
        if self.name == "success" and word in SUCCESS:
            return SUCCESS[word]
        if self.decimal_comma and word.count(",") == 1 and "." not in word:
            try:
                return float(word.replace(",", "."))
            except ValueError:
                pass  # it is no number with a decimal comma either
        if self.name not in STANDARD and self.unreadable >= max(GIVEN_UP_AFTER, self.known):
            self.is_text, self.values = True, array("d")
        return math.inf


class _Numbers(dict[str, int]):
    """Texts, numbered in the order of their first appearance."""

    def __missing__(self, text: str) -> int:
        number = self[text] = len(self)
        return number


def collect(
    header: Sequence[str], rows: Iterable[Cells], *, only: Sequence[str] = (), decimal_comma: bool = False
) -> Results:
    """The results in a table; raises RequestError if it is none."""
    names = _column_names(header)
    places = {name: names.index(name) if name in names else None for name in IDENTITY}
    metrics = _metrics_to_read(names, only, decimal_comma=decimal_comma)
    columns, notes = _read_rows(rows, len(names), places, metrics)
    variants, codes = columns["variant"]
    meeting, scenario = _units(*(columns[name][1] for name in ("scenario", "seed", "repeat")))
    kept = [each for each in metrics if not each.is_text and (each.name in STANDARD or each.known > each.unreadable)]
    notes += _reading_notes(metrics, kept, only)
    results = Results(
        variants=tuple(variants),
        variant=codes,
        meeting=meeting,
        scenario=scenario,
        metrics={each.name: np.frombuffer(each.values) if each.values else np.empty(0) for each in kept},
        notes=tuple(notes),
    )
    return with_aa_arms(results)


def _column_names(header: Sequence[str]) -> list[str]:
    names = [str(name).strip().casefold().replace(" ", "_") for name in header]
    if len(names) > MOST_COLUMNS:
        raise RequestError(f"this file has {len(names):,} columns; a table of results has at most {MOST_COLUMNS:,}")
    shown = ", ".join(repr(printable(name, at_most=40)) for name in names[:12]) or "none"
    if names and "variant" not in names:
        raise RequestError(f"there is no column 'variant', which says what produced a result; columns: {shown}")
    if not names:
        raise RequestError("this file is empty; it needs a header and one row a result")
    doubled = next((name for name in names if name and names.count(name) > 1), None)
    if doubled is not None:
        raise RequestError(f"the column {printable(doubled, at_most=40)!r} appears more than once")
    return names


def _metrics_to_read(names: Sequence[str], only: Sequence[str], *, decimal_comma: bool) -> list[_Metric]:
    found = [
        _Metric(name=name, place=place, decimal_comma=decimal_comma)
        for place, name in enumerate(names)
        if name and name not in IDENTITY and name != "id" and not name.endswith("_id")
    ]
    unknown = [name for name in only if name not in [each.name for each in found]]
    if unknown:
        known = ", ".join(repr(printable(each.name, at_most=40)) for each in found[:12]) or "none"
        raise RequestError(f"no column named {unknown[0]!r} to measure; columns: {known}")
    if not found:
        raise RequestError("there is no column to compare; name one 'success', 'score', 'latency_ms' or 'cost_usd'")
    return [each for each in found if not only or each.name in only]


def _read_rows(
    rows: Iterable[Cells], width: int, places: dict[str, int | None], metrics: Sequence[_Metric]
) -> tuple[dict[str, tuple[_Numbers, Integers]], list[str]]:
    """The numbers of each identity column, and what had to be left out; empty texts have the number 0."""
    texts = {name: _Numbers() if name == "variant" else _Numbers({"": 0}) for name in places}
    codes = {name: array("q") for name in places}
    readers = [(place, texts[name], codes[name]) for name, place in places.items()]
    variant_place = places["variant"]
    assert variant_place is not None
    most = min(MOST_ROWS, MOST_VALUES // len(metrics))
    too_wide = nameless = 0
    for cells in rows:
        if len(cells) != width:
            if not cells or not any(cells):
                continue  # an empty line
            if len(cells) > width and any(cells[width:]):
                too_wide += 1
                continue
            cells = [*cells[:width], *[""] * (width - len(cells))]
        if not _text(cells[variant_place]):
            nameless += any(cell not in ("", None) for cell in cells)
            continue
        for place, numbers, column in readers:
            column.append(numbers[_text(cells[place])] if place is not None else 0)
        for metric in metrics:
            metric.add(cells[metric.place])
        if len(codes["variant"]) > most or len(texts["variant"]) > MOST_VARIANTS:
            raise _too_much(most, len(texts["variant"]))
    notes = [f"{too_wide} rows have more cells than the header and were left out"] * (too_wide > 0)
    notes += [f"{nameless} rows name no variant and were left out"] * (nameless > 0)
    return {name: (texts[name], np.array(codes[name], dtype=np.int64)) for name in places}, notes


def _too_much(most: int, variants: int) -> RequestError:
    if variants > MOST_VARIANTS:
        return RequestError(
            f"there are more than {MOST_VARIANTS} different variants; is the column 'variant' the right one?"
        )
    return RequestError(
        f"there are more than {most:,} results; what so many show, a random tenth of the scenarios shows as well"
    )


def _text(cell: Any) -> str:
    if isinstance(cell, str):
        return cell.strip()
    if cell is None:
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _units(scenario: Integers, seed: Integers, repeat: Integers) -> tuple[Integers, Integers]:
    """What a result can be paired by, and the scenario it counts for.

    Without a scenario each seed is one; without either, each result is one of its own.
    """
    meeting = _combined(_combined(scenario, seed), repeat)
    anonymous = (scenario == 0) & (seed == 0) & (repeat == 0)
    meeting[anonymous] = meeting.max(initial=0) + 1 + np.arange(np.count_nonzero(anonymous))
    unit = scenario.copy()
    by_seed, by_itself = (scenario == 0) & (seed > 0), (scenario == 0) & (seed == 0)
    unit[by_seed] = scenario.max(initial=0) + seed[by_seed]
    unit[by_itself] = scenario.max(initial=0) + seed.max(initial=0) + 1 + meeting[by_itself]
    return _numbered(meeting), _numbered(unit)


def _combined(left: Integers, right: Integers) -> Integers:
    return _numbered(left * (right.max(initial=0) + 1) + right)


def _numbered(codes: Integers) -> Integers:
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)


def _reading_notes(metrics: Sequence[_Metric], kept: Sequence[_Metric], only: Sequence[str]) -> list[str]:
    notes = [
        f"{each.unreadable} values of {printable(each.name, at_most=40)} are no numbers and count as missing"
        for each in kept
        if each.unreadable
    ]
    ignored = [printable(each.name, at_most=40) for each in metrics if each not in kept]
    if ignored:
        shown = ", ".join(ignored[:8]) + (", …" if len(ignored) > 8 else "")
        notes.append(f"columns that hold no numbers were not compared: {shown}")
    return notes
