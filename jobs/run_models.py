"""Chat models as the conversations of a run may call them: in its line, on its budget, until something stops it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from weakref import WeakValueDictionary

from jobs.budget import Budget, Pot
from jobs.chat_model import (
    STOPS_A_RUN,
    Caller,
    ChatModel,
    ChatReply,
    ChatRequest,
    Endpoint,
    GateLimits,
    PricedChatModel,
    Provider,
    Providers,
)
from jobs.errors import BudgetExhausted, ModelError
from jobs.model import EndedBy, Limits, RunId, Tokens, Turn
from jobs.ports import Clock
from jobs.pricing import Prices
from jobs.settings import Settings

OPENAI_URL = "https://api.openai.com/v1"

WHOSE_MODEL: dict[Caller, str] = {
    "simulator": "the user simulator's model",
    "judge": "the judge's model",
    "assistant": "the assistant's model",
}


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Why a run cannot go on: every further call would meet the same.

    Args:
        ended_by: how the conversations end that were not played yet.
        role, failure: whose calls are in vain, and what each of them would meet; None = the budget is used up.
    """

    ended_by: EndedBy
    reason: str
    role: Caller | None = None
    failure: ModelError | None = None


class ModelPool:
    """The chat models of this process. The model of the settings is ``OPENAI_BASE_URL`` with ``OPENAI_API_KEY``."""

    def __init__(self, settings: Settings, *, providers: Providers, prices: Prices, clock: Clock) -> None:
        self.prices = prices
        self.clock = clock
        self._settings = settings
        self._providers = providers
        self._runs: WeakValueDictionary[RunId, RunModels] = WeakValueDictionary()

    @property
    def configured(self) -> bool:
        """Whether the settings name a provider of models."""
        return bool(self._settings.openai_api_key or self._settings.openai_base_url)

    @property
    def budget_usd(self) -> float | None:
        """What one run may spend; None = no limit."""
        return self._settings.convotest_budget_usd

    def endpoint(self, base_url: str | None = None, api_key: str | None = None) -> Endpoint:
        """Raises ConfigurationError: the address cannot be used."""
        settings = self._settings
        own_key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else None
        if base_url is None and api_key is None:
            api_key = own_key
        return Endpoint(base_url=base_url or settings.openai_base_url or OPENAI_URL, api_key=api_key)

    def provider(self, endpoint: Endpoint, *, per_minute: int | None = None) -> Provider:
        """The pace is that of whoever comes first; a running gate is not rebuilt."""
        gate = GateLimits(concurrency=self._settings.convotest_concurrency, per_minute=per_minute)
        return self._providers.provider(endpoint, gate)

    def of_run(self, run_id: RunId, *, spent_usd: float = 0.0, limit_usd: float | None = None) -> "RunModels":
        """The same for every shard of a run that is played at the same time, so that they share one budget.

        Args:
            spent_usd: what the run spent before this process came to it.
            limit_usd: what its suite lets it spend; the smaller one of this and the setting counts.
        """
        models = self._runs.get(run_id)
        if models is None:
            limits = [limit for limit in (self.budget_usd, limit_usd) if limit is not None]
            pot = Pot("the run's budget", min(limits, default=None), spent_usd=spent_usd)
            models = self._runs[run_id] = RunModels(self, run_id, pot)
        return models

    def plays(self, run_id: RunId) -> bool:
        """Whether somebody here plays that run already."""
        return run_id in self._runs

    async def prepare(self) -> None:
        """Reads the bundled prices now, beside the loop, so that the first priced call does not stop it."""
        await asyncio.to_thread(self.prices.prepare)

    async def aclose(self) -> None:
        await self._providers.close()


class RunModels:
    """What the conversations of one run share: a line at the gates, a budget, and what stopped it."""

    def __init__(self, pool: ModelPool, run_id: RunId, pot: Pot) -> None:
        self.pool = pool
        self.run_id = run_id
        self.pot = pot
        self.stopped: Stop | None = None

    def conversation(self) -> "ConversationModels":
        return ConversationModels(self)

    def stop(self, reason: Stop) -> None:
        """The first reason stays."""
        self.stopped = self.stopped or reason


