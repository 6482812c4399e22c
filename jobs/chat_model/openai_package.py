"""The second adapter: the same calls through the ``openai`` package, imported only when it is used."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from jobs.chat_model.port import ChatReply, ChatRequest, Endpoint
from jobs.chat_model.wire import (
    LARGEST_REPLY_BYTES,
    body_of,
    cut_off,
    refusal,
    reply_of,
    timed_out,
    too_large,
    unsendable,
)
from jobs.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx2
    from openai import AsyncOpenAI
    from openai._legacy_response import LegacyAPIResponse

    _Create = Callable[..., Awaitable[LegacyAPIResponse[Any]]]

CONNECT_S = 10.0


class OpenAIAdapter:
    """One endpoint through AsyncOpenAI with its own retries, redirects and proxies off: those are ours to decide."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._client = _client(endpoint)
        # raw, because the package takes replies of any shape for completions; and it is typed for literal arguments
        self._create = cast("_Create", self._client.chat.completions.with_raw_response.create)
        if not endpoint.api_key:
            self._create = partial(self._create, extra_headers=_without_key())

    async def complete(self, request: ChatRequest, *, deadline_s: float) -> ChatReply:
        from openai import APIConnectionError, APIStatusError, OpenAIError

        try:
            async with asyncio.timeout(deadline_s):  # the package's own timeout starts anew with every read
                answer = await self._create(**body_of(request, self._endpoint))
        except TimeoutError:
            raise timed_out(self._endpoint, deadline_s) from None
        except APIStatusError as error:
            refused = error.response
            raise refusal(refused.status_code, refused.headers, refused.content, self._endpoint) from None
        except APIConnectionError as error:
            cause = error.__cause__ or error
            raise cause if isinstance(cause, ModelError) else cut_off(self._endpoint, cause) from error
        except UnicodeEncodeError as error:
            raise unsendable() from error
        except OpenAIError as error:
            raise ModelError(
                f"the openai package failed on the reply of {self._endpoint.host} ({type(error).__name__})",
                permanent=False,
                fault="bad_reply",
            ) from error
        return reply_of(answer.status_code, answer.headers, answer.content, request, self._endpoint)

    async def close(self) -> None:
        await self._client.close()


def _client(endpoint: Endpoint) -> AsyncOpenAI:
    import httpx2
    from openai import AsyncOpenAI

    http_client = httpx2.AsyncClient(
        transport=_capped_transport(endpoint),
        follow_redirects=False,
        trust_env=False,
        timeout=httpx2.Timeout(None, connect=CONNECT_S),
    )
    client = AsyncOpenAI(
        api_key=endpoint.api_key or "none",
        base_url=endpoint.base_url,
        max_retries=0,
        http_client=http_client,
        default_headers={"Accept-Encoding": "identity"},
    )
    client.organization = client.project = None  # read from the environment, and no business of other providers
    return client


def _without_key() -> dict[str, Any]:
    """The package insists on a key, and only lets go of it call by call."""
    from openai import Omit

    return {"Authorization": Omit()}


def _capped_transport(endpoint: Endpoint) -> httpx2.AsyncBaseTransport:
    """The package reads a reply to its end, whatever comes; this reads it first, and not for ever."""
    import httpx2

    class CappedTransport(httpx2.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            response = await super().handle_async_request(request)
            body = bytearray()
            try:
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > LARGEST_REPLY_BYTES:
                        raise too_large(endpoint)
            finally:
                await response.aclose()
            plain = [(name, value) for name, value in response.headers.items() if name != "content-encoding"]
            return httpx2.Response(response.status_code, headers=plain, content=bytes(body))

    return CappedTransport(limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None))
