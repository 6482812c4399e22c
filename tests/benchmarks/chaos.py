"""Kills the real bot ten times while it plays 200 conversations, in a workspace that fails, and counts what broke.

``python -m tests.benchmarks.chaos`` plays one run of 200, and eight runs of 25 at once (of which every conversation is
posted), on SQLite and on PostgreSQL; the exit code is 1 if a promise was broken. `tests.e2e.chaos` has the checker.
"""

import asyncio
import os
import platform
import sys
import tempfile
import uuid
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from tests.e2e.chaos import Findings, Plan, play_chaos

POSTGRES = os.environ.get("CONVOTEST_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")
FIGURES: tuple[tuple[str, Callable[[Findings], object]], ...] = (
    ("kill -9", lambda found: found.kills),
    ("conversations finished at each kill", lambda found: " ".join(map(str, found.finished_at_kills))),
    ("posts that failed", lambda found: found.posts_failed),
    ("… after the workspace had stored them", lambda found: found.posts_lost_after_storing),
    ("conversations lost", lambda found: found.lost),
    ("finished conversations repeated", lambda found: found.repeated),
    ("messages and files missing", lambda found: found.messages_missing),
    ("messages doubled", lambda found: found.messages_doubled),
    ("files doubled", lambda found: found.files_doubled),
    ("outbox left", lambda found: found.outbox_left),
    ("turns asked again, of all", lambda found: f"{found.turns_repeated} of {found.turns}"),
    ("wall, from the command to the last message", lambda found: f"{found.wall_s:.0f} s"),
)


LIVES: Mapping[str, Mapping[int, tuple[float, float]]] = {
    "sqlite": {1: (0.5, 6.0), 8: (1.0, 20.0)},
    # A SQLite file has one owner that goes on at once; on PostgreSQL a dead worker must first be silent for a while.
    "postgres": {1: (2.0, 10.0), 8: (2.0, 24.0)},
}
"""Seconds that the process serves before each kill, by database and number of runs."""


@click.command()
@click.option("--conversations", default=200, show_default=True)
@click.option("--kills", default=10, show_default=True)
@click.option("--failing", default=0.1, show_default=True, help="Share of posts that fail, half of them when stored.")
@click.option("--seed", default=1, show_default=True)
@click.option("--on", type=click.Choice(["sqlite", "postgres", "both"]), default="both", show_default=True)
@click.option("--runs", type=click.Choice(["1", "8", "both"]), default="both", show_default=True)
def main(conversations: int, kills: int, failing: float, seed: int, on: str, runs: str) -> None:
    found: dict[str, Findings] = {}
    for name, database in {"sqlite": sqlite_file, "postgres": postgres_database}.items():
        for count, life_s in LIVES[name].items():
            if on not in (name, "both") or runs not in (str(count), "both"):
                continue
            with tempfile.TemporaryDirectory(prefix="convotest-chaos-") as folder, database(Path(folder)) as url:
                plan = Plan(
                    conversations=conversations,
                    runs=count,
                    kills=kills,
                    seed=seed,
                    database_url=url,
                    life_s=life_s,
                    failing=failing,
                )
                title = f"{name}, {plan.runs} × {plan.each}"
                click.echo(f"{title} …", err=True)
                found[title] = asyncio.run(play_chaos(plan, Path(folder)))
    show(found, f"{conversations} conversations, {kills} kills, {failing:.0%} of posts failing, seed {seed}")
    sys.exit(1 if any(each.broken_promises or each.kills < kills for each in found.values()) else 0)


def show(found: dict[str, Findings], title: str) -> None:
    table = Table("", *found, title=title, caption=f"{platform.platform()}, {os.cpu_count()} cores")
    for name, figure in FIGURES:
        table.add_row(name, *(str(figure(each)) for each in found.values()))
    Console(width=120).print(table)


@contextmanager
def sqlite_file(folder: Path) -> Generator[str]:
    yield f"sqlite:///{folder / 'convotest.db'}"


@contextmanager
def postgres_database(folder: Path) -> Generator[str]:
    """A database of its own, dropped afterwards."""
    name = f"convotest_chaos_{uuid.uuid4().hex[:8]}"
    server = POSTGRES.replace("postgresql://", "postgresql+psycopg://", 1)
    admin = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    try:
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except SQLAlchemyError as error:
        raise click.ClickException(
            f"no PostgreSQL answers at {POSTGRES}: set CONVOTEST_TEST_POSTGRES, or use --on sqlite"
        ) from error
    try:
        yield POSTGRES.rsplit("/", 1)[0] + "/" + name
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


if __name__ == "__main__":
    main()
