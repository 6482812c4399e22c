"""People."""

from ..state import Json
from ..web_api import Call, Method
from .conversations import page


async def info(call: Call) -> Json:
    return {"user": call.team.member(call.text("user", error="user_not_found")).as_json(call.team.id)}


async def list_members(call: Call) -> Json:
    everybody = [member.as_json(call.team.id) for member in call.team.members.values()]
    shown, cursor = page(everybody, call, default=1000, most=1000)
    return {"members": shown, "cache_ts": call.team.seconds(), "response_metadata": {"next_cursor": cursor}}


METHODS = {
    "users.info": Method(run=info, tier=4),
    "users.list": Method(run=list_members, tier=2),
}
