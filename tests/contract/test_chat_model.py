"""Both adapters against a provider on this machine: the same answers, the same faults, the same bills."""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, get_args

import aiohttp
import pytest

from jobs.budget import Budget
from jobs.chat_model import (
    STOPS_A_RUN,
    ChatClient,
    ChatReply,
    ChatRequest,
    Endpoint,
    GateLimits,
    PricedChatModel,
    Providers,
    RetryPolicy,
    Schema,
    Tool,
    Usage,
)
from jobs.chat_model.loopback import Answer, Answerer, Call, Fault, LoopbackProvider, echo
from jobs.clock import SystemClock
from jobs.errors import ModelError, ModelFault
from jobs.pricing import Override, Prices

KEY = "sk-proj-averysecretkeyindeed0123456789"
HELLO = ChatRequest(model="tiny", messages=({"role": "user", "content": "hello"},), role="simulator")
QUICK = RetryPolicy(attempts=3, first_wait_s=0.002, longest_wait_s=0.004)
ONCE = RetryPolicy(attempts=1)
PRICES = Prices({"tiny": Override(input=10.0, cached_input=1.0, output=100.0)})

VERDICT = Schema(
    name="verdict",
    json_schema={
        "type": "object",
        "properties": {"score": {"type": "integer", "minimum": 1, "maximum": 5}, "reason": {"type": "string"}},
        "required": ["score", "reason"],
        "additionalProperties": False,
    },
)


@pytest.fixture(params=get_args(ChatClient))
def client(request: pytest.FixtureRequest) -> ChatClient:
    return request.param


class Bench:
    """One adapter, its gate and its prices before a provider on this machine."""

    def __init__(self, server: LoopbackProvider, providers: Providers, limits: GateLimits, key: str | None) -> None:
        self.server = server
        self.budget = Budget(None)
        self.providers = providers
        self.provider = providers.provider(Endpoint(base_url=server.base_url, api_key=key), limits)

    def model(self, line: str = "run") -> PricedChatModel:
        return PricedChatModel(self.provider, line=line, budget=self.budget, prices=PRICES, clock=SystemClock())

    async def ask(self, request: ChatRequest = HELLO, deadline_s: float = 5.0) -> ChatReply:
        return await self.model().complete(request, deadline_s=deadline_s)

    async def failure(self, request: ChatRequest = HELLO, deadline_s: float = 5.0) -> ModelError:
        with pytest.raises(ModelError) as caught:
            await self.ask(request, deadline_s)
        return caught.value


@asynccontextmanager
async def bench(
    client: ChatClient,
    answer: Answerer = echo,
    *,
    policy: RetryPolicy = QUICK,
    concurrency: int = 50,
    key: str | None = KEY,
    **server: Any,
) -> AsyncGenerator[Bench]:
    async with LoopbackProvider(answer, **server) as provider:
        providers = Providers(client=client, clock=SystemClock(), policy=policy)
        try:
            yield Bench(provider, providers, GateLimits(concurrency=concurrency), key)
        finally:
            await providers.close()


def in_order(*answers: Answer | str) -> Answerer:
    """Those answers, then echoes."""
    left = list(answers)
    return lambda call: left.pop(0) if left else echo(call)


def always(fault: Fault, retry_after: str | None = None) -> Answerer:
    return lambda call: Answer(fault=fault, retry_after=retry_after, text="never seen")


# --- answers --------------------------------------------------------------------------------------------------------


async def test_a_text_comes_back_with_what_was_counted_and_what_it_cost(client: ChatClient) -> None:
    async with bench(client, cached_share=0.5) as provider:
        reply = await provider.ask(HELLO)
        ledger = provider.server.ledger

    assert reply.text == "You said: hello"
    assert (reply.model, reply.finish_reason) == ("tiny", "stop")
    assert reply.message == {"role": "assistant", "content": "You said: hello"}
    assert reply.usage == Usage(input=ledger.input_tokens, output=ledger.output_tokens, cached=ledger.cached_tokens)
    assert ledger.cached_tokens > 0
    fresh = ledger.input_tokens - ledger.cached_tokens
    expected = (fresh * 10 + ledger.cached_tokens * 1 + ledger.output_tokens * 100) / 1e6
    assert reply.cost_usd == pytest.approx(expected)
    assert provider.budget.spent_usd == pytest.approx(expected, abs=1e-8)


