"""A whole run with models on both sides and as the judge, against a provider on this machine."""

import json
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs.assistants.catalogue import Assistant, Catalogue
from jobs.bundle import Ports
from jobs.chat_model import Providers
from jobs.chat_model.loopback import Answer, Answerer, Call, LoopbackProvider
from jobs.clock import SystemClock
from jobs.dispatcher import Dispatcher
from jobs.errors import ConfigurationError, RequestError
from jobs.model import Limits, Run, RunRequest, Variant
from jobs.planning import plan_run
from jobs.pricing import Override, Prices
from jobs.report import RunReport, exit_code
from jobs.report.as_json import to_json
from jobs.run_models import ModelPool
from jobs.runs import find_run, follow_run, run_report, start_run
from jobs.settings import Settings
from jobs.simulate.run import play_shard
from jobs.slots import Slots
from jobs.testing import InlineEngine, testing_ports

REQUEST = RunRequest(target="pizza", assistant="shop", n=3, seed=7)
PRICE = Override(input=10.0, output=100.0)
MODELS = ("customer-model", "shop-model", "judge-model")
READ_BACK = "So you would like: {order} The total is $14.50 and it is ready in 30 minutes. Is that right?"


def catalogue(directory: Path, **config: Any) -> Catalogue:
    variant = Variant(
        assistant="shop",
        name="v1",
        connector="openai_chat",
        config={"model": "shop-model", "system_prompt": "You sell pizza.", **config},
        hash="h1",
        limits=Limits(timeout_s=5),
    )
    shop = Assistant(
        name="shop", connector="openai_chat", default="v1", profiles=(), workspaces=None, variants={"v1": variant}
    )
    return Catalogue(path=directory / "assistants.yaml", assistants=(shop,))


def answer(call: Call) -> Answer | str:
    """Plays whoever is asked: a customer who wants what its list says, a shop that reads it back, a kind judge."""
    match call.model:
        case "customer-model":
            return customer(call)
        case "shop-model":
            return READ_BACK.replace("{order}", call.last) if "pizza" in call.last else "Thank you, bye!"
        case _:
            return judge(call)


def customer(call: Call) -> str:
    told = str(call.messages[0]["content"])
    wishes = re.findall(r"^\d+\. (.*?)(?: \(.*\))?$", told, re.MULTILINE)
    if len(call.messages) > 2:
        return "Yes, that is right. Thanks, bye! [[end]]"
    return f"Hi! I would like {wishes[0]} and {wishes[1]}. Tell me {wishes[2]}? And {wishes[3]}?"


def judge(call: Call) -> str:
    quote = "it is ready in 30 minutes"
    asked = str(call.body["response_format"]["json_schema"]["name"])
    if asked == "grade":
        return json.dumps({"reason": "It answered.", "quote": quote, "score": 4})
    if asked == "outputs":
        total = {"name": "price", "stated": "value", "value": "$14.50", "quote": "The total is $14.50"}
        return json.dumps({"outputs": [total]})
    return json.dumps(
        {"raised": True, "customer_quote": "I would like", "answered": "yes", "quote": quote, "reason": ""}
    )


@asynccontextmanager
async def with_models(
    directory: Path, answerer: Answerer = answer, *, prices: Prices | None = None, **settings: Any
) -> AsyncGenerator[tuple[Ports, LoopbackProvider]]:
    async with LoopbackProvider(answerer) as server:
        usual: dict[str, Any] = {
            "openai_base_url": server.base_url,
            "convotest_simulator_model": "customer-model",
            "convotest_judge_model": "judge-model",
        }
        chosen = Settings(**(usual | settings))
        known = prices or Prices(dict.fromkeys(MODELS, PRICE))
        async with testing_ports(
            directory, settings=chosen, catalogue=catalogue(directory), prices=known, clock=SystemClock()
        ) as ports:
            yield ports, server


