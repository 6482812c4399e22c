"""Places are shared between runs."""

import asyncio
from collections import Counter

import pytest

from jobs.slots import STEPS_IN_A_ROUND, Places, Turnstile


async def _waiting(places: Places, line: str, order: list[str]) -> "asyncio.Task[None]":
    async def wait() -> None:
        await places.take(line)
        order.append(line)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    return task


async def test_a_short_run_does_not_wait_for_the_end_of_a_long_one() -> None:
    places, order = Places(1), list[str]()
    await places.take("long")
    tasks = [await _waiting(places, line, order) for line in ["long"] * 5 + ["short"] * 2]

    for task in tasks:
        places.give()
        await asyncio.sleep(0)
        assert sum(each.done() for each in tasks) == len(order), task

    assert order == ["long", "short", "long", "short", "long", "long", "long"]


async def test_whoever_is_cancelled_while_waiting_leaves_no_place_behind() -> None:
    places, order = Places(1), list[str]()
    await places.take("a")
    first, second = [await _waiting(places, "b", order) for _ in range(2)]
    places.give()  # to the first, who is cancelled before it notices
    first.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    assert order == ["b"]

    places.give()
    async with asyncio.timeout(1):
        await places.take("c")


@pytest.mark.parametrize("free", [1, 3])
async def test_no_more_places_are_given_than_there_are(free: int) -> None:
    places, order = Places(free), list[str]()
    tasks = [await _waiting(places, str(n), order) for n in range(5)]

    assert len(order) == free
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_few_heavy_steps_are_done_in_each_round_of_the_loop_in_the_order_of_asking() -> None:
    turnstile, rounds, done = Turnstile(), 0, list[tuple[int, int]]()

    def count_round() -> None:
        nonlocal rounds
        rounds += 1
        if len(done) < 10:
            asyncio.get_running_loop().call_soon(count_round)

    async def step(number: int) -> None:
        await turnstile.turn()
        done.append((number, rounds))

    count_round()
    await asyncio.gather(*(step(number) for number in range(10)))

    assert [number for number, _ in done] == list(range(10))
    assert max(Counter(at for _, at in done).values()) == STEPS_IN_A_ROUND


async def test_who_stops_waiting_at_the_turnstile_holds_nobody_up() -> None:
    turnstile = Turnstile()
    first, second = [asyncio.create_task(turnstile.turn()) for _ in range(2)]
    await asyncio.sleep(0)
    first.cancel()

    await second

    assert first.cancelled()
