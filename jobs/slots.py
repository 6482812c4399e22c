"""How many conversations may be played at once: in this process, and with one assistant."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from jobs.model import Variant


class Slots:
    """A place for each conversation in flight.

    Args:
        places: conversations in flight in this process.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._free = asyncio.Semaphore(places)
        self._of_assistant: dict[tuple[str, int], asyncio.Semaphore] = {}
        self._alone = asyncio.Lock()

    @asynccontextmanager
    async def one(self, variant: Variant) -> AsyncGenerator[None]:
        """A place for one conversation, within what its assistant can bear."""
        # The assistant's own limit first: whoever waits for it must not hold a place that others could use.
        async with self._limit_of(variant), self._free:
            yield

    @asynccontextmanager
    async def alone(self) -> AsyncGenerator[None]:
        """The whole process for one conversation."""
        async with self._alone:
            for _ in range(self._places):
                await self._free.acquire()
            try:
                yield
            finally:
                for _ in range(self._places):
                    self._free.release()

    def _limit_of(self, variant: Variant) -> asyncio.Semaphore:
        places = variant.limits.concurrency or self._places
        return self._of_assistant.setdefault((variant.assistant, places), asyncio.Semaphore(places))
