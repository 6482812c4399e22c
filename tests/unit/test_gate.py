"""The gate before a provider, in simulated minutes: its limits, its fairness, its adaptation and its cancellation."""

import asyncio
import heapq
import random
from collections import Counter
from collections.abc import Awaitable, Coroutine
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from jobs.chat_model import Gate, GateLimits


class SimulatedClock:
    """Jumps to the next alarm as soon as nothing else is left to do."""

    def __init__(self) -> None:
        self.time = 1000.0
        self._alarms: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = 0

    def now(self) -> datetime:
        return datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=self.time)

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        alarm: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._order += 1
        heapq.heappush(self._alarms, (self.time + seconds, self._order, alarm))
        await alarm

    async def run(self, work: Coroutine[Any, Any, None], *, until: float = float("inf")) -> None:
        """Plays ``work`` to its end, or until that many seconds have passed."""
        task = asyncio.ensure_future(work)
        ends_at = self.time + until
        await self.settle()
        while not task.done() and self._alarms and self._alarms[0][0] <= ends_at:
            self.time, _, alarm = heapq.heappop(self._alarms)
            if not alarm.done():
                alarm.set_result(None)
                await self.settle()
        if task.done():
            return task.result()
        self.time = ends_at
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return None

    async def settle(self) -> None:
        for _ in range(6):  # the longest chain of wake-ups: alarm, gate, waiter, caller
            await asyncio.sleep(0)


class FakeProvider:
    """Sees calls arrive some time after they were let through, and answers them later still."""

    def __init__(self, clock: SimulatedClock, gate: Gate, *, seed: int = 1, slowest_s: float = 3.0) -> None:
        self.clock = clock
        self.gate = gate
        self.arrivals: list[float] = []
        self.served: Counter[str] = Counter()
        self.in_flight = 0
        self.most_in_flight = 0
        self._chance = random.Random(seed)
        self._slowest_s = slowest_s

    async def call(self, line: str) -> None:
        place = await self.gate.enter(line)
        try:
            latency_s = self._chance.uniform(0.2, self._slowest_s)
            on_the_way_s = self._chance.uniform(0.0, latency_s)
            await self.clock.sleep(on_the_way_s)
            self.arrivals.append(self.clock.time)
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            await self.clock.sleep(latency_s - on_the_way_s)
            self.in_flight -= 1
            self.served[line] += 1
        finally:
            self.gate.leave(place)

    async def call_in_a_row(self, line: str, calls: int) -> None:
        for _ in range(calls):
            await self.call(line)

    def busiest_minute(self) -> int:
        arrivals = sorted(self.arrivals)
        return max(sum(start <= each <= start + 60 for each in arrivals) for start in arrivals)


def provider_with(concurrency: int, per_minute: int | None = None, **options: Any) -> FakeProvider:
    clock = SimulatedClock()
    return FakeProvider(clock, Gate(GateLimits(concurrency=concurrency, per_minute=per_minute), clock=clock), **options)


async def all_of(*work: Awaitable[None]) -> None:
    await asyncio.gather(*work)


@pytest.mark.parametrize(("concurrency", "per_minute"), [(20, 300), (50, 60), (3, 10), (10, 5)])
@pytest.mark.parametrize("seed", [1, 2])
async def test_no_minute_ever_sees_more_calls_than_allowed_and_nine_tenths_are_used(
    concurrency: int, per_minute: int, seed: int
) -> None:
    provider = provider_with(concurrency, per_minute, seed=seed)
    minutes = 8

    callers = (provider.call_in_a_row(f"run-{number % 2}", 10_000) for number in range(2 * concurrency))
    await provider.clock.run(all_of(*callers), until=60 * minutes)

    assert provider.busiest_minute() <= per_minute
    assert provider.most_in_flight <= concurrency
    assert len(provider.arrivals) >= 0.9 * per_minute * minutes


async def test_the_pace_is_even_after_a_first_burst_of_a_tenth() -> None:
    provider = provider_with(1000, 600)

    await provider.clock.run(all_of(*(provider.call("run") for _ in range(300))), until=10)

    assert 150 <= len(provider.arrivals) <= 60 + 100 + 1


async def test_without_a_rate_only_the_number_at_once_is_limited() -> None:
    provider = provider_with(7)

    await provider.clock.run(all_of(*(provider.call("run") for _ in range(500))))

    assert provider.most_in_flight == 7
    assert provider.served["run"] == 500
    assert provider.gate.state.in_flight == 0


