"""Reads conversations that were held elsewhere: three-document YAML, chat as JSON lines, one message a row of CSV."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from jobs.errors import RequestError
from jobs.importing.chat_csv import read_csv
from jobs.importing.chat_jsonl import read_jsonl
from jobs.profiles.problems import Problem
from jobs.recorded import Recorded, UnreadableError, UnreadFile, parse_recorded
from jobs.recorded.reading import read_recording, recording_files

Format = Literal["sensei", "jsonl", "csv"]
Found = Recorded | UnreadFile
SUFFIXES: Mapping[Format, tuple[str, ...]] = {
    "sensei": (".yaml", ".yml"),
    "jsonl": (".jsonl", ".ndjson"),
    "csv": (".csv", ".tsv"),
}


def read_conversations(path: Path, format: Format) -> Iterator[Found]:
    """Every conversation of a file, or of the files below a folder, and what could not be read among them.

    Raises:
        RequestError: there is no such file or folder, or nothing of that format in it.
    """
    files = _files(path, format)
    if not files:
        endings = " or ".join(SUFFIXES[format])
        raise RequestError(f"there is no file ending in {endings} in {str(path)!r}")
    for file in files:
        name = file.relative_to(path).as_posix() if file != path else file.name
        yield from _READERS[format](file, name)


def guessed_format(path: Path) -> Format:
    """By the ending; raises RequestError."""
    if path.is_dir():
        return "sensei"
    for format, endings in SUFFIXES.items():
        if path.suffix.lower() in endings:
            return format
    raise RequestError(f"the format of {path.name!r} is not known; say --format sensei, jsonl or csv")


def _files(path: Path, format: Format) -> list[Path]:
    if not path.exists():
        raise RequestError(f"there is no file or folder {str(path)!r}")
    if path.is_file():
        return [path]
    if format == "sensei":
        return list(recording_files(path))
    below = (each for each in path.rglob("*") if each.suffix.lower() in SUFFIXES[format] and each.is_file())
    return sorted(each for each in below if not any(part.startswith(".") for part in each.relative_to(path).parts))


def _read_sensei(file: Path, name: str) -> Iterator[Found]:
    try:
        yield parse_recorded(read_recording(file), name=name)
    except UnreadableError as error:
        problem = Problem(place=error.place, field="", message=error.message, fix=error.fix)
        yield UnreadFile(path=str(file), problem=problem)


_READERS: Mapping[Format, Callable[[Path, str], Iterator[Found]]] = {
    "sensei": _read_sensei,
    "jsonl": read_jsonl,
    "csv": read_csv,
}
