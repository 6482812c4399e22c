"""Socket Mode as the server sees it: up to ten connections, each envelope goes to one and is acknowledged in time."""

import asyncio
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from aiohttp import WSMsgType, web

from .clock import Clock
from .state import APP_ID

Json = dict[str, Any]
MAX_CONNECTIONS = 10
EnvelopeType = Literal["slash_commands", "interactive", "events_api"]


@dataclass(kw_only=True, eq=False)
class Connection:
    """One open web socket of the bot."""

    socket: web.WebSocketResponse
    transport: asyncio.Transport | None
    waiting: dict[str, asyncio.Future[Json]] = field(default_factory=dict[str, "asyncio.Future[Json]"])


class NotConnected(Exception):
    """No socket took the envelope, or the one that did was closed before it answered."""


class SocketHub:
    """Hands out tickets, accepts sockets and sends envelopes around."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tickets: set[str] = set()
        self._connections: list[Connection] = []
        self._turn = 0
        self.on_change: Callable[[], None] = lambda: None

    @property
    def connected(self) -> int:
        return len(self._connections)

    def new_url(self, base_url: str) -> str:
        ticket = secrets.token_urlsafe(18)
        self._tickets.add(ticket)
        return f"{base_url.replace('http', 'ws', 1)}/_socket?ticket={ticket}&app_id={APP_ID}"

    async def accept(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection until it ends."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            raise web.HTTPForbidden(text="this address was used before; call apps.connections.open again")
        self._tickets.remove(ticket)
        socket = web.WebSocketResponse(heartbeat=20)
        await socket.prepare(request)
        if self.connected >= MAX_CONNECTIONS:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await socket.close()
            return socket
        connection = Connection(socket=socket, transport=request.transport)
        self._connections.append(connection)
        self.on_change()
        try:
            await socket.send_json(self._hello())
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    self._take_answer(connection, frame.data)
        finally:
            self._remove(connection)
        return socket

    async def send(
        self, kind: EnvelopeType, payload: Json, *, timeout: float, retry: tuple[int, str] | None = None
    ) -> Json:
        """What the bot answered.

        Raises:
            NotConnected: there is no socket, or it broke.
            TimeoutError: no answer in time.
        """
        if not self._connections:
            raise NotConnected
        self._turn += 1
        connection = self._connections[self._turn % len(self._connections)]
        envelope: Json = {"envelope_id": secrets.token_hex(16), "type": kind, "payload": payload}
        envelope["accepts_response_payload"] = kind != "events_api"
        if kind == "events_api":
            envelope |= {"retry_attempt": retry[0] if retry else 0, "retry_reason": retry[1] if retry else ""}
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        connection.waiting[envelope["envelope_id"]] = answer
        alarm = asyncio.ensure_future(self._clock.sleep(timeout))
        try:
            await connection.socket.send_json(envelope)
            await asyncio.wait((answer, alarm), return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise TimeoutError
            return answer.result()
        except ConnectionError as error:
            raise NotConnected from error
        finally:
            alarm.cancel()
            connection.waiting.pop(envelope["envelope_id"], None)

    async def refresh(
        self, reason: Literal["warning", "refresh_requested", "link_disabled"] = "refresh_requested"
    ) -> None:
        """Ask every connection to be renewed, as Slack does every few hours."""
        for connection in list(self._connections):
            await connection.socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {}})
            if reason != "warning":
                await connection.socket.close()

    def drop(self) -> int:
        """Cut every connection without a word; how many there were."""
        cut = 0
        for connection in list(self._connections):
            self._remove(connection)
            if connection.transport is not None:
                connection.transport.abort()
            cut += 1
        return cut

    async def close(self) -> None:
        for connection in list(self._connections):
            await connection.socket.close(code=1001)

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": self.connected,
            "debug_info": {"host": "local-workspace", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": APP_ID},
        }

    def _take_answer(self, connection: Connection, data: str) -> None:
        try:
            answer = json.loads(data)
        except json.JSONDecodeError:
            return  # Slack ignores what it cannot read
        if isinstance(answer, dict):
            fields = cast(Json, answer)
            waiting = connection.waiting.get(str(fields.get("envelope_id")))
            if waiting is not None and not waiting.done():
                waiting.set_result(fields.get("payload") or {})

    def _remove(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
            self.on_change()
        for waiting in connection.waiting.values():
            if not waiting.done():
                waiting.set_exception(NotConnected())
