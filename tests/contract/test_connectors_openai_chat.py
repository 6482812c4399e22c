"""The connector for assistants that are a chat model, against a provider on this machine."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from jobs.assistants import CONNECTORS, ConnectorPorts
from jobs.assistants.openai_chat import OPENING, OpenAIChatConnector
from jobs.chat_model import Providers, RetryPolicy
from jobs.chat_model.loopback import Answer, Answerer, Call, Fault, LoopbackProvider, echo
from jobs.clock import SystemClock
from jobs.errors import AssistantError, AssistantTimeout, BudgetExhausted
from jobs.model import Limits, RunId, Turn, Variant
from jobs.ports import AssistantSession, RecallingSession
from jobs.pricing import Override, Prices
from jobs.run_models import ConversationModels, ModelPool
from jobs.settings import Settings, shipped_profiles

ENVIRONMENT = {"SHOP_KEY": "sk-of-the-shop-123456"}
FIND_ORDER: Mapping[str, Any] = {
    "name": "find_order",
    "description": "Finds an order.",
    "parameters": {
        "type": "object",
        "properties": {"id": {"type": "string"}, "exact": {"type": "boolean"}},
        "required": ["id"],
    },
    "cases": [
        {"when": {"id": "A1"}, "result": {"state": "on its way"}},
        {"when": {"id": "B2"}, "error": "the database is down"},
    ],
    "result": "no such order",
}


class Shop:
    """The connector before a provider, with the books of one conversation."""

    def __init__(self, server: LoopbackProvider, models: ConversationModels) -> None:
        self.server = server
        self.models = models

    async def open(self, *, timeout_s: float = 5.0, **config: Any) -> AssistantSession:
        variant = Variant(
            assistant="shop",
            name="v1",
            connector="openai_chat",
            config={"model": "shop-model", **config},
            hash="h",
            limits=Limits(timeout_s=timeout_s),
        )
        return await connector().open(variant, seed="1", models=self.models)

    @property
    def sent(self) -> list[Mapping[str, Any]]:
        return [call.body for call in self.server.requests]


def connector() -> OpenAIChatConnector:
    return OpenAIChatConnector(
        ConnectorPorts(clock=SystemClock(), profiles_dir=shipped_profiles(), environment=ENVIRONMENT)
    )


@asynccontextmanager
async def shop(answer: Answerer = echo, **settings: Any) -> AsyncGenerator[Shop]:
    async with LoopbackProvider(answer) as server:
        policy = RetryPolicy(attempts=2, first_wait_s=0.002, longest_wait_s=0.004)
        providers = Providers(client="lean", clock=SystemClock(), policy=policy)
        chosen = Settings(openai_base_url=server.base_url, openai_api_key=SecretStr("sk-of-the-tester-1"), **settings)
        prices = Prices({"shop-model": Override(input=10.0, output=100.0)})
        pool = ModelPool(chosen, providers=providers, prices=prices, clock=SystemClock())
        try:
            yield Shop(server, pool.of_run(RunId("r1")).conversation())
        finally:
            await pool.aclose()


def tools_then(text: str, *rounds: tuple[tuple[str, str], ...]) -> Answerer:
    """Asks for the tools of each round, then says the text."""
    left = list(rounds)
    return lambda call: Answer(tool_calls=left.pop(0)) if left else text


# --- what is sent ----------------------------------------------------------------------------------------------------


async def test_the_configuration_is_what_the_model_gets() -> None:
    async with shop() as bench:
        talk = await bench.open(
            system_prompt="You sell {pizza}. %s",
            temperature=0.2,
            max_tokens=50,
            examples=[{"user": "Open?", "assistant": "Until ten."}],
            templates={"fallback": "Sorry, what?"},
            tools=[FIND_ORDER],
        )
        reply = await talk.send("hello")
        await talk.send("again")
    first, second = bench.sent

    assert reply.messages == ("You said: hello",)
    assert (first["model"], first["temperature"], first["max_tokens"]) == ("shop-model", 0.2, 50)
    system, question, answer, user = first["messages"]
    assert system["content"] == "You sell {pizza}. %s\n\nUse these wordings where they fit:\n- fallback: Sorry, what?"
    assert [each["content"] for each in (question, answer, user)] == ["Open?", "Until ten.", "hello"]
    assert first["tools"][0]["function"]["name"] == "find_order"
    assert [each["content"] for each in second["messages"][3:]] == ["hello", "You said: hello", "again"]


async def test_a_reply_says_what_it_took() -> None:
    async with shop() as bench:
        reply = await (await bench.open()).send("hello")
        books = bench.server.ledger
        cost = (books.input_tokens * 10 + books.output_tokens * 100) / 1e6

    assert (reply.tokens.input, reply.tokens.output) == (books.input_tokens, books.output_tokens)
    assert reply.cost_usd == pytest.approx(cost)
    assert reply.latency_ms is not None
    assert bench.models.spent() == (reply.tokens, pytest.approx(cost))


async def test_a_greeting_is_a_template_or_asked_for() -> None:
    async with shop() as bench:
        written = await (await bench.open(templates={"greeting": "Welcome!"})).greet()
        asked = await (await bench.open()).greet()

    assert written.messages == ("Welcome!",)
    assert asked.messages == (f"You said: {OPENING}",)
    assert len(bench.sent) == 1


async def test_a_key_and_address_of_its_own_go_to_that_address_only() -> None:
    async with shop() as bench, LoopbackProvider() as elsewhere:
        await (await bench.open(base_url=elsewhere.base_url, api_key="env:SHOP_KEY")).send("a")
        await (await bench.open(base_url=elsewhere.base_url)).send("b")
        await (await bench.open(api_key="env:SHOP_KEY")).send("c")
        await (await bench.open()).send("d")

    def keys(server: LoopbackProvider) -> list[str]:
        return [call.headers.get("Authorization", "none") for call in server.requests]

    assert keys(elsewhere) == ["Bearer sk-of-the-shop-123456", "none"]
    assert keys(bench.server) == ["Bearer sk-of-the-shop-123456", "Bearer sk-of-the-tester-1"]


# --- tools -----------------------------------------------------------------------------------------------------------


async def test_a_tool_gives_its_scripted_result_and_is_reported() -> None:
    async with shop(tools_then("It is on its way.", (("find_order", '{"id": "a1"}'),))) as bench:
        talk = await bench.open(tools=[FIND_ORDER])
        reply = await talk.send("Where is my order?")
        await talk.send("Thanks")
        books = bench.server.ledger
    _, second, third = bench.sent

    assert reply.messages == ("It is on its way.",)
    assert [(call.name, call.arguments, call.ok) for call in reply.tool_calls] == [("find_order", {"id": "a1"}, True)]
    assert reply.tokens.input < books.input_tokens  # the next turn is not in it
    assert second["messages"][-1] == {"role": "tool", "content": '{"state":"on its way"}', "tool_call_id": "call_0"}
    assert [each["role"] for each in third["messages"]] == ["user", "assistant", "tool", "assistant", "user"]


@pytest.mark.parametrize(
    ("name", "arguments", "ok", "error", "content"),
    [
        ("find_order", '{"id": "A1"}', True, None, "on its way"),
        ("find_order", '{"id": "C3"}', True, None, "no such order"),
        ("find_order", '{"id": "B2"}', False, "the database is down", "the database is down"),
        ("find_order", "{}", False, "the arguments lacks 'id'", "lacks"),
        ("find_order", '{"id": 7}', False, "the arguments.id is not of type string", "type"),
        ("find_order", '{"id": "A', False, "the arguments are not valid JSON", "JSON"),
        ("delete_all", "{}", False, "there is no tool of that name", "no tool"),
    ],
)
async def test_what_came_of_a_tool_is_told_to_the_model_and_to_us(
    name: str, arguments: str, ok: bool, error: str | None, content: str
) -> None:
    async with shop(tools_then("Done.", ((name, arguments),))) as bench:
        reply = await (await bench.open(tools=[FIND_ORDER])).send("hello")

    [call] = reply.tool_calls
    assert (call.name, call.ok, call.error) == (name, ok, error)
    assert content in str(bench.sent[-1]["messages"][-1]["content"])


async def test_several_tools_and_rounds_are_one_turn() -> None:
    a1 = ("find_order", '{"id": "A1"}')
    async with shop(tools_then("Done.", (a1, a1), (a1,))) as bench:
        reply = await (await bench.open(tools=[FIND_ORDER])).send("hello")
        books = bench.server.ledger

    assert len(reply.tool_calls) == 3
    assert reply.tokens.input == books.input_tokens
    assert books.calls == 3


async def test_an_assistant_that_only_asks_for_tools_is_stopped() -> None:
    async with shop(lambda call: Answer(tool_calls=(("find_order", '{"id": "A1"}'),))) as bench:
        talk = await bench.open(tools=[FIND_ORDER], most_tool_rounds=3)
        with pytest.raises(AssistantError, match="4 times in a row and never answered") as caught:
            await talk.send("hello")

    assert caught.value.permanent
    assert bench.server.ledger.calls == 4


# --- faults ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("rate_limit", "slower pace"),
        ("quota", "quota or credit"),
        ("auth", "does not accept the API key"),
        ("not_found", "does not know this address or model"),
        ("bad_request", "does not accept the request"),
        ("server", "problem of its own"),
        ("html", "a web page"),
        ("broken_json", "not JSON"),
        ("no_choices", "without any choice"),
        ("null_choices", "without any choice"),
        ("cut", "connection"),
        ("cut_in_body", "connection"),
        ("redirect", "redirect"),
        ("too_large", "more than"),
    ],
)
async def test_a_fault_of_the_provider_is_a_final_error_of_the_assistant(fault: Fault, said: str) -> None:
    """The provider was asked again already, where that can help: the runner must not multiply its attempts."""
    async with shop(lambda call: Answer(fault=fault)) as bench:
        talk = await bench.open()
        with pytest.raises(AssistantError, match=said) as caught:
            await talk.send("hello")

    assert caught.value.permanent
    assert bench.server.ledger.calls <= 2
    assert "sk-of" not in str(caught.value)
    assert str(caught.value).startswith("the assistant's model failed: ")


@pytest.mark.parametrize("fault", ["hang", "drip"])
async def test_a_silent_provider_is_a_timeout_within_its_time(fault: Fault) -> None:
    async with shop(lambda call: Answer(fault=fault)) as bench:
        with pytest.raises(AssistantTimeout, match=r"did not answer within 0\.2 s"):
            await (await bench.open(timeout_s=0.2)).send("hello")


async def test_tools_cannot_stretch_a_turn_beyond_its_time() -> None:
    def slow(call: Call) -> Answer:
        return Answer(tool_calls=(("find_order", '{"id": "A1"}'),))

    async with LoopbackProvider(slow, delay_s=0.15) as server, shop() as bench:
        talk = await bench.open(base_url=server.base_url, tools=[FIND_ORDER], timeout_s=0.4, most_tool_rounds=20)
        with pytest.raises(AssistantTimeout):
            await talk.send("hello")

    assert server.ledger.calls <= 3


async def test_an_empty_answer_is_an_answer_that_says_nothing() -> None:
    async with shop(lambda call: Answer(fault="empty_text")) as bench:
        reply = await (await bench.open()).send("hello")

    assert reply.messages == ("",)
    assert bench.server.ledger.calls == 1
    assert bench.models.spent()[0].input == bench.server.ledger.input_tokens


async def test_a_failed_turn_leaves_nothing_in_the_history() -> None:
    left = [Answer(fault="bad_request"), "Hi", "Bye"]
    async with shop(lambda call: left.pop(0)) as bench:
        talk = await bench.open()
        with pytest.raises(AssistantError):
            await talk.send("hello")
        await talk.send("hello")
        await talk.send("bye")

    assert [each["content"] for each in bench.sent[-1]["messages"]] == ["hello", "Hi", "bye"]


async def test_an_exhausted_budget_is_not_the_assistants_error() -> None:
    async with shop(convotest_budget_usd=0.0) as bench:
        talk = await bench.open()
        with pytest.raises(BudgetExhausted):
            await talk.send("hello")

    assert bench.server.ledger.calls == 0


# --- configurations --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": None}, "`model`"),
        ({"modle": "x"}, "`modle` is not known"),
        ({"temperature": 3}, "`temperature`"),
        ({"api_key": "sk-123456789"}, "`api_key`"),
        ({"api_key": "env:NOT_SET_ANYWHERE"}, "NOT_SET_ANYWHERE is not set"),
        ({"base_url": "ftp://x"}, "must begin with https://"),
        ({"tools": [FIND_ORDER, FIND_ORDER]}, "several of the same name"),
        ({"tools": [{**FIND_ORDER, "name": "find order"}]}, "`tools.0.name`"),
        ({"tools": [{**FIND_ORDER, "parameters": {"type": "list"}}]}, "outermost `type`"),
        ({"tools": [{"name": "x", "parameters": {"type": "object", "properties": {"a": {"type": "text"}}}}]}, "'text'"),
        ({"examples": [{"user": "hi"}]}, "`examples.0.assistant` is missing"),
    ],
)
def test_what_is_wrong_with_a_configuration_is_said_in_a_sentence(change: Mapping[str, Any], said: str) -> None:
    [problem] = connector().check({"model": "shop-model", **change})

    assert said in problem
    assert "sk-123456789" not in problem


def test_a_real_provider_cannot_be_named_in_tests() -> None:
    [problem] = connector().check({"model": "m", "base_url": "https://api.openai.com/v1"})

    assert "CONVOTEST_FORBID_REAL_MODELS" in problem


def test_its_model_is_paid_by_us() -> None:
    assert CONNECTORS["openai_chat"].models({"model": "m"}) == ("m",)
    assert CONNECTORS["http_json"].models({"url": "x"}) == ()


async def test_a_session_that_was_lost_goes_on_with_what_was_said() -> None:
    async with shop() as at_the_shop:
        session = await at_the_shop.open(system_prompt="You sell pizza.")
        before = [Turn(speaker="user", text="a large one"), Turn(speaker="assistant", text="With what?")]
        assert isinstance(session, RecallingSession)
        assert await session.recall(before)
        await session.send("mushrooms")

        assert [(each["role"], each["content"]) for each in at_the_shop.sent[0]["messages"]] == [
            ("system", "You sell pizza."),
            ("user", "a large one"),
            ("assistant", "With what?"),
            ("user", "mushrooms"),
        ]