async def play(ports: Ports, request: RunRequest = REQUEST) -> tuple[Run, RunReport]:
    dispatcher = Dispatcher(InlineEngine(), ports)
    await dispatcher.start()
    try:
        run = await start_run(request, ports)
        async for _ in follow_run(run.id, ports):
            pass
    finally:
        await dispatcher.stop()
    run = await find_run(run.id, request.workspace_id, ports)
    return run, await run_report(run, ports)


@pytest.mark.parametrize("client", ["lean", "openai"])
async def test_tokens_and_cost_are_those_of_the_providers_own_books(tmp_path: Path, client: str) -> None:
    async with with_models(tmp_path, convotest_chat_client=client) as (ports, server):
        run, report = await play(ports)
        document = to_json(report)
        books = server.ledger

    assert [each.verdict.outcome for each in report.conversations] == ["passed"] * 3, report.conversations[0].verdict
    assert report.conversations[0].scores["helpfulness"].value == 0.75
    assert document["simulator"] == "llm"
    assert document["tokens"] == {"input": books.input_tokens, "output": books.output_tokens}
    cost = (books.input_tokens * 10 + books.output_tokens * 100) / 1e6
    assert document["cost_usd"] == pytest.approx(cost, abs=1e-8)
    assert report.summary.costs.other is not None
    assert report.summary.costs.other > 0  # the judge
    assert run.note is None
    assert {"judge", "models", "prices"} <= set(run.stamps)


async def test_answers_of_the_judge_that_are_none_are_in_the_books_too_every_attempt(tmp_path: Path) -> None:
    def confused(call: Call) -> Answer | str:
        return '{"verdict": "fine"}' if call.model == "judge-model" else answer(call)

    async with with_models(tmp_path, confused) as (ports, server):
        _, report = await play(ports)
        books = server.ledger

    assert books.answered > len(server.requests) / 2
    assert report.summary.tokens.input == books.input_tokens
    assert report.summary.tokens.output == books.output_tokens
    assert report.summary.costs.total == pytest.approx((books.input_tokens * 10 + books.output_tokens * 100) / 1e6)
    assert report.conversations[0].scores["helpfulness"].value is None


RUBRICS = """
test_name: with-rubrics
user:
  role: you order a pizza
  goals: [a pizza, a drink, how long it takes, what it costs]
chatbot:
  output:
    - price: {type: money, description: the total}
    - waiter: {type: str, description: who brings it}
  rubrics:
    - tone: {description: Is it friendly?, scale: [rude, curt, neutral, friendly]}
conversation:
  number: 2
"""


async def test_rubrics_and_outputs_of_a_profile_are_asked_of_the_judge_and_stamped(tmp_path: Path) -> None:
    (tmp_path / "with-rubrics.yaml").write_text(RUBRICS)
    async with with_models(tmp_path) as (shipped, server):
        ports = replace(shipped, profiles_dir=tmp_path)
        run, report = await play(ports, RunRequest(target="with-rubrics", assistant="shop", n=2, seed=7))
        other = await plan_run(REQUEST, shipped)
        books = server.ledger
    document = to_json(report)

    tone = document["metrics"]["tone"]
    assert (tone["mean"], tone["n"], tone["high"]) == (1.0, 2, 1.0)
    assert 0 < tone["low"] < 1
    [first, _] = document["conversations"]
    assert first["scores"]["tone"]["value"] == 1.0
    assert first["outputs"] == {"price": "14.50 USD", "waiter": None}
    assert first["outputs_found"] == {"price": {"stated": True, "turn": 1}, "waiter": {"stated": False, "turn": None}}
    assert run.stamps["judge"] != other.stamps["judge"]
    assert document["tokens"] == {"input": books.input_tokens, "output": books.output_tokens}