async def test_the_provider_is_sent_what_was_asked_for_and_nothing_that_was_left_open(client: ChatClient) -> None:
    tool = Tool(name="search", description="Searches", parameters={"type": "object", "properties": {}})
    full = ChatRequest(
        model="tiny", messages=HELLO.messages, role="judge", temperature=0.0, max_tokens=7, seed=3, tools=(tool,)
    )
    async with bench(client) as provider:
        await provider.ask(full)
        await provider.ask(HELLO)
        first, second = provider.server.requests

    assert first.headers["Authorization"] == f"Bearer {KEY}"
    assert {name: first.body[name] for name in ("temperature", "max_tokens", "seed")} == {
        "temperature": 0.0,
        "max_tokens": 7,
        "seed": 3,
    }
    assert first.body["tools"][0]["function"]["name"] == "search"
    assert set(second.body) == {"model", "messages"}


async def test_a_provider_without_a_key_gets_none(client: ChatClient) -> None:
    async with bench(client, key=None) as provider:
        await provider.ask()
        (call,) = provider.server.requests
    assert "Authorization" not in call.headers


@pytest.mark.parametrize("text", ['{"score": 4, "reason": "ok"}', '```json\n{"score": 4, "reason": "ok"}\n```'])
async def test_a_structured_answer_is_read_and_checked(client: ChatClient, text: str) -> None:
    request = ChatRequest(model="tiny", messages=HELLO.messages, role="judge", schema=VERDICT)
    async with bench(client, lambda call: text) as provider:
        reply = await provider.ask(request)
        (call,) = provider.server.requests

    assert reply.parsed == {"score": 4, "reason": "ok"}
    assert call.body["response_format"]["json_schema"]["schema"] == VERDICT.json_schema


@pytest.mark.parametrize(
    "text",
    [
        "score 5",
        "[]",
        "{}",
        '{"score": 9, "reason": ""}',
        '{"score": true, "reason": ""}',
        '{"score": 4.5, "reason": ""}',
        '{"score": 4, "reason": null}',
        '{"score": 4, "reason": "", "extra": 1}',
        'Sure! ```json\n{"score": 5, "reason": ""}\n```',
        '{"score": 5, "reason": ""} {"score": 1, "reason": ""}',
    ],
)
async def test_a_structured_answer_of_another_shape_is_a_bad_reply_and_is_billed(client: ChatClient, text: str) -> None:
    request = ChatRequest(model="tiny", messages=HELLO.messages, role="judge", schema=VERDICT)
    async with bench(client, lambda call: text, policy=ONCE) as provider:
        error = await provider.failure(request)

    assert error.fault == "bad_reply"
    assert "structured answer" in str(error)
    assert provider.budget.spent_usd > 0


async def test_tools_that_are_asked_for_are_read_and_go_into_the_history(client: ChatClient) -> None:
    wanted = Answer(tool_calls=[("search", '{"size": "L"}'), ("broken", "{size"), ("listed", "[1]"), ("bare", "")])
    async with bench(client, in_order(wanted)) as provider:
        reply = await provider.ask()
        messages = [*HELLO.messages, reply.message, {"role": "tool", "content": "3", "tool_call_id": "call_0"}]
        await provider.ask(ChatRequest(model="tiny", messages=messages, role="assistant"))  # type: ignore[arg-type]
        history = provider.server.requests[-1].messages

    assert [(call.name, dict(call.arguments), call.error) for call in reply.tool_calls] == [
        ("search", {"size": "L"}, None),
        ("broken", {}, "the arguments are not valid JSON"),
        ("listed", {}, "the arguments are not an object"),
        ("bare", {}, None),
    ]
    assert history[1]["tool_calls"][0]["function"] == {"name": "search", "arguments": '{"size": "L"}'}


# --- faults ---------------------------------------------------------------------------------------------------------

