"""The Web API: reads a call, checks token, limits and faults, runs the method and answers as Slack does."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from aiohttp import web

from .core import Core, Token
from .delivery import Delivery
from .errors import RateLimited, SlackError
from .socket_mode import SocketHub
from .state import BOT_USER, Channel, Team

Json = dict[str, Any]
SCOPES = (
    "commands,chat:write,reactions:read,reactions:write,files:read,files:write,app_mentions:read,im:history,im:write,"
    "users:read,channels:read,groups:read,channels:history,groups:history,assistant:write,team:read"
)
JSON_FIELDS = ("blocks", "attachments", "metadata", "view", "files", "loading_messages", "prompts")
logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a method with a good token; `team` is the token's."""

    core: Core
    delivery: Delivery
    sockets: SocketHub
    token: str
    identity: Token
    arguments: Mapping[str, Any]

    @property
    def team(self) -> Team:
        return self.core.teams[self.identity.team]

    def get(self, name: str) -> Any:
        return self.arguments.get(name)

    def text(self, name: str, *, error: str = "invalid_arguments") -> str:
        """A required argument."""
        value = self.arguments.get(name)
        if value is None or value == "":
            raise SlackError(error, [f"[ERROR] missing required field: {name}"] if error == "invalid_arguments" else ())
        return str(value)

    def flag(self, name: str) -> bool:
        return str(self.arguments.get(name, "")).lower() in ("true", "1")

    def number(self, name: str, default: int, *, most: int) -> int:
        try:
            return max(1, min(most, int(self.arguments.get(name) or default)))
        except (TypeError, ValueError) as error:
            raise SlackError("invalid_arguments", [f"[ERROR] {name} must be an integer"]) from error

    def channel(self) -> Channel:
        """The channel argument if the bot can see it: private channels without the bot do not exist for it."""
        channel = self.team.channel(self.text("channel", error="channel_not_found"))
        if channel.kind == "private" and BOT_USER not in channel.members:
            raise SlackError("channel_not_found")
        return channel

    def joined_channel(self) -> Channel:
        channel = self.channel()
        if BOT_USER not in channel.members:
            raise SlackError("not_in_channel")
        return channel


@dataclass(frozen=True, kw_only=True)
class Method:
    """A method of the Web API; `posts` marks those that show something new in a channel."""

    run: Callable[[Call], Awaitable[Json]]
    tier: Literal[1, 2, 3, 4] | None = None
    needs: Literal["bot", "app", "nothing"] = "bot"
    posts: bool = False


class AnswerLost(Exception):
    """The call's answer shall not reach the caller."""


class WebApi:
    """Everything below `/api/`."""

    def __init__(self, core: Core, delivery: Delivery, sockets: SocketHub, methods: Mapping[str, Method]) -> None:
        self._core, self._delivery, self._sockets, self._methods = core, delivery, sockets, methods

    async def handle(self, request: web.Request) -> web.StreamResponse:
        arguments, token = await _read(request)
        try:
            return self._answer(await self._run(request.match_info["method"], token, arguments))
        except SlackError as error:
            return self._answer(error.body())
        except RateLimited as limited:
            body = {"ok": False, "error": "ratelimited"}
            return web.json_response(body, status=429, headers={"Retry-After": str(limited.retry_after)})
        except AnswerLost:
            return self._lose(request)

    async def _run(self, name: str, token: str, arguments: Mapping[str, Any]) -> Json:
        method = self._methods.get(name)
        if method is None:
            raise SlackError("unknown_method", req_method=name)
        faults = self._core.faults
        faults.counters["calls"] += 1
        if faults.delay_seconds:
            await self._core.clock.sleep(faults.delay_seconds)
        call = self._call(method, token, arguments)
        if faults.takes_rate_limit():
            raise RateLimited(faults.retry_after)
        if method.tier:
            self._core.limits.check_tier(call.identity.team, name, method.tier)
        if method.posts and faults.fails_before_storing():
            raise AnswerLost
        if faults.refuses(arguments.get("blocks")):
            raise SlackError("invalid_blocks", ["[ERROR] unsupported type: table"])
        result = await method.run(call)
        if method.posts and faults.loses_after_storing():
            raise AnswerLost
        return {"ok": True, **result}

    def _call(self, method: Method, token: str, arguments: Mapping[str, Any]) -> Call:
        if method.needs == "nothing":
            identity = Token(kind="app", team="")
        else:
            identity = self._core.identify(token)
            if identity.kind != method.needs:
                raise SlackError("not_allowed_token_type")
        return Call(
            core=self._core,
            delivery=self._delivery,
            sockets=self._sockets,
            token=token,
            identity=identity,
            arguments=arguments,
        )

    def _answer(self, body: Json) -> web.Response:
        return web.json_response(body, headers={"x-oauth-scopes": SCOPES, "x-accepted-oauth-scopes": SCOPES})

    def _lose(self, request: web.Request) -> web.Response:
        if self._core.faults.way_of_losing() == "close" and request.transport is not None:
            request.transport.abort()
        return web.json_response({"ok": False, "error": "internal_error"}, status=500)


async def _read(request: web.Request) -> tuple[dict[str, Any], str]:
    """Arguments from query, form or JSON body, and the token from wherever it stands."""
    arguments: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        body = await _json_body(request)
        arguments |= body
    elif request.can_read_body:
        arguments |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    for name in JSON_FIELDS:
        if isinstance(arguments.get(name), str) and arguments[name]:
            arguments[name] = _json_field(name, arguments[name])
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if scheme == "Basic":
        arguments.setdefault("basic", bearer)
    token = bearer if scheme == "Bearer" else arguments.get("token", "")
    return arguments, str(token)


async def _json_body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.text() or "{}")
    except json.JSONDecodeError as error:
        raise web.HTTPOk(text='{"ok": false, "error": "invalid_json"}', content_type="application/json") from error
    if not isinstance(body, dict):
        raise web.HTTPOk(text='{"ok": false, "error": "json_not_object"}', content_type="application/json")
    return cast(Json, body)


def _json_field(name: str, text: str) -> Any:
    """A structured argument of a form; what is no JSON stays text and is refused where it is used."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        logger.debug("argument %s is not JSON", name)
        return text