async def test_what_only_a_model_can_tell_of_a_suites_rules_is_asked_when_the_run_is_over(tmp_path: Path) -> None:
    (tmp_path / "pizzas.yaml").write_text(RUBRICS.replace("with-rubrics", "pizzas"))
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "nightly.yaml").write_text("suite: nightly\nprofiles: [pizzas]\nrules: rules\n")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "topic.yaml").write_text("name: topic\nthen: only_talks_about('pizza')\n")

    def strict(call: Call) -> Answer | str:
        if call.model == "judge-model" and "deviations" in str(call.body["response_format"]["json_schema"]["name"]):
            return json.dumps({"deviations": ["Thank you, bye!"]})
        return answer(call)

    async with with_models(tmp_path, strict) as (shipped, server):
        ports = replace(shipped, profiles_dir=tmp_path)
        run, report = await play(ports, RunRequest(target="nightly", assistant="shop", seed=7))
        again = await run_report(run, ports)
        books = server.ledger

    rule = to_json(report)["rules"]["topic"]
    assert (rule["fail"], rule["unscored"]) == (2, 0)
    assert to_json(again)["tokens"] == {"input": books.input_tokens, "output": books.output_tokens}
    assert again.summary.costs.total == pytest.approx((books.input_tokens * 10 + books.output_tokens * 100) / 1e6)


async def test_a_void_attempt_and_refused_drafts_are_paid_for_too(tmp_path: Path) -> None:
    def drunk(call: Call) -> Answer | str:
        return "Assistant: How can I help you?" if call.model == "customer-model" else answer(call)

    async with with_models(tmp_path, drunk) as (ports, server):
        _, report = await play(ports)
        books = server.ledger

    assert {each.verdict.outcome for each in report.conversations} == {"void"}
    assert books.answered == 3 * 2 * 2
    assert report.summary.tokens.input == books.input_tokens
    assert report.summary.costs.total == pytest.approx((books.input_tokens * 10 + books.output_tokens * 100) / 1e6)


async def test_nothing_of_the_instructions_reaches_the_assistant(tmp_path: Path) -> None:
    canaries: set[str] = set()
    heard: list[str] = []

    def watching(call: Call) -> Answer | str:
        if call.model == "customer-model":
            canary = re.search(r"hinted at: (\w+)", str(call.messages[0]["content"]))
            assert canary
            canaries.add(canary[1])
            return f"My reference is {canary[1].upper()}, a pizza please."
        if call.model == "shop-model":
            heard.append(call.last)
        return answer(call)

    async with with_models(tmp_path, watching) as (ports, _):
        _, report = await play(ports)

    assert heard == []
    assert len(canaries) == 6  # one for each attempt
    assert {each.verdict.outcome for each in report.conversations} == {"void"}
    assert all("gave away its instructions" in each.verdict.reasons[0] for each in report.conversations)


@pytest.mark.parametrize(
    ("who", "fault", "outcome", "said"),
    [
        ("customer-model", "auth", "harness_error", "does not accept the API key"),
        ("customer-model", "quota", "harness_error", "quota or credit"),
        ("customer-model", "not_found", "harness_error", "does not know this address or model"),
        ("shop-model", "auth", "assistant_error", "does not accept the API key"),
    ],
)
async def test_a_fault_that_meets_every_call_stops_the_run_with_one_message(
    tmp_path: Path, who: str, fault: Any, outcome: str, said: str
) -> None:
    def later(call: Call) -> Answer | str:
        """It begins after the first conversations are through."""
        broken = call.model == who and call.number > 20
        return Answer(fault=fault) if broken else answer(call)

    async with with_models(tmp_path, later) as (ports, server):
        few_at_once = replace(ports, slots=Slots(2))  # so that some are still to be played
        run, report = await play(few_at_once, RunRequest(target="pizza", assistant="shop", n=20, seed=7))

    totals = report.summary.totals
    assert totals.passed >= 1
    assert totals.errors == 20 - totals.passed
    assert {each.verdict.outcome for each in report.conversations} == {"passed", outcome}
    assert run.note is not None
    assert said in run.note
    assert server.ledger.refused <= 4
    assert len(report.summary.errors) == 1


async def test_a_revoked_key_from_the_start_is_exit_code_3(tmp_path: Path) -> None:
    async with with_models(tmp_path, lambda call: Answer(fault="auth")) as (ports, _):
        run, report = await play(ports)

    assert exit_code(report) == 3
    assert run.note is not None


