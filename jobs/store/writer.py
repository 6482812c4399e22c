"""The group-commit writer: all hot writes go through one thread, and many of them share one commit."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Table

from jobs.errors import ConfigurationError

log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[Connection], Any]

MOST_IN_ONE_COMMIT = 200
MOST_WAITING = 5000
LINGER = timedelta(milliseconds=10)
"""Rows that nobody waits for yet are kept so long for others to share their commit; work does not wait."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Insert:
    table: Table
    row: Mapping[str, Any]
    done: "asyncio.Future[None]"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    work: Work
    done: "asyncio.Future[Any]"


_Item = _Insert | _Job


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    item: _Item
    value: Any = None
    error: Exception | None = None


class Writer:
    """Commits what is handed to it in batches; a future resolves only after its commit.

    A batch is written in one go by a thread of its own: crossing between threads costs more than most statements.
    If a batch fails it is replayed one item at a time, so that only the culprit's future fails.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: list[_Item] = []
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._lingering: asyncio.TimerHandle | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._serve(), name="store writer")

    async def stop(self) -> None:
        """Commit what is waiting, then stop."""
        if self._task is not None:
            self._stopping = True
            self._wake.set()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self._thread.shutdown()

    async def run(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` returned, after the transaction that it shared is committed.

        It is called in the writer's thread, and may do nothing but read and write by its connection.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        await self._add(_Job(work=work, done=done))
        self._wake.set()
        return await done

    async def insert(self, table: Table, row: Mapping[str, Any]) -> "asyncio.Future[None]":
        """Queue one row; the returned future resolves after its commit. Rows queued together are inserted together."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        await self._add(_Insert(table=table, row=row, done=done))
        if self._lingering is None:
            self._lingering = loop.call_later(LINGER.total_seconds(), self._wake.set)
        return done

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def _add(self, item: _Item) -> None:
        while len(self._waiting) >= MOST_WAITING:
            self._room.clear()
            await self._room.wait()
        if self._task is None or self._task.done() or self._stopping:
            raise ConfigurationError("the database writer is not running")
        self._waiting.append(item)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            batch, self._waiting = self._waiting[:MOST_IN_ONE_COMMIT], self._waiting[MOST_IN_ONE_COMMIT:]
            if not self._waiting:
                self._rest()
            self._room.set()
            if batch:
                _resolve(await loop.run_in_executor(self._thread, self._write, batch))
            elif self._stopping:
                return

    def _rest(self) -> None:
        """Nothing waits any more: sleep until something comes, or stop at once."""
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        if not self._stopping:
            self._wake.clear()

    # --- in the writer's thread -----------------------------------------------------------------------------------

    def _write(self, batch: Sequence[_Item]) -> Sequence[_Outcome]:
        try:
            return self._commit(batch)
        except Exception as error:  # noqa: BLE001  (whatever it is, it belongs to one of the waiting futures)
            if len(batch) == 1:
                return [_Outcome(item=batch[0], error=error)]
            return [outcome for item in batch for outcome in self._write([item])]

    def _commit(self, batch: Sequence[_Item]) -> Sequence[_Outcome]:
        outcomes: list[_Outcome] = []
        with self._engine.begin() as connection:
            for table, inserts in _by_table(batch).items():
                connection.execute(table.insert(), [insert.row for insert in inserts])
                outcomes.extend(_Outcome(item=insert) for insert in inserts)
            jobs = (item for item in batch if isinstance(item, _Job))
            outcomes.extend(_Outcome(item=job, value=_done(job.work(connection))) for job in jobs)
        return outcomes


def _by_table(batch: Sequence[_Item]) -> Mapping[Table, list[_Insert]]:
    grouped: dict[Table, list[_Insert]] = {}
    for item in batch:
        if isinstance(item, _Insert):
            grouped.setdefault(item.table, []).append(item)
    return grouped


def _resolve(outcomes: Sequence[_Outcome]) -> None:
    for outcome in outcomes:
        done = outcome.item.done
        if done.done():
            continue
        if outcome.error is not None:
            done.set_exception(outcome.error)
        else:
            done.set_result(outcome.value)


def _done(value: Any) -> Any:
    if asyncio.iscoroutine(value):
        value.close()
        raise TypeError("work is a plain function, not a coroutine: it runs in the writer's thread")
    return value
