"""Time as the workspace sees it: the system's, or one that a test moves."""

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the workspace needs of time: the present as an aware datetime, and waiting."""

    def now(self) -> datetime: ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that stands still until `advance` moves it; sleepers wake in the order of their alarms."""

    def __init__(self, start: datetime = datetime(2030, 1, 1, 9, tzinfo=UTC)) -> None:
        self._now = start
        self._order = 0
        self._alarms: list[tuple[datetime, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        alarm: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._order += 1
        heapq.heappush(self._alarms, (self._now + timedelta(seconds=seconds), self._order, alarm))
        await alarm

    async def advance(self, seconds: float) -> None:
        """Move time forward and wake everybody whose alarm lies within the step."""
        self._now += timedelta(seconds=seconds)
        while self._alarms and self._alarms[0][0] <= self._now:
            _, _, alarm = heapq.heappop(self._alarms)
            if not alarm.done():
                alarm.set_result(None)
        await asyncio.sleep(0)