async def test_an_exhausted_budget_stops_the_run_and_keeps_what_it_has(tmp_path: Path) -> None:
    async with with_models(tmp_path, convotest_budget_usd=0.75) as (ports, server):
        run, report = await play(
            replace(ports, slots=Slots(1)), RunRequest(target="pizza", assistant="shop", n=20, seed=7)
        )
        books = server.ledger

    spent = (books.input_tokens * 10 + books.output_tokens * 100) / 1e6
    assert spent <= 0.75
    assert report.summary.totals.passed >= 1
    assert report.summary.totals.passed + report.summary.totals.inconclusive == 20
    assert {each.transcript.ended_by for each in report.conversations} == {"goal_reached", "budget"}
    assert run.note is not None
    assert "budget of $0.75" in run.note


async def test_a_budget_goes_on_where_an_earlier_process_left_it(tmp_path: Path) -> None:
    async with with_models(tmp_path) as (ports, server):
        run = await start_run(RunRequest(target="pizza", assistant="shop", n=27, seed=7), ports)
        await play_shard(run.id, 1, ports)
        spent = sum(each.cost_usd or 0 for each in (await run_report(run, ports)).conversations)
        calls = server.ledger.calls

        settings = ports.settings.model_copy(update={"convotest_budget_usd": spent + 0.001})
        providers = Providers(client="lean", clock=ports.clock)
        async with aclosing(
            ModelPool(settings, providers=providers, prices=ports.models.prices, clock=ports.clock)
        ) as restarted:
            await play_shard(run.id, 2, replace(ports, models=restarted))
        report = await run_report(run, ports)

    assert server.ledger.calls == calls
    assert [each.transcript.ended_by for each in report.conversations[25:]] == ["budget", "budget"]


async def test_an_unknown_price_is_shown_as_unknown(tmp_path: Path) -> None:
    async with with_models(tmp_path, prices=Prices()) as (ports, _):
        plan = await plan_run(REQUEST, ports)
        _, report = await play(ports)

    assert plan.estimated_cost_usd is None
    assert report.summary.costs.total is None
    assert report.summary.tokens.input > 0


async def test_an_unknown_price_with_a_budget_is_refused_before_anything_starts(tmp_path: Path) -> None:
    prices = Prices({"customer-model": PRICE, "judge-model": PRICE})
    async with with_models(tmp_path, prices=prices, convotest_budget_usd=5.0) as (ports, server):
        with pytest.raises(RequestError, match=r"'shop-model' is not known; add it to profiles/prices\.yaml"):
            await start_run(REQUEST, ports)

        assert server.ledger.calls == 0


async def test_an_assistant_whose_model_answers_nowhere_is_refused_before_anything_starts(tmp_path: Path) -> None:
    async with testing_ports(tmp_path, catalogue=catalogue(tmp_path)) as ports:
        with pytest.raises(ConfigurationError, match="set OPENAI_API_KEY or OPENAI_BASE_URL"):
            await start_run(REQUEST, ports)


async def test_the_estimate_is_of_the_right_size(tmp_path: Path) -> None:
    async with with_models(tmp_path) as (ports, _):
        plan = await plan_run(REQUEST, ports)
        _, report = await play(ports)

    assert plan.estimated_cost_usd is not None
    assert report.summary.costs.total is not None
    assert 0.2 < plan.estimated_cost_usd / report.summary.costs.total < 10


async def test_without_a_judge_model_nothing_is_judged(tmp_path: Path) -> None:
    async with with_models(tmp_path, convotest_judge_model=None) as (ports, server):
        _, report = await play(ports)
        asked = {call.model for call in server.requests}

    assert asked == {"customer-model", "shop-model"}
    assert report.conversations[0].scores["accuracy"].value is None
    assert "CONVOTEST_JUDGE_MODEL" in report.conversations[0].scores["accuracy"].reason
