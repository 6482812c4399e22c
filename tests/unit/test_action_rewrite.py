"""A prompt is rewritten by a model on this machine that rewards a known change; copies of the test data are refused."""

import random
from collections.abc import AsyncGenerator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from jobs.actions._keeper import ActionKeeper
from jobs.actions._rewrite import HELD_OUT, TRAINING, copies, rewrite
from jobs.assistants._demo.dialogue import Dialogue
from jobs.assistants._demo.hearing import Hearing
from jobs.assistants._demo.shop import DemoConfig, Shop, load_shop
from jobs.assistants.catalogue import Assistant
from jobs.bundle import Ports
from jobs.chat_model.loopback import Call, LoopbackProvider
from jobs.dispatcher import Dispatcher
from jobs.errors import ConfigurationError, RequestError
from jobs.model import Variant, WorkspaceId
from jobs.settings import Settings, shipped_profiles
from jobs.testing import InlineEngine, testing_ports

WORKSPACE = WorkspaceId("T1")
PROMPT = "You take orders for Bella's Pizza."
KNOWN = "Put drinks on the order, too."
REFLECTOR = "reflector"


@cache
def shop(has_drinks: bool) -> tuple[Shop, Hearing]:
    flow = {} if has_drinks else {"order": ["pizza"]}
    opened = load_shop(DemoConfig(shop="pizza-shop/assistant.yaml", flow=flow), shipped_profiles())
    return opened, Hearing(opened)


class Model:
    """Serves customers as the shop does, with drinks only if its prompt says so; and reflects with fixed answers."""

    def __init__(self, *versions: str) -> None:
        self.versions = versions
        self.reflected_on: list[str] = []

    def __call__(self, call: Call) -> str:
        if call.model == REFLECTOR and "improved_texts" not in str(call.body):
            return "{}"  # the judge has nothing to say here
        if call.model == REFLECTOR:
            self.reflected_on.append(call.last)
            return orjson.dumps({"reflection": "drinks are forgotten", "versions": self.versions}).decode()
        told = str(call.messages[0]["content"])
        said = [str(each["content"]) for each in call.messages if each["role"] == "user"]
        dialogue = Dialogue(*shop(KNOWN in told), random.Random(said[0]))
        replies = [dialogue.answer(text) for text in said]
        return " ".join(replies[-1].messages)


async def ports_with(directory: Path, provider: LoopbackProvider) -> AsyncGenerator[Ports]:
    url = f"sqlite:///{directory / 'convotest.db'}"
    settings = Settings(
        convotest_database_url=url, openai_base_url=provider.base_url, convotest_judge_model=REFLECTOR,
        convotest_simulator="agenda",
    )  # fmt: skip
    async with testing_ports(directory, settings=settings) as ports:
        config: dict[str, Any] = {"model": "waiter", "system_prompt": PROMPT}
        variant = Variant(assistant="waiter", name="v1", connector="openai_chat", config=config, hash="v1")
        waiter = Assistant(
            name="waiter", connector="openai_chat", default="v1", profiles=("pizza-shop/*",), workspaces=None,
            variants={"v1": variant},
        )  # fmt: skip
        ports = replace(ports, catalogue=replace(ports.catalogue, assistants=(waiter,)))
        dispatcher = Dispatcher(InlineEngine(), ports)
        await dispatcher.start()
        try:
            yield ports
        finally:
            await dispatcher.stop()


async def rewritten(directory: Path, model: Model) -> tuple[Any, Ports]:
    async with LoopbackProvider(model) as provider:
        async for ports in ports_with(directory, provider):
            found = await rewrite(
                "waiter@v1", "pizza", by="U0ADA", workspace_id=WORKSPACE, ports=ports, path="system_prompt"
            )
            listed = await ports.store.actions.recent(WORKSPACE)
            assert len(listed) == bool(found.action)
            return found, ports
    raise AssertionError


async def test_the_known_change_is_found_proved_on_held_out_customers_and_proposed(tmp_path: Path) -> None:
    model = Model(f"{PROMPT} Be friendly.", f"{PROMPT} {KNOWN}", f"{PROMPT} Be brief.")

    found, _ = await rewritten(tmp_path, model)

    assert found.action is not None
    content = found.action.content
    assert (found.action.kind, content.edits[0].after) == ("prompt", f"{PROMPT} {KNOWN}")
    assert content.proof.startswith("held-out customers: 0 of ")
    assert "passed before, " in content.proof
    assert content.problem.touched == TRAINING
    assert content.diff[0].endswith(PROMPT + '"') and content.diff[1].endswith(f'{KNOWN}"')
    assert "the confirmed order left out the drink" in model.reflected_on[0]
    assert found.action.proposer == "convotest"
    assert HELD_OUT >= TRAINING


async def test_a_candidate_that_copies_the_test_data_is_refused_even_if_it_helps(tmp_path: Path) -> None:
    seen = "a small custom pizza with cheese and 1 cans of cola"
    copied = f"{PROMPT} {KNOWN} For example: Hi! How long will the order take to be ready? {seen}"

    class Copying(Model):
        def __call__(self, call: Call) -> str:
            if call.model == REFLECTOR and "improved_texts" in str(call.body):
                customer = next(line for line in call.last.splitlines() if line.startswith("user: "))
                self.versions = (f"{copied} {customer}",)
            return super().__call__(call)

    found, _ = await rewritten(tmp_path, Copying())

    assert found.action is None
    assert found.copied == found.tried > 0
    assert "no candidate was better" in found.said


async def test_nothing_is_proposed_when_no_candidate_is_better(tmp_path: Path) -> None:
    found, _ = await rewritten(tmp_path, Model(f"{PROMPT} Be friendly."))

    assert found.action is None


async def test_what_cannot_be_rewritten_is_said(tmp_path: Path) -> None:
    async with testing_ports(tmp_path) as ports:
        with pytest.raises(RequestError, match="is a text that could be rewritten"):
            await rewrite("pizza@good", "pizza", by="U1", workspace_id=WORKSPACE, ports=ports)
        with pytest.raises(RequestError, match="is a text that could be rewritten"):
            await rewrite("pizza@good", "pizza", by="U1", workspace_id=WORKSPACE, ports=ports, path="shop")
        await ActionKeeper(ports).look()


async def test_without_a_model_nothing_is_begun(tmp_path: Path) -> None:
    async with testing_ports(tmp_path) as ports:
        assistant = ports.catalogue.assistants[0]
        variant = assistant.variants["good"]
        texts = replace(variant, config={**variant.config, "templates": {"farewell": "Bye"}})
        catalogue = replace(ports.catalogue, assistants=(replace(assistant, variants={"good": texts}),))
        with pytest.raises(ConfigurationError, match="CONVOTEST_JUDGE_MODEL"):
            await rewrite(
                "pizza@good", "pizza", by="U1", workspace_id=WORKSPACE, ports=replace(ports, catalogue=catalogue),
                path="templates.farewell",
            )  # fmt: skip
        assert await ports.store.runs.recent(WORKSPACE, limit=1) == ()


def test_six_words_in_a_row_are_a_copy_unless_the_original_had_them() -> None:
    said = ["Hold on, you left out the two cans of cola."]

    assert copies("Never answer: you left out the two cans of tea", said, allowed="")
    assert not copies("Never leave out two cans of cola", said, allowed="")
    assert not copies("You left out the two cans of x", said, allowed="you left out the two cans of")
