"""Sessions that begin warm: something is said before the customer, in the same session, and nobody judges it."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs.assistants import CONNECTORS, ConnectorPorts
from jobs.assistants.catalogue import Assistant, Catalogue, read_catalogue
from jobs.bundle import Ports
from jobs.clock import SystemClock
from jobs.dispatcher import Dispatcher
from jobs.model import RunRequest, Tokens, Variant
from jobs.ports import AssistantSession, Models, Reply
from jobs.report import RunReport, to_html, to_json, to_text
from jobs.runs import find_run, follow_run, run_report, start_run
from jobs.testing import InlineEngine, ScriptedAssistant, ScriptedSimulator, testing_ports

WARM_UP = ("I am a regular here.", "I am allergic to nuts.")


def catalogue(directory: Path, **config: Any) -> Catalogue:
    variants = {
        name: Variant(assistant="shop", name=name, connector="python_callable", config={**config, **own}, hash=name)
        for name, own in {"cold": {"session": "cold"}, "warm": {}}.items()
    }
    shop = Assistant(
        name="shop", connector="python_callable", default="cold", profiles=(), workspaces=None, variants=variants
    )
    return Catalogue(path=directory / "assistants.yaml", assistants=(shop,))


async def play(ports: Ports, assistant: str, n: int = 2) -> RunReport:
    dispatcher = Dispatcher(InlineEngine(), ports)
    await dispatcher.start()
    try:
        run = await start_run(RunRequest(target="pizza", assistant=assistant, n=n, seed=7), ports)
        async with asyncio.timeout(20):
            async for _ in follow_run(run.id, ports):
                pass
    finally:
        await dispatcher.stop()
    return await run_report(await find_run(run.id, run.workspace_id, ports), ports)


async def test_the_warm_up_is_said_first_and_neither_counted_nor_judged(tmp_path: Path) -> None:
    assistant = ScriptedAssistant("Noted.", "Noted too.", "A pizza, fine.", "Bye!")
    customer = ScriptedSimulator("One pizza please.", "Thank you, bye.")
    shops = catalogue(tmp_path, warm_up=list(WARM_UP))
    async with testing_ports(tmp_path, assistant=assistant, simulator=customer, catalogue=shops) as ports:
        warm = await play(ports, "shop@warm", n=1)
        heard = list(assistant.heard)
        cold = await play(ports, "shop@cold", n=1)

    assert heard == [*WARM_UP, "One pizza please.", "Thank you, bye."]
    assert assistant.heard[len(heard) :] == ["One pizza please.", "Thank you, bye."]
    transcript = warm.conversations[0].transcript
    assert [turn.text for turn in transcript.context] == [WARM_UP[0], "Noted.", WARM_UP[1], "Noted too."]
    assert [turn.text for turn in transcript.turns][:2] == ["One pizza please.", "A pizza, fine."]
    assert warm.conversations[0].scores["user_turns"].value == cold.conversations[0].scores["user_turns"].value == 2
    assert cold.conversations[0].transcript.context == ()
    [document] = to_json(warm)["conversations"]
    assert [turn["text"] for turn in document["context"]] == [turn.text for turn in transcript.context]
    assert len(document["turns"]) == 4
    assert "Warm-up" in to_html(warm).decode()
    assert "(warm-up, before the customer began)" in to_text(warm)


async def test_a_variant_that_differs_in_nothing_but_its_session_is_another_variant(tmp_path: Path) -> None:
    (tmp_path / "assistants.yaml").write_text("""
assistants:
  shop:
    connector: python_callable
    default: cold
    variants:
      cold: {callable: "a.b:c", session: cold, warm_up: [hello]}
      warm: {callable: "a.b:c", session: warm, warm_up: [hello]}
      usual: {callable: "a.b:c"}
""")
    found, problems = read_catalogue(tmp_path / "assistants.yaml")

    assert problems == ()
    variants = found.assistants[0].variants
    assert {name: variant.warm_up for name, variant in variants.items()} == {
        "cold": (),
        "warm": ("hello",),
        "usual": (),
    }
    assert len({variant.hash for variant in variants.values()}) == 3


@pytest.mark.parametrize("kind", list(CONNECTORS))
def test_every_connector_takes_a_warm_up_and_refuses_an_empty_one(kind: str) -> None:
    ports = ConnectorPorts(clock=SystemClock(), profiles_dir=Path(), environment={})
    connector = CONNECTORS[kind].build(ports)

    warm = connector.check({"session": "warm", "warm_up": ["hello"]})
    empty = connector.check({"session": "warm", "warm_up": []})
    wrong = connector.check({"session": "lukewarm"})

    assert not any("session" in problem or "warm_up" in problem for problem in warm)
    assert any("session" in problem for problem in wrong)
    assert len(empty) >= len(warm)


class Expensive(ScriptedAssistant):
    """An assistant that says what each answer cost it, and greets."""

    async def open(self, variant: Variant, *, seed: str, models: Models | None = None) -> AssistantSession:
        return _ExpensiveSession(await super().open(variant, seed=seed, models=models))


class _ExpensiveSession:
    def __init__(self, session: AssistantSession) -> None:
        self._session = session

    async def greet(self) -> Reply:
        return await self._session.greet()

    async def send(self, text: str) -> Reply:
        return replace(await self._session.send(text), tokens=Tokens(input=10, output=1), cost_usd=0.25)

    async def close(self) -> None:
        await self._session.close()


async def test_what_a_warm_up_costs_is_part_of_the_conversation(tmp_path: Path) -> None:
    customer = ScriptedSimulator("One pizza please.", "Thank you, bye.")
    shops = catalogue(tmp_path, warm_up=list(WARM_UP))
    async with testing_ports(tmp_path, assistant=Expensive(), simulator=customer, catalogue=shops) as ports:
        report = await play(ports, "shop@warm", n=1)

    assert report.conversations[0].cost_usd == 1.0
    assert report.conversations[0].tokens == Tokens(input=40, output=4)


async def test_an_assistant_that_fails_while_warming_up_fails_the_conversation(tmp_path: Path) -> None:
    assistant = ScriptedAssistant(fails_at=2)
    shops = catalogue(tmp_path, warm_up=list(WARM_UP))
    async with testing_ports(tmp_path, assistant=assistant, simulator=ScriptedSimulator(), catalogue=shops) as ports:
        report = await play(ports, "shop@warm", n=1)

    [played] = report.conversations
    assert played.verdict.outcome == "assistant_error"
    assert played.verdict.reasons[0].startswith("while warming up: ")
    assert [turn.text for turn in played.transcript.context] == [WARM_UP[0], "All right.", WARM_UP[1]]
    assert played.transcript.turns == ()


async def test_cold_and_warm_are_compared_on_the_same_customers(tmp_path: Path) -> None:
    shops = catalogue(tmp_path, warm_up=list(WARM_UP))
    async with testing_ports(tmp_path, assistant=ScriptedAssistant(), catalogue=shops) as ports:
        cold, warm = await play(ports, "shop@cold"), await play(ports, "shop@warm")

    assert [each.scenario for each in cold.conversations] == [each.scenario for each in warm.conversations]
    assert all(each.transcript.context for each in warm.conversations)
