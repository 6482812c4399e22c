"""The durable job engine: shards of conversations that survive a crash, on DBOS behind a small port.

The engine only remembers *that* a shard is to be played; what is finished, our own rows say. It never sees a
transcript, a secret or a payload.
"""

import asyncio
import fcntl
import logging
import os
import socket
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import IO, Protocol

from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, SetWorkflowID
from sqlalchemy import create_engine, make_url, text

from jobs.errors import ConfigurationError
from jobs.model import RunId
from jobs.ports import Clock
from jobs.store import Workers

log = logging.getLogger(__name__)

QUEUE = "shards"
WORKFLOW_VERSION = "1"
"""Bumped by hand, and only if the workflow below changes shape: work of another version is never run."""
THREADS = 16
SHARDS_AT_ONCE = 200
"""Far more than can be played: `jobs.slots` shares the places between runs, and can only do so with what is here."""
POLL = timedelta(seconds=0.2)
HEARTBEAT = timedelta(seconds=3)
SILENT_AFTER = timedelta(seconds=15)
OPEN = ["ENQUEUED", "PENDING", "DELAYED"]

PlayShard = Callable[[RunId, int], Awaitable[None]]


class Engine(Protocol):
    """Plays shards, each at least once however often the process dies."""

    async def start(self, play: PlayShard) -> None: ...

    async def stop(self) -> None: ...

    async def submit(self, run_id: RunId, shard: int, *, generation: int) -> None:
        """Queue a shard; the same shard and generation twice is queued once."""
        ...

    async def open_shards(self, run_id: RunId) -> int:
        """How many shards of a run are queued or being played, by any process."""
        ...

    async def keep(self) -> None:
        """What must happen now and then: say that we are alive, take over from those that are not."""
        ...


_player: PlayShard | None = None


@DBOS.step(name="play")
async def _play(run_id: str, shard: int) -> None:
    assert _player is not None, "the engine was not started"
    await _player(RunId(run_id), shard)


@DBOS.workflow(name="play_shard")
async def _play_shard(run_id: str, shard: int) -> None:
    await _play(run_id, shard)


class DbosEngine:
    """DBOS on the SQLite file beside ours, or in its own schema of our PostgreSQL database.

    Raises:
        ConfigurationError: on SQLite, when another process plays from the same file.
    """

    def __init__(self, database_url: str, *, workers: Workers, clock: Clock, schema: str = "dbos") -> None:
        self._url = engine_url(database_url)
        self._schema = schema
        self._is_sqlite = self._url.startswith("sqlite")
        # One id for a SQLite file, so that a restart recovers its own work at once. On PostgreSQL several processes
        # share the queue: an id never comes back, and a silent one's work is adopted.
        self._executor_id = "local" if self._is_sqlite else f"{socket.gethostname()}-{uuid.uuid4().hex[:12]}"
        self._workers = workers
        self._clock = clock
        self._lock: IO[bytes] | None = None
        self._last_beat = 0.0

    async def start(self, play: PlayShard) -> None:
        global _player
        if self._is_sqlite:
            self._lock = lock_engine_file(self._url)
        _player = play
        await asyncio.to_thread(self._prepare)
        DBOS(
            config={
                "name": "convotest",
                "system_database_url": self._url,
                "dbos_system_schema": self._schema,
                "executor_id": self._executor_id,
                "application_version": WORKFLOW_VERSION,
                "max_executor_threads": THREADS,
                "log_level": "ERROR",
                "serializer": DBOSPortableJSONSerializer(),
            }
        )
        DBOS.launch()
        await self.keep()
        await self._report_foreign_work()

    def _prepare(self) -> None:
        """Schema and queue exist before the launch: a queue registered after it is noticed a second late."""
        if self._is_sqlite:
            _use_wal(self._url)
        DBOS.migrate(self._url, schema=self._schema)
        client = DBOSClient(
            system_database_url=self._url, dbos_system_schema=self._schema, application_name="convotest"
        )
        try:
            client.register_queue(QUEUE, worker_concurrency=SHARDS_AT_ONCE, polling_interval_sec=POLL.total_seconds())
        finally:
            client.destroy()

    async def stop(self) -> None:
        global _player
        if not self._is_sqlite:
            await self._workers.leave(self._executor_id)
        await asyncio.to_thread(DBOS.destroy)
        _player = None
        if self._lock is not None:
            self._lock.close()

    async def submit(self, run_id: RunId, shard: int, *, generation: int) -> None:
        with SetWorkflowID(_workflow_id(run_id, generation, shard)):
            await DBOS.enqueue_workflow_async(QUEUE, _play_shard, run_id, shard)

    async def open_shards(self, run_id: RunId) -> int:
        found = await DBOS.list_workflows_async(
            workflow_id_prefix=f"shard:{run_id}:", status=OPEN, load_input=False, load_output=False
        )
        return len(found)

    async def keep(self) -> None:
        if self._is_sqlite or self._clock.monotonic() - self._last_beat < HEARTBEAT.total_seconds():
            return
        self._last_beat = self._clock.monotonic()
        await self._workers.beat(self._executor_id)
        for executor_id in await self._workers.silent(since=self._clock.now() - SILENT_AFTER):
            await self._adopt(executor_id)

    async def _adopt(self, executor_id: str) -> None:
        orphans = await DBOS.list_workflows_async(
            status="PENDING", executor_id=executor_id, load_input=False, load_output=False
        )
        if orphans:
            log.warning("taking over %d shards of worker %s, which has gone silent", len(orphans), executor_id)
            ids = [workflow.workflow_id for workflow in orphans]
            await DBOS.resume_workflows_async(ids, queue_name=QUEUE)
        await self._workers.leave(executor_id)

    async def _report_foreign_work(self) -> None:
        waiting = await DBOS.list_workflows_async(status=OPEN, load_input=False, load_output=False)
        foreign = [each for each in waiting if each.app_version != WORKFLOW_VERSION]
        if foreign:
            log.error(
                "%d shards were queued by another version of convotest and are not played by this one; "
                "start that version once more to finish them, or cancel their runs",
                len(foreign),
            )


def engine_url(database_url: str) -> str:
    """The engine's database: a SQLite file of its own (two writers never block each other), or the same PostgreSQL."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        path = Path(url.database or "convotest.db")
        return f"sqlite:///{path.with_name(path.stem + '-engine.db')}"
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def lock_engine_file(url: str) -> IO[bytes]:
    """Hold the engine's SQLite file for this process; the lock goes with the process, however it dies."""
    path = Path(make_url(url).database or "")
    handle = path.open("ab")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        handle.close()
        raise ConfigurationError(
            f"another convotest process (serve, worker or demo) is using {os.fspath(path)!r}; "
            "stop it first, or use PostgreSQL to run several"
        ) from error
    return handle


def is_engine_in_use(database_url: str) -> bool:
    """Whether another process plays from this SQLite file."""
    url = engine_url(database_url)
    if not url.startswith("sqlite"):
        return False
    with suppress(ConfigurationError):
        lock_engine_file(url).close()
        return False
    return True


def _use_wal(url: str) -> None:
    """Set SQLite's journal mode, which is kept in the file: DBOS leaves the slow default."""
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.execute(text("PRAGMA journal_mode=WAL"))
    engine.dispose()


def _workflow_id(run_id: RunId, generation: int, shard: int) -> str:
    return f"shard:{run_id}:{generation}:{shard}"
