"""One conversation's session with its assistant: opened when it is needed, and put back where it was after a restart.

A session lives in one process and may be lost with it. What was said is in the store; how much of it the assistant
still knows depends on its connector, and when it knows nothing, that is said.
"""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from jobs.ask.asking import variant_of
from jobs.ask.conversation import LiveConversation, LiveTurn
from jobs.assistants import CONNECTORS
from jobs.bundle import Ports
from jobs.errors import AssistantError, BudgetExhausted, ConfigurationError, RequestError
from jobs.model import RunId, Tokens, Variant
from jobs.ports import AssistantSession, RecallingSession, Reply
from jobs.redact import redact
from jobs.run_models import ConversationModels
from jobs.spending import require_budget

log = logging.getLogger(__name__)

TRIES = 3
"""How often a question is put to an assistant that fails in a way that may pass."""
FIRST_PAUSE_S = 0.2
LONGEST_QUEUE_S = 900.0
"""How long a connector that keeps the time itself may wait for its turn with a model."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of a question: a reply, or an error in words fit to be shown.

    Args:
        forgot: the assistant has lost what was said before.
        tokens, cost_usd: of everything that was tried; None = not known.
    """

    reply: Reply | None = None
    error: str | None = None
    latency_ms: float | None = None
    forgot: bool = False
    tokens: Tokens = Tokens()
    cost_usd: float | None = 0.0


class LiveSession:
    """The session of one conversation in this process."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._session: AssistantSession | None = None
        self._models: ConversationModels | None = None
        self._booked: tuple[Tokens, float | None] = (Tokens(), 0.0)

    async def answer(self, conversation: LiveConversation, text: str) -> Answer:
        """What the assistant answers; every failure is an answer of its own kind."""
        try:
            await require_budget(conversation.workspace_id, self._ports)
            variant = await variant_of(conversation, self._ports)
            if variant is None:
                raise RequestError(f"the variant {conversation.assistant}@{conversation.variant} is not known any more")
            async with self._ports.slots.one(RunId(conversation.id), variant):
                return await self._answer(conversation, variant, text)
        except (AssistantError, BudgetExhausted, ConfigurationError, RequestError) as error:
            tokens, cost_usd = self._spent_since_last()
            await self.close()
            return Answer(error=redact(str(error)), tokens=tokens, cost_usd=cost_usd)
        except Exception:
            reference = secrets.token_hex(3)
            log.exception("a live question broke, reference %s", reference)
            await self.close()
            return Answer(error=f"convotest itself failed (reference {reference}); the log has the details")

    async def close(self) -> None:
        """Let the assistant go; the next question opens a session that is told what was said so far."""
        session, self._session, self._models = self._session, None, None
        self._booked = (Tokens(), 0.0)
        if session is not None:
            try:
                await session.close()
            except Exception:  # whatever a connector's end brings, the thread goes on
                log.exception("a session could not be closed")

    def _spent_since_last(self) -> tuple[Tokens, float | None]:
        """What our models have cost since the last answer; failed calls and the first words of a session count too."""
        if self._models is None:
            return Tokens(), 0.0
        (tokens, cost_usd), (before, cost_before) = self._models.spent(), self._booked
        spent = Tokens(input=tokens.input - before.input, output=tokens.output - before.output)
        return spent, None if cost_usd is None or cost_before is None else cost_usd - cost_before

    async def _answer(self, conversation: LiveConversation, variant: Variant, text: str) -> Answer:
        patience_s = _patience_s(variant)
        clock = self._ports.clock
        try:
            async with asyncio.timeout(patience_s):
                forgot = await self._make_ready(conversation, variant)
                assert self._session is not None and self._models is not None
                started = clock.monotonic()
                reply = await self._put(self._session, text)
        except TimeoutError as error:
            raise AssistantError(f"the assistant did not answer within {patience_s:g} s", permanent=False) from error
        if not any(message.strip() for message in reply.messages):
            raise AssistantError("the assistant answered with nothing", permanent=False)
        tokens, cost_usd = self._spent_since_last()
        if (tokens, cost_usd) == (Tokens(), 0.0):  # it does not use our models, and has said itself what it took
            tokens, cost_usd = reply.tokens, reply.cost_usd
        self._booked = self._models.spent()
        measured_ms = (clock.monotonic() - started) * 1000
        return Answer(
            reply=reply,
            latency_ms=measured_ms if reply.latency_ms is None else reply.latency_ms,
            forgot=forgot,
            tokens=tokens,
            cost_usd=cost_usd,
        )

    async def _put(self, session: AssistantSession, text: str) -> Reply:
        for tried in range(1, TRIES):
            try:
                return await session.send(text)
            except AssistantError as error:
                if error.permanent:
                    raise
                await self._ports.clock.sleep(error.retry_after_s or FIRST_PAUSE_S * 2**tried)
        return await session.send(text)

    async def _make_ready(self, conversation: LiveConversation, variant: Variant) -> bool:
        """Open the session if there is none; whether the assistant has forgotten what was said before."""
        if self._session is not None:
            return False
        spent_usd = conversation.cost_usd or 0.0
        models = self._ports.models.of_run(RunId(conversation.id), spent_usd=spent_usd).conversation()
        session = await self._ports.connectors[variant.connector].open(
            variant, seed=f"live:{conversation.id}", models=models
        )
        self._session, self._models = session, models
        for text in variant.warm_up:
            await session.send(text)
        before = said_and_answered(conversation.turns)
        return bool(before) and not await self._recalled(session, before, variant)

    async def _recalled(self, session: AssistantSession, before: Sequence[LiveTurn], variant: Variant) -> bool:
        """Whether the assistant knows again what was said: from the record, or because the questions were repeated,
        which ``resumable`` says does no harm."""
        if isinstance(session, RecallingSession) and await session.recall([turn.as_turn for turn in before]):
            return True
        if not variant.resumable:
            return False
        for turn in before:
            if turn.speaker == "user":
                await session.send(turn.text)
        return True


def said_and_answered(turns: Sequence[LiveTurn]) -> list[LiveTurn]:
    """The turns that the assistant knows of, if nothing is lost: those of questions that it answered."""
    failed = {turn.position for turn in turns if turn.error is not None}
    return [turn for turn in turns if turn.position not in failed and turn.position + 1 not in failed]


def _patience_s(variant: Variant) -> float:
    queue_s = LONGEST_QUEUE_S if CONNECTORS[variant.connector].keeps_time else 0.0
    return variant.limits.timeout_s + queue_s
