"""Whole runs with a chat model on both sides, beside bare loops that only make the same calls.

``python -m tests.benchmarks.bench_run`` starts a provider in a process of its own, and the real bot, which plays,
scores and stores the conversations, posts them, and answers slash commands meanwhile. Wall is from the first model call
to the last stored conversation; what it then takes to post everything at Slack's pace stands apart.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import psutil
import yaml
from rich.console import Console
from rich.table import Table

from bot.workspace import LocalWorkspace
from jobs.chat_model.loopback import Call
from tests.benchmarks.bench_chat_model import measure as measure_calls
from tests.benchmarks.measure import PeakMemory, finished, last_finished_at, machine, percentile
from tests.e2e.process import ROOT, Bot, Home, convotest, make_home

CHANNEL, OTHER, ADA, BEN = "C0QUALITY", "C0GENERAL", "U0ADA", "U0BEN"
EXCHANGES = 5
PROFILE = """
test_name: bench
user:
  language: English
  role: you order from a shop
  goals:
    - "a {{size}} pizza"
    - size: {function: another(), type: string, data: [small, medium, large]}
chatbot:
  is_starter: false
conversation:
  number: 10
  goal_style:
    steps: 5
  interaction_style: [default]
"""
ASSISTANT = {
    "connector": "openai_chat",
    "default": "plain",
    "profiles": ["bench"],
    "variants": {
        "plain": {"model": "gpt-4o-mini", "system_prompt": "You work in a pizza shop. Be friendly and short."}
    },
}
FIRST_CALL = "BENCH_FIRST_CALL"


@dataclass(frozen=True, kw_only=True)
class Load:
    """So many conversations, so many of them at once, with a model that takes so long."""

    conversations: int
    at_once: int
    delay_s: float
    at_most: float

    @property
    def calls(self) -> int:
        return self.conversations * 2 * EXCHANGES

    @property
    def ideal_s(self) -> float:
        return -(-self.conversations // self.at_once) * 2 * EXCHANGES * self.delay_s


LOADS = (
    Load(conversations=200, at_once=50, delay_s=0.1, at_most=1.10),
    Load(conversations=500, at_once=200, delay_s=0.1, at_most=1.25),
    Load(conversations=200, at_once=200, delay_s=1.0, at_most=1.05),
)
BARE = ("bare aiohttp", "bare openai")


@dataclass(frozen=True, kw_only=True)
class Measured:
    name: str
    wall_s: float
    cpu_ms_per_call: float
    acks_ms: tuple[float, ...] = ()
    bot_mb: float | None = None
    posted_after_s: float | None = None


# --- the provider -----------------------------------------------------------------------------------------------------


def answer(call: Call) -> str:
    """Something new each time, as a customer or as the shop; the first call's time is written down."""
    if call.number == 1 and (file := os.environ.get(FIRST_CALL)):
        Path(file).write_text(repr(time.time()))
    return f"Well, then let us take number {call.number} of the list, and after that we shall see what else there is."


