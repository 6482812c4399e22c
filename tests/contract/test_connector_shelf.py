"""Rasa, Taskyto, Python functions and recordings as assistants: what they are asked, say, and how they fail."""

import asyncio
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from jobs.assistants import CONNECTORS, ConnectorPorts
from jobs.clock import SystemClock
from jobs.errors import AssistantError, AssistantTimeout
from jobs.model import Limits, ToolCall, Variant
from jobs.ports import AssistantSession, Connector

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def session(
    kind: str, config: dict[str, Any], *, profiles_dir: Path = Path(), timeout_s: float = 2.0
) -> AsyncGenerator[AssistantSession]:
    variant = Variant(
        assistant="shop", name="v1", connector=kind, config=config, hash="h", limits=Limits(timeout_s=timeout_s)
    )
    opened = await connector(kind, profiles_dir).open(variant, seed="s1")
    try:
        yield opened
    finally:
        await opened.close()


def connector(kind: str, profiles_dir: Path = Path()) -> Connector:
    return CONNECTORS[kind].build(ConnectorPorts(clock=SystemClock(), profiles_dir=profiles_dir, environment={}))


# --- doubles of the two servers --------------------------------------------------------------------------------------


class Server:
    """Remembers what it was asked."""

    def __init__(self, answers: dict[str, Answer]) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.url = ""
        self._answers = answers

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        self.asked.append((request.path, orjson.loads(body) if body else None))
        return await self._answers[request.path](request)


