"""What an AI app says about a thread: status, title, suggested prompts."""

from typing import Any, cast

from ..errors import SlackError
from ..state import Json
from ..web_api import Call, Method


async def set_status(call: Call) -> Json:
    team, channel = call.team, call.team.channel(call.text("channel_id", error="channel_not_found"))
    loading: Any = call.get("loading_messages") or []
    if not isinstance(loading, list) or len(cast("list[Any]", loading)) > 10:
        raise SlackError(
            "invalid_arguments", ["[ERROR] no more than 10 items allowed [json-pointer:/loading_messages]"]
        )
    status = str(call.get("status") or "")
    thread_ts = call.text("thread_ts")
    team.thread(channel, thread_ts)
    team.set_status(channel, thread_ts, {"status": status, "loading_messages": loading} if status else None)
    return {}


async def set_title(call: Call) -> Json:
    team, channel = call.team, call.team.channel(call.text("channel_id", error="channel_not_found"))
    parent = team.thread(channel, call.text("thread_ts"))[0]
    team.change_message(channel, parent, assistant_title=call.text("title"))
    return {}


async def set_suggested_prompts(call: Call) -> Json:
    team, channel = call.team, call.team.channel(call.text("channel_id", error="channel_not_found"))
    prompts: Any = call.get("prompts")
    if not isinstance(prompts, list) or not 1 <= len(cast("list[Any]", prompts)) <= 4:
        raise SlackError("invalid_arguments", ["[ERROR] prompts must be an array of 1 to 4"])
    parent = team.thread(channel, call.text("thread_ts"))[0]
    team.change_message(channel, parent, assistant_prompts={"title": call.get("title") or "", "prompts": prompts})
    return {}


METHODS = {
    "assistant.threads.setStatus": Method(run=set_status),
    "assistant.threads.setTitle": Method(run=set_title),
    "assistant.threads.setSuggestedPrompts": Method(run=set_suggested_prompts),
}
