"""The engine plays every shard to its end, on SQLite and on PostgreSQL, whatever process dies meanwhile."""

import asyncio
import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from jobs.engine import engine_url, is_engine_in_use

PLAYER = Path(__file__).parent / "engine_player.py"


class Player:
    """A process with an engine in it, driven through its standard streams."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, database_url: str, *arguments: str) -> "Player":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(PLAYER),
            database_url,
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        return cls(process)

    async def line(self) -> str:
        assert self._process.stdout is not None
        async with asyncio.timeout(30):
            return (await self._process.stdout.readline()).decode().strip()

    async def kill(self) -> None:
        os.kill(self._process.pid, signal.SIGKILL)
        await self._process.communicate()

    async def end(self) -> tuple[int, str]:
        async with asyncio.timeout(30):
            _, errors = await self._process.communicate()
        assert self._process.returncode is not None
        return self._process.returncode, errors.decode()


async def test_a_killed_process_leaves_its_shards_to_the_next_one(database_url: str) -> None:
    first = await Player.start(database_url, "hang")
    assert await first.line() == "playing"
    await first.kill()

    # On PostgreSQL the dead process must first go silent; the player is told to wait for no more than its heartbeat.
    second = await Player.start(database_url, "finish")
    assert await second.line() == "playing"
    assert await second.line() == "finished"

    assert (await second.end())[0] == 0


@pytest.fixture
def sqlite_url(tmp_path: Path) -> Generator[str]:
    yield f"sqlite:///{tmp_path / 'convotest.db'}"


async def test_a_second_process_on_one_sqlite_file_is_refused_and_the_first_unharmed(sqlite_url: str) -> None:
    first = await Player.start(sqlite_url, "hang")
    assert await first.line() == "playing"

    code, errors = await (await Player.start(sqlite_url, "finish")).end()

    assert code == 3
    assert "another convotest process" in errors
    assert is_engine_in_use(sqlite_url)
    await first.kill()
    assert not is_engine_in_use(sqlite_url)


@pytest.mark.parametrize(
    ("ours", "engine"),
    [
        ("sqlite:///convotest.db", "sqlite:///convotest-engine.db"),
        ("sqlite:////data/a.db", "sqlite:////data/a-engine.db"),
        ("postgresql://u:p@host/name", "postgresql://u:p@host/name"),
    ],
)
def test_the_engine_keeps_its_tables_apart(ours: str, engine: str) -> None:
    assert engine_url(ours) == engine
