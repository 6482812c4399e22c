"""How many conversations may be played at once: in this process, and with one assistant; runs get their turns."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from jobs.model import RunId, Variant


class Places:
    """A semaphore whose waiters stand in lines: each line gets a place in turn, so a long one starves no short one."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def one(self, line: str) -> AsyncGenerator[None]:
        await self.take(line)
        try:
            yield
        finally:
            self.give()

    async def take(self, line: str) -> None:
        if self._free:
            self._free -= 1
            return
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(line, deque()).append(called)
        try:
            await called
        except asyncio.CancelledError:
            if called.done() and not called.cancelled():
                self.give()  # the place came with the cancellation: somebody else shall have it
            raise

    def give(self) -> None:
        """Hand a place to whoever is next; without anybody waiting it is free."""
        while self._lines:
            line, waiting = self._lines.popitem(last=False)
            called = waiting.popleft()
            if waiting:
                self._lines[line] = waiting  # to the end: now the other lines have their turn
            if not called.done():
                called.set_result(None)
                return
        self._free += 1


STEPS_IN_A_ROUND = 4
"""Heavy steps, of a millisecond or so each, between two looks at what came in."""


class Turnstile:
    """Lets a few callers on in each round of the event loop: many heavy steps in a row leave room for what comes in."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def turn(self) -> None:
        """Wait for one's turn; what is done then, up to the next wait, is the step."""
        loop = asyncio.get_running_loop()
        called: asyncio.Future[None] = loop.create_future()
        self._waiting.append(called)
        if len(self._waiting) == 1:
            loop.call_soon(self._call)
        await called

    def _call(self) -> None:
        for _ in range(min(STEPS_IN_A_ROUND, len(self._waiting))):
            called = self._waiting.popleft()
            if not called.done():
                called.set_result(None)
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._call)


class Slots:
    """A place for each conversation in flight, and ``scoring`` for the steps that take long between two waits.

    Args:
        places: conversations in flight in this process.
    """

    def __init__(self, places: int) -> None:
        self._number = places
        self._places = Places(places)
        self._of_assistant: dict[tuple[str, int], Places] = {}
        self._alone = asyncio.Lock()
        self.scoring = Turnstile()

    @asynccontextmanager
    async def one(self, run_id: RunId, variant: Variant) -> AsyncGenerator[None]:
        """A place for one conversation of a run, within what its assistant can bear."""
        # The assistant's own limit first: whoever waits for it must not hold a place that others could use.
        async with self._limit_of(variant).one(run_id), self._places.one(run_id):
            yield

    @asynccontextmanager
    async def alone(self) -> AsyncGenerator[None]:
        """The whole process for one conversation."""
        async with self._alone:
            for _ in range(self._number):
                await self._places.take("alone")
            try:
                yield
            finally:
                for _ in range(self._number):
                    self._places.give()

    def _limit_of(self, variant: Variant) -> Places:
        places = variant.limits.concurrency or self._number
        return self._of_assistant.setdefault((variant.assistant, places), Places(places))
