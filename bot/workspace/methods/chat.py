"""Posting, changing and deleting messages."""

from ..errors import SlackError
from ..posting import bot_author, checked_metadata, message_content, thread_fields
from ..state import BOT_USER, Json
from ..web_api import Call, Method

MAX_UPDATE_TEXT = 4_000


async def post_message(call: Call) -> Json:
    team, channel = call.team, call.joined_channel()
    if channel.is_archived:
        raise SlackError("is_archived")
    content = message_content(call.arguments)
    place = thread_fields(team, channel, call.get("thread_ts"), broadcast=call.flag("reply_broadcast"))
    metadata = checked_metadata(call.get("metadata"))
    call.core.limits.check_post(team.id, channel.id)
    shown = {**bot_author(), **content, **place}
    message = team.add_message(channel, {**shown, "metadata": metadata} if metadata else shown)
    team.set_status(channel, message.get("thread_ts", ""), None)
    return {"channel": channel.id, "ts": message["ts"], "message": team.present(message, with_metadata=True)}


async def update(call: Call) -> Json:
    team, channel = call.team, call.joined_channel()
    message = team.message(channel, call.text("ts", error="message_not_found"))
    if message.get("user") != BOT_USER:
        raise SlackError("cant_update_message")
    given = dict(call.arguments)
    if "blocks" in given and not given.get("text"):
        given["text"] = message["text"]  # blocks alone keep the text
    content = message_content(given, max_text=MAX_UPDATE_TEXT)
    changes: Json = {"blocks": None, **content}  # text alone takes the old blocks away
    if "metadata" in given:
        changes["metadata"] = checked_metadata(given["metadata"])
    if not content.get("blocks"):
        changes["edited"] = {"user": BOT_USER, "ts": team.next_ts()}
    team.change_message(channel, message, **changes)
    shown = team.present(message, with_metadata=True)
    return {"channel": channel.id, "ts": message["ts"], "text": message["text"], "message": shown}


async def delete(call: Call) -> Json:
    team, channel = call.team, call.joined_channel()
    message = team.message(channel, call.text("ts", error="message_not_found"))
    if message.get("user") != BOT_USER:
        raise SlackError("cant_delete_message")
    team.delete_message(channel, message)
    return {"channel": channel.id, "ts": message["ts"]}


async def post_ephemeral(call: Call) -> Json:
    team, channel = call.team, call.joined_channel()
    member = call.text("user", error="user_not_in_channel")
    if member not in channel.members:
        raise SlackError("user_not_in_channel")
    content = message_content(call.arguments)
    place = thread_fields(team, channel, call.get("thread_ts"))
    message = team.add_ephemeral(channel, member, {**bot_author(), **content, **place})
    return {"message_ts": message["ts"]}


async def get_permalink(call: Call) -> Json:
    channel = call.channel()
    message = call.team.message(channel, call.text("message_ts", error="message_not_found"))
    link = f"{call.core.base_url}/#/{channel.id}/p{message['ts'].replace('.', '')}"
    return {"channel": channel.id, "permalink": link}


METHODS = {
    "chat.postMessage": Method(run=post_message, posts=True),
    "chat.update": Method(run=update, tier=3),
    "chat.delete": Method(run=delete, tier=3),
    "chat.postEphemeral": Method(run=post_ephemeral, tier=4),
    "chat.getPermalink": Method(run=get_permalink),
}
