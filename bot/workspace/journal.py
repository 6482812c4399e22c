"""Every change of the workspace in order: pages follow it live, tests wait on it."""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
Json = dict[str, Any]


class Journal:
    """Numbered events, the newest few thousand of which can be read again after a lost connection.

    An event is `{type, team, audience, ...}`; `audience` lists the members who may see it, `None` is everybody.
    """

    def __init__(self, keep: int = 5000) -> None:
        self.epoch = secrets.token_hex(4)
        self._events: deque[tuple[int, Json]] = deque(maxlen=keep)
        self._number = 0
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def position(self) -> str:
        return f"{self.epoch}-{self._number}"

    def record(self, event: Json) -> None:
        self._number += 1
        self._events.append((self._number, event))
        self.wake()

    def wake(self) -> None:
        """Let everybody who waits look again."""
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def since(self, position: str) -> list[tuple[str, Json]] | None:
        """The events after `position`, or `None` when they are no longer (or never were) here."""
        epoch, _, number = position.partition("-")
        if epoch != self.epoch or not number.isdigit() or int(number) > self._number:
            return None
        first_kept = self._events[0][0] if self._events else self._number + 1
        if int(number) + 1 < first_kept:
            return None
        return [(f"{self.epoch}-{at}", event) for at, event in self._events if at > int(number)]

    async def next_change(self) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await future
        finally:
            self._waiting.discard(future)

    async def wait_for(self, predicate: Callable[[], T], timeout: float) -> T:
        """The first truthy result of `predicate`, asked again after each change.

        Raises:
            TimeoutError: it stayed falsy for `timeout` seconds.
        """
        async with asyncio.timeout(timeout):
            while not (result := predicate()):
                await self.next_change()
            return result