FAULTS: Sequence[tuple[Fault, ModelFault, bool]] = [
    ("rate_limit", "rate_limit", False),
    ("quota", "quota", True),
    ("auth", "auth", True),
    ("not_found", "not_found", True),
    ("bad_request", "bad_request", True),
    ("server", "server", False),
    ("hang", "timeout", False),
    ("drip", "timeout", False),
    ("html", "bad_reply", False),
    ("broken_json", "bad_reply", False),
    ("no_choices", "empty", False),
    ("null_choices", "empty", False),
    ("empty_text", "empty", False),
    ("cut", "connection", False),
    ("cut_in_body", "connection", False),
    ("redirect", "bad_reply", True),
    ("too_large", "too_large", True),
]


def test_every_fault_the_double_can_make_is_in_the_matrix() -> None:
    assert {fault for fault, _, _ in FAULTS} == set(get_args(Fault))


@pytest.mark.parametrize(("fault", "told", "permanent"), FAULTS)
async def test_each_fault_is_told_apart_within_its_deadline_and_leaves_others_alone(
    client: ChatClient, fault: Fault, told: ModelFault, permanent: bool
) -> None:
    def answer(call: Call) -> Answer | str:
        return Answer(fault=fault, text="x") if call.last == "hello" else echo(call)

    other = ChatRequest(model="tiny", messages=({"role": "user", "content": "bye"},), role="simulator")
    slow = fault in ("hang", "drip")
    async with bench(client, answer, policy=ONCE) as provider:
        await provider.ask(other)
        started = time.monotonic()
        error, reply = await asyncio.gather(provider.failure(deadline_s=0.06 if slow else 3.0), provider.ask(other))
        took_s = time.monotonic() - started

    assert (error.fault, error.permanent) == (told, permanent)
    assert took_s < 1.0
    assert reply.text == "You said: bye"
    assert KEY not in str(error)
    assert len(str(error)) < 450
    assert "\n" not in str(error)


@pytest.mark.parametrize(  # a call that hung has used up its deadline, and nothing is left for a second attempt
    ("fault", "told", "permanent"), [each for each in FAULTS if each[1] != "timeout"]
)
async def test_a_fault_that_passes_is_outlived_and_one_that_lasts_is_not_repeated(
    client: ChatClient, fault: Fault, told: ModelFault, permanent: bool
) -> None:
    async with bench(client, in_order(Answer(fault=fault, text="x"))) as provider:
        if permanent:
            assert (await provider.failure()).fault == told
            assert provider.server.ledger.calls == 1
        else:
            assert (await provider.ask()).text == "You said: hello"
            assert provider.server.ledger.calls == 2


async def test_nobody_listening_is_a_failed_connection(client: ChatClient) -> None:
    async with bench(client, policy=ONCE) as provider:
        await provider.server.stop()
        assert (await provider.failure()).fault == "connection"


async def test_text_that_no_provider_can_be_sent_is_a_bad_request(client: ChatClient) -> None:
    request = ChatRequest(model="tiny", messages=({"role": "user", "content": "half \ud83d"},), role="judge")
    async with bench(client) as provider:
        error = await provider.failure(request)
        assert provider.server.ledger.calls == 0
    assert (error.fault, error.permanent) == ("bad_request", True)


async def test_the_books_agree_with_the_providers_after_answers_that_were_no_use(client: ChatClient) -> None:
    faults = in_order(Answer(fault="empty_text"), Answer(fault="no_choices", text="x"))
    async with bench(client, faults) as provider:
        reply = await provider.ask()
        ledger = provider.server.ledger

    assert ledger.answered == 3
    assert reply.usage == Usage(input=ledger.input_tokens, output=ledger.output_tokens)


async def test_an_empty_answer_of_the_assistant_under_test_is_not_asked_for_again(client: ChatClient) -> None:
    request = ChatRequest(model="tiny", messages=HELLO.messages, role="assistant")
    async with bench(client, in_order(Answer(fault="empty_text"))) as provider:
        assert (await provider.failure(request)).fault == "empty"
        assert provider.server.ledger.calls == 1


async def test_a_key_is_never_echoed_not_even_in_part(client: ChatClient) -> None:
    async with bench(client, always("auth")) as provider:
        whole = str(await provider.failure())
    async with bench(client, always("auth"), key="abcdefgh-12****") as provider:
        part = str(await provider.failure())

    assert "does not accept the API key (HTTP 401)" in whole
    for text, secret in ((whole, "averysecret"), (part, "abcdefgh")):
        assert secret not in text


