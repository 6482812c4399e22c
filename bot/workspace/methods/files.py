"""Uploads in three steps (ask for an address, send the bytes, complete), and what becomes of them."""

from typing import Any, cast

from ..errors import SlackError
from ..posting import bot_author, message_content, thread_fields
from ..state import BOT_USER, Channel, File, Json, new_id
from ..web_api import Call, Method

MAX_FILE_BYTES = 100_000_000


async def get_upload_url(call: Call) -> Json:
    name, size = call.text("filename"), call.number("length", 0, most=10**12)
    if size > MAX_FILE_BYTES:
        raise SlackError("file_upload_size_restricted")
    team = call.team
    file = File(
        id=new_id("F"),
        name=name.replace("/", "_"),
        size=size,
        alt_text=str(call.get("alt_txt") or ""),
        created=team.seconds(),
    )
    team.save_file(file)
    return {"upload_url": f"{call.core.base_url}/upload/{team.id}/{file.id}", "file_id": file.id}


async def complete_upload(call: Call) -> Json:
    files = named_files(call)
    channel = destination(call)
    place = thread_fields(call.team, channel, call.get("thread_ts")) if channel else {}
    if channel:
        call.core.limits.check_post(call.team.id, channel.id)
    for file in files:
        file.complete = True
        call.team.save_file(file)
    if channel:
        share(call, channel, files, place)
    return {"files": [call.team.present_file(file) for file in files]}


def named_files(call: Call) -> list[File]:
    """The uploads that the call names, with their new titles.

    Raises:
        SlackError: `file_not_found`, or `invalid_arguments` when one has no bytes yet or is complete already.
    """
    given: Any = call.get("files")
    if not isinstance(given, list) or not given:
        raise SlackError("invalid_arguments", ["[ERROR] missing required field: files"])
    found: list[File] = []
    for entry in cast("list[Json]", given):
        file = call.team.file(str(entry.get("id")))
        if not file.uploaded:
            raise SlackError("file_not_found", ["[ERROR] nothing was uploaded yet"])
        if file.complete:
            raise SlackError("invalid_arguments", [f"[ERROR] upload {file.id} is complete already"])
        file.title = str(entry.get("title") or file.name)
        found.append(file)
    return found


def destination(call: Call) -> Channel | None:
    wanted = call.get("channel_id") or str(call.get("channels") or "").partition(",")[0]
    if not wanted:
        return None
    channel = call.team.channels.get(str(wanted))
    if channel is None or (channel.kind == "private" and BOT_USER not in channel.members):
        raise SlackError("channel_not_found")
    if BOT_USER not in channel.members:
        raise SlackError("not_in_channel")
    if channel.is_archived:
        raise SlackError("is_archived")
    return channel


def share(call: Call, channel: Channel, files: list[File], place: Json) -> None:
    """Show the files in one message."""
    comment = call.get("initial_comment")
    content = (
        message_content({"text": comment, "blocks": call.get("blocks")})
        if comment or call.get("blocks")
        else {"text": ""}
    )
    ids = [file.id for file in files]
    message = call.team.add_message(channel, {**bot_author(), **content, **place, "file_ids": ids, "upload": True})
    for file in files:
        file.shares.append((channel.id, message["ts"], place.get("thread_ts", "")))
        call.team.save_file(file)


async def info(call: Call) -> Json:
    file = call.team.file(call.text("file", error="file_not_found"))
    return {"file": call.team.present_file(file), "comments": [], "response_metadata": {"next_cursor": ""}}


async def delete(call: Call) -> Json:
    file = call.team.file(call.text("file", error="file_not_found"))
    if file.user != BOT_USER:
        raise SlackError("cant_delete_file")
    call.team.delete_file(file)
    return {}


METHODS = {
    "files.getUploadURLExternal": Method(run=get_upload_url, tier=4),
    "files.completeUploadExternal": Method(run=complete_upload, tier=4, posts=True),
    "files.info": Method(run=info, tier=4),
    "files.delete": Method(run=delete, tier=3),
}
