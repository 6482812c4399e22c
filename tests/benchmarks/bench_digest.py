"""The digest with its charts, and ``/metrics``, over a large installation: ``python -m tests.benchmarks.bench_digest``.

Writes a database into a temporary directory (1 GB for the usual size) and nothing else.
"""

import asyncio
import random
import resource
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from bot.http_metrics import MetricsPage, render
from jobs.bundle import Ports
from jobs.digest._build import build_digest
from jobs.digest_command import digest_html
from jobs.helper import HelperProcess
from jobs.history.figures import EXECUTIONS
from jobs.history.point import Figure, Night, Tally
from jobs.model import RunId, RunRequest, WorkspaceId
from jobs.report import dump_summary, load_summary
from jobs.runs import close_finished, start_run
from jobs.settings import Settings
from jobs.simulate.run import play_shard, shards_of
from jobs.stats import wilson_interval
from jobs.store._rows import table_of
from jobs.store.runs import CONVERSATION, RUN
from jobs.store.tables import TurnRow
from jobs.store.votes import RATING
from jobs.testing import MovableClock, testing_ports
from tests.benchmarks.bench_feedback import SUBJECTS

TEAM = WorkspaceId("T1")
TURN = table_of(TurnRow)
NOW = datetime(2026, 11, 2, 7, 0, tzinfo=UTC)
METRICS = (
    "success", "quality", "coherence", "completeness", "efficiency", "safety", "turns_to_goal", "latency_p50_ms",
    "latency_p95_ms", "error_rate", "cost_usd", "cost_per_conversation_usd", "completed", "abandoned", "escalated",
)  # fmt: skip
PARTS = ("", "category:functional", "category:security", "persona:novice", "persona:expert")


async def write(ports: Ports, table: Any, rows: Iterator[Mapping[str, Any]]) -> None:
    while some := list(islice(rows, 5000)):
        await ports.store.writer.run(partial(_insert, table, some))


def _insert(table: Any, rows: list[Mapping[str, Any]], connection: Connection) -> None:
    connection.execute(table.insert(), rows)


def rating_rows(number: int, days: int, chance: random.Random) -> Iterator[Mapping[str, Any]]:
    words = [text.split() for text in SUBJECTS.values()]
    for place in range(number):
        at = NOW - timedelta(seconds=chance.random() * 86400 * days)
        text = " ".join(chance.choices(chance.choice(words), k=9)) if place % 10 == 0 else None
        yield {
            "id": f"{place:020}", "workspace_id": TEAM, "key": f"key:{place}", "source": "live", "kind": "stars",
            "value": chance.choice((1, 2, 3, 4, 5, 5)), "retracted": False, "at": at, "received_at": at,
            "voter": f"member:U{chance.randrange(number // 5 + 1)}", "subject": f"c{place}",
            "conversation": f"c{place}",
            "comment": text, "details": {}, "assistant": "pizza",
        }  # fmt: skip


async def play_one(ports: Ports, n: int) -> RunId:
    """One run that is really played: its rows are what all others are copies of."""
    request = RunRequest(target="pizza", assistant="pizza@good", n=n, seed=7, workspace_id=TEAM, key="schedule:s:0")
    run = await start_run(request, ports)
    await ports.store.runs.mark_running(run.id)
    for shard in shards_of(run):
        await play_shard(run.id, shard, ports)
    found = await ports.store.runs.get(run.id)
    assert found is not None
    await close_finished(found, ports)
    return run.id


