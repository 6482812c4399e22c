"""What engine and store cost a conversation, by the size of a shard, when customer and assistant only say their lines.

``python -m tests.benchmarks.bench_engine`` plays each size in a process of its own; "no engine, no store" is the turn
loop and the metrics alone.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

import jobs.simulate.run
from jobs.bundle import Ports
from jobs.clock import SystemClock
from jobs.dispatcher import Dispatcher
from jobs.engine import DbosEngine
from jobs.model import RunRequest
from jobs.profiles import draw_scenarios, find_profile
from jobs.runs import follow_run, start_run
from jobs.scoring import score_transcript
from jobs.settings import Settings, shipped_profiles
from jobs.simulate.conversation import converse
from jobs.testing import ScriptedAssistant, ScriptedSimulator
from jobs.wiring import open_ports
from tests.benchmarks.measure import machine

EXCHANGES = 5
CUSTOMER = ScriptedSimulator(*(f"I would like number {number} of the menu, please." for number in range(EXCHANGES)))
ASSISTANT = ScriptedAssistant(*(f"Number {number} is on its way to your table." for number in range(EXCHANGES)))


async def play_through_the_engine(conversations: int, database_url: str) -> dict[str, float]:
    """Wall and CPU of a whole run, from the request to the closed run; the helper process is not in it."""
    async with playing_ports(database_url) as ports:
        cpu_s, started = time.process_time(), time.perf_counter()
        run = await start_run(RunRequest(target="pizza", n=conversations, seed=1, started_by="bench"), ports)
        async for _ in follow_run(run.id, ports):
            pass
        return _figures(conversations, started, cpu_s)


@asynccontextmanager
async def playing_ports(database_url: str) -> AsyncGenerator[Ports]:
    """The real work with a scripted customer and a scripted assistant."""
    settings = Settings(convotest_database_url=database_url, convotest_concurrency=200)
    simulators: dict[Any, Any] = {"agenda": CUSTOMER}
    async with open_ports(settings, role="reader", simulators=simulators) as opened:
        ports = replace(opened, connectors=dict.fromkeys(opened.connectors, ASSISTANT))
        engine = DbosEngine(database_url, workers=ports.store.workers, clock=ports.clock)
        dispatcher = Dispatcher(engine, ports)
        await dispatcher.start()
        try:
            yield ports
        finally:
            await dispatcher.stop()


async def play_in_memory(conversations: int) -> dict[str, float]:
    """The same conversations without engine and store."""
    profiles_dir = shipped_profiles()
    profile = find_profile("pizza", profiles_dir=profiles_dir)
    clock = SystemClock()
    cpu_s, started = time.process_time(), time.perf_counter()

    async def forget(*_: object) -> None:
        return

    for scenario in draw_scenarios(profile, seed=1, n=conversations):
        user, session = CUSTOMER.begin(scenario), await ASSISTANT.open(None, seed="")  # type: ignore[arg-type]  # it looks at no variant
        transcript = await converse(scenario, user, session, clock=clock, answer_timeout_s=60, on_turn=forget)
        await score_transcript(transcript, scenario, await user.assess(transcript))
    return _figures(conversations, started, cpu_s)


def _figures(conversations: int, started: float, cpu_s: float) -> dict[str, float]:
    return {
        "wall_s": time.perf_counter() - started,
        "cpu_ms": 1000 * (time.process_time() - cpu_s) / conversations,
    }


def measure(shard: int, conversations: int) -> dict[str, float]:
    """One size in a fresh process, on a fresh SQLite file; 0 = without engine."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_engine", "--shard", str(shard), "-n", str(conversations)]
    with tempfile.TemporaryDirectory(prefix="convotest-bench-") as folder:
        environment = {**os.environ, "BENCH_FOLDER": folder}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@click.command()
@click.option("-n", "conversations", default=500, show_default=True)
@click.option("--shard", type=int, help="Only this size, here, and its figures as JSON; 0 = without engine.")
def main(conversations: int, shard: int | None) -> None:
    if shard is not None:
        jobs.simulate.run.SHARD_SIZE = shard or 1
        url = f"sqlite:///{Path(os.environ.get('BENCH_FOLDER', '.')) / 'convotest.db'}"
        play = play_through_the_engine(conversations, url) if shard else play_in_memory(conversations)
        click.echo(json.dumps(asyncio.run(play)))
        return
    title = f"{conversations} conversations of {EXCHANGES} exchanges, nobody thinks, SQLite"
    table = Table("conversations a shard", "CPU ms a conversation", "engine and store", "wall", title=title)
    table.caption = machine()
    bare = measure(0, conversations)
    table.add_row("no engine, no store", f"{bare['cpu_ms']:.2f}", "", f"{bare['wall_s']:.1f} s")
    for size in (25, 10, 1):
        found = measure(size, conversations)
        extra = found["cpu_ms"] - bare["cpu_ms"]
        table.add_row(str(size), f"{found['cpu_ms']:.2f}", f"{extra:.2f}", f"{found['wall_s']:.1f} s")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
