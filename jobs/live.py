"""The conversations that this process is playing right now, so that a cancelled run stops at once."""

import asyncio
from collections.abc import Generator, Iterable
from contextlib import contextmanager

from jobs.model import RunId


class Live:
    def __init__(self) -> None:
        self._tasks: dict[RunId, set[asyncio.Task[None]]] = {}

    @property
    def run_ids(self) -> tuple[RunId, ...]:
        return tuple(self._tasks)

    @property
    def conversations(self) -> int:
        return sum(len(tasks) for tasks in self._tasks.values())

    @contextmanager
    def playing(self, run_id: RunId, tasks: Iterable["asyncio.Task[None]"]) -> Generator[None]:
        mine = set(tasks)
        self._tasks.setdefault(run_id, set()).update(mine)
        try:
            yield
        finally:
            for task in mine:
                task.cancel()
            left = self._tasks[run_id] - mine
            if left:
                self._tasks[run_id] = left
            else:
                del self._tasks[run_id]

    def cancel(self, run_id: RunId) -> None:
        for task in self._tasks.get(run_id, ()):
            task.cancel()
