"""A model provider on this machine: speaks chat completions, answers as told, fails as told, and keeps its own books.

``python -m jobs.chat_model.loopback --delay-ms 100`` runs it on its own; ``GET /ledger`` shows its books.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pkgutil import resolve_name
from typing import Any, Literal, Self

import click
import orjson
from aiohttp import web

MINUTE_S = 60.0
BIG_BODY_BYTES = 5_000_000
DRIP_EVERY_S = 0.005

Fault = Literal[
    "rate_limit",
    "quota",
    "auth",
    "not_found",
    "bad_request",
    "server",
    "hang",
    "drip",
    "html",
    "broken_json",
    "no_choices",
    "null_choices",
    "empty_text",
    "cut",
    "cut_in_body",
    "redirect",
    "too_large",
]


@dataclass(frozen=True, kw_only=True)
class Call:
    """What the provider was asked, as far as an answer may depend on it."""

    number: int
    model: str
    messages: Sequence[Mapping[str, Any]]
    body: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def last(self) -> str:
        """The text of the last message."""
        return str(self.messages[-1].get("content") or "") if self.messages else ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What it answers: a text, tools it asks for as (name, arguments as written), or a fault.

    Args:
        retry_after: the header of that name, for refusals.
    """

    text: str = ""
    tool_calls: Sequence[tuple[str, str]] = ()
    fault: Fault | None = None
    retry_after: str | None = None
    finish_reason: str = "stop"


Answerer = Callable[[Call], Answer | str]


def echo(call: Call) -> str:
    """The default: says what the last message said."""
    return f"You said: {call.last}"


@dataclass(kw_only=True)
class Ledger:
    """The provider's own books. ``answered`` counts what was billed; ``busiest_minute`` any sliding window of 60 s."""

    calls: int = 0
    answered: int = 0
    refused: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    busiest_minute: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    _arrivals: deque[float] = field(default_factory=deque[float], repr=False)

    def arrive(self, now: float) -> None:
        self.calls += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        arrivals = self._arrivals
        arrivals.append(now)
        while arrivals[0] <= now - MINUTE_S:
            arrivals.popleft()
        self.busiest_minute = max(self.busiest_minute, len(arrivals))

    def as_json(self) -> Mapping[str, int]:
        return {name: value for name, value in asdict(self).items() if not name.startswith("_")}


