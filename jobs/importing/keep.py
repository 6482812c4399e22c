"""Stores conversations that were held elsewhere, and finds them again."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from jobs.errors import RequestError
from jobs.importing.sources import Format, Found, read_conversations
from jobs.importing.stored import content_key, from_stored, to_stored
from jobs.model import WorkspaceId
from jobs.recorded import Recorded, UnreadFile
from jobs.shelf import unknown
from jobs.store import Store
from jobs.store.imported import ImportedConversation

IN_ONE_COMMIT = 500
SET_NAME = re.compile(r"[\w][\w. -]{0,79}")
LOOKS_LIKE_A_RUN = re.compile(r"last|[0-9a-f-]{4,36}")


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What came of an import: how many are new, how many were known, and what could not be read."""

    set_name: str
    new: int
    known: int
    unread: tuple[UnreadFile, ...]


async def import_conversations(
    path: Path, format: Format, *, into: str | None, store: Store, workspace_id: WorkspaceId
) -> Imported:
    """Keep the conversations of a file or folder as a set; one that the set has already is not kept twice.

    What cannot be read is told, and everything else is kept. Batches are committed as they are read, so that an import
    that was broken off goes on where it stopped when it is started again.

    Args:
        into: the name of the set; None = that of the folder, or of the file without suffix.

    Raises:
        RequestError: there is nothing to import, or the name of the set cannot be used.
    """
    set_name = _set_name(into, path)
    found = read_conversations(path, format)
    unread: list[UnreadFile] = []
    read = new = 0
    while batch := await asyncio.to_thread(_next_batch, found):
        conversations = [each for each in batch if isinstance(each, ImportedConversation)]
        unread += [each for each in batch if isinstance(each, UnreadFile)]
        read += len(conversations)
        new += await store.imported.add(workspace_id, set_name, conversations)
    return Imported(set_name=set_name, new=new, known=read - new, unread=tuple(unread))


async def imported_set(set_name: str, *, store: Store, workspace_id: WorkspaceId) -> tuple[Recorded, ...]:
    """The conversations of a set; raises RequestError: there is none of that name."""
    kept = await store.imported.conversations(workspace_id, set_name)
    if not kept:
        sets = await store.imported.sets(workspace_id)
        raise RequestError(f"{unknown('set of conversations', set_name, sets)}; `import` makes one")
    return await asyncio.to_thread(lambda: tuple(from_stored(each.content, name=each.name) for each in kept))


def is_set_name(text: str) -> bool:
    """Whether a name can only mean a set: it looks like no run's id."""
    return not LOOKS_LIKE_A_RUN.fullmatch(text.strip().lower())


def _next_batch(found: Iterator[Found]) -> list[ImportedConversation | UnreadFile]:
    return [_to_keep(each) if isinstance(each, Recorded) else each for each in islice(found, IN_ONE_COMMIT)]


def _to_keep(recorded: Recorded) -> ImportedConversation:
    stored = to_stored(recorded)
    return ImportedConversation(key=content_key(stored), name=recorded.name, content=stored)


def _set_name(given: str | None, path: Path) -> str:
    name = given or (path.resolve().name if path.is_dir() else path.stem)
    if not SET_NAME.fullmatch(name) or LOOKS_LIKE_A_RUN.fullmatch(name.lower()):
        raise RequestError(
            f"{name!r} cannot be the name of a set of conversations: use letters, digits, spaces, '.', '-' and '_', "
            "and nothing that looks like the id of a run; say --into NAME"
        )
    return name
