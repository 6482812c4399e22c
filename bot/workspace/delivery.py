"""Brings commands, clicks and events to the bot, over signed HTTP or Socket Mode, with Slack's patience and retries."""

import asyncio
import hashlib
import hmac
import json
import logging
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

import aiohttp

from .core import Core
from .socket_mode import EnvelopeType, NotConnected, SocketHub
from .state import APP_ID, BOT_USER, Team, new_id

Json = dict[str, Any]
PATIENCE_SECONDS = 3.0
RETRY_AFTER_SECONDS = (0.0, 60.0, 300.0)
logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """How one delivery ended; `reason` is Slack's word for a failure, `no_retry` the bot's wish."""

    ok: bool
    body: Json | None = None
    status: int | None = None
    reason: Literal["", "http_timeout", "http_error", "connection_failed", "timeout"] = ""
    no_retry: bool = False

    @property
    def person_sees(self) -> str | None:
        """Slack's word to the person who typed or clicked."""
        if self.ok:
            return None
        return "operation_timeout" if self.reason in ("http_timeout", "timeout") else "dispatch_failed"


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One delivery as the record keeps it; `retry` is 0 for the first."""

    kind: EnvelopeType
    payload: Json
    retry: int
    reply: Reply


class Delivery:
    """One bot, reached at `request_url` when that is set, else through its open sockets."""

    def __init__(self, core: Core, sockets: SocketHub) -> None:
        self.request_url: str | None = None
        self.attempts: deque[Attempt] = deque(maxlen=10_000)
        self._core, self._sockets = core, sockets
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._session = aiohttp.ClientSession()

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()

    @property
    def reachable(self) -> bool:
        return self.request_url is not None or self._sockets.connected > 0

    # --- the three kinds of delivery ------------------------------------------------------------------------------

    async def command(self, payload: Json) -> Reply:
        return await self._send("slash_commands", payload)

    async def interaction(self, payload: Json) -> Reply:
        return await self._send("interactive", payload)

    def event(self, team: Team, event: Json) -> str:
        """Start to deliver an event in the background; its id."""
        event_id = new_id("Ev")
        payload: Json = {
            "token": "local",
            "team_id": team.id,
            "api_app_id": APP_ID,
            "event": {"event_ts": team.next_ts(), **event},
            "type": "event_callback",
            "event_id": event_id,
            "event_time": team.seconds(),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": team.id,
                    "user_id": BOT_USER,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": f"4-{event_id}",
        }
        self._background(self._deliver_event(payload))
        return event_id

    async def idle(self) -> None:
        """Return when every event is acknowledged or given up."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def _deliver_event(self, payload: Json) -> None:
        reply = await self._send("events_api", payload)
        for retry, pause in enumerate(RETRY_AFTER_SECONDS, start=1):
            if reply.ok or reply.no_retry:
                return
            await self._core.clock.sleep(pause)
            reply = await self._send("events_api", payload, retry=(retry, reply.reason))

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("a delivery broke", exc_info=error)

    # --- the two ways ---------------------------------------------------------------------------------------------

    async def _send(self, kind: EnvelopeType, payload: Json, retry: tuple[int, str] | None = None) -> Reply:
        if self.request_url is not None:
            reply = await self._send_http(self.request_url, kind, payload, retry)
        else:
            reply = await self._send_socket(kind, payload, retry)
        self.attempts.append(Attempt(kind=kind, payload=payload, retry=retry[0] if retry else 0, reply=reply))
        self._core.journal.wake()
        return reply

    async def _send_socket(self, kind: EnvelopeType, payload: Json, retry: tuple[int, str] | None) -> Reply:
        try:
            body = await self._sockets.send(kind, payload, timeout=PATIENCE_SECONDS, retry=retry)
        except NotConnected:
            return Reply(ok=False, reason="connection_failed")
        except TimeoutError:
            return Reply(ok=False, reason="timeout")
        return Reply(ok=True, body=body)

    async def _send_http(self, url: str, kind: EnvelopeType, payload: Json, retry: tuple[int, str] | None) -> Reply:
        content_type, body = _encoded(kind, payload)
        headers = {
            "content-type": content_type,
            "user-agent": "Slackbot 1.0 (local workspace)",
            **self._signature(body),
        }
        if retry:
            headers |= {"x-slack-retry-num": str(retry[0]), "x-slack-retry-reason": retry[1]}
        call = asyncio.ensure_future(self._post(url, headers, body))
        alarm = asyncio.ensure_future(self._core.clock.sleep(PATIENCE_SECONDS))
        try:
            await asyncio.wait((call, alarm), return_when=asyncio.FIRST_COMPLETED)
            return call.result() if call.done() else Reply(ok=False, reason="http_timeout")
        except (aiohttp.ClientError, OSError):
            return Reply(ok=False, reason="connection_failed")
        except json.JSONDecodeError:
            return Reply(ok=False, reason="http_error")
        finally:
            alarm.cancel()
            call.cancel()

    async def _post(self, url: str, headers: dict[str, str], body: str) -> Reply:
        assert self._session is not None, "deliver after start()"
        async with self._session.post(url, data=body.encode(), headers=headers, allow_redirects=False) as response:
            if not 200 <= response.status < 300:
                no_retry = response.headers.get("x-slack-no-retry") == "1"
                return Reply(ok=False, status=response.status, reason="http_error", no_retry=no_retry)
            text = await response.text()
            return Reply(ok=True, status=response.status, body=_answer(text, response.content_type))

    def _signature(self, body: str) -> dict[str, str]:
        timestamp = str(int(self._core.clock.now().timestamp()))
        digest = hmac.new(
            self._core.signing_secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256
        ).hexdigest()
        return {"x-slack-request-timestamp": timestamp, "x-slack-signature": f"v0={digest}"}


def _answer(text: str, content_type: str) -> Json:
    """The body of an acknowledgement: a JSON object, or plain text that becomes a message."""
    if not text.strip():
        return {}
    return json.loads(text) if content_type == "application/json" else {"text": text}


def _encoded(kind: EnvelopeType, payload: Json) -> tuple[str, str]:
    """Content type and body: events as JSON, commands as a form, interactions as a form with one JSON field."""
    if kind == "events_api":
        return "application/json", json.dumps(payload)
    form = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return "application/x-www-form-urlencoded", urlencode(form)
