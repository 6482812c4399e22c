"""HTTP to an assistant: only to the host that the operator's file names, bounded in size and time, and every failure
told in a short sentence."""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from jobs.errors import AssistantError, AssistantTimeout

LARGEST_REPLY_BYTES = 1_000_000
CONNECT_S = 10.0
LONGEST_WAIT_S = 30.0
"""An assistant that asks us to come back later than this is not waited for."""

MEANING: Mapping[int, str] = {
    401: "does not accept our credentials",
    403: "does not let us in",
    404: "does not know this address",
    405: "does not accept this method",
    413: "says that the message is too large",
    429: "asks for a slower pace",
}
METADATA = frozenset({"fd00:ec2::254", "100.100.100.200"})
"""Where clouds tell their machines about themselves, beside the link-local addresses."""
MAY_PASS = frozenset({408, 425, 429, 500, 502, 503, 504})


def problem_of_url(url: str) -> str | None:
    """What is wrong with the address of an assistant, or None."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("http", "https") or not host:
        return "must begin with https:// or http:// and name a host"
    if parts.username or parts.password:
        return "must not contain a password; use a header with env:NAME"
    if "{" in parts.netloc:
        return "must name its host itself: no {place} there"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return None if may_be_contacted(address) else "is an address that no assistant can have"


def may_be_contacted(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an assistant can be there. Private and loopback addresses are fine, since only the operator's own file
    names hosts; those where clouds keep their machines' secrets are not."""
    address = getattr(address, "ipv4_mapped", None) or address
    nobodys = address.is_link_local or address.is_multicast or address.is_unspecified
    return not nobodys and str(address) not in METADATA


class PinnedResolver(AbstractResolver):
    """Resolves a host once and stays with the answer, so that a name cannot come to mean another address."""

    def __init__(self) -> None:
        self._inner = ThreadedResolver()
        self._known: dict[tuple[str, int], list[ResolveResult]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if (host, port) not in self._known:
            found = await self._inner.resolve(host, port, family)
            if not all(may_be_contacted(ipaddress.ip_address(each["host"].partition("%")[0])) for each in found):
                raise OSError(f"{host} has an address that no assistant can have")
            self._known[host, port] = found
        return self._known[host, port]

    async def close(self) -> None:
        await self._inner.close()


def open_session() -> aiohttp.ClientSession:
    """For one conversation: no cookies, no proxies from the environment, names resolved once, nothing unpacked (a
    small packed answer can become a huge one)."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=PinnedResolver(), limit=4),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
        trust_env=False,
    )


@asynccontextmanager
async def asked(
    session: aiohttp.ClientSession, method: str, url: str, *, headers: Mapping[str, str], body: Any, host: str
) -> AsyncGenerator[aiohttp.ClientResponse]:
    """The response, if it is one that can be read; every failure on the way is an AssistantError."""
    target = URL(url, encoded=True)
    if target.host != host:
        raise AssistantError(f"the request would go to {target.host!r} instead of {host!r}", permanent=True)
    try:
        async with session.request(
            method,
            target,
            data=None if body is None else orjson.dumps(body),
            headers=headers,
            allow_redirects=False,
        ) as response:
            if not 200 <= response.status < 300:
                raise _refusal(response, host)
            yield response
    except aiohttp.ClientConnectorError as error:
        raise AssistantError(f"{host} cannot be reached ({_kind(error)})", permanent=False) from error
    except aiohttp.ClientPayloadError as error:
        # the assistant has begun to answer: the same message again would be a second one
        raise AssistantError(f"{host} broke off in the middle of its answer", permanent=True) from error
    except (aiohttp.ClientError, OSError) as error:
        if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ClientError):
            raise
        raise AssistantError(f"the connection to {host} failed ({_kind(error)})", permanent=False) from error


async def json_of(response: aiohttp.ClientResponse, host: str) -> Any:
    """The whole answer as JSON."""
    content = bytearray()
    async for part in response.content.iter_any():
        content += part
        if len(content) > LARGEST_REPLY_BYTES:
            raise too_large(host)
    return parsed(bytes(content), host)


def parsed(content: bytes, host: str) -> Any:
    if not content.strip():
        raise AssistantError(f"{host} answered with nothing", permanent=True)
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        kind = "a web page" if content.lstrip()[:1] == b"<" else "something that is not JSON"
        raise AssistantError(f"{host} answered with {kind}", permanent=True) from None


def too_large(host: str) -> AssistantError:
    return AssistantError(f"{host} answered with more than {LARGEST_REPLY_BYTES // 1_000_000} MB", permanent=True)


def timed_out(host: str, timeout_s: float) -> AssistantTimeout:
    return AssistantTimeout(f"{host} did not answer within {timeout_s:g} s", permanent=True)


def _refusal(response: aiohttp.ClientResponse, host: str) -> AssistantError:
    """What a status means; what the assistant wrote beside it is not shown, since it may quote our headers."""
    status = response.status
    if 300 <= status < 400:
        return AssistantError(
            f"{host} answered with a redirect, which is not followed (HTTP {status}); correct `url`", permanent=True
        )
    meaning = MEANING.get(status, "has a problem of its own" if status >= 500 else "does not accept the request")
    wait_s = _wait_s(response.headers.get("Retry-After"))
    may_pass = status in MAY_PASS and (wait_s or 0.0) <= LONGEST_WAIT_S
    return AssistantError(f"{host} {meaning} (HTTP {status})", permanent=not may_pass, retry_after_s=wait_s)


def _wait_s(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() and len(text) < 9 else None


def _kind(error: BaseException) -> str:
    cause = error.__cause__ if isinstance(error.__cause__, asyncio.CancelledError | OSError) else error
    return {"gaierror": "its name is not known", "ConnectionRefusedError": "nobody answers there"}.get(
        type(cause).__name__, type(error).__name__
    )
