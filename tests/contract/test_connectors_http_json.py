"""The connector for assistants with an HTTP interface of their own, against servers on this machine."""

import asyncio
import gzip
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from aiohttp import web

from jobs.assistants import ConnectorPorts
from jobs.assistants.http_json import HttpJsonConnector
from jobs.clock import SystemClock
from jobs.errors import AssistantError, AssistantTimeout
from jobs.model import Limits, ToolCall, Variant
from jobs.ports import AssistantSession
from jobs.redact import redact
from jobs.settings import shipped_profiles

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
ENVIRONMENT = {"SHOP_TOKEN": "a-very-secret-token-0815"}
PLAIN = {"body": {"text": "{message}"}, "reply": {"messages": "$.answer"}}


class Shop:
    """A server that remembers what it was asked."""

    def __init__(self, handler: Handler) -> None:
        self.asked: list[dict[str, Any]] = []
        self.url = ""
        self._handler = handler

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        self.asked.append(
            {
                "method": request.method,
                "path": request.path_qs,
                "headers": dict(request.headers),
                "body": orjson.loads(body) if body else None,
            }
        )
        return await self._handler(request)

    @property
    def bodies(self) -> list[Any]:
        return [each["body"] for each in self.asked]


@asynccontextmanager
async def shop(handler: Handler) -> AsyncGenerator[Shop]:
    server = Shop(handler)
    runner = web.ServerRunner(
        web.Server(server.handle, access_log=None, handler_cancellation=True), shutdown_timeout=0.1
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


def connector() -> HttpJsonConnector:
    return HttpJsonConnector(
        ConnectorPorts(clock=SystemClock(), profiles_dir=shipped_profiles(), environment=ENVIRONMENT)
    )


def variant(config: dict[str, Any], *, timeout_s: float = 2.0, per_minute: int | None = None) -> Variant:
    limits = Limits(timeout_s=timeout_s, per_minute=per_minute)
    return Variant(assistant="shop", name="v1", connector="http_json", config=config, hash="h", limits=limits)


@asynccontextmanager
async def session(config: dict[str, Any], **limits: Any) -> AsyncGenerator[AssistantSession]:
    opened = await connector().open(variant(config, **limits), seed="1")
    try:
        yield opened
    finally:
        await opened.close()


def says(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Handler:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        body = document if isinstance(document, bytes) else orjson.dumps(document)
        return web.Response(status=status, body=body, content_type="application/json", headers=headers)

    return handler


# --- requests --------------------------------------------------------------------------------------------------------


async def test_the_request_is_the_template_filled_in_once() -> None:
    config = {
        "url": "{base}/chat?q={message}",
        "headers": {"Authorization": "Bearer env:SHOP_TOKEN", "X-Shop": "7"},
        "body": {"input": {"text": "{message}"}, "who": "user-{session}", "past": "{history}", "n": 3, "no": None},
        "reply": {"messages": "$.answer"},
    }
    async with shop(says({"answer": "Hi"})) as server:
        config["url"] = f"{server.url}/chat?q={{message}}"
        async with session(config) as talk:
            await talk.send("hello {session} & {0.__class__}")
            await talk.send("bye")
    first, second = server.asked

    assert first["method"] == "POST"
    assert first["path"] == "/chat?q=hello%20%7Bsession%7D%20%26%20%7B0.__class__%7D"
    assert first["headers"]["Authorization"] == "Bearer a-very-secret-token-0815"
    assert first["headers"]["X-Shop"] == "7"
    assert first["headers"]["Content-Type"] == "application/json"
    assert first["body"]["input"] == {"text": "hello {session} & {0.__class__}"}
    assert first["body"]["past"] == [{"role": "user", "content": "hello {session} & {0.__class__}"}]
    assert (first["body"]["n"], first["body"]["no"]) == (3, None)
    assert second["body"]["who"] == first["body"]["who"] != "user-"
    assert [each["role"] for each in second["body"]["past"]] == ["user", "assistant", "user"]


async def test_two_conversations_have_different_sessions() -> None:
    config = {"body": {"id": "{session}", "text": "{message}"}, "reply": {"messages": "$.answer"}}
    async with shop(says({"answer": "Hi"})) as server:
        for _ in range(2):
            async with session({"url": server.url, **config}) as talk:
                await talk.send("hello")

    assert server.bodies[0]["id"] != server.bodies[1]["id"]


async def test_a_session_that_the_assistant_gives_is_sent_back() -> None:
    config = {
        "body": {"id": "{session}", "text": "{message}"},
        "reply": {"messages": "$.answer", "session": "$.meta.conversation"},
    }
    async with (
        shop(says({"answer": "Hi", "meta": {"conversation": "c-17"}})) as server,
        session({"url": server.url, **config}) as talk,
    ):
        await talk.send("hello")
        await talk.send("again")

    assert [body["id"] for body in server.bodies] == [None, "c-17"]


async def test_an_assistant_that_starts_is_sent_the_greeting() -> None:
    config = {"body": {"text": "{message}"}, "reply": {"messages": "$.answer"}, "greeting": "/start"}
    async with shop(says({"answer": "Welcome!"})) as server, session({"url": server.url, **config}) as talk:
        reply = await talk.greet()

    assert (server.bodies, reply.messages) == ([{"text": "/start"}], ("Welcome!",))


# --- replies ---------------------------------------------------------------------------------------------------------


async def test_a_reply_is_read_by_its_mapping() -> None:
    config = {
        "body": {"text": "{message}"},
        "reply": {
            "messages": "$.messages[*].text",
            "intent": "$.nlu.intent",
            "entities": {"size": "$.nlu.slots['pizza size']", "none": "$.nlu.slots.none"},
            "fallback": "$.nlu.lost",
            "tool_calls": {
                "each": "$.actions[*]",
                "name": "$.type",
                "arguments": "$.input",
                "ok": "$.ok",
                "error": "$.problem",
            },
        },
    }
    document = {
        "messages": [{"text": "One large pizza."}, {"image": "x"}, {"text": "Anything else?"}],
        "nlu": {"intent": "order", "slots": {"pizza size": "large"}, "lost": False},
        "actions": [
            {"type": "add", "input": {"item": "pizza"}, "ok": True},
            {"type": "pay", "problem": "no card"},
            {"nameless": 1},
        ],
    }
    async with shop(says(document)) as server, session({"url": server.url, **config}) as talk:
        reply = await talk.send("a large pizza")

    assert reply.messages == ("One large pizza.", "Anything else?")
    assert (reply.intent, reply.entities, reply.fallback) == ("order", {"size": "large"}, False)
    assert reply.tool_calls == (
        ToolCall(name="add", arguments={"item": "pizza"}, ok=True),
        ToolCall(name="pay", ok=False, error="no card"),
    )
    assert reply.latency_ms is not None
    assert reply.latency_ms > 0


async def test_an_assistant_that_says_nothing_is_no_error_of_the_connection() -> None:
    config = {"body": {"text": "{message}"}, "reply": {"messages": "$.messages[*].text"}}
    async with shop(says({"messages": []})) as server, session({"url": server.url, **config}) as talk:
        assert (await talk.send("hello")).messages == ()


async def test_a_streamed_turn_ends_with_its_stream() -> None:
    async def stream(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for part in (
            b'event: message\ndata: {"answer": "One',
            b' moment."}\n\n',
            b'data: {"answer": "Here."}\n',
            b"\n",
        ):
            await response.write(part)
        await response.write(b"data: [DONE]\n\n")
        return response

    async with shop(stream) as server, session({"url": server.url, "stream": "lines", **PLAIN}) as talk:
        assert (await talk.send("hello")).messages == ("One moment.", "Here.")


async def test_a_stream_that_stays_open_is_over_when_it_is_quiet() -> None:
    async def stream(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"answer": "Here."}\n')
        await asyncio.Event().wait()
        return response

    config = {"stream": "lines", "quiet_s": 0.05, **PLAIN}
    async with shop(stream) as server, session({"url": server.url, **config}) as talk:
        reply = await talk.send("hello")

    assert reply.messages == ("Here.",)
    assert reply.latency_ms is not None
    assert reply.latency_ms < 50, "the quiet after it is not the assistant's time"


@pytest.mark.parametrize("shows", ["all", "new"])
async def test_messages_that_come_later_are_fetched_until_it_is_quiet(shows: str) -> None:
    fetched = 0
    waiting: list[str] = []
    shown: list[str] = []

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal fetched
        if request.method == "POST":
            waiting.extend(["One moment.", f"You said {len(shown) + 1}."])
            return web.Response(status=202, body=b'{"id": "c1"}', content_type="application/json")
        fetched += 1
        if fetched == 2:
            return web.Response(status=503)  # a failure of looking costs nothing
        new = [waiting.pop(0)] if waiting and fetched % 2 else []
        shown.extend(new)
        listed = shown if shows == "all" else new
        return web.Response(body=orjson.dumps({"items": [{"text": text} for text in listed]}))

    config = {
        "body": {"text": "{message}"},
        "reply": {"messages": "$.items[*].text", "session": "$.id"},
        "poll": {"every_s": 0.05, "quiet_s": 0.2, "shows": shows},
    }
    async with shop(handler) as server:
        config["poll"]["url"] = f"{server.url}/messages/{{session}}"
        async with session({"url": server.url, **config}) as talk:
            first = await talk.send("hello")
            second = await talk.send("again")

    assert first.messages == ("One moment.", "You said 1.")
    assert second.messages == ("One moment.", "You said 3.")
    assert {each["path"] for each in server.asked if each["method"] == "GET"} == {"/messages/c1"}


# --- faults ----------------------------------------------------------------------------------------------------------


async def hang(request: web.BaseRequest) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def drip(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.01)


async def cut(request: web.BaseRequest) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    raise ConnectionAbortedError


async def cut_in_body(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"answer": "H')
    assert request.transport is not None
    request.transport.abort()
    return response


FAULTS: dict[str, tuple[Handler, bool, str]] = {
    "html": (says(b"<html>Bad gateway</html>"), True, "answered with a web page"),
    "broken json": (says(b'{"answer": "Hel'), True, "something that is not JSON"),
    "empty": (says(b""), True, "answered with nothing"),
    "nothing there": (says({"message": "Hi"}), True, r"the reply has nothing at \$\.answer"),
    "no text": (says({"answer": {"text": "Hi"}}), True, r"what is at \$\.answer is no text"),
    "a megabyte": (says(b" " * 1_000_001), True, "more than 1 MB"),
    "deep": (says(b'{"answer":' + b"[" * 20_000), True, "not JSON"),
    "packed": (says(gzip.compress(b"0" * 3_000_000), 200, {"Content-Encoding": "gzip"}), True, "not JSON"),
    "redirect": (says({}, 302, {"Location": "http://127.0.0.1:1/"}), True, "redirect, which is not followed"),
    "not modified": (says({}, 304), True, "redirect"),
    "bad request": (says({"answer": "secret"}, 400), True, r"does not accept the request \(HTTP 400\)"),
    "unauthorised": (says({}, 401), True, "does not accept our credentials"),
    "forbidden": (says({}, 403), True, "does not let us in"),
    "not found": (says({}, 404), True, "does not know this address"),
    "too fast": (says({}, 429, {"Retry-After": "1"}), False, "slower pace"),
    "much too fast": (says({}, 429, {"Retry-After": "3600"}), True, "slower pace"),
    "server error": (says({}, 500), False, "problem of its own"),
    "unavailable": (says({}, 503), False, r"problem of its own \(HTTP 503\)"),
    "cut": (cut, False, "the connection to 127.0.0.1 failed"),
    "cut in body": (cut_in_body, True, "broke off in the middle"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_is_an_assistant_error_that_says_whether_it_may_pass(fault: str) -> None:
    handler, permanent, said = FAULTS[fault]
    async with shop(handler) as server, session({"url": server.url, **PLAIN}) as talk:
        with pytest.raises(AssistantError, match=said) as caught:
            await talk.send("hello")

    assert caught.value.permanent is permanent
    assert len(str(caught.value)) < 120
    assert "secret" not in str(caught.value)
    assert len(server.asked) == 1


@pytest.mark.parametrize("handler", [hang, drip])
async def test_an_answer_that_takes_too_long_is_a_timeout_and_is_not_asked_for_again(handler: Handler) -> None:
    async with shop(handler) as server, session({"url": server.url, **PLAIN}, timeout_s=0.2) as talk:
        with pytest.raises(AssistantTimeout, match=r"did not answer within 0\.2 s") as caught:
            await talk.send("hello")

    assert caught.value.permanent


async def test_nobody_there_may_pass() -> None:
    async with session({"url": "http://127.0.0.1:1/", **PLAIN}) as talk:
        with pytest.raises(AssistantError, match="cannot be reached") as caught:
            await talk.send("hello")

    assert not caught.value.permanent


async def test_a_stream_may_be_no_larger_than_a_reply() -> None:
    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b'{"other": "' + b"x" * 60_000 + b'"}\n')

    async with shop(endless) as server, session({"url": server.url, "stream": "lines", **PLAIN}) as talk:
        with pytest.raises(AssistantError, match="more than 1 MB"):
            await talk.send("hello")


async def test_a_failed_turn_can_be_asked_again_and_stands_once_in_the_history() -> None:
    answers = [says({}, 503), says({"answer": "Hi"}), says({"answer": "Bye"})]

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return await answers.pop(0)(request)

    config = {"body": "{history}", "reply": {"messages": "$.answer"}}
    async with shop(handler) as server, session({"url": server.url, **config}) as talk:
        with pytest.raises(AssistantError):
            await talk.send("hello")
        await talk.send("hello")
        await talk.send("bye")

    assert [each["content"] for each in server.bodies[-1]] == ["hello", "Hi", "bye"]


async def test_the_environments_proxies_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with shop(says({"answer": "Hi"})) as server, shop(says({"answer": "proxied"})) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        async with session({"url": server.url, **PLAIN}) as talk:
            reply = await talk.send("hello")

    assert (reply.messages, proxy.asked) == (("Hi",), [])


async def test_cookies_are_not_kept() -> None:
    async with (
        shop(says({"answer": "Hi"}, 200, {"Set-Cookie": "a=b"})) as server,
        session({"url": server.url, **PLAIN}) as talk,
    ):
        await talk.send("hello")
        await talk.send("again")

    assert "Cookie" not in server.asked[1]["headers"]


async def test_secrets_of_headers_are_redacted_once_they_were_used() -> None:
    config = {"headers": {"X-Key": "env:SHOP_TOKEN"}, **PLAIN}
    async with shop(says({"answer": "Hi"})) as server, session({"url": server.url, **config}) as talk:
        await talk.send("hello")

    assert "a-very-secret-token-0815" not in redact("it said a-very-secret-token-0815")


async def test_a_pace_is_kept_by_all_conversations_together() -> None:
    """Six seconds' worth may go at once: of 60 a minute that is 6, and the seventh waits a second."""
    http_json = connector()
    async with shop(says({"answer": "Hi"})) as server:
        talks = [
            await http_json.open(variant({"url": server.url, **PLAIN}, per_minute=60), seed=str(number))
            for number in range(8)
        ]
        tasks = [asyncio.create_task(talk.send("hello")) for talk in talks]
        await asyncio.wait(tasks, timeout=0.4)
        done = sum(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for talk in talks:
            await talk.close()

    assert done == 7
    assert len(server.asked) == 7


# --- configurations --------------------------------------------------------------------------------------------------

GOOD = {"url": "https://bot.example.com/chat", **PLAIN}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "file:///etc/passwd"}, "must begin with https:// or http://"),
        ({"url": "https://a:b@bot.example.com/"}, "must not contain a password"),
        ({"url": "https://{message}.example.com/"}, "must name its host itself"),
        ({"url": "http://169.254.169.254/latest/meta-data"}, "an address that no assistant can have"),
        ({"url": "http://[fe80::1]/"}, "an address that no assistant can have"),
        ({"url": "http://[::ffff:169.254.169.254]/"}, "an address that no assistant can have"),
        ({"url": "http://0.0.0.0/"}, "an address that no assistant can have"),
        ({"url": "http://[/"}, "is not a URL"),
        ({"body": {"text": "{mesage}"}}, "did you mean 'message'"),
        ({"body": {"text": "hi"}}, "for what the customer says"),
        ({"reply": {"messages": "answer"}}, "is no path"),
        ({"reply": {"messages": "$.a[?(@.b)]"}}, "is no path"),
        ({"reply": {}}, "`reply.messages` is missing"),
        ({"hedders": {}}, "`hedders` is not known"),
        ({"headers": {"X": "env:NOT_SET_ANYWHERE"}}, "NOT_SET_ANYWHERE is not set"),
        ({"method": "GET"}, "a GET has no `body`"),
        ({"poll": {"url": "https://elsewhere.example.com/"}}, "same scheme and host"),
    ],
)
def test_what_is_wrong_with_a_configuration_is_said_in_a_sentence(change: dict[str, Any], said: str) -> None:
    [problem] = connector().check(GOOD | change)

    assert said in problem


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/", "http://10.0.0.7/chat", "https://bot.example.com/", "http://[::1]:80/"]
)
def test_the_operators_own_file_may_name_any_host_of_its_network(url: str) -> None:
    assert connector().check(GOOD | {"url": url}) == []


async def test_a_name_that_comes_to_mean_a_forbidden_address_is_not_contacted(monkeypatch: pytest.MonkeyPatch) -> None:
    async def to_metadata(self: object, host: str, port: int = 0, family: int = 0) -> list[dict[str, Any]]:
        return [{"hostname": host, "host": "169.254.169.254", "port": port, "family": 2, "proto": 0, "flags": 0}]

    monkeypatch.setattr("aiohttp.resolver.ThreadedResolver.resolve", to_metadata)
    async with session({"url": "http://bot.example.com/", **PLAIN}) as talk:
        with pytest.raises(AssistantError, match="cannot be reached"):
            await talk.send("hello")
