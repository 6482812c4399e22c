"""Profiles and suites that members send to the bot in a direct message."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.blocks import Message
from bot.blocks.uploads import together, upload_problems, upload_refused, upload_saved
from bot.commands import Asker, Edge
from bot.commands._command import require
from bot.payload import text_in
from bot.poster import PostError
from jobs.errors import RequestError
from jobs.profiles.problems import ProfileError
from jobs.profiles.yamltree import MOST_BYTES
from jobs.uploads import Saved, save_upload

MOST_FILES = 10


@dataclass(frozen=True, kw_only=True)
class SharedFile:
    """A file of a message, as Slack names it; ``size`` is what Slack says and not relied upon."""

    name: str
    url: str
    size: int


def shared_files(event: Mapping[str, Any]) -> tuple[SharedFile, ...]:
    """The files that a person sends to the bot directly; none in any other message."""
    is_direct = event.get("channel_type") == "im" and event.get("subtype") == "file_share"
    if not is_direct or not event.get("user") or event.get("bot_id"):
        return ()
    files: list[SharedFile] = []
    for each in event.get("files") or ():
        url = text_in(each, "url_private_download") or text_in(each, "url_private")
        size = each.get("size")
        files.append(SharedFile(name=text_in(each, "name"), url=url, size=size if isinstance(size, int) else 0))
    return tuple(files)


async def take_files(files: Sequence[SharedFile], asker: Asker, edge: Edge) -> Message:
    """Check each file and keep the good ones for this workspace; what is wrong with the others is the answer."""
    await require("use", "upload", asker, edge)
    answers = [await _take(file, asker, edge) for file in files[:MOST_FILES]]
    if len(files) > MOST_FILES:
        answers.append(upload_refused("the rest", f"send at most {MOST_FILES} files in one message"))
    return together(answers)


async def _take(file: SharedFile, asker: Asker, edge: Edge) -> Message:
    try:
        if not file.url:
            raise RequestError("Slack does not say where it is; send it once more")
        if file.size > MOST_BYTES:
            raise RequestError(f"it is larger than {MOST_BYTES >> 10} KB; split it")
        content = await edge.poster.download(file.url, at_most=MOST_BYTES)
        saved = await save_upload(
            file.name, content, by=asker.member_id, workspace_id=asker.workspace_id, ports=edge.ports
        )
    except ProfileError as error:
        return upload_problems(file.name, error.problems, error.warnings)
    except (RequestError, PostError) as error:
        return upload_refused(file.name, str(error))
    return _saved(saved)


def _saved(saved: Saved) -> Message:
    return upload_saved(
        saved.file.path,
        kind=saved.file.kind,
        version=saved.file.version,
        is_new=saved.is_new,
        command=f"/convotest run {saved.stem}",
        conversations=saved.conversations,
        warnings=saved.warnings,
    )