class LoopbackProvider:
    """The server; ``async with LoopbackProvider(...) as provider`` and then ``provider.base_url``.

    Args:
        answer: what is answered to a call.
        delay_s: how long every answer takes.
        bears: calls at once; one more is answered with 429.
        cached_share: which part of every input it says it had in its cache.
        keep: how many of the last calls are remembered in ``requests``.
    """

    def __init__(
        self,
        answer: Answerer = echo,
        *,
        delay_s: float = 0.0,
        bears: int | None = None,
        cached_share: float = 0.0,
        keep: int = 100,
    ) -> None:
        self.ledger = Ledger()
        self.requests: deque[Call] = deque(maxlen=keep)
        self.port = 0
        self._answer = answer
        self._delay_s = delay_s
        self._bears = bears
        self._cached_share = cached_share
        # the low-level server: a router and its middlewares would cost as much as the answer
        self._runner = web.ServerRunner(
            web.Server(self._handle, access_log=None, handler_cancellation=True), shutdown_timeout=0.1
        )

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def start(self, port: int = 0) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port, backlog=2048)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/ledger":
            return _json(200, self.ledger.as_json())
        if request.method != "POST" or not request.path.endswith("/chat/completions"):
            return _refusal(404, f"no route {request.path}")
        self.ledger.arrive(time.monotonic())
        try:
            return await self._complete(request)
        finally:
            self.ledger.in_flight -= 1

    async def _complete(self, request: web.BaseRequest) -> web.StreamResponse:
        body = orjson.loads(await request.read())
        call = Call(
            number=self.ledger.calls,
            model=body["model"],
            messages=body["messages"],
            body=body,
            headers=request.headers,
        )
        self.requests.append(call)
        if self._bears is not None and self.ledger.in_flight > self._bears:
            self.ledger.refused += 1
            return _refusal(429, "too many calls at once")
        answer = self._answer(call)
        answer = Answer(text=answer) if isinstance(answer, str) else answer
        if self._delay_s:
            await asyncio.sleep(self._delay_s)
        if answer.fault is not None:
            return await self._fail(answer.fault, answer, call, request)
        return _json(200, self._completion(call, answer))

    def _completion(self, call: Call, answer: Answer) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
        if answer.tool_calls:
            message["tool_calls"] = [
                {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
                for number, (name, arguments) in enumerate(answer.tool_calls)
            ]
        return {
            "id": f"loopback-{call.number}",
            "object": "chat.completion",
            "created": 0,
            "model": call.model,
            "choices": [{"index": 0, "message": message, "finish_reason": answer.finish_reason}],
            "usage": self._bill(call, answer),
        }

    def _bill(self, call: Call, answer: Answer) -> dict[str, Any]:
        """Four letters are a token, as a rule of thumb; that the books agree matters, not the tokenizer."""
        prompt = sum(3 + len(message.get("content") or "") // 4 for message in call.messages)
        completion = 1 + (len(answer.text) + sum(len(written) for _, written in answer.tool_calls)) // 4
        cached = int(prompt * self._cached_share)
        self.ledger.answered += 1
        self.ledger.input_tokens += prompt
        self.ledger.cached_tokens += cached
        self.ledger.output_tokens += completion
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": cached},
        }

    async def _fail(self, fault: Fault, answer: Answer, call: Call, request: web.BaseRequest) -> web.StreamResponse:
        """Fails. What comes with a count of tokens is billed, as real providers do."""
        match fault:
            case "rate_limit" | "quota" | "auth" | "not_found" | "bad_request" | "server":
                self.ledger.refused += 1
                key = call.headers.get("Authorization", "").removeprefix("Bearer ")
                return _refusal(_STATUS[fault], _SAID[fault].format(key=key), _CODE.get(fault), answer.retry_after)
            case "hang":
                await asyncio.sleep(3600)
            case "drip":
                return await _drip(request)
            case "html":
                return web.Response(text="<html><body>Bad gateway</body></html>", content_type="text/html")
            case "broken_json":
                return web.Response(body=b'{"choices": [{"message": {"content": "Hel', content_type="application/json")
            case "no_choices" | "null_choices":
                empty: list[Any] | None = [] if fault == "no_choices" else None
                return _json(200, self._completion(call, answer) | {"choices": empty})
            case "cut_in_body":
                return await _cut_in_body(request)
            case "redirect":
                return web.Response(status=307, headers={"Location": f"{self.base_url}/elsewhere/chat/completions"})
            case "too_large":
                return web.Response(body=b" " * BIG_BODY_BYTES, content_type="application/json")
            case "empty_text":
                return _json(200, self._completion(call, Answer()))
            case "cut":
                _cut(request)
        raise ConnectionAbortedError


_STATUS: Mapping[str, int] = {
    "rate_limit": 429,
    "quota": 429,
    "auth": 401,
    "not_found": 404,
    "bad_request": 400,
    "server": 503,
}
_CODE: Mapping[str, str] = {
    "rate_limit": "rate_limit_exceeded",
    "quota": "insufficient_quota",
    "auth": "invalid_api_key",
    "not_found": "model_not_found",
}
_SAID: Mapping[str, str] = {
    "rate_limit": "Rate limit reached for requests per minute.",
    "quota": "You exceeded your current quota, please check your plan and billing details.",
    "auth": "Incorrect API key provided: {key}.",
    "not_found": "The model does not exist or you do not have access to it.",
    "bad_request": "Invalid value for 'temperature'.",
    "server": "The engine is currently overloaded.",
}


def _json(status: int, content: Any, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(content), content_type="application/json", headers=headers)


def _refusal(status: int, said: str, code: str | None = None, retry_after: str | None = None) -> web.Response:
    headers = {"Retry-After": retry_after} if retry_after else None
    return _json(status, {"error": {"message": said, "type": code, "code": code, "param": None}}, headers)


async def _drip(request: web.BaseRequest) -> web.StreamResponse:
    """Sends a byte now and then for ever, so that a timeout per read never strikes."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(DRIP_EVERY_S)


async def _cut_in_body(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"choices": [')
    _cut(request)
    return response


def _cut(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()


@click.command()
@click.option("--port", default=0, show_default=True, help="0 = any free port; the one in use is printed.")
@click.option("--delay-ms", default=0.0, show_default=True, help="How long every answer takes.")
@click.option("--bears", default=None, type=int, help="Calls at once; one more is answered with 429.")
@click.option("--answer", default=f"{__package__}.loopback:echo", help="What answers, as package.module:function.")
def main(port: int, delay_ms: float, bears: int | None, answer: str) -> None:
    """Serves chat completions on 127.0.0.1 until interrupted."""
    answerer: Answerer = resolve_name(answer)

    async def serve() -> None:
        provider = await LoopbackProvider(answerer, delay_s=delay_ms / 1000, bears=bears, keep=0).start(port)
        click.echo(provider.base_url)  # the one line that a script waits for
        try:
            await asyncio.Event().wait()
        finally:
            await provider.stop()

    try:
        asyncio.run(serve())
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


if __name__ == "__main__":
    main()