@contextmanager
def provider(delay_s: float, first_call: Path) -> Generator[str]:
    command = [sys.executable, "-m", "jobs.chat_model.loopback", "--delay-ms", str(1000 * delay_s)]
    command += ["--answer", "tests.benchmarks.bench_run:answer"]
    environment = {**os.environ, FIRST_CALL: str(first_call)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


# --- the bot ----------------------------------------------------------------------------------------------------------


async def measure_run(load: Load, base_url: str, first_call: Path, folder: Path) -> Measured:
    home = make_home(
        folder,
        OPENAI_BASE_URL=base_url,
        CONVOTEST_SIMULATOR="llm",
        CONVOTEST_SIMULATOR_MODEL="gpt-4o-mini",
        CONVOTEST_CONCURRENCY=str(load.at_once),
    )
    add_bench_profile(home)
    await convotest(home, "db", "upgrade")
    async with LocalWorkspace() as workspace:
        bot = Bot(home, workspace)
        await bot.start()
        try:
            return await _run(load, bot, home, workspace, first_call)
        finally:
            await bot.stop()


def add_bench_profile(home: Home) -> None:
    profiles = home.directory / "profiles"
    (profiles / "bench.yaml").write_text(PROFILE)
    file = profiles / "assistants.yaml"
    content: Any = yaml.safe_load(file.read_text())
    content["assistants"]["bench"] = ASSISTANT
    file.write_text(yaml.safe_dump(content))


async def _run(load: Load, bot: Bot, home: Home, workspace: LocalWorkspace, first_call: Path) -> Measured:
    process = psutil.Process(bot.pid)
    cpu_s = sum(process.cpu_times()[:2])
    typed = f"/convotest run bench n={load.conversations} seed=1"
    acks_ms = [await _ack_ms(workspace, CHANNEL, ADA, typed)]
    while finished(home) < load.conversations:
        acks_ms.append(await _ack_ms(workspace, OTHER, BEN, "/convotest help"))
        await asyncio.sleep(0.1)
    cpu_s = sum(process.cpu_times()[:2]) - cpu_s
    ended_at = last_finished_at(home)
    await workspace.wait_for(lambda: _is_posted(workspace), 180)
    return Measured(
        name="convotest, everything",
        wall_s=ended_at - float(first_call.read_text()),
        cpu_ms_per_call=1000 * cpu_s / load.calls,
        acks_ms=tuple(acks_ms),
        bot_mb=PeakMemory.of(bot.pid).own_mb,
        posted_after_s=time.time() - ended_at,
    )


async def _ack_ms(workspace: LocalWorkspace, channel: str, member: str, typed: str) -> float:
    started = time.perf_counter()
    result = await workspace.type_command(channel, member, typed)
    assert result.acknowledged, result
    return 1000 * (time.perf_counter() - started)


def _is_posted(workspace: LocalWorkspace) -> bool:
    cards = workspace.messages(CHANNEL)
    return bool(cards) and f"<@{ADA}>" in workspace.messages(CHANNEL, cards[0]["ts"])[-1]["text"]


# --- the table --------------------------------------------------------------------------------------------------------


def measure(load: Load) -> list[Measured]:
    rows: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="convotest-bench-") as folder:
        first_call = Path(folder) / "first-call"
        home = Path(folder) / "home"
        home.mkdir()
        with provider(load.delay_s, first_call) as base_url:
            rows.append(asyncio.run(measure_run(load, base_url, first_call, home)))
            for name in BARE:
                bare = asyncio.run(
                    measure_calls(
                        name,
                        base_url,
                        conversations=load.conversations,
                        concurrency=load.at_once,
                        delay_s=load.delay_s,
                    )
                )
                rows.append(Measured(name=name, wall_s=bare.wall_s, cpu_ms_per_call=bare.cpu_ms_per_call))
    return rows


@click.command()
@click.option("--load", "chosen", type=click.IntRange(1, len(LOADS)), help="Only this one of the loads.")
def main(chosen: int | None) -> None:
    headings = ("", "wall s", "wall ÷ ideal", "at most", "CPU ms/call", "ack p99", "bot MB", "posted after")
    for load in LOADS if chosen is None else LOADS[chosen - 1 : chosen]:
        title = f"{load.conversations} × {EXCHANGES} exchanges, {load.at_once} at once, {load.delay_s * 1000:.0f} ms"
        table = Table(*headings, title=title, caption=machine())
        for row in measure(load):
            is_ours = bool(row.acks_ms)
            table.add_row(
                row.name,
                f"{row.wall_s:.1f}",
                f"{row.wall_s / load.ideal_s:.2f}",
                f"{load.at_most:.2f}" if is_ours else "",
                f"{row.cpu_ms_per_call:.2f}",
                f"{percentile(row.acks_ms, 0.99):.0f} ms" if is_ours else "",
                f"{row.bot_mb:.0f}" if row.bot_mb is not None else "",
                f"{row.posted_after_s:.0f} s" if row.posted_after_s is not None else "",
            )
        Console(width=120).print(table)


if __name__ == "__main__":
    main()
