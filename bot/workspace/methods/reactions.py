"""The bot's own reactions."""

import re

from ..errors import SlackError
from ..state import BOT_USER, Channel, Json
from ..web_api import Call, Method

NAME = re.compile(r"[a-z0-9_+'-]{1,100}(::skin-tone-[2-6])?")


def target(call: Call) -> tuple[Channel, Json]:
    channel = call.joined_channel()
    return channel, call.team.message(channel, call.text("timestamp", error="no_item_specified"))


def reaction_name(call: Call) -> str:
    name = call.text("name", error="invalid_name").strip(":")
    if not NAME.fullmatch(name):
        raise SlackError("invalid_name")
    return name


async def add(call: Call) -> Json:
    name, (channel, message) = reaction_name(call), target(call)
    call.team.react(channel, message, BOT_USER, name)
    announce(call, "reaction_added", channel, message, name)
    return {}


async def remove(call: Call) -> Json:
    name, (channel, message) = reaction_name(call), target(call)
    call.team.unreact(channel, message, BOT_USER, name)
    announce(call, "reaction_removed", channel, message, name)
    return {}


async def get(call: Call) -> Json:
    channel, message = target(call)
    return {"type": "message", "channel": channel.id, "message": call.team.present(message)}


def announce(call: Call, kind: str, channel: Channel, message: Json, name: str) -> None:
    """A bot's own reactions come back to it as events."""
    call.delivery.event(call.team, reaction_event(kind, BOT_USER, channel, message, name))


def reaction_event(kind: str, member: str, channel: Channel, message: Json, name: str) -> Json:
    return {
        "type": kind,
        "user": member,
        "reaction": name,
        "item": {"type": "message", "channel": channel.id, "ts": message["ts"]},
        "item_user": message["user"],
    }


METHODS = {
    "reactions.add": Method(run=add, tier=3),
    "reactions.remove": Method(run=remove, tier=2),
    "reactions.get": Method(run=get, tier=3),
}
