"""Reads conversations that were recorded as YAML of three documents: metadata, times, interaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from jobs.errors import RequestError
from jobs.profiles.files import yaml_files
from jobs.profiles.problems import Place, Problem
from jobs.recorded.conversation import Recorded, make_recorded, mappings
from jobs.recorded.values import MOST_BYTES, UnreadableError, Value, parse_documents

_NOT_CONVERSATIONS = ("__report__", "__stats_reports__")
_FIX = "record it again, or move it out of the folder"


@dataclass(frozen=True, kw_only=True)
class UnreadFile:
    """A file that is no recorded conversation, and why."""

    path: str
    problem: Problem


@dataclass(frozen=True, kw_only=True)
class Recordings:
    """What a folder holds: the conversations in the order of their paths, and the files that could not be read."""

    conversations: tuple[Recorded, ...]
    unread: tuple[UnreadFile, ...]


def load_recordings(folder: Path) -> Recordings:
    """The recorded conversations below a folder (or in one file); folders of reports are left out.

    Raises:
        RequestError: there is no such folder.
    """
    if not folder.exists():
        raise RequestError(f"there is no folder {str(folder)!r}")
    conversations: list[Recorded] = []
    unread: list[UnreadFile] = []
    for path in recording_files(folder):
        name = path.relative_to(folder).as_posix() if path != folder else path.name
        try:
            conversations.append(parse_recorded(read_recording(path), name=name))
        except UnreadableError as error:
            problem = Problem(place=error.place, field="", message=error.message, fix=error.fix)
            unread.append(UnreadFile(path=str(path), problem=problem))
    return Recordings(conversations=tuple(conversations), unread=tuple(unread))


def parse_recorded(content: bytes, *, name: str) -> Recorded:
    """The conversation in a file's content. Older recordings have everything in one document.

    Raises:
        UnreadableError: it is no recorded conversation.
    """
    documents = parse_documents(content)
    fields = _merged(documents)
    if "interaction" not in fields or not {"ask_about", "conversation", "data_output", "serial"} & set(fields):
        message = "it is no recorded conversation: metadata, times and interaction are expected"
        raise UnreadableError(Place(line=1, column=1), message, _FIX)
    took = fields.get("conversation time")
    return make_recorded(
        name=name,
        interaction=mappings(_list(fields, "interaction")),
        wanted=_list(fields, "ask_about"),
        settings=_list(fields, "conversation"),
        outputs=mappings(_list(fields, "data_output")),
        context=_list(fields, "context"),
        duration_s=float(took) if isinstance(took, int | float) else None,
        serial=str(fields.get("serial") or ""),
        language=cast(str | None, fields.get("language")),
        errors=mappings(_list(fields, "errors")),
        response_times_s=[time for time in _list(fields, "assistant response time") if isinstance(time, int | float)],
    )


def recording_files(folder: Path) -> Sequence[Path]:
    """Every file below a folder that may be a recording, in the order of their paths."""
    if folder.is_file():
        return [folder]
    return sorted(path for path in yaml_files(folder) if not _is_report(path.relative_to(folder)))


def _is_report(path: Path) -> bool:
    return any(part in _NOT_CONVERSATIONS for part in path.parts[:-1])


def read_recording(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        message, fix = f"it cannot be read ({error.strerror})", "correct its permissions"
        raise UnreadableError(Place(line=1, column=1), message, fix) from error


def _merged(documents: Iterable[Value]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for document in documents:
        if isinstance(document, Mapping):
            merged |= document
    return merged


def _list(fields: Mapping[str, Any], name: str) -> list[Any]:
    """The list under that name; a mapping counts as a list of one, anything else as none."""
    value = fields.get(name)
    if isinstance(value, dict):
        return [value]
    return cast(list[Any], value) if isinstance(value, list) else []