@asynccontextmanager
async def server(answers: dict[str, Answer]) -> AsyncGenerator[Server]:
    double = Server(answers)
    handler = web.Server(double.handle, access_log=None, handler_cancellation=True)
    runner = web.ServerRunner(handler, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    double.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield double
    finally:
        await runner.cleanup()


def says(document: Any, status: int = 200) -> Answer:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        body = document if isinstance(document, bytes) else orjson.dumps(document)
        return web.Response(status=status, body=body, content_type="application/json")

    return answer


async def hang(request: web.BaseRequest) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


RASA, NEW, MESSAGE = "/webhooks/rest/webhook", "/conversation/new", "/conversation/user_message"
TWO_MESSAGES = [{"recipient_id": "x", "text": "Hi."}, {"image": "a.png"}, {"text": "What else?"}]


async def test_rasa_is_asked_as_one_sender_and_may_answer_with_several_messages() -> None:
    async with server({RASA: says(TWO_MESSAGES)}) as double, session("rasa", {"url": f"{double.url}/"}) as talk:
        greeting = await talk.greet()
        reply = await talk.send("a pizza")

    (_, first), (_, second) = double.asked
    assert (first["message"], second["message"]) == ("/session_start", "a pizza")
    assert first["sender"] == second["sender"] != ""
    assert greeting.messages == reply.messages == ("Hi.", "What else?")


async def test_rasa_that_has_nothing_to_say_says_nothing() -> None:
    async with (
        server({"/custom/webhook": says([])}) as double,
        session("rasa", {"url": f"{double.url}/custom/webhook"}) as talk,
    ):
        reply = await talk.send("hello")

    assert reply.messages == ()


async def test_taskyto_opens_a_conversation_and_sends_its_id_with_every_message() -> None:
    answers = {NEW: says({"id": "c1", "message": "Welcome"}), MESSAGE: says({"id": "c1", "message": "One.\nTwo."})}
    async with server(answers) as double, session("taskyto", {"url": double.url}) as talk:
        greeting = await talk.greet()
        reply = await talk.send("hello")
        await talk.send("bye")

    assert double.asked == [
        (NEW, None),
        (MESSAGE, {"id": "c1", "message": "hello"}),
        (MESSAGE, {"id": "c1", "message": "bye"}),
    ]
    assert (greeting.messages, reply.messages) == (("Welcome",), ("One.\nTwo.",))


async def test_taskyto_that_does_not_start_is_opened_by_the_first_message() -> None:
    async with server({NEW: says({"id": "c1"}), MESSAGE: says({"message": "Hi"})}) as double:
        async with session("taskyto", {"url": double.url}) as talk:
            reply = await talk.send("hello")
        async with session("taskyto", {"url": double.url}) as silent:
            greeting = await silent.greet()

    assert [path for path, _ in double.asked] == [NEW, MESSAGE, NEW]
    assert (reply.messages, greeting.messages) == (("Hi",), ())


async def test_taskyto_without_an_id_is_told() -> None:
    async with server({NEW: says({"status": "ok"})}) as double, session("taskyto", {"url": double.url}) as talk:
        with pytest.raises(AssistantError, match="without giving it an id"):
            await talk.send("hello")


FAULTS: dict[str, tuple[Answer, bool, str]] = {
    "html": (says(b"<html>Bad gateway</html>"), True, "answered with a web page"),
    "broken JSON": (says(b'[{"text": "Hel'), True, "something that is not JSON"),
    "empty": (says(b""), True, "answered with nothing"),
    "another shape": (says({"error": "x"}), True, "the reply has nothing at"),
    "a megabyte": (says(b" " * 1_000_001), True, "more than 1 MB"),
    "not found": (says({}, 404), True, "does not know this address"),
    "server error": (says({"error": "secret"}, 500), False, "problem of its own"),
}


@pytest.mark.parametrize("kind", ["rasa", "taskyto"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_is_an_assistant_error_that_says_whether_it_may_pass(kind: str, fault: str) -> None:
    answer, permanent, said = FAULTS[fault]
    async with (
        server({RASA: answer, NEW: says({"id": "c1"}), MESSAGE: answer}) as double,
        session(kind, {"url": double.url}) as talk,
    ):
        with pytest.raises(AssistantError, match=said) as caught:
            await talk.send("hello")

    assert caught.value.permanent is permanent
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("kind", ["rasa", "taskyto"])
async def test_slow_is_a_timeout_and_down_may_pass(kind: str) -> None:
    async with (
        server({RASA: hang, NEW: hang, MESSAGE: hang}) as double,
        session(kind, {"url": double.url}, timeout_s=0.1) as talk,
    ):
        with pytest.raises(AssistantTimeout):
            await talk.send("hello")
        with pytest.raises(AssistantTimeout):
            await talk.greet()
    async with session(kind, {"url": "http://127.0.0.1:1"}) as talk:
        with pytest.raises(AssistantError, match="cannot be reached") as caught:
            await talk.send("hello")

    assert not caught.value.permanent


# --- functions -------------------------------------------------------------------------------------------------------

THIS = "convotest_callables"
CALLABLES = """
import asyncio, time


def plain(message): return f"You said: {message}"
async def later(message, history): return [turn["content"] for turn in history]
def known(message, session, seed, size="small"):
    return {"messages": (size,), "intent": "order", "entities": {"seed": seed}, "fallback": not session,
            "tool_calls": [{"name": "add", "ok": True}]}
def raises(message): raise ValueError("no such pizza")
def stops(message): raise StopIteration
def number(message): return 7
def huge(message): return "x" * 1_000_001
def slow(message): time.sleep(0.3); return "late"
async def hangs(message): await asyncio.Event().wait()
def no_message(): return "x"


class Shop:
    def __call__(self, message): return "I am called"


shop = Shop()
not_callable = 3
"""


@pytest.fixture
def callables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module with all of them; a new one for each test, since modules stay loaded."""
    name = f"{THIS}_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(CALLABLES, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return name


async def test_functions_answer_with_a_text_with_several_or_with_all_they_know(callables: str) -> None:
    async with session("python_callable", {"callable": f"{callables}:plain"}) as talk:
        plain = await talk.send("hello")
    async with session("python_callable", {"callable": f"{callables}:later"}) as talk:
        await talk.send("one")
        later = await talk.send("two")
    config = {"callable": f"{callables}:known", "arguments": {"size": "large"}}
    async with session("python_callable", config) as talk:
        known = await talk.send("hello")
    async with session("python_callable", {"callable": f"{callables}:shop"}) as talk:
        called = await talk.greet()

    assert plain.messages == ("You said: hello",)
    assert later.messages == ("one", "one", "two")
    assert (known.messages, known.intent, known.entities, known.fallback) == (
        ("large",),
        "order",
        {"seed": "s1"},
        False,
    )
    assert known.tool_calls == (ToolCall(name="add", ok=True),)
    assert called.messages == ("I am called",)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("raises", r"raises failed \(ValueError: no such pizza\)"),
        ("stops", "StopIteration"),
        ("number", "no answer: `messages"),
        ("huge", "more than 1 MB"),
    ],
)
async def test_a_function_that_fails_is_an_assistant_error(name: str, said: str, callables: str) -> None:
    async with session("python_callable", {"callable": f"{callables}:{name}"}) as talk:
        with pytest.raises(AssistantError, match=said) as caught:
            await talk.send("hello")

    assert caught.value.permanent


async def test_a_slow_function_keeps_nobody_waiting_but_its_own_conversation(callables: str) -> None:
    """More of them than a pool of threads has room for end together, and one that is given up disturbs nobody."""
    async with session("python_callable", {"callable": f"{callables}:slow"}) as talk:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await talk.send("hello")
        async with asyncio.timeout(5):
            replies = await asyncio.gather(*(talk.send(str(number)) for number in range(60)))
    async with session("python_callable", {"callable": f"{callables}:hangs"}) as talk:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await talk.send("hello")

    assert {reply.messages for reply in replies} == {("late",)}
    assert not any(thread.name == "python_callable" and not thread.daemon for thread in threading.enumerate())


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"callable": "os.system"}, "`callable`"),
        ({"callable": "no_such_module:answer"}, "cannot be imported"),
        ({"callable": "MODULE:nobody"}, "cannot be imported"),
        ({"callable": "MODULE:not_callable"}, "is no function"),
        ({"callable": "MODULE:no_message"}, "cannot be called with a message"),
        ({"callable": "MODULE:plain", "arguments": {"size": 1}}, "cannot be called with a message"),
        ({"callable": "MODULE:plain", "argumens": {}}, "`argumens` is not known"),
    ],
)
def test_a_function_that_cannot_be_called_is_told_before_anything_is_played(
    config: dict[str, Any], said: str, callables: str
) -> None:
    config["callable"] = config["callable"].replace("MODULE", callables)

    [problem] = connector("python_callable").check(config)

    assert said in problem


# --- recordings ------------------------------------------------------------------------------------------------------

RECORDED = """
ask_about: [{size: small}]
conversation: [{number: 1}]
data_output: [{price: 3}]
language: English
serial: a1
---
assistant response time: [0.1, 0.2]
---
interaction:
  - Assistant: Welcome.
  - User: a pizza
  - Assistant: Which size?
  - Assistant: We have small.
  - User: small
  - Assistant: Done.
"""
AS_JSON = [
    {"role": "user", "content": "a pizza"},
    {"role": "assistant", "content": "Which size?"},
    {"role": "user", "content": "small"},
    {"role": "assistant", "content": "Done."},
]


async def test_a_recording_says_the_same_again_up_to_its_turn(tmp_path: Path) -> None:
    (tmp_path / "talk.yml").write_text(RECORDED, encoding="utf-8")
    config = {"file": "talk.yml", "turns": 1, "afterwards": "Over."}
    async with session("replay", config, profiles_dir=tmp_path) as talk:
        replies = [await talk.greet(), await talk.send("what"), await talk.send("ever"), await talk.send("you say")]

    assert [reply.messages for reply in replies] == [
        ("Welcome.",),
        ("Which size?", "We have small."),
        ("Over.",),
        ("Over.",),
    ]
    assert [reply.fallback for reply in replies] == [None, None, True, True]


async def test_a_recording_may_be_json_and_two_conversations_do_not_share_it(tmp_path: Path) -> None:
    (tmp_path / "talk.json").write_bytes(orjson.dumps(AS_JSON))
    for _ in range(2):
        async with session("replay", {"file": "talk.json"}, profiles_dir=tmp_path) as talk:
            said = [(await talk.send("x")).messages for _ in range(3)]
            assert said == [("Which size?",), ("Done.",), ("This is where the recording ends.",)]


@pytest.mark.parametrize(
    ("content", "file", "said"),
    [
        (b"", "missing.yml", "No such file"),
        (b"", "../talk.yml", "outside the profiles directory"),
        (b"- just: a list\n", "talk.yml", "no recorded conversation"),
        (b"{", "talk.json", "no JSON list of messages"),
        (b'[{"role": "robot", "content": "x"}]', "talk.json", "no JSON list of messages"),
        (b'[{"role": "user", "content": "x"}]', "talk.json", "answers nothing"),
        (b" " * 1_000_001, "talk.json", "larger than 1 MB"),
    ],
)
def test_a_file_that_is_no_recording_is_told(content: bytes, file: str, said: str, tmp_path: Path) -> None:
    if not file.startswith(("missing", "..")):
        (tmp_path / file).write_bytes(content)

    [problem] = connector("replay", tmp_path).check({"file": file})

    assert said in problem


LIVE = """
heard = []
def answer(message, history):
    heard.append(message)
    return f"live {len(history)}: {message}"
"""


async def test_another_assistant_goes_on_where_the_recording_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "talk.json").write_bytes(orjson.dumps(AS_JSON))
    (tmp_path / "goes_on_live.py").write_text(LIVE)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    then = {"connector": "python_callable", "callable": "goes_on_live:answer"}

    async with session("replay", {"file": "talk.json", "turns": 1, "then": then}, profiles_dir=tmp_path) as talk:
        said = [(await talk.send(text)).messages for text in ("one pizza", "a small one", "thanks")]

    assert said == [("Which size?",), ("live 3: a small one",), ("live 5: thanks",)]
    assert sys.modules["goes_on_live"].heard == ["one pizza", "a small one", "thanks"]


async def test_an_assistant_that_is_sent_the_whole_talk_goes_on_with_the_recorded_answers(tmp_path: Path) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({"text": "Live!"})

    (tmp_path / "talk.json").write_bytes(orjson.dumps(AS_JSON))
    async with server({"/chat": answer}) as there:
        then = {
            "connector": "http_json",
            "url": f"{there.url}/chat",
            "body": {"all": "{history}"},
            "reply": {"messages": "$.text"},
        }
        async with session("replay", {"file": "talk.json", "turns": 1, "then": then}, profiles_dir=tmp_path) as talk:
            said = [(await talk.send(text)).messages for text in ("one pizza", "a small one")]

    assert said == [("Which size?",), ("Live!",)]
    assert [[line["content"] for line in body["all"]] for _, body in there.asked] == [
        ["one pizza", "Which size?", "a small one"]
    ]


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ({"connector": "replay", "file": "talk.json"}, "must name who goes on"),
        ({"connector": "no-such"}, "must name who goes on"),
        ({}, "must name who goes on"),
        ({"connector": "rasa", "url": "nowhere"}, "`then`: `url`"),
    ],
)
def test_who_goes_on_must_be_an_assistant_that_can_be_used(then: dict[str, Any], said: str, tmp_path: Path) -> None:
    (tmp_path / "talk.json").write_bytes(orjson.dumps(AS_JSON))

    problems = connector("replay", tmp_path).check({"file": "talk.json", "then": then})

    assert any(said in problem for problem in problems)


def test_the_models_of_whoever_goes_on_are_ours_to_pay() -> None:
    then = {"connector": "openai_chat", "model": "gpt-x"}

    assert list(CONNECTORS["replay"].models({"file": "f", "then": then})) == ["gpt-x"]
    assert list(CONNECTORS["replay"].models({"file": "f"})) == []


# --- all of them -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CONNECTORS)
async def test_every_connector_refuses_what_it_does_not_know_and_never_opens_with_it(kind: str) -> None:
    one = connector(kind)
    variant = Variant(assistant="a", name="v", connector=kind, config={"no_such_field": 1}, hash="h")

    assert one.check(variant.config)
    with pytest.raises(AssistantError, match="a@v"):
        await one.open(variant, seed="1")
