"""A model makes up the values of any(), once; they are kept with the run."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.bundle import Ports
from jobs.chat_model.loopback import Answerer, Call, LoopbackProvider
from jobs.clock import SystemClock
from jobs.errors import ModelError
from jobs.model import RunRequest
from jobs.planning import plan_run
from jobs.pricing import Override, Prices
from jobs.profiles import ProfileError
from jobs.runs import start_run
from jobs.settings import Settings
from jobs.testing import ScriptedAssistant, testing_ports

PROFILE = """
test_name: t
user:
  role: r
  goals:
    - a {{drink}}
    - drink: {function: FUNCTION, type: TYPE, data: [DATA]}
conversation: {number: 4}
"""
REQUEST = RunRequest(target="p", assistant="pizza", seed=7)


def making_up(*answers: list[object]) -> Answerer:
    left = list(answers)
    return lambda call: json.dumps({"values": left.pop(0)})


@asynccontextmanager
async def ports_with(
    tmp_path: Path, answer: Answerer, data: str, *, kind: str = "string", function: str = "forward()"
) -> AsyncGenerator[tuple[Ports, list[Call]]]:
    calls: list[Call] = []

    def remembering(call: Call) -> str:
        calls.append(call)
        return str(answer(call))

    text = PROFILE.replace("DATA", data).replace("TYPE", kind).replace("FUNCTION", function)
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    async with LoopbackProvider(remembering) as server:
        settings = Settings(
            openai_base_url=server.base_url,
            convotest_simulator_model="tiny",
            convotest_database_url=f"sqlite:///{tmp_path / 'convotest.db'}",
        )
        double, prices = ScriptedAssistant("Hi."), Prices({"tiny": Override(input=1.0, output=1.0)})
        async with testing_ports(
            tmp_path, assistant=double, settings=settings, prices=prices, clock=SystemClock()
        ) as ports:
            yield replace(ports, profiles_dir=tmp_path), calls


async def test_what_was_made_up_once_is_in_the_plan_and_in_the_runs_own_scenarios(tmp_path: Path) -> None:
    answer = making_up(["Fanta", "sprite", "Cola"])
    async with ports_with(tmp_path, answer, "Sprite, any(3 soda drinks)") as (ports, calls):
        plan = await plan_run(REQUEST, ports)
        run = await start_run(REQUEST, ports)
        planned = await ports.store.runs.to_play(run.id, first=1, last=4)

    assert len(calls) == 1
    assert "3 soda drinks" in calls[0].last
    assert "Known already: Sprite" in calls[0].last
    assert plan.profile.variables["drink"].values == ("Sprite", "Fanta", "Cola")
    assert [each.scenario.goals[0].text for each in planned] == ["a Sprite", "a Fanta", "a Cola", "a Sprite"]
    assert plan.notes == ("drink: tiny made up 'Fanta, Cola'",)
    assert run.notes == plan.notes


async def test_each_any_knows_what_came_before_it(tmp_path: Path) -> None:
    answer = making_up(["Fanta"], ["fanta", "Beer"])
    async with ports_with(tmp_path, answer, "any(a soda), any(two drinks)") as (ports, calls):
        plan = await plan_run(REQUEST, ports)

    assert plan.profile.variables["drink"].values == ("Fanta", "Beer")
    assert "Known already: Fanta" in calls[1].last


@pytest.mark.parametrize(
    ("kind", "answered", "values"),
    [("int", [1, 2], (1, 2)), ("float", [0.5, 1], (0.5, 1.0)), ("date", ["2025-03-01"], ("2025-03-01",))],
)
async def test_values_are_of_the_type_of_the_variable(
    kind: str, answered: list[object], values: tuple[object, ...], tmp_path: Path
) -> None:
    async with ports_with(tmp_path, making_up(answered), "any(some)", kind=kind) as (ports, _):
        plan = await plan_run(REQUEST, ports)

    assert plan.profile.variables["drink"].values == values


async def test_a_model_that_makes_nothing_up_is_told(tmp_path: Path) -> None:
    async with ports_with(tmp_path, making_up(["Sprite"]), "Sprite, any(a soda)") as (ports, _):
        with pytest.raises(ModelError, match="made up nothing"):
            await plan_run(REQUEST, ports)


async def test_too_few_values_for_the_function_are_told(tmp_path: Path) -> None:
    async with ports_with(tmp_path, making_up(["a"]), "any(one)", function="random(3)") as (ports, _):
        with pytest.raises(ProfileError, match="wants more values than the 1"):
            await plan_run(REQUEST, ports)


async def test_no_model_is_asked_when_customers_are_played_offline(tmp_path: Path) -> None:
    async with ports_with(tmp_path, making_up(), "Sprite, any(a soda)") as (ports, calls):
        offline = replace(ports, settings=ports.settings.model_copy(update={"convotest_simulator": "agenda"}))
        plan = await plan_run(REQUEST, offline)

    assert calls == []
    assert plan.profile.variables["drink"].values == ("Sprite",)
    assert "needs a model" in plan.notes[0]
