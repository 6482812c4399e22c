"""The providers this process talks to: each endpoint behind its gate, with retries, all within a call's deadline."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import replace
from itertools import count

import aiohttp

from jobs.chat_model.gate import Gate, GateLimits, GateState, Place
from jobs.chat_model.lean import LeanAdapter, open_session
from jobs.chat_model.port import Adapter, ChatClient, ChatReply, ChatRequest, Endpoint, UnusableReply, Usage
from jobs.chat_model.retry import RetryPolicy, wait_before_retry
from jobs.errors import ModelError
from jobs.ports import Clock
from jobs.redact import register_secret

Bill = list[Usage | None]
"""What each attempt of a call was billed; None = it was answered and the provider did not say how much it billed."""


class Provider:
    """One endpoint. Every attempt passes its gate; a failure is tried again if that can help."""

    def __init__(
        self,
        adapter: Adapter,
        gate: Gate,
        *,
        clock: Clock,
        policy: RetryPolicy | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self.gate = gate
        self._adapter = adapter
        self._clock = clock
        self._policy = policy or RetryPolicy()
        self._chance = chance or random.Random()

    async def call(self, request: ChatRequest, *, deadline_s: float, line: str, bill: Bill) -> ChatReply:
        """The answer; ``bill`` also gets what failed attempts were billed.

        The deadline runs from when the gate first lets the call in: our own queue is not the provider's silence.
        """
        place = await self.gate.enter(line)
        ends_at = place.entered_at + deadline_s
        for failed in count(1):
            entered_at = place.entered_at
            try:
                reply = await self._adapter.complete(request, deadline_s=ends_at - entered_at)
                bill.append(reply.usage)
                return replace(reply, latency_ms=1000 * (self._clock.monotonic() - entered_at))
            except ModelError as error:
                if isinstance(error, UnusableReply):
                    bill.append(error.usage)
                if error.fault == "rate_limit":
                    self.gate.slow_down(place)
                wait = self._wait(error, failed=failed, ends_at=ends_at)
                if wait is None:
                    raise
                failure = error
            finally:
                self.gate.leave(place)
            place = await self._enter_again(line, after_s=wait, ends_at=ends_at, failure=failure)
        raise AssertionError("an endless count has ended")

    def _wait(self, error: ModelError, *, failed: int, ends_at: float) -> float | None:
        if error.retry_after_s is not None:
            self.gate.pause(error.retry_after_s)
        remaining_s = ends_at - self._clock.monotonic()
        return wait_before_retry(
            error, failed=failed, remaining_s=remaining_s, policy=self._policy, chance=self._chance
        )

    async def _enter_again(self, line: str, *, after_s: float, ends_at: float, failure: ModelError) -> Place:
        """A place for the next attempt; if none comes before the deadline, the last failure is the result."""
        await self._clock.sleep(after_s)
        try:
            async with asyncio.timeout(ends_at - self._clock.monotonic()):
                return await self.gate.enter(line, again=True)
        except TimeoutError:
            raise failure from None

    async def close(self) -> None:
        await self.gate.close()
        await self._adapter.close()


class Providers:
    """Every provider of this process, one per endpoint: whoever uses the same URL and key shares the same gate."""

    def __init__(self, *, client: ChatClient, clock: Clock, policy: RetryPolicy | None = None) -> None:
        self._client: ChatClient = client
        self._clock = clock
        self._policy = policy
        self._session: aiohttp.ClientSession | None = None
        self._providers: dict[Endpoint, Provider] = {}

    def provider(self, endpoint: Endpoint, limits: GateLimits) -> Provider:
        """The provider there. Of the limits of all who ask for it the strictest hold."""
        if endpoint in self._providers:
            self._providers[endpoint].gate.tighten(limits)
        else:
            register_secret(endpoint.api_key)
            gate = Gate(limits, clock=self._clock)
            self._providers[endpoint] = Provider(self._adapter(endpoint), gate, clock=self._clock, policy=self._policy)
        return self._providers[endpoint]

    @property
    def gates(self) -> Mapping[Endpoint, GateState]:
        return {endpoint: provider.gate.state for endpoint, provider in self._providers.items()}

    async def close(self) -> None:
        for provider in self._providers.values():
            await provider.close()
        if self._session is not None:
            await self._session.close()

    def _adapter(self, endpoint: Endpoint) -> Adapter:
        if self._client == "openai":
            from jobs.chat_model.openai_package import OpenAIAdapter

            return OpenAIAdapter(endpoint)
        if self._session is None:
            self._session = open_session()
        return LeanAdapter(endpoint, session=self._session)
