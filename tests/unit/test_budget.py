"""Money set aside before a call and settled after it."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.budget import Budget, Pot
from jobs.errors import BudgetExhausted


async def spend(budget: Budget, most_usd: float, cost_usd: float) -> None:
    reservation = await budget.reserve(most_usd)
    reservation.settle(cost_usd)


@settings(deadline=None, max_examples=60)
@given(
    limits=st.tuples(*[st.none() | st.floats(0, 0.02)] * 3),
    calls=st.lists(st.tuples(st.floats(0, 0.005), st.floats(0, 1), st.booleans()), max_size=60),
    seed=st.integers(0, 10**6),
)
def test_no_limit_is_ever_exceeded_however_calls_interleave(
    limits: tuple[float | None, float | None, float | None], calls: list[tuple[float, float, bool]], seed: int
) -> None:
    """Two runs share a month; each call costs at most what was set aside, fails, or is cancelled."""
    month = Pot("this month's budget", limits[2])
    runs = [Budget(limits[0], shared=(month,)), Budget(limits[1], shared=(month,))]
    pots = [month, *(run.own for run in runs)]
    chance = random.Random(seed)

    def within_limits() -> bool:
        caps = [limits[2], limits[0], limits[1]]
        return all(
            cap is None or pot.spent_usd + pot.reserved_usd <= cap + 1e-12 for pot, cap in zip(pots, caps, strict=True)
        )

    async def call(most_usd: float, share: float, *, fails: bool) -> None:
        reservation = await chance.choice(runs).reserve(most_usd)
        try:
            assert within_limits()
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
            reservation.settle(0.0 if fails else most_usd * share)
            assert within_limits()
        finally:
            reservation.release()

    async def play() -> None:
        tasks = [asyncio.ensure_future(call(most, share, fails=fails)) for most, share, fails in calls]
        for task in tasks:
            if chance.random() < 0.1:
                await asyncio.sleep(0)
                task.cancel()
        done = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
        unexpected = [each for each in done if not isinstance(each, BudgetExhausted | asyncio.CancelledError | None)]
        assert unexpected == []

    asyncio.run(play())
    assert all(pot.reserved_usd == 0 for pot in pots)
    assert month.spent_usd == pytest.approx(runs[0].spent_usd + runs[1].spent_usd)


async def test_a_call_waits_for_those_in_flight_rather_than_fail_for_money_they_will_not_spend() -> None:
    budget = Budget(1.0)
    first = await budget.reserve(0.9)
    second = asyncio.ensure_future(budget.reserve(0.9))
    await asyncio.sleep(0)
    assert not second.done()

    first.settle(0.05)

    (await asyncio.wait_for(second, 1)).settle(0.05)
    assert budget.spent_usd == pytest.approx(0.1)


async def test_money_that_is_really_gone_is_said_at_once() -> None:
    budget = Budget(1.0)
    await spend(budget, 0.8, 0.8)

    with pytest.raises(BudgetExhausted, match=r"the run's budget of \$1\.00 does not cover another call \(\$0\.8000"):
        await budget.reserve(0.3)


async def test_a_shared_pot_is_named_when_it_is_the_one_that_is_empty() -> None:
    month = Pot("this month's budget", 10.0, spent_usd=9.99)

    with pytest.raises(BudgetExhausted, match="this month's budget"):
        await Budget(5.0, shared=(month,)).reserve(0.05)


async def test_an_unknown_price_is_refused_only_where_a_budget_is_set() -> None:
    with pytest.raises(BudgetExhausted, match=r"'pizza-llm' is not known.*profiles/prices\.yaml"):
        await Budget(1.0).reserve(None, what="pizza-llm")
    with pytest.raises(BudgetExhausted, match="is not known"):
        await Budget(None, shared=(Pot("this month's budget", 3.0),)).reserve(None)

    (await Budget(None).reserve(None)).settle(None)


async def test_a_free_call_is_made_even_without_any_money() -> None:
    await spend(Budget(0.0), 0.0, 0.0)


async def test_a_reservation_is_settled_once() -> None:
    budget = Budget(1.0)
    reservation = await budget.reserve(0.5)

    reservation.settle(0.2)
    reservation.settle(0.2)
    reservation.release()

    assert budget.spent_usd == pytest.approx(0.2)
    assert budget.own.reserved_usd == 0


async def test_a_cost_nobody_knows_counts_as_what_was_set_aside() -> None:
    budget = Budget(1.0)
    (await budget.reserve(0.5)).settle(None)
    assert budget.spent_usd == pytest.approx(0.5)


async def test_a_cancelled_wait_holds_up_nobody() -> None:
    budget = Budget(1.0)
    first = await budget.reserve(1.0)
    cancelled, patient = asyncio.ensure_future(budget.reserve(0.5)), asyncio.ensure_future(budget.reserve(0.5))
    await asyncio.sleep(0)

    cancelled.cancel()
    await asyncio.sleep(0)
    first.release()

    (await asyncio.wait_for(patient, 1)).release()
    assert budget.own.reserved_usd == 0


async def test_small_sums_fill_a_limit_exactly() -> None:
    pot = Pot("a budget", 1.0)
    for _ in range(10):
        pot.settle(0, 100_000_000)
    assert pot.spent_usd == 1.0
    assert not pot.lacks(0)
    assert pot.lacks(1)
