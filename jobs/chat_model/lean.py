"""The adapter for the hot path: chat completions over aiohttp, with nothing between the socket and our own parser."""

import asyncio

import aiohttp
import orjson
from multidict import CIMultiDict
from yarl import URL

from jobs.chat_model.port import ChatReply, ChatRequest, Endpoint
from jobs.chat_model.wire import LARGEST_REPLY_BYTES, body_of, cut_off, reply_of, timed_out, too_large, unsendable

CONNECT_S = 10.0


class LeanAdapter:
    """One endpoint over a shared session. The session is not closed here: it belongs to who opened it."""

    def __init__(self, endpoint: Endpoint, *, session: aiohttp.ClientSession) -> None:
        self._endpoint = endpoint
        self._session = session
        self._url = URL(endpoint.url)
        # gzip would cost more than it saves on a few hundred bytes
        self._headers = CIMultiDict({"Content-Type": "application/json", "Accept-Encoding": "identity"})
        if endpoint.api_key:
            self._headers["Authorization"] = f"Bearer {endpoint.api_key}"

    async def complete(self, request: ChatRequest, *, deadline_s: float) -> ChatReply:
        try:
            body = orjson.dumps(body_of(request, self._endpoint))
        except orjson.JSONEncodeError as error:
            raise unsendable() from error
        try:
            async with asyncio.timeout(deadline_s):  # aiohttp's own limits start anew with every byte that drips in
                async with self._session.post(
                    self._url, data=body, headers=self._headers, allow_redirects=False
                ) as response:
                    answer = await self._read(response)
        except aiohttp.ClientError as error:  # first, because a connection that takes too long is a TimeoutError too
            raise cut_off(self._endpoint, error) from error
        except TimeoutError:
            raise timed_out(self._endpoint, deadline_s) from None
        except OSError as error:
            raise cut_off(self._endpoint, error) from error
        return reply_of(response.status, response.headers, answer, request, self._endpoint)

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in response.content.iter_any():
            parts.append(part)
            size += len(part)
            if size > LARGEST_REPLY_BYTES:
                raise too_large(self._endpoint)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def close(self) -> None:
        """Nothing of its own to close."""


def open_session() -> aiohttp.ClientSession:
    """The one session of a process: no limit of its own, no cookies, no proxies from the environment."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300, keepalive_timeout=30),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
        trust_env=False,
    )
