"""Channels: what is said in them, who is in them, joining them."""

import base64
import binascii

from ..errors import SlackError
from ..state import BOT_USER, Channel, Json
from ..web_api import Call, Method


def page(items: list[Json], call: Call, *, default: int, most: int) -> tuple[list[Json], str]:
    """One page of a list and the cursor of the next, empty at the end."""
    start = 0
    if cursor := call.get("cursor"):
        try:
            start = int(base64.b64decode(str(cursor), validate=True).decode().removeprefix("next:"))
        except (binascii.Error, ValueError, UnicodeDecodeError) as error:
            raise SlackError("invalid_cursor") from error
    end = start + call.number("limit", default, most=most)
    return items[start:end], base64.b64encode(f"next:{end}".encode()).decode() if end < len(items) else ""


def within(messages: list[Json], call: Call) -> list[Json]:
    """Messages between `oldest` and `latest`; the ends themselves only with `inclusive`."""
    oldest, latest = str(call.get("oldest") or "0"), str(call.get("latest") or "")
    try:
        low, high = float(oldest), float(latest) if latest else float("inf")
    except ValueError as error:
        raise SlackError("invalid_ts_oldest") from error
    if call.flag("inclusive"):
        return [message for message in messages if low <= float(message["ts"]) <= high]
    return [message for message in messages if low < float(message["ts"]) < high]


def readable_channel(call: Call) -> Channel:
    channel = call.channel()
    if BOT_USER not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def presented(messages: list[Json], call: Call) -> list[Json]:
    return [call.team.present(message, with_metadata=call.flag("include_all_metadata")) for message in messages]


async def history(call: Call) -> Json:
    messages = within(call.team.history(readable_channel(call)), call)[::-1]
    shown, cursor = page(messages, call, default=100, most=999)
    return {"messages": presented(shown, call), "has_more": bool(cursor), "response_metadata": {"next_cursor": cursor}}


async def replies(call: Call) -> Json:
    channel = readable_channel(call)
    parent, *answers = call.team.thread(channel, call.text("ts"))
    shown, cursor = page([parent, *within(answers, call)], call, default=1000, most=1000)
    return {"messages": presented(shown, call), "has_more": bool(cursor), "response_metadata": {"next_cursor": cursor}}


async def info(call: Call) -> Json:
    return {"channel": call.channel().as_json()}


async def list_channels(call: Call) -> Json:
    kinds = {"public_channel": "public", "private_channel": "private", "im": "im"}
    wanted = {kinds.get(kind.strip()) for kind in str(call.get("types") or "public_channel").split(",")}
    visible = [
        channel.as_json()
        for channel in call.team.channels.values()
        if channel.kind in wanted
        and (channel.kind == "public" or BOT_USER in channel.members)
        and not (call.flag("exclude_archived") and channel.is_archived)
    ]
    shown, cursor = page(visible, call, default=100, most=1000)
    return {"channels": shown, "response_metadata": {"next_cursor": cursor}}


async def members(call: Call) -> Json:
    people: list[Json] = [{"id": member} for member in call.channel().members]
    shown, cursor = page(people, call, default=100, most=1000)
    return {"members": [person["id"] for person in shown], "response_metadata": {"next_cursor": cursor}}


async def open_direct(call: Call) -> Json:
    if call.get("channel"):
        return {"channel": {"id": call.channel().id}}
    users = call.text("users", error="users_list_not_supplied").split(",")
    if len(users) != 1:
        raise SlackError("method_not_supported_for_channel_type")
    channel = call.team.direct_channel(call.team.member(users[0]).id)
    return {"channel": channel.as_json() if call.flag("return_im") else {"id": channel.id}}


async def join(call: Call) -> Json:
    channel = call.channel()
    if channel.kind != "public":
        raise SlackError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise SlackError("is_archived")
    new = call.team.join(channel, BOT_USER)
    return {"channel": channel.as_json(), **({} if new else {"warning": "already_in_channel"})}


METHODS = {
    "conversations.history": Method(run=history, tier=3),
    "conversations.replies": Method(run=replies, tier=3),
    "conversations.info": Method(run=info, tier=3),
    "conversations.list": Method(run=list_channels, tier=2),
    "conversations.members": Method(run=members, tier=4),
    "conversations.open": Method(run=open_direct, tier=3),
    "conversations.join": Method(run=join, tier=3),
}
