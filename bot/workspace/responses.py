"""What a bot sends to a response URL: a new message, or a change of the one that was clicked."""

import json
from typing import Any, cast

from aiohttp import web

from .core import Core, ResponseUrl
from .errors import SlackError
from .posting import answer_person, message_content
from .state import Json

STATUS = {"invalid_url": 404, "expired_url": 404, "used_url": 404}


async def handle(core: Core, request: web.Request) -> web.Response:
    """Serve one POST; Slack answers `ok` or an error as JSON."""
    try:
        given: Any = json.loads(await request.text())
    except json.JSONDecodeError:
        return web.json_response({"ok": False, "error": "invalid_payload"}, status=400)
    if not isinstance(given, dict):
        return web.json_response({"ok": False, "error": "invalid_payload"}, status=400)
    try:
        respond(core.use_response_url(request.match_info["team"], request.match_info["key"]), cast(Json, given))
    except SlackError as error:
        return web.json_response(error.body(), status=STATUS.get(error.code, 400))
    return web.Response(text="ok")


def respond(place: ResponseUrl, given: Json) -> None:
    """Carry out one response.

    Raises:
        SlackError: the message is gone or the content no good.
    """
    if given.get("delete_original"):
        _delete_original(place)
    elif given.get("replace_original") and place.message_ts:
        _replace_original(place, given)
    else:
        answer_person(place.team, place.channel, place.member, given, thread_ts=place.thread_ts)


def _replace_original(place: ResponseUrl, given: Json) -> None:
    content: Json = {"blocks": None, **message_content(given, total_limit=False)}
    ts = place.message_ts or ""
    if ephemeral := place.team.ephemeral(place.channel, ts):
        place.team.change_ephemeral(ephemeral, **content)
    else:
        place.team.change_message(place.channel, place.team.message(place.channel, ts), **content)


def _delete_original(place: ResponseUrl) -> None:
    if not place.message_ts:
        raise SlackError("message_not_found")
    if ephemeral := place.team.ephemeral(place.channel, place.message_ts):
        place.team.remove_ephemeral(ephemeral)
    else:
        place.team.delete_message(place.channel, place.team.message(place.channel, place.message_ts))
