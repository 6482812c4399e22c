"""``GET /api/v1/assignment``: which variant serves a customer elsewhere; and the word of owners about their assistants.

Both need a token: of the scope ``assignment``, or ``actions``.
"""

from collections.abc import Mapping
from typing import Any, cast

import orjson
from aiohttp import web

from jobs.actions._action import Action
from jobs.actions._lifecycle import existing_action
from jobs.actions._tell import patch_of, report_state
from jobs.bundle import Ports
from jobs.errors import RequestError
from jobs.rollout import note_failure, variant_for
from jobs.store.tokens import ApiToken
from jobs.tokens import Pace, Scope, TokenError, find_token
from jobs.variants import find_variant

ASSIGNMENT = "/api/v1/assignment"
PATCH = "/api/v1/actions/{action}/patch"
STATE = "/api/v1/actions/{action}/state"
LONGEST_KEY = 512
MOST_BODY = 20_000
REFUSED_PER_MINUTE = 60
"""Requests without a good token that one address may make."""


class Refusal(Exception):
    """An answer that says no, and why."""

    def __init__(self, status: int, reason: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status, self.headers = status, dict(headers or {})


class AssignmentRequests:
    """Answers which variant serves whom, hands out patches and takes what their owners report."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._pace = Pace(ports.clock)

    async def assignment(self, request: web.Request) -> web.Response:
        try:
            token = await self._authorised(request, "assignment")
            name, key = request.query.get("assistant", ""), request.query.get("key", "")
            if not name or not 0 < len(key) <= LONGEST_KEY:
                raise Refusal(422, f"give assistant=NAME and key=ID of 1 to {LONGEST_KEY} characters")
            failed = request.query.get("failed", "") in ("1", "true", "yes")
            variant = await variant_for(name, key, token.workspace_id, self._ports, source="api")
            if failed:
                await note_failure(name, key, token.workspace_id, self._ports)
            return _response({"variant": variant.name}, 200)
        except Refusal as refusal:
            return _refused(refusal)
        except RequestError as error:
            return _refused(Refusal(404, str(error)))

    async def patch(self, request: web.Request) -> web.Response:
        try:
            token = await self._authorised(request, "actions")
            return _response(patch_of(await self._action(request, token)), 200)
        except Refusal as refusal:
            return _refused(refusal)

    async def state(self, request: web.Request) -> web.Response:
        """``{"state": "applied" | "failed", "variant": …, "note": …}``; said twice it changes nothing."""
        try:
            token = await self._authorised(request, "actions")
            action = await self._action(request, token)
            state, variant, note = await self._said(request, action, token)
            moved = await report_state(action, state, self._ports, by=f"token:{token.name}", variant=variant, note=note)
            now = moved or await existing_action(action.id, token.workspace_id, self._ports)
            return _response({"action": now.id, "state": now.state, "changed": moved is not None}, 200)
        except Refusal as refusal:
            return _refused(refusal)

    async def _said(self, request: web.Request, action: Action, token: ApiToken) -> tuple[str, str | None, str]:
        body = await request.content.read(MOST_BODY + 1)
        if len(body) > MOST_BODY:
            raise Refusal(413, f"the body is larger than {MOST_BODY} bytes")
        try:
            parsed: object = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise Refusal(400, "the body is no JSON") from error
        said = cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else {}
        state: object = said.get("state")
        if state not in ("applied", "failed"):
            raise Refusal(422, "say what became of it: state is 'applied' or 'failed'")
        variant = said.get("variant")
        if variant is not None:
            try:
                spec = f"{action.assistant}@{variant}"
                await find_variant(spec, workspace_id=token.workspace_id, ports=self._ports)
            except RequestError as error:
                raise Refusal(422, str(error)) from error
        return str(state), None if variant is None else str(variant), str(said.get("note") or "")[:500]

    async def _action(self, request: web.Request, token: ApiToken) -> Action:
        try:
            action = await existing_action(request.match_info["action"], token.workspace_id, self._ports)
        except RequestError as error:
            raise Refusal(404, str(error)) from error
        if action.kind != "external" or action.state == "proposed":
            raise Refusal(409, f"{action.name} is not for its owner to make, or not approved yet")
        return action

    async def _authorised(self, request: web.Request, scope: Scope) -> ApiToken:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        try:
            if scheme.lower() != "bearer" or not text.strip():
                raise TokenError(
                    f"send 'Authorization: Bearer TOKEN'; 'convotest token create NAME --for {scope}' makes a token"
                )
            token = await find_token(text.strip(), store=self._ports.store, clock=self._ports.clock)
        except TokenError as error:
            self._slow_down(f"address:{request.remote}", REFUSED_PER_MINUTE)
            raise Refusal(401, str(error), headers={"WWW-Authenticate": 'Bearer realm="convotest"'}) from error
        self._slow_down(f"token:{token.id}", token.per_minute)
        if scope not in token.scopes:
            raise Refusal(403, f"the token {token.name!r} is not for {scope}")
        return token

    def _slow_down(self, who: str, per_minute: int) -> None:
        wait = self._pace.take(who, per_minute)
        if wait:
            reason = f"more than {per_minute} requests a minute; try again in {int(wait) + 1} s"
            raise Refusal(429, reason, headers={"Retry-After": str(int(wait) + 1)})


def add_assignment_routes(app: web.Application, ports: Ports) -> None:
    """Registers the routes; requests with other methods are answered with 405."""
    requests = AssignmentRequests(ports)
    app.router.add_get(ASSIGNMENT, requests.assignment)
    app.router.add_get(PATCH, requests.patch)
    app.router.add_post(STATE, requests.state)


def _refused(refusal: Refusal) -> web.Response:
    return _response({"error": str(refusal)}, refusal.status, refusal.headers)


def _response(body: Mapping[str, Any], status: int, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, headers=headers, content_type="application/json")