async def test_a_run_of_a_thousand_does_not_hold_up_a_run_of_ten() -> None:
    provider = provider_with(5)
    long_run = [asyncio.ensure_future(provider.call("long")) for _ in range(1000)]
    await provider.clock.settle()

    await provider.clock.run(all_of(*(provider.call("short") for _ in range(10))))

    assert provider.served["short"] == 10
    assert provider.served["long"] <= 10 + 2 * 5  # one of each in turn, and what was in flight before
    for call in long_run:
        call.cancel()
    await asyncio.gather(*long_run, return_exceptions=True)
    assert provider.gate.state.in_flight == 0


async def test_a_cancelled_caller_frees_its_place_whether_it_waits_or_calls() -> None:
    provider = provider_with(2)
    calls = [asyncio.ensure_future(provider.call("run")) for _ in range(6)]
    await provider.clock.settle()
    for call in (calls[0], calls[3], calls[5]):  # one in flight, two waiting
        call.cancel()

    await provider.clock.run(all_of(*(calls[number] for number in (1, 2, 4))))

    assert provider.served["run"] == 3
    assert provider.gate.state.in_flight == provider.gate.state.waiting == 0


async def test_a_caller_cancelled_in_the_moment_of_its_turn_passes_the_place_on() -> None:
    gate = Gate(GateLimits(concurrency=1), clock=SimulatedClock())
    first = await gate.enter("run")
    unlucky, next_one = asyncio.ensure_future(gate.enter("run")), asyncio.ensure_future(gate.enter("run"))
    await asyncio.sleep(0)

    gate.leave(first)  # gives the place to the unlucky one …
    unlucky.cancel()  # … which does not live to take it

    await asyncio.wait_for(next_one, 1)
    assert unlucky.cancelled()
    assert gate.state.in_flight == 1


async def test_a_refusal_halves_the_calls_at_once_only_once_for_a_burst_and_recovers_slowly() -> None:
    clock = SimulatedClock()
    gate = Gate(GateLimits(concurrency=16), clock=clock)
    burst = [await gate.enter("run") for _ in range(16)]
    clock.time += 1
    for place in burst[:5]:
        gate.slow_down(place)
        gate.leave(place)
    assert gate.state.allowed == 8
    for place in burst[5:]:
        gate.leave(place)

    allowed: list[int] = []
    for _ in range(150):
        clock.time += 1
        gate.leave(await gate.enter("run"))
        allowed.append(gate.state.allowed)

    assert allowed[0] < 12
    assert allowed[-1] == 16
    assert all(after - before <= 1 for before, after in pairwise(allowed))


async def test_repeated_refusals_never_close_the_gate() -> None:
    clock = SimulatedClock()
    gate = Gate(GateLimits(concurrency=4), clock=clock)
    for _ in range(10):
        clock.time += 1
        place = await gate.enter("run")
        gate.slow_down(place)
        gate.leave(place)

    assert gate.state.allowed == 1
    gate.leave(await gate.enter("run"))


async def test_a_pause_holds_everybody_and_ends_by_itself() -> None:
    provider = provider_with(10)
    provider.gate.pause(30)
    paused_at = provider.clock.time

    await provider.clock.run(all_of(*(provider.call("run") for _ in range(10))))

    assert min(provider.arrivals) >= paused_at + 30
    assert provider.served["run"] == 10


async def test_a_pause_is_never_longer_than_a_minute() -> None:
    gate = Gate(GateLimits(concurrency=1), clock=SimulatedClock())
    gate.pause(86_400)
    assert gate.state.paused_s == 60


async def test_a_retry_goes_before_the_others_of_its_run() -> None:
    gate = Gate(GateLimits(concurrency=1), clock=SimulatedClock())
    first = await gate.enter("run")
    waiting = asyncio.ensure_future(gate.enter("run"))
    retry = asyncio.ensure_future(gate.enter("run", again=True))
    await asyncio.sleep(0)

    gate.leave(first)
    await asyncio.wait_for(retry, 1)

    assert not waiting.done()
    waiting.cancel()


async def test_of_two_limits_the_stricter_holds() -> None:
    provider = provider_with(10, 600)
    provider.gate.tighten(GateLimits(concurrency=20, per_minute=120))
    provider.gate.tighten(GateLimits(concurrency=4))

    await provider.clock.run(all_of(*(provider.call("run") for _ in range(400))), until=180)

    assert provider.most_in_flight == 4
    assert provider.busiest_minute() <= 120


def test_a_gate_that_lets_nobody_through_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="at least one"):
        GateLimits(concurrency=0)
