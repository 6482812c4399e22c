"""Builds the work from its real adapters; this is the only place that knows them all."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Literal

from jobs.assistants import CONNECTORS, ConnectorPorts
from jobs.assistants.catalogue import load_catalogue
from jobs.bundle import Ports
from jobs.chat_model import Providers
from jobs.clock import SystemClock
from jobs.errors import ConfigurationError
from jobs.helper import Helper, HelperProcess
from jobs.model import SimulatorName
from jobs.ports import Clock, UserSimulator
from jobs.pricing import PRICES_FILE, Prices
from jobs.redact import register_secrets
from jobs.run_models import ModelPool
from jobs.settings import Settings
from jobs.simulate.agenda import AgendaSimulator
from jobs.simulate.llm import LlmSimulator
from jobs.slots import Slots
from jobs.store import Store, open_store

log = logging.getLogger(__name__)

Role = Literal["player", "reader", "auto"]
"""``player`` plays conversations and must be the only one on a SQLite file; ``reader`` only reads and asks;
``auto`` plays unless another process does."""
ALIVE_WITHIN = timedelta(seconds=25)


@asynccontextmanager
async def open_ports(
    settings: Settings,
    *,
    role: Role,
    clock: Clock | None = None,
    helper: Helper | None = None,
    simulators: Mapping[SimulatorName, UserSimulator] | None = None,
) -> AsyncGenerator[Ports]:
    """The bundle of real adapters, with the engine running if this process plays.

    Raises:
        ConfigurationError: the database cannot be used, or another process plays from the same SQLite file.
    """
    register_secrets(settings)
    clock = clock or SystemClock()
    profiles_dir = settings.profiles_dir
    if not profiles_dir.is_dir():
        raise ConfigurationError(f"the profiles directory {str(profiles_dir)!r} does not exist (CONVOTEST_PROFILES)")
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings.convotest_database_url, clock))
        models = await stack.enter_async_context(aclosing(_models(settings, profiles_dir, clock)))
        ports = Ports(
            settings=settings,
            profiles_dir=profiles_dir,
            clock=clock,
            store=store,
            simulators=simulators or _simulators(settings, models),
            connectors={
                kind.name: kind.build(ConnectorPorts(clock=clock, profiles_dir=profiles_dir))
                for kind in CONNECTORS.values()
            },
            catalogue=load_catalogue(profiles_dir),
            helper=helper or _own_helper(stack),
            slots=Slots(settings.convotest_concurrency),
            models=models,
        )
        if role == "player" or (role == "auto" and not await somebody_plays(settings, store, clock)):
            await _start_playing(ports, stack)
        if role == "player":
            await _start_schedules(ports, stack)
        yield ports


def _models(settings: Settings, profiles_dir: Path, clock: Clock) -> ModelPool:
    """Nothing is connected before the first call."""
    providers = Providers(client=settings.convotest_chat_client, clock=clock)
    prices = Prices.load(profiles_dir / Path(PRICES_FILE).name)
    return ModelPool(settings, providers=providers, prices=prices, clock=clock)


def _simulators(settings: Settings, models: ModelPool) -> Mapping[SimulatorName, UserSimulator]:
    simulators: dict[SimulatorName, UserSimulator] = {"agenda": AgendaSimulator()}
    if models.configured:
        simulators["llm"] = LlmSimulator(default_model=settings.convotest_simulator_model)
    return simulators


async def _start_playing(ports: Ports, stack: AsyncExitStack) -> None:
    # Imported here: DBOS takes half a second, which commands that only read need not wait for.
    from jobs.actions._keeper import ActionKeeper
    from jobs.dispatcher import Dispatcher
    from jobs.engine import DbosEngine

    engine = DbosEngine(ports.store.database_url, workers=ports.store.workers, clock=ports.clock)
    dispatcher = Dispatcher(engine, ports)
    await dispatcher.start()
    stack.push_async_callback(dispatcher.stop)
    actions = ActionKeeper(ports)
    actions.start()
    stack.push_async_callback(actions.stop)


async def _start_schedules(ports: Ports, stack: AsyncExitStack) -> None:
    """Only where the process is here to stay: a command in a terminal does not do what is due meanwhile."""
    from jobs.alerts.watch import Watch
    from jobs.schedule.keeper import Scheduler

    scheduler, watch = Scheduler(ports), Watch(ports)
    scheduler.start()
    stack.push_async_callback(scheduler.stop)
    watch.start()
    stack.push_async_callback(watch.stop)


async def somebody_plays(settings: Settings, store: Store, clock: Clock) -> bool:
    """Whether another process is there to play what we record."""
    from jobs.engine import is_engine_in_use

    if settings.convotest_database_url.startswith("sqlite"):
        return await asyncio.to_thread(is_engine_in_use, settings.convotest_database_url)
    return bool(await store.workers.alive(since=clock.now() - ALIVE_WITHIN))


def _own_helper(stack: AsyncExitStack) -> HelperProcess:
    helper = HelperProcess()
    stack.callback(helper.stop)
    return helper
