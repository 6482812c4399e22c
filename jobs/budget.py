"""Money is set aside before a call and settled after it, so that calls at the same time cannot spend it twice."""

import asyncio
import math
from collections.abc import Sequence

from jobs.errors import BudgetExhausted
from jobs.pricing import PRICES_FILE

NANO = 1_000_000_000
"""Amounts are whole nano-dollars inside: sums of floats drift, and a limit would be passed by the drift."""


class Pot:
    """One limit and what was spent of it: a run's, a channel's or a month's. Several runs may share one.

    Args:
        name: as messages have it, e.g. ``"this month's budget"``.
        limit_usd: None = no limit; what is spent is counted all the same.
        spent_usd: what was spent before this process began.
    """

    def __init__(self, name: str, limit_usd: float | None, *, spent_usd: float = 0.0) -> None:
        self.name = name
        self._limit = None if limit_usd is None else math.floor(limit_usd * NANO)
        self._spent = round(spent_usd * NANO)
        self._reserved = 0
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def limited(self) -> bool:
        return self._limit is not None

    @property
    def spent_usd(self) -> float:
        return self._spent / NANO

    @property
    def reserved_usd(self) -> float:
        return self._reserved / NANO

    def lacks(self, amount: int) -> bool:
        """Whether there is no room for it beside what is spent and set aside."""
        return self._limit is not None and self._spent + self._reserved + amount > self._limit

    def used_up(self, amount: int) -> bool:
        """Whether there is no room for it even if nothing set aside were spent."""
        return self._limit is not None and self._spent + amount > self._limit

    def set_aside(self, amount: int) -> None:
        self._reserved += amount

    def settle(self, reserved: int, spent: int) -> None:
        self._reserved -= reserved
        self._spent += spent
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def settled(self) -> None:
        """Returns after the next settlement."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        await waiter

    def exhausted(self) -> BudgetExhausted:
        limit = (self._limit or 0) / NANO
        return BudgetExhausted(
            f"{self.name} of ${limit:.2f} does not cover another call (${self.spent_usd:.4f} is spent)"
        )


class Reservation:
    """Money set aside for one call. Settled once; settling again changes nothing."""

    __slots__ = ("_amount", "_open", "_pots")

    def __init__(self, amount: int, pots: Sequence[Pot]) -> None:
        self._amount = amount
        self._pots = pots
        self._open = True

    def settle(self, cost_usd: float | None) -> None:
        """What the call really cost. None = it was billed and nobody knows how much: then what was set aside."""
        if not self._open:
            return
        self._open = False
        spent = self._amount if cost_usd is None else round(cost_usd * NANO)
        for pot in self._pots:
            pot.settle(self._amount, spent)

    def release(self) -> None:
        """Nothing was spent."""
        self.settle(0.0)


class Budget:
    """One run's money: its own limit, and the pots that it shares with others.

    The limits hold as long as no call costs more than was set aside for it. Such a call is counted in full and the
    next one is refused.
    """

    def __init__(self, limit_usd: float | None, *, shared: Sequence[Pot] = ()) -> None:
        self.own = Pot("the run's budget", limit_usd)
        self._pots = (self.own, *shared)
        self._turn = asyncio.Lock()

    @property
    def limited(self) -> bool:
        return any(pot.limited for pot in self._pots)

    @property
    def spent_usd(self) -> float:
        return self.own.spent_usd

    async def reserve(self, most_usd: float | None, *, what: str = "this model") -> Reservation:
        """Sets aside the most a call can cost (None = its price is not known), before it is made.

        Waits while only calls in flight stand in the way, since they mostly cost less than was set aside for them.

        Raises:
            BudgetExhausted: the money does not cover the call, or nobody knows whether it does.
        """
        if not self.limited:
            return self._set_aside(math.ceil((most_usd or 0.0) * NANO))
        if most_usd is None:
            raise BudgetExhausted(
                f"a budget is set, and the price of {what!r} is not known: no call was made; add it to {PRICES_FILE}"
            )
        amount = math.ceil(most_usd * NANO)
        async with self._turn:  # first come, first served, and only one of a run watches the pots
            while lacking := [pot for pot in self._pots if pot.lacks(amount)]:
                if used_up := next((pot for pot in lacking if pot.used_up(amount)), None):
                    raise used_up.exhausted()
                await lacking[0].settled()
            return self._set_aside(amount)

    def _set_aside(self, amount: int) -> Reservation:
        for pot in self._pots:
            pot.set_aside(amount)
        return Reservation(amount, self._pots)