async def test_faults_that_would_meet_every_call_are_known_as_such() -> None:
    assert {"auth", "quota", "not_found"} == STOPS_A_RUN


@pytest.mark.parametrize("retry_after", ["30", "date"])
async def test_a_provider_that_asks_for_longer_than_there_is_time_is_not_waited_for(
    client: ChatClient, retry_after: str
) -> None:
    if retry_after == "date":
        retry_after = format_datetime(datetime.fromtimestamp(time.time() + 30, UTC), usegmt=True)
    async with bench(client, always("rate_limit", retry_after)) as provider:
        error = await provider.failure()
        calls, state = provider.server.ledger.calls, provider.provider.gate.state

    assert error.retry_after_s is not None
    assert 28 <= error.retry_after_s <= 30
    assert calls == 1
    assert state.paused_s > 25  # and nobody else goes there meanwhile


async def test_a_provider_that_bears_less_than_it_is_given_is_still_served_to_the_end(client: ChatClient) -> None:
    patient = RetryPolicy(attempts=10, first_wait_s=0.01, longest_wait_s=0.05)
    async with bench(client, policy=patient, concurrency=32, bears=4, delay_s=0.005) as provider:
        replies = await asyncio.gather(*(provider.ask() for _ in range(60)))
        ledger, state = provider.server.ledger, provider.provider.gate.state

    assert [reply.text for reply in replies] == ["You said: hello"] * 60
    assert state.allowed < 16
    assert ledger.answered == 60


async def test_the_gate_is_kept_by_several_runs_together(client: ChatClient) -> None:
    async with bench(client, concurrency=5, delay_s=0.002) as provider:
        models = [provider.model(f"run-{number}") for number in range(3)]
        calls = [model.complete(HELLO, deadline_s=5) for model in models for _ in range(20)]
        await asyncio.gather(*calls)
        ledger = provider.server.ledger

    assert ledger.calls == 60
    assert ledger.most_in_flight == 5


async def test_cancelled_calls_end_at_once_and_free_the_provider(client: ChatClient) -> None:
    three_arrived = asyncio.Event()

    def hang(call: Call) -> Answer:
        if call.number == 3:
            three_arrived.set()
        return Answer(fault="hang")

    async with bench(client, hang, concurrency=3) as provider:
        calls = [asyncio.ensure_future(provider.ask(deadline_s=60)) for _ in range(9)]
        await three_arrived.wait()
        started = time.monotonic()
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        took_s = time.monotonic() - started
        state = provider.provider.gate.state

    assert took_s < 0.5
    assert all(call.cancelled() for call in calls)
    assert state.in_flight == state.waiting == 0


async def test_the_same_endpoint_has_one_gate_and_another_key_another() -> None:
    async with bench("lean") as provider:
        url = provider.server.base_url
        same = provider.providers.provider(Endpoint(base_url=url, api_key=KEY), GateLimits(concurrency=1))
        other = provider.providers.provider(Endpoint(base_url=url, api_key="another"), GateLimits(concurrency=1))

    assert same is provider.provider
    assert other.gate is not same.gate
    assert len(provider.providers.gates) == 2


async def test_the_provider_runs_in_a_process_of_its_own_and_shows_its_books() -> None:
    command = ("-m", "jobs.chat_model.loopback", "--answer", "jobs.chat_model.loopback:echo")
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
    providers = Providers(client="lean", clock=SystemClock())
    try:
        assert process.stdout is not None
        base_url = (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()
        provider = providers.provider(Endpoint(base_url=base_url), GateLimits(concurrency=2))
        model = PricedChatModel(provider, line="run", budget=Budget(None), prices=PRICES, clock=SystemClock())
        reply = await model.complete(HELLO, deadline_s=5)
        async with aiohttp.ClientSession() as session, session.get(base_url.replace("/v1", "/ledger")) as response:
            ledger = await response.json()
    finally:
        process.terminate()
        await process.wait()
        await providers.close()

    assert reply.text == "You said: hello"
    assert (ledger["calls"], ledger["input_tokens"]) == (1, reply.tokens.input)


async def test_proxies_of_the_environment_are_not_used(client: ChatClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with bench(client, policy=ONCE) as provider:
        assert (await provider.ask()).text == "You said: hello"
