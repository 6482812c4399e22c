"""The group-commit writer: all hot writes go through one task, and many of them share one commit."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from jobs.errors import ConfigurationError

log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[Any]]

MOST_IN_ONE_COMMIT = 200
MOST_WAITING = 5000


@dataclass(frozen=True, kw_only=True)
class _Insert:
    table: Table
    row: Mapping[str, Any]
    done: "asyncio.Future[None]"


@dataclass(frozen=True, kw_only=True)
class _Job:
    work: Work
    done: "asyncio.Future[Any]"


class Writer:
    """Commits what is handed to it in batches; a future resolves only after its commit.

    If a batch fails it is replayed one item at a time, so that only the culprit's future fails.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._queue: asyncio.Queue[_Insert | _Job] = asyncio.Queue(MOST_WAITING)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._serve(), name="store writer")

    async def stop(self) -> None:
        """Commit what is waiting, then stop."""
        if self._task is None:
            return
        if not self._task.done():
            await self._queue.join()
            self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    async def run(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """What ``work`` returned, after the transaction that it shared is committed."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        await self._put(_Job(work=work, done=done))
        return await done

    async def insert(self, table: Table, row: Mapping[str, Any]) -> "asyncio.Future[None]":
        """Queue one row; the returned future resolves after its commit. Rows queued together are inserted together."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._put(_Insert(table=table, row=row, done=done))
        return done

    @property
    def waiting(self) -> int:
        return self._queue.qsize()

    async def _put(self, item: "_Insert | _Job") -> None:
        if self._task is None or self._task.done():
            raise ConfigurationError("the database writer is not running")
        await self._queue.put(item)

    async def _serve(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < MOST_IN_ONE_COMMIT and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            try:
                await self._commit(batch)
            except Exception as error:  # noqa: BLE001  (whatever it is, it belongs to one of the waiting futures)
                await self._replay(batch, error)
            finally:
                for _ in batch:
                    self._queue.task_done()

    async def _replay(self, batch: list[_Insert | _Job], error: Exception) -> None:
        if len(batch) == 1:
            _fail(batch[0].done, error)
            return
        for item in batch:
            try:
                await self._commit([item])
            except Exception as own:  # noqa: BLE001  (handed to whoever waits for this item)
                _fail(item.done, own)

    async def _commit(self, batch: list[_Insert | _Job]) -> None:
        results: list[tuple[asyncio.Future[Any], Any]] = []
        async with self._engine.begin() as connection:
            for table, inserts in _by_table(batch).items():
                await connection.execute(table.insert(), [dict(insert.row) for insert in inserts])
                results.extend((insert.done, None) for insert in inserts)
            for item in batch:
                if isinstance(item, _Job):
                    value = await item.work(connection)
                    results.append((item.done, value))
        for done, value in results:
            if not done.done():
                done.set_result(value)


def _by_table(batch: "list[_Insert | _Job]") -> dict[Table, list[_Insert]]:
    grouped: dict[Table, list[_Insert]] = {}
    for item in batch:
        if isinstance(item, _Insert):
            grouped.setdefault(item.table, []).append(item)
    return grouped


def _fail(done: "asyncio.Future[Any]", error: Exception) -> None:
    if not done.done():
        done.set_exception(error)