class ConversationModels:
    """The models for one conversation, all attempts together; it keeps the books of what they cost."""

    def __init__(self, run: RunModels) -> None:
        self._run = run
        self._budget = Budget(None, shared=(run.pot,))
        self._tokens = Tokens()
        self._unknown_cost = False
        self._assistant_called = False

    def model(
        self, *, base_url: str | None = None, api_key: str | None = None, limits: Limits | None = None
    ) -> ChatModel:
        pool = self._run.pool
        endpoint = pool.endpoint(base_url, api_key)
        if limits and limits.per_minute:
            # now, not with the first call: a customer who speaks first must not open the gate without this limit
            pool.provider(endpoint, per_minute=limits.per_minute)
        return _Booked(endpoint, self._run, self)

    def priced(self, endpoint: Endpoint) -> ChatModel:
        pool = self._run.pool
        return PricedChatModel(
            pool.provider(endpoint),
            line=self._run.run_id,
            budget=self._budget,
            prices=pool.prices,
            clock=pool.clock,
        )

    def spent(self, turns: Sequence[Turn] = ()) -> tuple[Tokens, float | None]:
        """Tokens and dollars of all calls, failed ones and judging too; dollars are None as soon as a price is unknown.

        An assistant that does not use these models has said in its turns what it cost; that is added.
        """
        cost_usd = None if self._unknown_cost else self._budget.spent_usd
        tokens = self._tokens
        for turn in turns if not self._assistant_called else ():
            if turn.speaker == "assistant":
                tokens += turn.tokens
                cost_usd = None if cost_usd is None or turn.cost_usd is None else cost_usd + turn.cost_usd
        return tokens, cost_usd

    def book(self, role: Caller, tokens: Tokens, *, cost_is_known: bool) -> None:
        self._tokens += tokens
        self._unknown_cost = self._unknown_cost or not cost_is_known
        self._assistant_called = self._assistant_called or role == "assistant"


class _Booked:
    """A model whose calls are counted, and whose hopeless failures stop the run."""

    def __init__(self, endpoint: Endpoint, run: RunModels, books: ConversationModels) -> None:
        self._endpoint = endpoint
        self._model: ChatModel | None = None
        self._run = run
        self._books = books

    async def complete(self, request: ChatRequest, *, deadline_s: float) -> ChatReply:
        if (stopped := self._run.stopped) and stopped.failure and stopped.role == request.role:
            raise ModelError(str(stopped.failure), permanent=True, fault=stopped.failure.fault)
        self._model = self._model or self._books.priced(self._endpoint)
        try:
            reply = await self._model.complete(request, deadline_s=deadline_s)
        except BudgetExhausted as error:
            self._run.stop(Stop(ended_by="budget", reason=str(error)))
            raise
        except ModelError as error:
            self._book_failure(request, error)
            if error.fault in STOPS_A_RUN:
                self._run.stop(_stop(request.role, error))
            raise
        self._books.book(request.role, reply.tokens, cost_is_known=reply.cost_usd is not None)
        return reply

    def _book_failure(self, request: ChatRequest, error: ModelError) -> None:
        """Answers that are no answers were billed all the same, those before the last attempt too."""
        if error.billed and error.billed != Tokens():
            known = self._run.pool.prices.known(request.model, self._run.pool.clock.now())
            self._books.book(request.role, error.billed, cost_is_known=known)


def _stop(role: Caller, error: ModelError) -> Stop:
    ended_by: Literal["assistant_error", "harness_error"] = (
        "assistant_error" if role == "assistant" else "harness_error"
    )
    return Stop(ended_by=ended_by, reason=f"{WHOSE_MODEL[role]} failed: {error}", role=role, failure=error)
