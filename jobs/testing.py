"""The doubles that ship with convotest: they remember instead of expecting, and need no network and no patience."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from jobs.assistants import CONNECTORS, ConnectorPorts
from jobs.assistants.catalogue import Catalogue, load_catalogue
from jobs.bundle import Ports
from jobs.chat_model import Providers
from jobs.engine import PlayShard
from jobs.errors import AssistantError
from jobs.model import (
    Assessment,
    GoalProgress,
    RunId,
    Scenario,
    SimulatorName,
    Transcript,
    Turn,
    Variant,
)
from jobs.ports import AssistantSession, Clock, Connector, Models, Reply, SimulatedUser, UserSimulator, Utterance
from jobs.pricing import Prices
from jobs.run_models import ModelPool
from jobs.settings import Settings, shipped_profiles
from jobs.simulate.agenda import AgendaSimulator
from jobs.simulate.llm import LlmSimulator
from jobs.slots import Slots
from jobs.store import open_store

P = ParamSpec("P")
T = TypeVar("T")


class MovableClock:
    """A clock that moves only when somebody sleeps or a test says so; nobody really waits."""

    def __init__(self, now: datetime = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        self.move(seconds)
        await asyncio.sleep(0)

    def move(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds


class InlineHelper:
    """The helper process without the process."""

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)


class InlineEngine:
    """An engine that plays in this process and forgets when it is stopped."""

    def __init__(self) -> None:
        self._play: PlayShard | None = None
        self._tasks: dict[tuple[RunId, int, int], asyncio.Task[None]] = {}

    async def start(self, play: PlayShard) -> None:
        self._play = play

    async def stop(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def submit(self, run_id: RunId, shard: int, *, generation: int) -> None:
        assert self._play is not None, "the engine was not started"
        if (run_id, shard, generation) not in self._tasks:
            self._tasks[run_id, shard, generation] = asyncio.ensure_future(self._play(run_id, shard))

    async def open_shards(self, run_id: RunId) -> int:
        return sum(key[0] == run_id and not task.done() for key, task in self._tasks.items())

    async def keep(self) -> None:
        return


class ScriptedAssistant:
    """An assistant that says its lines, in order, over and over, and remembers what it was told.

    Args:
        lines: what it answers; an exception is raised instead of being said.
        fails_at: the number of the answer (1-based, in each session) that fails.
    """

    def __init__(self, *lines: str | Exception, fails_at: int | None = None) -> None:
        self.lines: Sequence[str | Exception] = lines or ("All right.",)
        self.fails_at = fails_at
        self.heard: list[str] = []
        self.sessions = 0

    def check(self, config: Mapping[str, Any]) -> Sequence[str]:
        return ()

    async def open(self, variant: Variant, *, seed: str, models: Models | None = None) -> AssistantSession:
        self.sessions += 1
        return _ScriptedSession(self)


class _ScriptedSession:
    def __init__(self, assistant: ScriptedAssistant) -> None:
        self._assistant = assistant
        self._answers = 0

    async def greet(self) -> Reply:
        return Reply(messages=("Hello!",))

    async def send(self, text: str) -> Reply:
        self._assistant.heard.append(text)
        self._answers += 1
        if self._answers == self._assistant.fails_at:
            raise AssistantError("the scripted assistant fails here", permanent=True)
        line = self._assistant.lines[(self._answers - 1) % len(self._assistant.lines)]
        if isinstance(line, Exception):
            raise line
        return Reply(messages=(line,))

    async def close(self) -> None:
        return


class ScriptedSimulator:
    """A user simulator that says its lines and ends with the last one; every goal counts as answered then."""

    name: SimulatorName = "agenda"

    def __init__(self, *lines: str, answered: bool | None = True) -> None:
        self.lines = lines or ("Hello, one pizza please.", "Thank you, bye.")
        self.answered = answered

    def begin(self, scenario: Scenario, *, models: Models | None = None) -> SimulatedUser:
        return _ScriptedUser(scenario, self)


class _ScriptedUser:
    def __init__(self, scenario: Scenario, simulator: ScriptedSimulator) -> None:
        self._scenario = scenario
        self._simulator = simulator

    async def speak(self, turns: Sequence[Turn]) -> Utterance:
        spoken = sum(turn.speaker == "user" for turn in turns)
        lines = self._simulator.lines
        return Utterance(text=lines[min(spoken, len(lines) - 1)], ends=spoken >= len(lines) - 1)

    async def assess(self, transcript: Transcript) -> Assessment:
        answered = self._simulator.answered if transcript.ended_by == "goal_reached" else False
        reason = "" if answered else "the assistant did not answer"
        return Assessment(
            goals=tuple(
                GoalProgress(text=goal.text, asked=True, answered=answered, turn=None, reason=reason)
                for goal in self._scenario.goals
            )
        )


@asynccontextmanager
async def testing_ports(
    directory: Path,
    *,
    assistant: Connector | None = None,
    simulator: UserSimulator | None = None,
    clock: Clock | None = None,
    database_url: str | None = None,
    settings: Settings | None = None,
    catalogue: Catalogue | None = None,
    prices: Prices | None = None,
) -> AsyncGenerator[Ports]:
    """The bundle with doubles at its edges and a real SQLite file in ``directory`` (or the given database)."""
    clock = clock or MovableClock()
    url = database_url or f"sqlite:///{directory / 'convotest.db'}"
    profiles_dir = shipped_profiles()
    real = {
        kind.name: kind.build(ConnectorPorts(clock=clock, profiles_dir=profiles_dir)) for kind in CONNECTORS.values()
    }
    settings = settings or Settings(convotest_database_url=url)
    models = ModelPool(
        settings,
        providers=Providers(client=settings.convotest_chat_client, clock=clock),
        prices=prices or Prices(),
        clock=clock,
    )
    async with open_store(url, clock) as store, aclosing(models):
        yield Ports(
            settings=settings,
            profiles_dir=profiles_dir,
            clock=clock,
            store=store,
            simulators=_simulators(settings, simulator),
            connectors=dict.fromkeys(real, assistant) if assistant else real,
            catalogue=catalogue or load_catalogue(profiles_dir),
            helper=InlineHelper(),
            slots=Slots(50),
            models=models,
        )


def _simulators(settings: Settings, simulator: UserSimulator | None) -> dict[SimulatorName, UserSimulator]:
    if simulator:
        return {simulator.name: simulator}
    simulators: dict[SimulatorName, UserSimulator] = {"agenda": AgendaSimulator()}
    if settings.openai_base_url:
        simulators["llm"] = LlmSimulator(default_model=settings.convotest_simulator_model)
    return simulators


testing_ports.__test__ = False  # type: ignore[attr-defined]  # its name is no invitation to pytest
