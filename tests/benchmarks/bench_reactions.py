"""Reactions at the bot's door: 300 a second over signed HTTP, each stored before it is acknowledged.

``python -m tests.benchmarks.bench_reactions`` plays a run so that there are messages to react to, sends events at a
fixed rate whatever the bot does, and counts afterwards what the database has of them.
"""

import asyncio
import hashlib
import hmac
import json
import random
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import click
import psutil
from rich.console import Console
from rich.table import Table

from bot.workspace import LocalWorkspace
from bot.workspace.state import BOT_USER
from tests.benchmarks.measure import PeakMemory, machine, percentile
from tests.e2e.process import Bot, Home, make_home

CHANNEL, ADA = "C0QUALITY", "U0ADA"
NAMES = ("+1", "-1", "star", "one", "two", "three", "four", "five", "+1::skin-tone-3")
CONVERSATIONS = 30


@dataclass(frozen=True, kw_only=True)
class Measured:
    acks_ms: list[float]
    seconds: float
    refused: int
    stored: int
    worked: int
    caught_up_s: float
    cpu_ms: float
    bot_mb: float


async def measure(rate: int, seconds: int) -> Measured:
    with tempfile.TemporaryDirectory(prefix="convotest-bench-") as folder:
        home = make_home(Path(folder))
        async with LocalWorkspace() as workspace:
            bot = Bot(home, workspace)
            await bot.start()
            try:
                messages = await messages_of_a_run(workspace)
                return await _under_reactions(bot, home, workspace, messages, rate, seconds)
            finally:
                await bot.stop()


async def messages_of_a_run(workspace: LocalWorkspace, *, n: int = CONVERSATIONS) -> list[str]:
    """The ts of each conversation's message, once the run is over and shown."""
    await workspace.type_command(CHANNEL, ADA, f"/convotest run pizza n={n} seed=1")

    def ended() -> bool:
        cards = workspace.messages(CHANNEL)
        return bool(cards) and f"<@{ADA}>" in workspace.messages(CHANNEL, cards[0]["ts"])[-1]["text"]

    await workspace.wait_for(ended, 120)
    thread = workspace.messages(CHANNEL, workspace.messages(CHANNEL)[0]["ts"])
    return [message["ts"] for message in thread if f"/{n} " in message["text"][:8]]


def reaction_event(place: int, ts: str, member: str, chance: random.Random, began: float) -> bytes:
    """One event as Slack sends it; a third of them take a reaction away."""
    event: dict[str, Any] = {
        "type": chance.choice(("reaction_added", "reaction_added", "reaction_removed")),
        "user": member,
        "reaction": chance.choice(NAMES),
        "item": {"type": "message", "channel": CHANNEL, "ts": ts},
        "item_user": BOT_USER,
        "event_ts": f"{began + place / 1_000_000:.6f}",
    }
    body = {"type": "event_callback", "team_id": "T0LOCAL", "event_id": f"EvR{place:09}", "event": event}
    return json.dumps(body).encode()


def signature(body: bytes, secret: str) -> dict[str, str]:
    timestamp = str(int(time.time()))
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": f"v0={digest}",
    }


async def _under_reactions(
    bot: Bot, home: Home, workspace: LocalWorkspace, messages: list[str], rate: int, seconds: int
) -> Measured:
    chance, began = random.Random(3), time.time()
    members = sorted(member for member in workspace.team().members if member.startswith("U0") and member != BOT_USER)
    acks_ms: list[float] = []
    refused = 0
    url, process = f"{bot.url}/slack/events", psutil.Process(bot.pid)
    cpu_before = sum(process.cpu_times()[:2])
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def send(body: bytes, due: float) -> None:
            nonlocal refused
            async with session.post(url, data=body, headers=signature(body, workspace.signing_secret)) as response:
                await response.read()
                refused += response.status != 200
            acks_ms.append(1000 * (time.perf_counter() - due))

        start = time.perf_counter()
        tasks: list[asyncio.Task[None]] = []
        for place in range(rate * seconds):
            due = start + place / rate
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            body = reaction_event(place, chance.choice(messages), chance.choice(members), chance, began)
            tasks.append(asyncio.create_task(send(body, due)))
        await asyncio.gather(*tasks)
        took = time.perf_counter() - start
    stored = _count(home, "select count(*) from delivery where key like 'event:EvR%'")
    caught_up = time.perf_counter()
    while _count(home, "select count(*) from delivery where state = 'received'"):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    return Measured(
        acks_ms=acks_ms,
        seconds=took,
        refused=refused,
        stored=stored,
        worked=_count(home, "select count(*) from rating"),
        caught_up_s=time.perf_counter() - caught_up,
        cpu_ms=1000 * (sum(process.cpu_times()[:2]) - cpu_before) / len(acks_ms),
        bot_mb=PeakMemory.of(bot.pid).own_mb,
    )


def _count(home: Home, query: str) -> int:
    with closing(sqlite3.connect(home.directory / "convotest.db", timeout=30)) as connection:
        return int(connection.execute(query).fetchone()[0])


@click.command()
@click.option("--rate", default=300, show_default=True, help="Events a second.")
@click.option("--seconds", default=60, show_default=True)
def main(rate: int, seconds: int) -> None:
    measured = asyncio.run(measure(rate, seconds))
    acks = measured.acks_ms
    table = Table("figure", "measured", "wanted", title="Reactions at the door", caption=machine())
    table.add_row("events sent", f"{len(acks):,} in {measured.seconds:.1f} s", f"{rate} a second")
    table.add_row("not acknowledged with 200", str(measured.refused), "0")
    table.add_row("deliveries in the database when the last was acknowledged", f"{measured.stored:,}", f"{len(acks):,}")
    table.add_row("acknowledgement, median", f"{statistics.median(acks):.0f} ms", "")
    table.add_row("acknowledgement, p99", f"{percentile(acks, 0.99):.0f} ms", "250 ms")
    table.add_row("acknowledgement, slowest", f"{max(acks):.0f} ms", "")
    table.add_row("all worked on after the last", f"{measured.caught_up_s:.1f} s", "")
    table.add_row("the bot's processor time for one", f"{measured.cpu_ms:.2f} ms", "")
    table.add_row("memory of the bot, at its highest", f"{measured.bot_mb:.0f} MB", "150 MB")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
