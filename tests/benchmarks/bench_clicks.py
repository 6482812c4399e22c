"""The bot while people click: acknowledgements and the outbox, with hundreds of conversations in flight.

``python -m tests.benchmarks.bench_clicks`` starts ``bot serve`` over signed HTTP, lets it play demo conversations all
at once, and has people press buttons and type commands all the while: how fast each is acknowledged, and how many
messages a second come out of the outbox where Slack's pace lets them.
"""

import asyncio
import itertools
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bot.workspace import LocalWorkspace
from tests.benchmarks.measure import PeakMemory, machine, percentile, playing, query
from tests.e2e.process import Bot, Home, convotest, make_home

QUALITY, GENERAL, ADA, BEN = "C0QUALITY", "C0GENERAL", "U0ADA", "U0BEN"
COMMANDS = ("/convotest help", "/convotest status", "/convotest show last", "/convotest ab list")
THINK_S = 0.5
"""Between two clicks of one person."""


@dataclass(kw_only=True)
class Measured:
    acks_ms: list[float] = field(default_factory=list[float])
    lost: int = 0
    in_flight: list[int] = field(default_factory=list[int])
    shown: int = 0
    took_s: float = 0.0
    edits: int = 0
    longest_wait_s: float = 0.0
    bot_mb: float = 0.0


async def measure(conversations: int, people: int, latency_ms: int) -> Measured:
    with tempfile.TemporaryDirectory(prefix="convotest-bench-") as folder:
        home = make_home(Path(folder), latency_ms=latency_ms, CONVOTEST_CONCURRENCY=str(conversations))
        await convotest(home, "db", "upgrade")
        async with LocalWorkspace() as workspace:
            bot = Bot(home, workspace)
            await bot.start()
            try:
                return await _under_load(bot, home, workspace, conversations, people)
            finally:
                await bot.stop()


async def _under_load(bot: Bot, home: Home, workspace: LocalWorkspace, conversations: int, people: int) -> Measured:
    await workspace.type_command(QUALITY, ADA, "/convotest run pizza n=3 seed=1")  # somewhere to click
    card = await workspace.wait_for(lambda: _over(workspace, QUALITY), 120)
    button = next(each for each in workspace.messages(QUALITY, card) if "Whole transcript" in str(each.get("blocks")))
    measured, started = Measured(), time.perf_counter()
    await workspace.type_command(GENERAL, ADA, f"/convotest run pizza n={conversations} seed=1")
    while playing(home) < conversations * 0.98:  # noqa: ASYNC110  (only a table tells)
        await asyncio.sleep(0.05)
    over = asyncio.Event()
    clicking = [
        asyncio.create_task(_person(number, workspace, button["ts"], over, measured)) for number in range(people)
    ]
    watching = asyncio.create_task(_watch(home, over, measured))
    await workspace.wait_for(lambda: _over(workspace, GENERAL), 600)
    measured.took_s = time.perf_counter() - started
    over.set()
    await asyncio.gather(*clicking, watching)
    [(measured.shown,)] = query(home, "select count(*) from outbox where state = 'sent'")
    [(measured.edits,)] = query(home, "select sum(shown) from outbox where kind = 'run_card'")
    measured.bot_mb = PeakMemory.of(bot.pid).own_mb
    return measured


async def _person(number: int, workspace: LocalWorkspace, ts: str, over: asyncio.Event, measured: Measured) -> None:
    """Presses a button and types a command in turn, as fast as somebody impatient."""
    member = (ADA, BEN)[number % 2]
    await asyncio.sleep(THINK_S * number / 20)
    for turn in itertools.count(number):
        if over.is_set():
            return
        started = time.perf_counter()
        if turn % 2:
            result = await workspace.click(member, QUALITY, ts, "transcript")
        else:
            result = await workspace.type_command(QUALITY, member, COMMANDS[turn // 2 % len(COMMANDS)])
        measured.acks_ms.append(1000 * (time.perf_counter() - started))
        measured.lost += not result.acknowledged
        await asyncio.sleep(THINK_S)


async def _watch(home: Home, over: asyncio.Event, measured: Measured) -> None:
    """How many are being played, and how long the oldest message of the outbox has waited."""
    while not over.is_set():
        measured.in_flight.append(playing(home))
        [(seconds,)] = query(
            home,
            "select coalesce((julianday('now') - julianday(min(created_at))) * 86400, 0) "
            "from outbox where state = 'pending'",
        )
        measured.longest_wait_s = max(measured.longest_wait_s, float(seconds))
        await asyncio.sleep(0.5)


def _over(workspace: LocalWorkspace, channel: str) -> str:
    """The card's ts once the last message of its thread is there."""
    for card in workspace.messages(channel):
        if card.get("metadata") and f"<@{ADA}>, your run" in workspace.messages(channel, card["ts"])[-1]["text"]:
            return str(card["ts"])
    return ""


@click.command()
@click.option("--conversations", default=300, show_default=True, help="All of them at once.")
@click.option("--people", default=20, show_default=True)
@click.option("--latency-ms", default=5000, show_default=True, help="How long the demo assistant thinks.")
def main(conversations: int, people: int, latency_ms: int) -> None:
    measured = asyncio.run(measure(conversations, people, latency_ms))
    acks = measured.acks_ms
    table = Table("figure", "measured", "at most", title=f"{people} people click", caption=machine())
    busiest = sorted(measured.in_flight)[len(measured.in_flight) // 2]
    table.add_row("conversations in flight, median while people clicked", str(busiest), "")
    table.add_row("clicks and commands", str(len(acks)), "")
    table.add_row("acknowledgement, median", f"{statistics.median(acks):.0f} ms", "")
    table.add_row("acknowledgement, p99", f"{percentile(acks, 0.99):.0f} ms", "250 ms")
    table.add_row("acknowledgement, slowest", f"{max(acks):.0f} ms", "3000 ms (Slack's limit)")
    table.add_row("not acknowledged in time", str(measured.lost), "0")
    table.add_row("messages and files shown", str(measured.shown), "")
    table.add_row("edits of cards", str(measured.edits), "")
    rate = (measured.shown + measured.edits) / measured.took_s
    table.add_row("outbox, messages and edits a second", f"{rate:.1f}", "")
    table.add_row("longest wait in the outbox (Slack takes 1 message a second)", f"{measured.longest_wait_s:.0f} s", "")
    table.add_row("memory of the bot, at its highest", f"{measured.bot_mb:.0f} MB", "150 MB")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
