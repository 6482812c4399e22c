"""Modals and the App Home tab."""

from ..block_kit import check_view
from ..core import Trigger
from ..errors import SlackError
from ..state import APP_ID, BOT_ID, Json, Team, View, new_id
from ..web_api import Call, Method

MAX_STACK = 3


def new_view(team: Team, body: Json, **fields: Json | str | None) -> Json:
    """A view with the fields that Slack adds."""
    defaults: Json = {
        "callback_id": "",
        "external_id": "",
        "private_metadata": "",
        "submit": None,
        "close": None,
        "clear_on_close": False,
        "notify_on_close": False,
        "previous_view_id": None,
    }
    owners = {"team_id": team.id, "app_id": APP_ID, "bot_id": BOT_ID, "app_installed_team_id": team.id}
    view_id = new_id("V")
    return {
        **defaults,
        **body,
        **owners,
        "id": view_id,
        "root_view_id": view_id,
        "state": {"values": {}},
        "hash": new_hash(team),
        **fields,
    }


def new_hash(team: Team) -> str:
    return f"{team.next_ts()}.{new_id('')[:6]}"


def spend_trigger(call: Call) -> Trigger:
    return call.core.use_trigger(call.team, str(call.get("trigger_id") or call.get("interactivity_pointer") or ""))


async def open_view(call: Call) -> Json:
    body = check_view(call.get("view"), "modal")
    trigger = spend_trigger(call)
    view = View(member=trigger.member, body=new_view(call.team, body))
    call.team.open_view(view, pushed=False)
    return {"view": view.body}


async def push(call: Call) -> Json:
    body = check_view(call.get("view"), "modal")
    trigger = spend_trigger(call)
    return {"view": push_view(call.team, trigger.member, body).body}


def push_view(team: Team, member: str, body: Json) -> View:
    """Raises: SlackError: `push_limit_reached` beyond three views, `not_found` without a modal."""
    stack = team.stacks.get(member, [])
    if not stack:
        raise SlackError("not_found", ["[ERROR] no modal is open"])
    if len(stack) >= MAX_STACK:
        raise SlackError("push_limit_reached")
    below = team.views[stack[-1]].body
    view = View(
        member=member, body=new_view(team, body, previous_view_id=below["id"], root_view_id=below["root_view_id"])
    )
    team.open_view(view, pushed=True)
    return view


async def update(call: Call) -> Json:
    body = check_view(call.get("view"), "modal")
    view = wanted_view(call)
    if call.get("hash") and call.get("hash") != view.body["hash"]:
        raise SlackError("hash_conflict")
    replace_view(call.team, view, body)
    return {"view": view.body}


def wanted_view(call: Call) -> View:
    views = call.team.views
    if call.get("view_id"):
        found = views.get(str(call.get("view_id")))
    else:
        external = call.text("external_id")
        found = next((view for view in views.values() if view.body["external_id"] == external), None)
    if found is None:
        raise SlackError("not_found")
    return found


def replace_view(team: Team, view: View, body: Json) -> None:
    """Give an open view new content; it keeps its place in the stack."""
    kept = {name: view.body[name] for name in ("id", "root_view_id", "previous_view_id", "state")}
    view.body = {**new_view(team, body), **kept}
    team.update_view(view)


async def publish(call: Call) -> Json:
    body = check_view(call.get("view"), "home")
    member = call.team.member(call.text("user_id")).id
    current = call.team.homes.get(member)
    if call.get("hash") and current and call.get("hash") != current["hash"]:
        raise SlackError("hash_conflict")
    fields: Json = {"id": current["id"], "root_view_id": current["id"]} if current else {}
    view = new_view(call.team, body, **fields)
    call.team.save_home(member, view)
    return {"view": view}


METHODS = {
    "views.open": Method(run=open_view, tier=4),
    "views.push": Method(run=push, tier=4),
    "views.update": Method(run=update, tier=4),
    "views.publish": Method(run=publish, tier=4),
}
