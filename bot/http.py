"""The HTTP routes: Slack's requests, and health for whoever watches the process."""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_sdk.signature import Clock as SignatureClock
from slack_sdk.signature import SignatureVerifier

from bot.shapes import is_readable
from jobs.ports import Clock

logger = logging.getLogger(__name__)

MOST_BODY = 1_000_000
MOST_REFUSED = 60
"""Requests of one address that may fail verification within ``REFUSED_WINDOW_S``."""
REFUSED_WINDOW_S = 60.0
MOST_ADDRESSES = 10_000

Routes = Callable[[web.Application], None]
"""Adds further routes to the server."""
Ready = Callable[[], Awaitable[str | None]]
"""None when this process can work, else what it lacks."""


class RefusalLimit:
    """Counts requests that fail verification by address; good requests are never counted."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def is_exceeded(self, address: str) -> bool:
        began, count = self._counts.get(address, (0.0, 0))
        return count >= MOST_REFUSED and self._clock.monotonic() - began < REFUSED_WINDOW_S

    def count(self, address: str) -> None:
        now = self._clock.monotonic()
        began, count = self._counts.get(address, (now, 0))
        self._counts[address] = (now, 1) if now - began >= REFUSED_WINDOW_S else (began, count + 1)
        self._counts.move_to_end(address)
        while len(self._counts) > MOST_ADDRESSES:
            self._counts.popitem(last=False)


class SlackRequests:
    """``POST /slack/events``: nothing of a request is read before its signature holds."""

    def __init__(self, app: AsyncApp, signing_secret: str, clock: Clock) -> None:
        self._app = app
        self._verifier = SignatureVerifier(signing_secret, clock=_Now(clock))
        self._refused = RefusalLimit(clock)

    async def handle(self, request: web.Request) -> web.Response:
        address = request.remote or "?"
        body = await request.read()
        if not self._is_signed(body, request):
            if self._refused.is_exceeded(address):
                return web.Response(status=429, text="too many requests that are not Slack's")
            self._refused.count(address)
            return web.Response(status=401, text="this request is not signed by Slack")
        try:
            bolt_request = AsyncBoltRequest(
                body=body.decode(),
                query=request.query_string,
                headers=dict(request.headers),
            )
        except Exception as error:  # noqa: BLE001  (Bolt's parser raises whatever a body that is no payload leads to)
            logger.info("a signed request could not be read: %s", type(error).__name__)
            return web.Response(status=400, text="the body cannot be read")
        if not is_readable(bolt_request.body):
            logger.info("a signed request has not the shape of anything that Slack sends us")
            return web.Response(status=400, text="the body cannot be read")
        return await to_aiohttp_response(await self._app.async_dispatch(bolt_request))

    def _is_signed(self, body: bytes, request: web.Request) -> bool:
        timestamp = request.headers.get("x-slack-request-timestamp", "")
        signature = request.headers.get("x-slack-signature", "")
        if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 12 and signature.isascii()):
            return False
        try:
            return self._verifier.is_valid(body, timestamp, signature)
        except UnicodeDecodeError:  # Slack's bodies are text
            return False


def create_web_app(ready: Ready, slack: SlackRequests | None = None, *more: Routes) -> web.Application:
    """The routes; without ``slack`` (Socket Mode) only those for health, and ``more``."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async def readyz(_: web.Request) -> web.Response:
        missing = await ready()
        return web.json_response({"ok": missing is None, "missing": missing}, status=200 if missing is None else 503)

    app = web.Application(client_max_size=MOST_BODY)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    if slack:
        app.router.add_post("/slack/events", slack.handle)
    for add_routes in more:
        add_routes(app)
    return app


class _Now(SignatureClock):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.now().timestamp()


async def start_web_app(app: web.Application, host: str, port: int) -> web.AppRunner:
    """Listen; raises OSError when the port is taken."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner


def port_of(runner: web.AppRunner) -> int:
    """The port that the system picked."""
    addresses: Any = runner.addresses
    return int(addresses[0][1])
