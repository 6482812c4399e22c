"""Attempts of one call: which failures are tried again, when, how often, and what they are billed."""

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from jobs.budget import Budget
from jobs.chat_model import (
    ChatReply,
    ChatRequest,
    Endpoint,
    Gate,
    GateLimits,
    PricedChatModel,
    Provider,
    RetryPolicy,
    UnusableReply,
    Usage,
)
from jobs.chat_model.retry import wait_before_retry
from jobs.errors import BudgetExhausted, ConfigurationError, ModelError, ModelFault
from jobs.pricing import Override, Prices

REQUEST = ChatRequest(model="tiny", messages=({"role": "user", "content": "hello"},), role="simulator", max_tokens=100)
REPLY = ChatReply(
    text="hi", model="tiny", message={"role": "assistant", "content": "hi"}, usage=Usage(input=10, output=2)
)
PRICES = Prices({"tiny": Override(input=1000.0, output=10_000.0)})


class SkippingClock:
    """Nobody waits: a sleep moves the clock, and is remembered."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2030, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)


class ScriptedAdapter:
    """Gives its results in order; an error is raised."""

    def __init__(self, clock: SkippingClock, results: Sequence[ChatReply | ModelError], takes_s: float = 0.1) -> None:
        self.results = list(results)
        self.deadlines: list[float] = []
        self._clock = clock
        self._takes_s = takes_s

    async def complete(self, request: ChatRequest, *, deadline_s: float) -> ChatReply:
        self.deadlines.append(deadline_s)
        self._clock.time += self._takes_s
        result = self.results.pop(0)
        if isinstance(result, ModelError):
            raise result
        return result

    async def close(self) -> None: ...


def failure(fault: ModelFault, *, permanent: bool = False, retry_after_s: float | None = None) -> ModelError:
    return ModelError(fault, permanent=permanent, retry_after_s=retry_after_s, fault=fault)


class Bench:
    """A priced model over a script, and everything around it that a test may want to look at."""

    def __init__(self, *results: ChatReply | ModelError, budget: Budget | None = None) -> None:
        self.clock = SkippingClock()
        self.adapter = ScriptedAdapter(self.clock, results)
        self.gate = Gate(GateLimits(concurrency=8), clock=self.clock)
        self.budget = budget or Budget(None)
        provider = Provider(self.adapter, self.gate, clock=self.clock, chance=random.Random(1))
        self.model = PricedChatModel(provider, line="run", budget=self.budget, prices=PRICES, clock=self.clock)

    async def ask(self, deadline_s: float = 60.0) -> ChatReply:
        return await self.model.complete(REQUEST, deadline_s=deadline_s)

    async def fault(self, deadline_s: float = 60.0) -> ModelError:
        with pytest.raises(ModelError) as caught:
            await self.ask(deadline_s)
        return caught.value


async def test_a_reply_comes_with_its_cost_and_its_latency() -> None:
    bench = Bench(REPLY)

    reply = await bench.ask()

    assert reply.cost_usd == pytest.approx(10 * 0.001 + 2 * 0.01)
    assert reply.latency_ms == pytest.approx(100)
    assert bench.budget.spent_usd == pytest.approx(0.03)


@pytest.mark.parametrize("fault", ["rate_limit", "server", "connection", "bad_reply", "timeout"])
async def test_a_passing_failure_is_tried_again(fault: ModelFault) -> None:
    bench = Bench(failure(fault), failure(fault), REPLY)

    assert (await bench.ask()).text == "hi"
    assert len(bench.clock.slept) == 2
    assert bench.gate.state.in_flight == 0


@pytest.mark.parametrize("fault", ["auth", "quota", "not_found", "bad_request", "too_large"])
async def test_a_lasting_failure_is_not_tried_again(fault: ModelFault) -> None:
    bench = Bench(failure(fault, permanent=True), REPLY)

    assert (await bench.fault()).fault == fault
    assert bench.adapter.results == [REPLY]
    assert bench.gate.state.in_flight == 0


async def test_attempts_are_counted() -> None:
    bench = Bench(*(failure("server") for _ in range(9)))

    assert (await bench.fault()).fault == "server"
    assert len(bench.adapter.deadlines) == RetryPolicy().attempts


async def test_every_attempt_has_only_what_is_left_of_the_deadline() -> None:
    bench = Bench(failure("server"), failure("server"), REPLY)

    await bench.ask(deadline_s=10)

    first, second, third = bench.adapter.deadlines
    assert first == 10
    assert second == pytest.approx(10 - 0.1 - bench.clock.slept[0])
    assert third == pytest.approx(10 - 0.2 - sum(bench.clock.slept))


async def test_a_provider_that_asks_for_a_wait_is_not_called_earlier_by_anybody() -> None:
    bench = Bench(failure("rate_limit", retry_after_s=5), REPLY, REPLY)

    await bench.ask()
    await bench.ask()

    assert 5 <= bench.clock.slept[0] <= 5.25
    assert bench.gate.state.allowed < 8


async def test_a_wait_that_does_not_fit_in_the_deadline_is_not_begun() -> None:
    bench = Bench(failure("rate_limit", retry_after_s=30), REPLY)

    error = await bench.fault(deadline_s=10)

    assert error.retry_after_s == 30
    assert bench.clock.slept == []


async def test_what_unusable_answers_cost_is_part_of_the_bill() -> None:
    unusable = UnusableReply("empty", permanent=False, fault="empty", usage=Usage(input=10, output=1))
    bench = Bench(unusable, REPLY)

    reply = await bench.ask()

    assert reply.usage == Usage(input=20, output=3)
    assert reply.cost_usd == pytest.approx(20 * 0.001 + 3 * 0.01)


async def test_a_call_that_fails_for_good_is_settled_by_what_it_was_billed() -> None:
    unusable = UnusableReply("refused", permanent=True, fault="refused", usage=Usage(input=10, output=1))
    bench = Bench(unusable, budget=Budget(10.0))

    await bench.fault()

    assert bench.budget.spent_usd == pytest.approx(0.02)
    assert bench.budget.own.reserved_usd == 0


async def test_a_cancelled_call_gives_back_its_place_and_its_money() -> None:
    bench = Bench(budget=Budget(10.0))
    started = asyncio.Event()

    async def hang(request: ChatRequest, *, deadline_s: float) -> ChatReply:
        started.set()
        await asyncio.Event().wait()
        return REPLY

    bench.adapter.complete = hang  # the double is ours to bend
    call = asyncio.ensure_future(bench.ask())
    await started.wait()
    assert bench.budget.own.reserved_usd > 0

    call.cancel()
    await asyncio.gather(call, return_exceptions=True)

    assert bench.gate.state.in_flight == 0
    assert bench.budget.own.reserved_usd == bench.budget.spent_usd == 0


async def test_a_budget_refuses_the_call_that_it_does_not_cover_before_it_is_made() -> None:
    bench = Bench(REPLY, budget=Budget(1.0))  # 100 tokens of output alone cost a dollar

    with pytest.raises(BudgetExhausted, match="the run's budget of"):
        await bench.ask()

    assert bench.adapter.deadlines == []


async def test_usage_that_a_provider_does_not_tell_is_an_unknown_cost_and_not_a_free_call() -> None:
    silent = ChatReply(text="hi", model="tiny", message=REPLY.message, usage=None)
    bench = Bench(silent, budget=Budget(10.0))

    reply = await bench.ask()

    assert reply.cost_usd is None
    assert bench.budget.spent_usd > 1.0  # the most it can have cost


def test_waits_grow_and_are_spread() -> None:
    chance = random.Random(3)
    waits = [
        wait_before_retry(
            failure("server"), failed=failed, remaining_s=99, policy=RetryPolicy(attempts=9), chance=chance
        )
        for failed in range(1, 9)
    ]
    assert all(wait is not None and wait <= 8 for wait in waits)
    assert len(set(waits)) == len(waits)
    assert (waits[0] or 0) < (waits[7] or 0)


def test_an_endpoint_elsewhere_cannot_be_built_while_real_models_are_forbidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CONVOTEST_FORBID_REAL_MODELS", "1")
    Endpoint(base_url="http://127.0.0.1:9/v1")
    for url in ("https://api.openai.com/v1", "http://127.0.0.1.example.com/v1", "http://10.0.0.1/v1"):
        with pytest.raises(ConfigurationError, match="no call was made"):
            Endpoint(base_url=url)

    monkeypatch.delenv("CONVOTEST_FORBID_REAL_MODELS")
    assert Endpoint(base_url="https://api.openai.com/v1/").url == "https://api.openai.com/v1/chat/completions"


@pytest.mark.parametrize("url", ["", "api.openai.com", "ftp://127.0.0.1", "http://u:p@127.0.0.1/", "http://[::1"])
def test_a_url_that_cannot_be_used_is_refused_with_a_reason(url: str) -> None:
    with pytest.raises(ConfigurationError, match="base URL"):
        Endpoint(base_url=url)


def test_an_endpoint_does_not_show_its_key() -> None:
    assert "sk-secret" not in repr(Endpoint(base_url="http://127.0.0.1/v1", api_key="sk-secret"))
