"""Feedback at scale: a report over many ratings, computed in the helper.

``python -m tests.benchmarks.bench_feedback`` writes a database into a temporary directory and nothing else.
"""

import asyncio
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from jobs.clock import SystemClock
from jobs.feedback.report import report_feedback
from jobs.helper import HelperProcess
from jobs.model import WorkspaceId
from jobs.store import Store, open_store
from jobs.store.votes import RATING, Scope

TEAM = WorkspaceId("T1")
SUBJECTS = {
    "speed": "slow waiting minutes answer took long forever loading pause delay",
    "order": "wrong pizza order drinks forgot size toppings mixed delivered different",
    "tone": "friendly polite nice kind helpful staff conversation smile warm welcome",
    "price": "price expensive coupon discount charged twice refund money bill total",
}


def rows(number: int, comments: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    """Ratings by many people over a quarter, some by the same person of the same conversation."""
    began, words = datetime(2026, 1, 1, tzinfo=UTC), [text.split() for text in SUBJECTS.values()]
    every = max(1, number // comments)
    for place in range(number):
        stars, conversation = chance.choice((1, 2, 3, 4, 5, 5)), f"ext:{chance.randrange(number)}"
        thumb = chance.random() < 0.3
        text = " ".join(chance.choices(chance.choice(words), k=9)) if place % every == 0 else None
        yield {
            "id": f"{place:020}",
            "workspace_id": TEAM,
            "key": f"key:{place}",
            "source": chance.choice(("live", "live", "api", "run")),
            "kind": "thumb" if thumb else "stars",
            "value": (1 if stars > 3 else -1) if thumb else stars,
            "retracted": chance.random() < 0.05,
            "at": began + timedelta(seconds=chance.random() * 86400 * 90),
            "received_at": began,
            "voter": f"member:U{chance.randrange(number // 5 + 1)}",
            "subject": conversation,
            "conversation": conversation,
            "comment": text,
            "details": {},
            "assistant": chance.choice(("pizza", "bank")),
        }


async def fill(store: Store, number: int, comments: int) -> None:
    chance, batch = random.Random(1), list[dict[str, Any]]()
    for row in rows(number, comments, chance):
        batch.append(row)
        if len(batch) == 5000 or row["id"] == f"{number - 1:020}":
            some, batch = batch, []
            await store.writer.run(lambda connection, some=some: connection.execute(RATING.insert(), some))


def measured(url: str) -> tuple[float, float, int, Any]:
    """Seconds, those of the processor, the process's highest memory in MB, and the report; called in the helper."""
    began, worked = time.monotonic(), time.process_time()
    report = report_feedback(url, Scope(workspace_id=TEAM), by="week")
    seconds, busy = time.monotonic() - began, time.process_time() - worked
    return seconds, busy, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, report


async def report_over(number: int, comments: int, url: str) -> None:
    async with open_store(url, SystemClock()) as store:
        await fill(store, number, comments)
    helper = HelperProcess()
    try:
        seconds, busy, memory, report = await helper.call(measured, url)
    finally:
        helper.stop()
    notes = "; ".join(report.words.notes)
    click.echo(
        f"{number:>9} ratings, {report.words.n:>7} comments: {seconds:5.1f} s ({busy:.1f} s busy), {memory} MB; "
        f"n={report.headline.n}, {len(report.words.themes)} themes; {notes}"
    )


@click.command()
@click.option("--ratings", multiple=True, type=int, default=(10_000, 100_000, 1_000_000), show_default=True)
@click.option("--comments", default=100_000, show_default=True, help="At most so many of the ratings have a text.")
def main(ratings: tuple[int, ...], comments: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for number in ratings:
            asyncio.run(report_over(number, comments, f"sqlite:///{Path(folder) / f'{number}.db'}"))


if __name__ == "__main__":
    main()
