"""One run in which every conversation but a few meets another fault of its provider: each ends as it should."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

import pytest

from jobs.assistants.catalogue import Assistant, Catalogue
from jobs.chat_model import STOPS_A_RUN, ChatClient, Providers, RetryPolicy
from jobs.chat_model.loopback import Answer, Call, Fault, LoopbackProvider
from jobs.clock import SystemClock
from jobs.dispatcher import Dispatcher
from jobs.model import Conversation, Limits, RunRequest, Variant
from jobs.pricing import Prices
from jobs.run_models import ModelPool
from jobs.runs import follow_run, run_report, start_run
from jobs.settings import Settings
from jobs.testing import InlineEngine, testing_ports

Who = Literal["customer", "shop", "judge"]

FAULTS: Sequence[Fault] = [fault for fault in get_args(Fault) if fault not in STOPS_A_RUN]
HEALTHY = 5
DEADLINE_S = 1.5
SILENT = {"hang", "drip"}


class Town:
    """Plays everybody; the n-th customer's conversation meets the n-th fault, where ``broken`` is asked."""

    def __init__(self, broken: Who) -> None:
        self.broken = broken
        self.customers: dict[str, int] = {}

    def answer(self, call: Call) -> Answer | str:
        number = self._number(call)
        if call.model == self.broken and number < len(FAULTS):
            return Answer(fault=FAULTS[number], text="lost")
        if call.model == "customer":
            return self._customer(call, number)
        return self._judge(call) if call.model == "judge" else self._shop(call)

    def _number(self, call: Call) -> int:
        said = " ".join(str(message["content"]) for message in call.messages)
        if mark := re.search(r"hinted at: (\w+)", said):
            return self.customers.setdefault(mark[1], len(self.customers))
        found = re.search(r"I am customer (\d+)\.", said)
        assert found
        return int(found[1])

    def _customer(self, call: Call, number: int) -> str:
        wishes = re.findall(r"^\d+\. (.*?)(?: \(.*\))?$", str(call.messages[0]["content"]), re.MULTILINE)
        if len(call.messages) > 2:
            return "Yes, that is right. Thanks, bye! [[end]]"
        order = f"I would like {wishes[0]} and {wishes[1]}. Tell me {wishes[2]}? And {wishes[3]}?"
        return f"Hi! I am customer {number}. {order}"

    def _shop(self, call: Call) -> str:
        if "would like" not in call.last:
            return "Thank you, bye!"
        return f"So you want: {call.last} The total is $14.50 and it is ready in 30 minutes. Is that right?"

    def _judge(self, call: Call) -> str:
        return json.dumps({"reason": "It answered.", "quote": "it is ready in 30 minutes", "score": 4})


def catalogue(directory: Path) -> Catalogue:
    limits = Limits(timeout_s=DEADLINE_S)
    variant = Variant(
        assistant="shop", name="v1", connector="openai_chat", config={"model": "shop"}, hash="h", limits=limits
    )
    shop = Assistant(
        name="shop", connector="openai_chat", default="v1", profiles=(), workspaces=None, variants={"v1": variant}
    )
    return Catalogue(path=directory / "assistants.yaml", assistants=(shop,))


async def play(town: Town, client: ChatClient, directory: Path) -> tuple[Conversation, ...]:
    async with LoopbackProvider(town.answer) as server:
        usual: dict[str, Any] = {
            "openai_base_url": server.base_url,
            "convotest_simulator_model": "customer",
            "convotest_judge_model": "judge",
        }
        settings = Settings(**usual)
        clock = SystemClock()
        policy = RetryPolicy(attempts=2, first_wait_s=0.01, longest_wait_s=0.02)
        providers = Providers(client=client, clock=clock, policy=policy)
        models = ModelPool(settings, providers=providers, prices=Prices(), clock=clock)
        async with testing_ports(directory, settings=settings, catalogue=catalogue(directory), clock=clock) as double:
            ports = replace(double, models=models)
            dispatcher = Dispatcher(InlineEngine(), ports)
            await dispatcher.start()
            run = await start_run(RunRequest(target="pizza", assistant="shop", n=len(FAULTS) + HEALTHY, seed=7), ports)
            async for _ in follow_run(run.id, ports):
                pass
            await dispatcher.stop()
            report = await run_report(run, ports)
        await models.aclose()
    return report.conversations


def number_of(conversation: Conversation) -> int | None:
    """Which customer it was; None if it never spoke."""
    found = re.search(r"I am customer (\d+)\.", " ".join(turn.text for turn in conversation.transcript.turns))
    return int(found[1]) if found else None


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute of silence is a second here."""
    monkeypatch.setattr("jobs.simulate.llm.DEADLINE_S", DEADLINE_S)
    monkeypatch.setattr("jobs.judge.model.DEADLINE_S", DEADLINE_S)


@pytest.mark.parametrize("client", get_args(ChatClient))
async def test_a_fault_of_the_customers_model_costs_its_own_conversation_only(
    client: ChatClient, tmp_path: Path
) -> None:
    conversations = await play(Town("customer"), client, tmp_path)
    broken = [each for each in conversations if each.verdict.outcome != "passed"]

    assert len(conversations) - len(broken) == HEALTHY
    assert {(each.verdict.outcome, each.verdict.blame) for each in broken} == {("harness_error", "harness")}
    assert all("the user simulator's model failed: " in each.verdict.reasons[0] for each in broken)


@pytest.mark.parametrize("client", get_args(ChatClient))
async def test_a_fault_of_the_assistants_model_is_an_error_of_the_assistant(client: ChatClient, tmp_path: Path) -> None:
    by_number = {number_of(each): each for each in await play(Town("shop"), client, tmp_path)}

    for number, fault in enumerate(FAULTS):
        verdict, transcript = by_number[number].verdict, by_number[number].transcript
        assert (fault, verdict.outcome, verdict.blame) == (fault, "assistant_error", "assistant")
        assert (fault, transcript.ended_by) == (fault, "timeout" if fault in SILENT else "assistant_error")
    healthy = [by_number[number].verdict.outcome for number in range(len(FAULTS), len(FAULTS) + HEALTHY)]
    assert healthy == ["passed"] * HEALTHY


@pytest.mark.parametrize("client", get_args(ChatClient))
async def test_a_fault_of_the_judge_leaves_a_metric_unscored_and_the_verdict_alone(
    client: ChatClient, tmp_path: Path
) -> None:
    by_number = {number_of(each): each for each in await play(Town("judge"), client, tmp_path)}

    assert {each.verdict.outcome for each in by_number.values()} == {"passed"}
    for number, conversation in sorted(by_number.items(), key=lambda item: item[0] or 0):
        scores = [conversation.scores[name] for name in ("accuracy", "relevance", "helpfulness")]
        assert number is not None
        if number >= len(FAULTS):
            assert [score.value for score in scores] == [0.75] * 3
        else:
            assert (FAULTS[number], {score.value for score in scores}) == (FAULTS[number], {None})
            assert all(score.reason.startswith("the judge's model failed: ") for score in scores)
