"""The page that people use, and what it asks of the server: a snapshot, older messages, live events and acts."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from .core import Core
from .delivery import Delivery
from .elements import Value
from .errors import SlackError
from .faults import Faults
from .guard import PAGE_HEADERS, PageGuard
from .people import ActionResult, CommandResult, People
from .seed import FIRST_CHANNEL
from .socket_mode import SocketHub
from .state import BOT_USER, Channel, Team, channel_summary

Json = dict[str, Any]
STATIC = Path(__file__).parent / "static"
MOST_FROM_PAGE = 1_000_000
PAGE_SIZE = 60
HEARTBEAT_SECONDS = 15


class Page:
    """Routes of the page; every request names the team and the person it acts as."""

    def __init__(
        self,
        core: Core,
        delivery: Delivery,
        sockets: SocketHub,
        people: People,
        add_other_workspace: Callable[[], None],
    ) -> None:
        self._core, self._delivery, self._sockets, self._people = core, delivery, sockets, people
        self._add_other_workspace = add_other_workspace
        self.guard = PageGuard(core)

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/", self._index)
        app.router.add_get("/static/{path:.+}", self._static)
        app.router.add_get("/files/{team}/{file}/{name}", self._file)
        app.router.add_get("/_page/snapshot", self._snapshot)
        app.router.add_get("/_page/history", self._history)
        app.router.add_get("/_page/thread", self._thread)
        app.router.add_get("/_page/events", self._events)
        app.router.add_post("/_page/{act}", self._act)
        app.router.add_get("/_faults", self._faults)
        app.router.add_post("/_faults", self._change_faults)

    # --- files ----------------------------------------------------------------------------------------------------

    async def _index(self, request: web.Request) -> web.Response:
        response = web.Response(
            text=(STATIC / "index.html").read_text(), content_type="text/html", headers=PAGE_HEADERS
        )
        self.guard.set_cookie(request, response)
        return response

    async def _static(self, request: web.Request) -> web.StreamResponse:
        path = (STATIC / request.match_info["path"]).resolve()
        if not path.is_relative_to(STATIC) or not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path, headers=PAGE_HEADERS)

    async def _file(self, request: web.Request) -> web.Response:
        """An uploaded file, for the page or with the bot's token."""
        self.guard.check(request)
        team = self._core.teams.get(request.match_info["team"])
        file = team.files.get(request.match_info["file"]) if team else None
        if team is None or file is None:
            raise web.HTTPNotFound
        shown = (
            file.mimetype in ("image/png", "image/jpeg", "image/gif", "image/webp") and "download" not in request.query
        )
        headers = {
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff",
            "Content-Disposition": "inline" if shown else "attachment",
        }
        return web.Response(body=team.content(file), content_type=file.mimetype, headers=headers)

    # --- reading --------------------------------------------------------------------------------------------------

    async def _snapshot(self, request: web.Request) -> web.Response:
        team, member = self._who(request, request.query)
        channels = [channel_summary(c) for c in team.channels.values() if _visible(c, member)]
        return web.json_response(
            {
                "position": self._core.journal.position,
                "team": {"id": team.id, "name": team.name},
                "teams": self._core.team_list(),
                "me": member,
                "bot": BOT_USER,
                "members": [person.as_json(team.id) for person in team.members.values()],
                "channels": channels,
                "first_channel": FIRST_CHANNEL,
                "latest": {c["id"]: self._latest(team, c["id"]) for c in channels},
                "views": team.open_views(member),
                "home": team.homes.get(member),
                "ephemerals": [message for message in team.ephemerals if message["to"] == member],
                "statuses": [{"channel": c, "thread_ts": ts, "status": s} for (c, ts), s in team.statuses.items()],
                "commands": [dict(command) for command in self._core.commands],
                "shortcuts": [dict(shortcut) for shortcut in self._core.shortcuts],
                "pinned": self._core.pinned,
                "connected": self._delivery.reachable,
            }
        )

    def _latest(self, team: Team, channel: str) -> str:
        messages = team.history(team.channels[channel])
        return messages[-1]["ts"] if messages else "0"

    async def _history(self, request: web.Request) -> web.Response:
        team, channel, _ = self._place(request)
        before = request.query.get("before", "9")
        messages = [message for message in team.history(channel) if message["ts"] < before]
        shown = [team.present(message) for message in messages[-PAGE_SIZE:]]
        return web.json_response({"messages": shown, "more": len(messages) > PAGE_SIZE})

    async def _thread(self, request: web.Request) -> web.Response:
        team, channel, _ = self._place(request)
        try:
            messages = team.thread(channel, request.query.get("ts", ""))
        except SlackError as error:
            raise web.HTTPNotFound(text=error.code) from error
        return web.json_response({"messages": [team.present(message) for message in messages]})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events from where the page stopped; `reset` when that is too long ago."""
        team, member = self._who(request, request.query)
        position = request.headers.get("Last-Event-ID") or request.query.get("from", "")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        await response.write(b"retry: 500\n\n")
        try:
            while not self._core.closing:
                events = self._core.journal.since(position)
                if events is None:
                    await response.write(b"event: reset\ndata: {}\n\n")
                    break
                for position, event in events:
                    if event["team"] in (team.id, "*") and (event["audience"] is None or member in event["audience"]):
                        await response.write(f"id: {position}\ndata: {json.dumps(event)}\n\n".encode())
                await self._wait(response)
        except ConnectionError:
            return response  # the page went away; it comes back with its last event id
        return response

    async def _wait(self, response: web.StreamResponse) -> None:
        try:
            await asyncio.wait_for(self._core.journal.next_change(), HEARTBEAT_SECONDS)
        except TimeoutError:
            await response.write(b": still here\n\n")

    # --- acting ---------------------------------------------------------------------------------------------------

    async def _act(self, request: web.Request) -> web.Response:
        self.guard.check(request)
        act = ACTS.get(request.match_info["act"])
        if act is None:
            raise web.HTTPNotFound
        given = await _json_object(request)
        team, member = self._who(request, given)
        try:
            return web.json_response({"ok": True, **(await act(self._people, team, member, given))})
        except SlackError as error:
            return web.json_response(error.body())
        except (KeyError, TypeError, ValueError) as error:
            return web.json_response({"ok": False, "error": f"invalid request: {error}"}, status=400)

    def _who(self, request: web.Request, given: Any) -> tuple[Team, str]:
        self.guard.check(request)
        team = self._core.teams.get(str(given.get("team") or next(iter(self._core.teams))))
        member = str(given.get("member") or "")
        if team is None or member not in team.members or team.members[member].is_bot:
            raise web.HTTPBadRequest(text="unknown team or member")
        return team, member

    def _place(self, request: web.Request) -> tuple[Team, Channel, str]:
        team, member = self._who(request, request.query)
        channel = team.channels.get(request.query.get("channel", ""))
        if channel is None or not _visible(channel, member):
            raise web.HTTPNotFound(text="no such channel")
        return team, channel, member

    # --- faults ---------------------------------------------------------------------------------------------------

    async def _faults(self, request: web.Request) -> web.Response:
        self.guard.check(request)
        return web.json_response(self._fault_state(self._core.faults))

    async def _change_faults(self, request: web.Request) -> web.Response:
        """Settings as JSON; `rate_limits` switches limits, and four names are acts."""
        self.guard.check(request)
        wanted, faults = await _json_object(request), self._core.faults
        if wanted.pop("drop_sockets", False):
            faults.counters["sockets_dropped"] += self._sockets.drop()
        if wanted.pop("refresh_sockets", False):
            await self._sockets.refresh()
        if wanted.pop("other_workspace", False):
            self._add_other_workspace()
        if wanted.pop("clear", False):
            faults.clear()
        self._core.limits.enabled = bool(wanted.pop("rate_limits", self._core.limits.enabled))
        try:
            faults.change(wanted)
        except ValueError as error:
            return web.json_response({"ok": False, "error": str(error)}, status=400)
        return web.json_response(self._fault_state(faults))

    def _fault_state(self, faults: Faults) -> Json:
        return {
            "ok": True,
            **faults.as_json(),
            "rate_limits": self._core.limits.enabled,
            "sockets": self._sockets.connected,
            "request_url": self._delivery.request_url,
            "workspaces": len(self._core.teams),
        }


def _visible(channel: Channel, member: str) -> bool:
    return channel.kind == "public" or member in channel.members


def _given_channel(team: Team, member: str, given: Json) -> Channel:
    channel = team.channel(str(given["channel"]))
    if not _visible(channel, member):
        raise SlackError("channel_not_found")
    return channel


def _given_values(given: Json) -> dict[tuple[str, str], Value]:
    """`values` is a list of [block id, action id, value]."""
    return {(str(block), str(action)): _value(value) for block, action, value in given.get("values") or ()}


def _value(value: Any) -> Value:
    if value is None or isinstance(value, str):
        return value
    return [str(entry) for entry in cast("list[Any]", value)]


def _told(result: ActionResult) -> Json:
    return {
        "acknowledged": result.acknowledged,
        "failure": result.error,
        "errors": result.errors and dict(result.errors),
    }


async def _upload(people: People, team: Team, member: str, given: Json) -> Json:
    content = base64.b64decode(str(given["content"]), validate=True)
    if len(content) > MOST_FROM_PAGE:
        raise SlackError("file_upload_size_restricted")
    name = str(given["name"])[:200] or "file"
    return {"ts": (await people.share_file(team, _given_channel(team, member, given), member, name, content))["ts"]}


async def _say(people: People, team: Team, member: str, given: Json) -> Json:
    channel, text, thread_ts = _given_channel(team, member, given), str(given["text"]), given.get("thread_ts")
    if text.startswith("/") and thread_ts:
        team.add_ephemeral(
            channel,
            member,
            {
                "user": "USLACKBOT",
                "text": f"`{text.split()[0]}` is not supported in threads. Sorry!",
                "thread_ts": thread_ts,
            },
        )
        return {}
    if text.startswith("/"):
        result: CommandResult = await people.command(team, channel, member, text)
        return {"acknowledged": result.acknowledged, "failure": result.error}
    message = await people.post(team, channel, member, text, str(thread_ts) if thread_ts else None)
    return {"ts": message["ts"]}


async def _react(people: People, team: Team, member: str, given: Json) -> Json:
    act = people.unreact if given.get("remove") else people.react
    await act(team, _given_channel(team, member, given), member, str(given["ts"]), str(given["name"]))
    return {}


async def _click(people: People, team: Team, member: str, given: Json) -> Json:
    action, value, block = str(given["action_id"]), _value(given.get("value")), given.get("block_id")
    if view_id := given.get("view_id"):
        values = _given_values(given)
        return _told(
            await people.click_in_view(team, member, str(view_id), action, value, block_id=block, values=values)
        )
    channel, ts = _given_channel(team, member, given), str(given["ts"])
    return _told(
        await people.click(team, channel, member, ts, action, value, block_id=block, values=_given_values(given))
    )


async def _shortcut(people: People, team: Team, member: str, given: Json) -> Json:
    """An entry of the menu of a message, or of the composer's."""
    callback_id, ts = str(given["callback_id"]), given.get("ts")
    if not ts:
        return _told(await people.shortcut(team, member, callback_id))
    return _told(await people.shortcut(team, member, callback_id, _given_channel(team, member, given), str(ts)))


async def _submit(people: People, team: Team, member: str, given: Json) -> Json:
    return _told(await people.submit_view(team, member, str(given["view_id"]), _given_values(given)))


async def _close(people: People, team: Team, member: str, given: Json) -> Json:
    await people.close_view(team, member, str(given["view_id"]), everything=bool(given.get("everything")))
    return {}


async def _home(people: People, team: Team, member: str, given: Json) -> Json:
    await people.open_home(team, member)
    return {}


async def _chat(people: People, team: Team, member: str, given: Json) -> Json:
    return {"ts": (await people.start_assistant_thread(team, member, given.get("context_channel")))["ts"]}


ACTS: dict[str, Callable[[People, Team, str, Json], Awaitable[Json]]] = {
    "say": _say,
    "upload": _upload,
    "react": _react,
    "click": _click,
    "shortcut": _shortcut,
    "submit": _submit,
    "close": _close,
    "home": _home,
    "chat": _chat,
}


async def _json_object(request: web.Request) -> Json:
    try:
        body = json.loads(await request.text() or "{}")
    except json.JSONDecodeError as error:
        raise web.HTTPBadRequest(text="not JSON") from error
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="not a JSON object")
    return cast(Json, body)
