"""The serving bot under load: how fast it acknowledges slash commands meanwhile, and how much memory it takes.

``python -m tests.benchmarks.bench_bot`` starts ``bot serve`` over signed HTTP, lets it play demo conversations all at
once, types commands into the running load, and waits for the chart of the run.
"""

import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click
import psutil
from rich.console import Console
from rich.table import Table

from bot.workspace import LocalWorkspace
from tests.benchmarks.measure import PeakMemory, machine, percentile, playing
from tests.e2e.process import Bot, Home, convotest, make_home

QUALITY, GENERAL, ADA, BEN = "C0QUALITY", "C0GENERAL", "U0ADA", "U0BEN"
COMMANDS = ("/convotest help", "/convotest status", "/convotest profiles", "/convotest run nothing")
PAUSE_S = 0.05


@dataclass(frozen=True, kw_only=True)
class Measured:
    acks_ms: list[float]
    least_in_flight: int
    bot_mb: float
    helper_mb: float
    threads: int


async def measure(conversations: int, commands: int, latency_ms: int) -> Measured:
    with tempfile.TemporaryDirectory(prefix="convotest-bench-") as folder:
        home = make_home(
            Path(folder),
            latency_ms=latency_ms,
            CONVOTEST_CONCURRENCY=str(conversations),
        )
        await convotest(home, "db", "upgrade")  # the start that creates the tables takes 12 MB more
        async with LocalWorkspace() as workspace:
            bot = Bot(home, workspace)
            await bot.start()
            try:
                return await _under_load(bot, home, workspace, conversations, commands)
            finally:
                await bot.stop()


async def _under_load(bot: Bot, home: Home, workspace: LocalWorkspace, conversations: int, commands: int) -> Measured:
    await workspace.type_command(GENERAL, ADA, f"/convotest run pizza n={conversations} seed=1")
    while playing(home) < conversations:  # noqa: ASYNC110  (only a table tells)
        await asyncio.sleep(PAUSE_S)
    acks_ms: list[float] = []
    in_flight: list[int] = []
    for number in range(commands):
        started = time.perf_counter()
        result = await workspace.type_command(QUALITY, BEN, COMMANDS[number % len(COMMANDS)])
        acks_ms.append(1000 * (time.perf_counter() - started))
        assert result.acknowledged, result
        if number % 20 == 0:
            in_flight.append(playing(home))
        await asyncio.sleep(PAUSE_S)
    in_flight.append(playing(home))
    await workspace.wait_for(lambda: _has_ended(workspace), 300)
    memory = PeakMemory.of(bot.pid)
    return Measured(
        acks_ms=acks_ms,
        least_in_flight=min(in_flight),
        bot_mb=memory.own_mb,
        helper_mb=memory.child_mb,
        threads=psutil.Process(bot.pid).num_threads(),
    )


def _has_ended(workspace: LocalWorkspace) -> bool:
    [card] = workspace.messages(GENERAL)
    return f"<@{ADA}>" in workspace.messages(GENERAL, card["ts"])[-1]["text"]


@click.command()
@click.option("--conversations", default=200, show_default=True, help="All of them at once.")
@click.option("--commands", default=200, show_default=True)
@click.option("--latency-ms", default=6000, show_default=True, help="How long the demo assistant thinks.")
def main(conversations: int, commands: int, latency_ms: int) -> None:
    measured = asyncio.run(measure(conversations, commands, latency_ms))
    acks = measured.acks_ms
    table = Table("figure", "measured", "at most", title="The bot under load", caption=machine())
    table.add_row("conversations in flight while commands were typed, at least", str(measured.least_in_flight), "")
    table.add_row("slash acknowledgement, median", f"{statistics.median(acks):.0f} ms", "")
    table.add_row(f"slash acknowledgement, p99 of {len(acks)}", f"{percentile(acks, 0.99):.0f} ms", "250 ms")
    table.add_row("slash acknowledgement, slowest", f"{max(acks):.0f} ms", "")
    table.add_row("memory of the bot, at its highest", f"{measured.bot_mb:.0f} MB", "150 MB")
    table.add_row("memory of its helper, at its highest", f"{measured.helper_mb:.0f} MB", "350 MB")
    table.add_row("threads of the bot", str(measured.threads), "")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
