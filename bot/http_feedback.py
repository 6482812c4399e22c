"""``POST /api/v1/feedback``: feedback from other systems, one or a thousand at a time."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

import orjson
from aiohttp import web

from jobs.bundle import Ports
from jobs.feedback.given import Fault, FeedbackError, GivenFeedback, parse_feedback
from jobs.feedback.rating import Rating
from jobs.feedback.record import ratings_of
from jobs.store.feedback import Request
from jobs.store.tokens import ApiToken
from jobs.tokens import Pace, TokenError, find_token

PATH = "/api/v1/feedback"
MOST_BODY = 4_000_000
MOST_AT_ONCE = 1000
MOST_FAULTS = 100
"""Faults that are listed in one answer."""
LONGEST_KEY = 255
REFUSED_PER_MINUTE = 60
"""Requests without a good token that one address may make."""


class Refusal(Exception):
    """An answer that says no, and why."""

    def __init__(
        self, status: int, reason: str, *, headers: Mapping[str, str] | None = None, faults: Sequence[Any] = ()
    ) -> None:
        super().__init__(reason)
        self.status, self.headers = status, dict(headers or {})
        self.body = {"error": reason} | ({"faults": list(faults)} if faults else {})


class FeedbackRequests:
    """Takes feedback: all of a request is stored, or nothing and the answer says why."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._pace = Pace(ports.clock)

    async def handle(self, request: web.Request) -> web.Response:
        try:
            token = await self._authorised(request)
            key = _idempotency_key(request)
            body = await _body(request)
            return await self._answer(token, key, body)
        except Refusal as refusal:
            return _response(refusal.body, refusal.status, refusal.headers)

    async def _authorised(self, request: web.Request) -> ApiToken:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        try:
            if scheme.lower() != "bearer" or not text.strip():
                raise TokenError("send 'Authorization: Bearer TOKEN'; 'convotest token create' makes a token")
            token = await find_token(text.strip(), store=self._ports.store, clock=self._ports.clock)
        except TokenError as error:
            self._slow_down(f"address:{request.remote}", REFUSED_PER_MINUTE)
            raise Refusal(401, str(error), headers={"WWW-Authenticate": 'Bearer realm="convotest"'}) from error
        self._slow_down(f"token:{token.id}", token.per_minute)
        if "feedback" not in token.scopes:
            raise Refusal(403, f"the token {token.name!r} is not for feedback")
        return token

    def _slow_down(self, who: str, per_minute: int) -> None:
        wait = self._pace.take(who, per_minute)
        if wait:
            seconds = str(int(wait) + 1)
            raise Refusal(
                429,
                f"more than {per_minute} requests a minute; try again in {seconds} s",
                headers={"Retry-After": seconds},
            )

    async def _answer(self, token: ApiToken, key: str | None, body: bytes) -> web.Response:
        ratings = await self._ratings(token, _parse(body, self._ports))
        stored = await self._stored(token, key, body, ratings)
        return _response({"stored": stored, "known": len(ratings) - stored}, 201 if stored else 200)

    async def _stored(self, token: ApiToken, key: str | None, body: bytes, ratings: Sequence[Rating]) -> int:
        """How many were new; of a repeated request how many were new the first time."""
        if key is None:
            return await self._ports.store.feedback.add(ratings)
        digest = hashlib.sha256(body).hexdigest()
        request = Request(workspace_id=token.workspace_id, token_id=token.id, key=key, digest=digest)
        answered = await self._ports.store.feedback.add_once(request, ratings)
        if not answered.same_request:
            raise Refusal(409, f"the Idempotency-Key {key!r} was used for another request")
        return answered.stored

    async def _ratings(self, token: ApiToken, given: Sequence[GivenFeedback]) -> list[Rating]:
        ports = self._ports
        ratings, faults = await ratings_of(
            given, store=ports.store, clock=ports.clock, workspace_id=token.workspace_id, source="api"
        )
        if faults:
            raise _unprocessable([(place, [fault]) for place, fault in faults.items()])
        return ratings


def add_feedback_routes(app: web.Application, ports: Ports) -> None:
    """Registers the route; requests with other methods are answered with 405."""
    app.router.add_post(PATH, FeedbackRequests(ports).handle)


def _idempotency_key(request: web.Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise Refusal(400, f"an Idempotency-Key has 1 to {LONGEST_KEY} printable ASCII characters")
    return key


async def _body(request: web.Request) -> bytes:
    """The body, read only as far as it may be long."""
    too_large = Refusal(
        413, f"the body is larger than {MOST_BODY} bytes; send fewer at a time", headers={"Connection": "close"}
    )
    if (request.content_length or 0) > MOST_BODY:
        raise too_large
    parts = bytearray()
    async for part in request.content.iter_any():
        parts += part
        if len(parts) > MOST_BODY:
            raise too_large
    return bytes(parts)


def _parse(body: bytes, ports: Ports) -> list[GivenFeedback]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"the body is no JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    values = cast(list[object], value) if isinstance(value, list) else [value]
    if not 1 <= len(values) <= MOST_AT_ONCE:
        raise Refusal(422, f"send 1 to {MOST_AT_ONCE} pieces of feedback at a time, not {len(values)}")
    given: list[GivenFeedback] = []
    faults: list[tuple[int, Sequence[Fault]]] = []
    for place, each in enumerate(values):
        try:
            given.append(parse_feedback(each, now=ports.clock.now()))
        except FeedbackError as error:
            faults.append((place, error.faults))
    if faults:
        raise _unprocessable(faults)
    return given


def _unprocessable(faults: Sequence[tuple[int, Sequence[Fault]]]) -> Refusal:
    listed = [
        {"index": place, "field": fault.field or None, "message": fault.message}
        for place, some in faults
        for fault in some
    ]
    first = next(iter(faults[0][1]))
    more = f" (and {len(listed) - 1} more)" if len(listed) > 1 else ""
    return Refusal(422, f"nothing was stored: {first}{more}", faults=listed[:MOST_FAULTS])


def _response(body: Mapping[str, Any], status: int, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, headers=headers, content_type="application/json")