async def copy_nights(ports: Ports, run_id: RunId, nights: int) -> None:
    """The same run once more for every earlier night, with its conversations and without their turns."""
    async with ports.store.runs._reader.connect() as connection:  # pyright: ignore[reportPrivateUsage]  # whole rows
        run = dict((await connection.execute(RUN.select().where(RUN.c.id == run_id))).mappings().one())
        found = await connection.execute(CONVERSATION.select().where(CONVERSATION.c.run_id == run_id))
        conversations = [dict(row) for row in found.mappings()]
    summary = load_summary(run["summary"])
    assert summary is not None, "this version wrote it"
    dates = {night: NOW - timedelta(days=night, hours=5) for night in range(1, nights)}
    copies: Iterator[Mapping[str, Any]] = (
        run | {"id": f"night-{night}", "key": f"schedule:s:{night}", "created_at": at, "started_at": at,
               "finished_at": at, "summary": dump_summary(summary)}
        for night, at in dates.items()
    )  # fmt: skip
    await write(ports, RUN, copies)
    played: Iterator[Mapping[str, Any]] = (
        each | {"id": f"n{night}-{each['number']}", "run_id": f"night-{night}", "finished_at": at}
        for night, at in dates.items()
        for each in conversations
    )
    await write(ports, CONVERSATION, played)
    chance = random.Random(5)
    for night, at in dates.items():
        await ports.store.history.record(_night(night, at), tuple(_figures(chance)), _tallies(len(conversations)))


def _night(night: int, at: datetime) -> Night:
    return Night(
        run_id=RunId(f"night-{night}"), workspace_id=TEAM, subject="pizza", assistant="pizza", variant="good",
        scheduled=True, at=at,
    )  # fmt: skip


def _figures(chance: random.Random) -> Iterator[Figure]:
    for metric in METRICS:
        for part in PARTS:
            rate = wilson_interval(sum(chance.random() < 0.9 for _ in range(40)), 40)
            assert rate is not None
            yield Figure(metric=metric, value=rate.value, low=rate.low, high=rate.high, n=40, part=part)


def _tallies(conversations: int) -> list[Tally]:
    return [Tally(name=EXECUTIONS, first="functional", second="passed", value=conversations)]


def helper_so_far() -> tuple[int, float]:
    """The helper's highest memory in MB, and its seconds of CPU."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, time.process_time()


async def measure(folder: Path, ratings: int, conversations: int, nights: int) -> None:
    clock = MovableClock(NOW - timedelta(hours=5))
    url = f"sqlite:///{folder / 'large.db'}"
    settings = Settings(convotest_database_url=url)
    async with testing_ports(folder, clock=clock, database_url=url, settings=settings) as made:
        run_id = await play_one(made, conversations // nights)
        await copy_nights(made, run_id, nights)
        await write(made, RATING, rating_rows(ratings, nights, random.Random(1)))
        clock.move((NOW - clock.now()).total_seconds())
        click.echo(f"{ratings} ratings, {conversations} conversations, {nights} nights: written")
        helper = HelperProcess()
        try:
            ports = replace(made, helper=helper)
            for kind in ("daily", "weekly"):
                before = await helper.call(helper_so_far)
                began = time.monotonic()
                own = time.process_time()
                digest = await build_digest(kind, TEAM, ports)
                built = time.monotonic() - began
                page = await digest_html(digest, ports)
                whole = time.monotonic() - began
                memory, cpu = await helper.call(helper_so_far)
                cpu += time.process_time() - own - before[1]
                click.echo(
                    f"{kind}: {built:.1f} s, with charts light and dark {whole:.1f} s ({cpu:.1f} s of CPU); "
                    f"helper {memory} MB; "
                    f"{len(digest.parts)} sections, {len(page) // 1024} kB; {digest.headline[:80]}"
                )
        finally:
            helper.stop()
        metrics = MetricsPage(made)
        times, size = list[float](), 0
        for _ in range(30):
            began = time.monotonic()
            size = len(render(await metrics.observe()))
            times.append((time.monotonic() - began) * 1000)
        click.echo(f"/metrics: first {times[0]:.0f} ms, then median {sorted(times[1:])[14]:.0f} ms, {size} bytes")


@click.command()
@click.option("--ratings", default=1_000_000, show_default=True)
@click.option("--conversations", default=200_000, show_default=True)
@click.option("--nights", default=400, show_default=True)
def main(ratings: int, conversations: int, nights: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), ratings, conversations, nights))


if __name__ == "__main__":
    main()
