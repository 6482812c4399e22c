"""What conversations of a run share when they call models: the budget, the books, and the reason to stop."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from jobs.chat_model import ChatRequest, Providers, RetryPolicy
from jobs.chat_model.loopback import Answer, Answerer, LoopbackProvider, echo
from jobs.chat_model.port import Caller
from jobs.clock import SystemClock
from jobs.errors import AssistantTimeout, BudgetExhausted, ConfigurationError, ModelError
from jobs.model import Limits, RunId, Scenario, Tokens, Turn
from jobs.ports import Reply, Utterance
from jobs.pricing import Override, Prices
from jobs.run_models import ModelPool
from jobs.settings import Settings
from jobs.simulate.conversation import converse
from jobs.testing import MovableClock


def ask(role: Caller = "simulator") -> ChatRequest:
    return ChatRequest(model="tiny", messages=({"role": "user", "content": "hello"},), role=role, max_tokens=100)


@asynccontextmanager
async def pool(answer: Answerer = echo, **settings: Any) -> AsyncGenerator[tuple[ModelPool, LoopbackProvider]]:
    async with LoopbackProvider(answer) as server:
        providers = Providers(client="lean", clock=SystemClock(), policy=RetryPolicy(attempts=1))
        chosen = Settings(openai_base_url=server.base_url, **settings)
        models = ModelPool(
            chosen,
            providers=providers,
            prices=Prices({"tiny": Override(input=10.0, output=100.0)}),
            clock=SystemClock(),
        )
        try:
            yield models, server
        finally:
            await models.aclose()


def usd(server: LoopbackProvider) -> float:
    return (server.ledger.input_tokens * 10 + server.ledger.output_tokens * 100) / 1e6


async def test_shards_of_a_run_share_one_budget_and_runs_do_not() -> None:
    async with pool() as (models, _):
        first, second, other = models.of_run(RunId("a")), models.of_run(RunId("a")), models.of_run(RunId("b"))

        assert first is second
        assert first is not other
        assert models.plays(RunId("a"))
        del first, second
        assert not models.plays(RunId("a"))


async def test_each_conversation_has_its_own_books() -> None:
    async with pool() as (models, server):
        run = models.of_run(RunId("a"))
        one, two = run.conversation(), run.conversation()
        for books in (one, one, two):
            await books.model().complete(ask(), deadline_s=5)
        (tokens, cost), (_, other) = one.spent(), two.spent()

        assert tokens.input == 2 * server.ledger.input_tokens // 3
        assert cost == pytest.approx(2 * usd(server) / 3)
        assert other == pytest.approx(usd(server) / 3)
        assert run.pot.spent_usd == pytest.approx(usd(server))


async def test_an_answer_that_is_none_was_billed_all_the_same() -> None:
    async with pool(lambda call: Answer(fault="no_choices", text="lost")) as (models, server):
        books = models.of_run(RunId("a")).conversation()
        with pytest.raises(ModelError):
            await books.model().complete(ask(), deadline_s=5)

        assert books.spent() == (
            Tokens(input=server.ledger.input_tokens, output=server.ledger.output_tokens),
            pytest.approx(usd(server)),
        )


async def test_what_an_assistant_says_about_its_own_cost_is_added_once() -> None:
    turns = (Turn(speaker="assistant", text="hi", tokens=Tokens(input=7, output=3), cost_usd=0.5),)
    async with pool() as (models, _):
        run = models.of_run(RunId("a"))
        own, ours = run.conversation(), run.conversation()
        await ours.model().complete(ask("assistant"), deadline_s=5)

        assert own.spent(turns) == (Tokens(input=7, output=3), 0.5)
        assert ours.spent(turns) == ours.spent()
        assert own.spent((Turn(speaker="assistant", text="hi", cost_usd=None),))[1] is None


@pytest.mark.parametrize("fault", ["auth", "quota", "not_found"])
async def test_a_hopeless_fault_stops_the_run_and_is_not_met_twice_by_the_same_role(fault: Any) -> None:
    async with pool(lambda call: Answer(fault=fault)) as (models, server):
        run = models.of_run(RunId("a"))
        for _ in range(3):
            with pytest.raises(ModelError) as caught:
                await run.conversation().model().complete(ask(), deadline_s=5)
            assert caught.value.fault == fault

        assert server.ledger.calls == 1
        assert run.stopped is not None
        assert run.stopped.ended_by == "harness_error"
        assert run.stopped.reason.startswith("the user simulator's model failed: ")
        with pytest.raises(ModelError):
            await run.conversation().model().complete(ask("judge"), deadline_s=5)
        assert server.ledger.calls == 2
        assert run.stopped.role == "simulator"  # the first reason stays


@pytest.mark.parametrize("fault", ["server", "rate_limit", "html", "bad_request"])
async def test_a_fault_of_one_call_does_not_stop_the_run(fault: Any) -> None:
    async with pool(lambda call: Answer(fault=fault)) as (models, _):
        run = models.of_run(RunId("a"))
        with pytest.raises(ModelError):
            await run.conversation().model().complete(ask(), deadline_s=5)

        assert run.stopped is None


async def test_an_exhausted_budget_stops_the_run() -> None:
    async with pool(convotest_budget_usd=0.02) as (models, server):
        run = models.of_run(RunId("a"), spent_usd=0.015)
        with pytest.raises(BudgetExhausted):
            await run.conversation().model().complete(ask(), deadline_s=5)

        assert server.ledger.calls == 0
        assert run.stopped is not None
        assert run.stopped.ended_by == "budget"


async def test_the_pace_of_an_assistant_holds_for_a_customer_on_the_same_key() -> None:
    async with pool() as (models, _):
        books = models.of_run(RunId("a")).conversation()
        customer = books.model()
        assistant = books.model(limits=Limits(per_minute=60))
        await asyncio.gather(*(side.complete(ask(), deadline_s=5) for side in (customer, assistant) * 3))
        seventh = asyncio.ensure_future(customer.complete(ask(), deadline_s=5))
        eighth = asyncio.ensure_future(customer.complete(ask(), deadline_s=5))
        await asyncio.wait([seventh, eighth], timeout=0.3)
        waiting = eighth.done()
        eighth.cancel()
        await asyncio.gather(seventh, eighth, return_exceptions=True)

        assert not waiting


def test_an_address_that_cannot_be_used_is_said_when_it_is_needed() -> None:
    clock = SystemClock()
    models = ModelPool(
        Settings(openai_base_url="ftp://nowhere"),
        providers=Providers(client="lean", clock=clock),
        prices=Prices(),
        clock=clock,
    )

    assert models.configured
    with pytest.raises(ConfigurationError, match="base URL"):
        models.endpoint()


# --- in the turn loop ------------------------------------------------------------------------------------------------


class Party:
    """Both sides of a talk: a customer with a canary, and an assistant that does as told."""

    def __init__(self, reply: Reply | Exception, *texts: str) -> None:
        self.reply = reply
        self.texts = list(texts)
        self.heard: list[str] = []

    async def speak(self, turns: Any) -> Utterance:
        return Utterance(text=self.texts.pop(0), ends=True, canary="c0ffee123456")

    async def send(self, text: str) -> Reply:
        self.heard.append(text)
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply

    async def talk(self) -> Any:
        async def on_turn(position: int, turn: Turn) -> None:
            return

        scenario = Scenario(profile="p", number=1, seed=1, goals=())
        return await converse(
            scenario,
            self,  # type: ignore[arg-type]  # only what the loop uses  # pyright: ignore[reportArgumentType]
            self,  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
            clock=MovableClock(),
            answer_timeout_s=5,
            on_turn=on_turn,
        )


async def test_a_text_with_the_canary_never_reaches_the_assistant() -> None:
    party = Party(Reply(messages=("Hi.",)), "My code is C0FFEE-123456", "A pizza, please.")
    transcript = await party.talk()

    assert party.heard == ["A pizza, please."]
    assert transcript.ended_by == "goal_reached"


async def test_an_assistant_that_is_too_slow_by_its_own_clock_ends_by_timeout_at_once() -> None:
    party = Party(AssistantTimeout("it did not answer within 3 s", permanent=True), "A pizza, please.")
    transcript = await party.talk()

    assert (transcript.ended_by, transcript.error) == ("timeout", "it did not answer within 3 s")
    assert party.heard == ["A pizza, please."]


async def test_a_connectors_own_measure_of_time_goes_before_ours() -> None:
    transcript = await Party(Reply(messages=("Hi.",), latency_ms=123.0), "A pizza, please.").talk()

    assert transcript.turns[1].latency_ms == 123.0
