"""The gate before one provider and key: so many calls at once, so many a minute, every run in its turn."""

import asyncio
from collections import deque
from dataclasses import dataclass

from jobs.ports import Clock

MINUTE_S = 60.1
"""A minute and a little: their clock is not ours."""
ARRIVES_WITHIN_S = 5.0
"""A call that was let through has reached the provider by then, even if it answers much later."""
BURST_S = 6.0
"""The pace is even, except that so many seconds' worth of calls may go at once after a pause."""
LONGEST_PAUSE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class GateLimits:
    """What a provider allows: calls at once, and calls in any minute (None = it does not say)."""

    concurrency: int
    per_minute: int | None = None

    def __post_init__(self) -> None:
        if self.concurrency < 1 or (self.per_minute is not None and self.per_minute < 1):
            raise ValueError("a gate lets at least one call through")


@dataclass(frozen=True, kw_only=True)
class GateState:
    """A gate as monitoring sees it; ``allowed`` is how many calls at once are let through at present."""

    in_flight: int
    allowed: int
    waiting: int
    paused_s: float


class Place:
    """One call's place on the other side of the gate; it is given back with ``Gate.leave``."""

    __slots__ = ("entered_at", "refused")

    def __init__(self, entered_at: float) -> None:
        self.entered_at = entered_at
        self.refused = False


class Gate:
    """Lets calls through in the order of their lines, one of each line in turn, so that a long line starves nobody.

    In no window of 60 s does the provider see more than ``per_minute`` calls. A call can reach it at any moment between
    being let through and being answered, so it counts from when it is let through until a minute after its answer (at
    most ``ARRIVES_WITHIN_S`` after it was let through): of any calls that reach the provider within one minute, the one
    let through last has found all others counted.

    A refusal for going too fast halves the calls at once, once for all calls in flight at that moment; each round of
    calls without one adds a place again.
    """

    def __init__(self, limits: GateLimits, *, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._allowed = limits.concurrency
        self._in_flight = 0
        self._lines: dict[str, deque[asyncio.Future[Place]]] = {}
        self._may_have_arrived: deque[float] = deque()
        self._due = clock.monotonic()
        self._paused_until = clock.monotonic()
        self._cut_at = float("-inf")
        self._calm = 0
        self._alarm: asyncio.Task[None] | None = None

    @property
    def state(self) -> GateState:
        return GateState(
            in_flight=self._in_flight,
            allowed=self._allowed,
            waiting=sum(not waiter.done() for line in self._lines.values() for waiter in line),
            paused_s=max(0.0, self._paused_until - self._clock.monotonic()),
        )

    def tighten(self, limits: GateLimits) -> None:
        """From now on the stricter of what was and of ``limits``."""
        rates = [each for each in (self._limits.per_minute, limits.per_minute) if each is not None]
        concurrency = min(self._limits.concurrency, limits.concurrency)
        self._limits = GateLimits(concurrency=concurrency, per_minute=min(rates, default=None))
        self._allowed = min(self._allowed, concurrency)

    async def enter(self, line: str, *, again: bool = False) -> Place:
        """A place, as soon as it is this caller's turn; ``again`` goes to the head of its line (a retry)."""
        now = self._clock.monotonic()
        if not self._lines and self._wait_s(now) == 0:
            return self._admit(now)
        waiter: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        queue = self._lines.setdefault(line, deque())
        queue.appendleft(waiter) if again else queue.append(waiter)
        self._let_in()
        try:
            return await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():  # the place was given in the same moment in which the caller was cancelled
                self.leave(waiter.result())
            raise

    def leave(self, place: Place) -> None:
        """Gives the place back; whoever is next comes in."""
        now = self._clock.monotonic()
        self._in_flight -= 1
        if self._limits.per_minute is not None:
            self._may_have_arrived.append(min(now, place.entered_at + ARRIVES_WITHIN_S))
        if not place.refused and self._allowed < self._limits.concurrency:
            self._recover()
        if self._lines:
            self._let_in()

    def slow_down(self, place: Place) -> None:
        """The provider refused this call for going too fast. Comes before ``leave``."""
        place.refused = True
        if place.entered_at >= self._cut_at:  # the others of the same burst say nothing new
            self._allowed = max(1, min(self._allowed, self._in_flight) // 2)
            self._cut_at = self._clock.monotonic()
            self._calm = 0

    def pause(self, seconds: float) -> None:
        """The provider asked everybody to wait."""
        self._paused_until = max(self._paused_until, self._clock.monotonic() + min(seconds, LONGEST_PAUSE_S))

    async def close(self) -> None:
        """Stops the alarm; callers that still wait are the caller's to cancel."""
        if self._alarm is not None:
            self._alarm.cancel()
            await asyncio.gather(self._alarm, return_exceptions=True)

    def _recover(self) -> None:
        self._calm += 1
        if self._calm >= self._allowed:
            self._allowed += 1
            self._calm = 0

    def _admit(self, now: float) -> Place:
        self._in_flight += 1
        if self._limits.per_minute is not None:
            self._due = max(self._due, now) + 60 / self._limits.per_minute
        return Place(now)

    def _let_in(self) -> None:
        """Lets in whoever may go now; if only time stands in the way, an alarm comes back to it."""
        now = self._clock.monotonic()
        while (waiter := self._next()) is not None:
            wait = self._wait_s(now)
            if wait is None:  # a call has to leave first, and leaving comes here
                return
            if wait > 0:
                self._ring_in(wait)
                return
            self._take(waiter)
            waiter.set_result(self._admit(now))

    def _next(self) -> asyncio.Future[Place] | None:
        """The head of the first line; those who stopped waiting are dropped on the way."""
        while self._lines:
            name, queue = next(iter(self._lines.items()))
            while queue and queue[0].done():
                queue.popleft()
            if queue:
                return queue[0]
            del self._lines[name]
        return None

    def _take(self, waiter: asyncio.Future[Place]) -> None:
        """Takes the head of the first line out and puts that line behind all others."""
        name = next(iter(self._lines))
        queue = self._lines.pop(name)
        queue.popleft()
        if queue:
            self._lines[name] = queue

    def _wait_s(self, now: float) -> float | None:
        """Seconds until the next call may go; None = not before another has left."""
        if self._in_flight >= self._allowed:
            return None
        wait = max(0.0, self._paused_until - now)
        per_minute = self._limits.per_minute
        if per_minute is None:
            return wait
        arrived = self._may_have_arrived
        while arrived and arrived[0] + MINUTE_S <= now:
            arrived.popleft()
        if self._in_flight + len(arrived) >= per_minute:
            if not arrived:
                return None
            wait = max(wait, arrived[0] + MINUTE_S - now)
        return max(wait, self._due - BURST_S - now)

    def _ring_in(self, seconds: float) -> None:
        if self._alarm is None or self._alarm.done():
            self._alarm = asyncio.get_running_loop().create_task(self._ring(seconds))

    async def _ring(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._alarm = None
        self._let_in()
