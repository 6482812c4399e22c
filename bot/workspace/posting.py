"""How a message comes about, whoever asks for it: the Web API, a response URL or an acknowledgement."""

from collections.abc import Mapping
from typing import Any, cast

from .block_kit import check_message_blocks
from .errors import SlackError
from .state import APP_ID, BOT_ID, BOT_USER, Channel, Json, Team

MAX_TEXT = 40_000
MAX_MARKDOWN = 12_000


def bot_author() -> Json:
    return {
        "user": BOT_USER,
        "bot_id": BOT_ID,
        "app_id": APP_ID,
        "bot_profile": {"id": BOT_ID, "app_id": APP_ID, "name": "convotest", "deleted": False, "updated": 0},
    }


def message_content(given: Mapping[str, Any], *, max_text: int = MAX_TEXT, total_limit: bool = True) -> Json:
    """Text, blocks and attachments of a message to be, checked.

    Raises:
        SlackError: `no_text`, `msg_too_long`, `invalid_blocks`, `msg_blocks_too_long`, `too_many_attachments`.
    """
    text = given.get("text") or ""
    markdown = given.get("markdown_text")
    blocks: Any = given.get("blocks") or []
    attachments: Any = given.get("attachments") or []
    if markdown:
        if text or blocks:
            raise SlackError("markdown_text_conflict")
        if len(markdown) > MAX_MARKDOWN:
            raise SlackError("msg_too_long")
        text, blocks = markdown, [{"type": "markdown", "text": markdown}]
    if not isinstance(text, str) or not isinstance(attachments, list):
        raise SlackError("invalid_arguments", ["[ERROR] text must be a string and attachments an array"])
    if len(text) > max_text:
        raise SlackError("msg_too_long")
    if len(cast("list[Any]", attachments)) > 100:
        raise SlackError("too_many_attachments")
    if not text.strip() and not blocks and not attachments:
        raise SlackError("no_text")
    content: Json = {"text": text}
    if blocks:
        content["blocks"] = check_message_blocks(blocks, total_limit=total_limit)
    if attachments:
        content["attachments"] = attachments
    return content


def checked_metadata(metadata: Any) -> Json | None:
    """Raises: SlackError: `invalid_metadata_format`."""
    if not metadata:
        return None
    fields = cast(Json, metadata) if isinstance(metadata, dict) else {}
    if not isinstance(fields.get("event_type"), str) or not isinstance(fields.get("event_payload", {}), dict):
        raise SlackError("invalid_metadata_format", ["[ERROR] metadata needs event_type and an object event_payload"])
    return {"event_type": fields["event_type"], "event_payload": fields.get("event_payload", {})}


def thread_fields(team: Team, channel: Channel, thread_ts: str | None, *, broadcast: bool = False) -> Json:
    """The fields that put a message into a thread.

    Raises:
        SlackError: `thread_not_found`; also for a reply's own ts, since only parents have threads.
    """
    if not thread_ts:
        return {}
    parent = team.thread(channel, thread_ts)[0]
    if parent["ts"] != thread_ts:
        raise SlackError("thread_not_found", ["[ERROR] thread_ts is a reply's; give its parent's"])
    return {"thread_ts": thread_ts, "subtype": "thread_broadcast"} if broadcast else {"thread_ts": thread_ts}


def answer_person(
    team: Team, channel: Channel, member: str, given: Mapping[str, Any], *, thread_ts: str | None = None
) -> Json:
    """Show what an acknowledgement or response URL said: to everybody, or to the one who asked.

    Raises:
        SlackError: the content is not a good message.
    """
    content = message_content(given, total_limit=False)  # Slack accepts blocks here that chat.postMessage refuses
    place = thread_fields(team, channel, given.get("thread_ts") or thread_ts)
    if given.get("response_type") == "in_channel":
        return team.add_message(channel, {**bot_author(), **content, **place})
    return team.add_ephemeral(channel, member, {**bot_author(), **content, **place})
