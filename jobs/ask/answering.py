"""Answers the questions of live threads, each once and in order; safe to be killed at any moment.

A question waits in the store until its answer is written, together with the messages that show it. Killed in between,
it is asked again; nobody sees two answers. One process at a time does this for a workspace.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from jobs.ask.announce import answered
from jobs.ask.asking import continued, end_conversation
from jobs.ask.conversation import LiveConversation, LiveQuestion, LiveTurn
from jobs.ask.session import Answer, LiveSession
from jobs.bundle import Ports
from jobs.logs import log_context
from jobs.model import ConversationId, WorkspaceId
from jobs.rollout import note_failure

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
SWEEP_EVERY_S = 15.0
IDLE = timedelta(minutes=30)
"""After so long without a word a conversation is over."""
MOST_ATTEMPTS = 3
TOOK_THE_PROCESS_DOWN = "this question took convotest down three times and is not asked again"
MOST_MESSAGES = 10
LONGEST_MESSAGE = 20_000

Thinking = Callable[[LiveConversation, LiveQuestion], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def unseen(conversation: LiveConversation, question: LiveQuestion) -> AsyncGenerator[None]:
    """Thinking that nobody watches."""
    yield


class Answerer:
    """Answers what waits in one workspace, and ends the conversations that nobody continues.

    Args:
        thinking: entered while the assistant thinks, so that people see it.
    """

    def __init__(self, workspace_id: WorkspaceId, ports: Ports, *, thinking: Thinking = unseen) -> None:
        self._workspace_id = workspace_id
        self._ports = ports
        self._thinking = thinking
        self._busy: dict[ConversationId, asyncio.Task[None]] = {}
        self._sessions: dict[ConversationId, LiveSession] = {}
        self._sweep_at = ports.clock.monotonic()

    async def serve(self, *, until: asyncio.Event, may_go_on: Callable[[], Awaitable[bool]]) -> None:
        """Answer until asked to stop, or until the right to do so is lost; the database may fail in between."""
        try:
            while not until.is_set() and await may_go_on():
                try:
                    await self.look()
                except Exception:  # whatever it was, questions must not wait for a restart
                    log.exception("the live threads could not be looked after; it is tried again")
                await self._ports.bell.wait(at_most_s=LOOK_EVERY_S)
        finally:
            await self.stop()

    async def look(self) -> None:
        """Begin to answer what waits, and sweep now and then."""
        for conversation_id in await self._ports.store.live.waiting(self._workspace_id):
            if conversation_id not in self._busy:
                self._busy[conversation_id] = asyncio.create_task(self._attend(conversation_id))
        if self._ports.clock.monotonic() >= self._sweep_at:
            self._sweep_at = self._ports.clock.monotonic() + SWEEP_EVERY_S
            await self.sweep()

    async def answer_all(self) -> None:
        """Return when nothing waits any more."""
        while await self._ports.store.live.waiting(self._workspace_id):
            await self.look()
            await asyncio.gather(*self._busy.values())

    async def sweep(self) -> None:
        """End the conversations in which nobody said anything for long."""
        since = self._ports.clock.now() - IDLE
        for conversation in await self._ports.store.live.idle(self._workspace_id, since=since):
            if await end_conversation(conversation, "idle", self._ports, idle_since=since):
                await self._let_go(conversation.id)

    async def stop(self) -> None:
        """Stop at once; what is not answered yet is asked again after the next start."""
        tasks = list(self._busy.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for conversation_id in list(self._sessions):
            await self._let_go(conversation_id)

    # --- one conversation ---

    async def _attend(self, conversation_id: ConversationId) -> None:
        """Answer what waits in one conversation, one question after the other."""
        try:
            with log_context(workspace_id=self._workspace_id):
                while question := await self._ports.store.live.next_question(conversation_id):
                    await self._take(question)
        except Exception:  # the question still waits, and is tried again with the next look
            log.exception("a live thread could not be attended to")
        finally:
            del self._busy[conversation_id]

    async def _take(self, question: LiveQuestion) -> None:
        conversation = await self._ports.store.live.find(question.conversation_id)
        assert conversation is not None, "a question belongs to a conversation"
        if question.kind == "end":
            await self._end(conversation, question)
            return
        if question.attempts >= MOST_ATTEMPTS:
            answer = Answer(error=TOOK_THE_PROCESS_DOWN)
        else:
            await self._ports.store.live.begin_attempt(question)
            async with self._thinking(conversation, question):
                answer = await self._session_of(conversation).answer(conversation, question.text)
        turns = self._exchange(conversation, question, answer)
        await self._ports.store.live.save_answer(question, turns, answered(conversation, turns))
        if answer.error:
            await note_failure(conversation.assistant, conversation.id, self._workspace_id, self._ports)
        self._ports.bell.ring()

    async def _end(self, conversation: LiveConversation, question: LiveQuestion) -> None:
        waits = await self._ports.store.live.has_more_waiting(question)
        successor = continued(conversation, self._ports) if waits else None
        await end_conversation(conversation, "done", self._ports, question=question, successor=successor)
        await self._let_go(conversation.id)

    def _session_of(self, conversation: LiveConversation) -> LiveSession:
        return self._sessions.setdefault(conversation.id, LiveSession(self._ports))

    async def _let_go(self, conversation_id: ConversationId) -> None:
        session = self._sessions.pop(conversation_id, None)
        if session is not None:
            await session.close()

    def _exchange(self, conversation: LiveConversation, question: LiveQuestion, answer: Answer) -> tuple[LiveTurn, ...]:
        """The question and the messages of its answer as turns; what the whole reply took stands with the first."""
        first, now = len(conversation.turns), self._ports.clock.now()
        asked = LiveTurn(
            position=first, speaker="user", text=question.text, at=question.at, member_id=question.member_id
        )
        opening = LiveTurn(
            position=first + 1,
            speaker="assistant",
            text="",
            at=now,
            latency_ms=answer.latency_ms,
            tokens=answer.tokens,
            cost_usd=answer.cost_usd,
            error=answer.error,
            forgot=answer.forgot,
        )
        if answer.reply is None:
            return (asked, opening)
        said = _messages(answer.reply.messages)
        opening = replace(
            opening,
            text=said[0],
            intent=answer.reply.intent,
            entities=answer.reply.entities,
            tool_calls=answer.reply.tool_calls,
            fallback=answer.reply.fallback,
        )
        more = [
            LiveTurn(position=place, speaker="assistant", text=text, at=now)
            for place, text in enumerate(said[1:], first + 2)
        ]
        return (asked, opening, *more)


def _messages(given: tuple[str, ...]) -> list[str]:
    """At most so many messages of at most such a length, none of them empty."""
    said = [text for text in given if text.strip()]
    if len(said) > MOST_MESSAGES:
        said = [*said[: MOST_MESSAGES - 1], "\n\n".join(said[MOST_MESSAGES - 1 :])]
    return [_bounded(text) for text in said]


def _bounded(text: str) -> str:
    left = len(text) - LONGEST_MESSAGE
    return f"{text[:LONGEST_MESSAGE]} … [{left:,} more characters]" if left > 0 else text
