"""Methods about the app itself: who it is, where it is installed, how it listens."""

from ..errors import SlackError
from ..state import APP_ID, BOT_ID, BOT_USER, Json
from ..web_api import Call, Method


async def api_test(call: Call) -> Json:
    arguments = {name: value for name, value in call.arguments.items() if name != "token"}
    if "error" in arguments:
        raise SlackError(str(arguments["error"]), args=arguments)
    return {"args": arguments}


async def auth_test(call: Call) -> Json:
    team = call.team
    return {
        "url": f"{call.core.base_url}/",
        "team": team.name,
        "user": team.members[BOT_USER].name,
        "team_id": team.id,
        "user_id": BOT_USER,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


async def auth_revoke(call: Call) -> Json:
    if call.flag("test"):
        return {"revoked": False}
    call.identity.revoked = True
    call.core.save_token(call.token, call.identity)
    return {"revoked": True}


async def connections_open(call: Call) -> Json:
    return {"url": call.sockets.new_url(call.core.base_url)}


async def team_info(call: Call) -> Json:
    team = call.team
    icon = {"image_default": True}
    return {
        "team": {"id": team.id, "name": team.name, "domain": team.domain, "email_domain": "example.com", "icon": icon}
    }


async def bots_info(call: Call) -> Json:
    if call.get("bot") not in (None, BOT_ID):
        raise SlackError("bot_not_found")
    name = call.team.members[BOT_USER].name
    return {
        "bot": {
            "id": BOT_ID,
            "deleted": False,
            "name": name,
            "app_id": APP_ID,
            "user_id": BOT_USER,
            "updated": 0,
            "icons": {},
        }
    }


METHODS = {
    "api.test": Method(run=api_test, needs="nothing"),
    "auth.test": Method(run=auth_test),
    "auth.revoke": Method(run=auth_revoke, tier=3),
    "apps.connections.open": Method(run=connections_open, needs="app"),
    "team.info": Method(run=team_info, tier=3),
    "bots.info": Method(run=bots_info, tier=3),
}
