"""The chat model a run is given: calls stand in the run's line, within its budget, and come back with their cost."""

from collections.abc import Sequence
from dataclasses import replace

import orjson

from jobs.budget import Budget
from jobs.chat_model.port import ChatReply, ChatRequest, Usage
from jobs.chat_model.provider import Bill, Provider
from jobs.chat_model.wire import unsendable
from jobs.errors import ModelError
from jobs.ports import Clock
from jobs.pricing import Prices

ASSUMED_OUTPUT_TOKENS = 4096
"""What a call without ``max_tokens`` is taken to answer at most when money is set aside for it."""


class PricedChatModel:
    """A ChatModel for one run. Money is set aside before each call and settled by what the provider counted."""

    def __init__(self, provider: Provider, *, line: str, budget: Budget, prices: Prices, clock: Clock) -> None:
        self._provider = provider
        self._line = line
        self._budget = budget
        self._prices = prices
        self._clock = clock

    async def complete(self, request: ChatRequest, *, deadline_s: float) -> ChatReply:
        most_usd = self._most(request) if self._budget.limited else 0.0
        reservation = await self._budget.reserve(most_usd, what=request.model)
        bill: Bill = []
        try:
            reply = await self._provider.call(request, deadline_s=deadline_s, line=self._line, bill=bill)
        except ModelError as error:
            error.billed = usage.tokens if (usage := _total(bill)) else None
            raise
        finally:
            usage = _total(bill)
            cost_usd = self._cost(request.model, usage)
            reservation.settle(cost_usd)
        return replace(reply, usage=usage, cost_usd=cost_usd)

    def _most(self, request: ChatRequest) -> float | None:
        """An upper bound of the price: no token is shorter than a byte of what is sent."""
        try:
            sent_bytes = len(orjson.dumps([request.messages, request.tools, request.schema]))
        except orjson.JSONEncodeError as error:
            raise unsendable() from error
        output = ASSUMED_OUTPUT_TOKENS if request.max_tokens is None else request.max_tokens
        return self._prices.price(request.model, sent_bytes, output, at=self._clock.now())

    def _cost(self, model: str, usage: Usage | None) -> float | None:
        if usage is None:
            return None
        if usage == _NOTHING:
            return 0.0
        at = self._clock.now()
        return self._prices.price(model, usage.input, usage.output, cached_tokens=usage.cached, at=at)


_NOTHING = Usage()


def _total(bill: Sequence[Usage | None]) -> Usage | None:
    """All attempts together; None as soon as one of them was not counted."""
    if len(bill) == 1:
        return bill[0]
    total = _NOTHING
    for usage in bill:
        if usage is None:
            return None
        total += usage
    return total
