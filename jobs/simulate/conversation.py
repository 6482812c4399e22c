"""One conversation: the turn loop between a simulated customer and the assistant under test.

The loop decides when a conversation ends; the simulated user only proposes. User and assistant strictly take turns,
and the assistant always gets to answer.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from jobs.errors import AssistantError, AssistantTimeout, BudgetExhausted, ModelError
from jobs.fallbacks import FallbackEar
from jobs.model import EndedBy, Scenario, Transcript, Turn
from jobs.ports import AssistantSession, Clock, Reply, SimulatedUser, Utterance
from jobs.simulate import cues
from jobs.simulate.integrity import misbehaviour

MOST_FALLBACKS_IN_A_ROW = 9
MOST_EMPTY_ANSWERS_IN_A_ROW = 2
TRIES = 3
"""How often a question is put to an assistant that fails in a way that may pass."""
FIRST_PAUSE_S = 0.2
LONGEST_TEXT = 20_000
SIMULATOR_TIMEOUT_S = 600.0
"""A backstop: a simulator with a model limits each call itself, and may have to wait its turn before it."""
FAREWELL = re.compile(
    r"\b(bye|goodbye|see you|take care|have a (nice|good|great) (day|evening|one)|you'?re welcome|thank you|thanks)\b",
    re.IGNORECASE,
)

MOST_CONTEXT = 1_000
"""Positions below 0 that turns of a warm-up may take."""

OnTurn = Callable[[int, Turn], Awaitable[None]]


class _Broken(Exception):  # not an error of ours: it carries an ending through the loop
    def __init__(self, ended_by: EndedBy, error: str) -> None:
        super().__init__(error)
        self.ended_by: EndedBy = ended_by


async def converse(
    scenario: Scenario,
    user: SimulatedUser,
    session: AssistantSession,
    *,
    clock: Clock,
    answer_timeout_s: float,
    on_turn: OnTurn,
) -> Transcript:
    """Play the scenario to its end; every turn is handed to ``on_turn`` with its position as soon as it is spoken.

    Failures of the assistant, of the simulator and of the budget are endings, not exceptions.
    """
    talk = _Talk(scenario, user, session, clock, answer_timeout_s, on_turn)
    try:
        if scenario.assistant_starts:
            await talk.hear(session.greet)
        while True:
            utterance = await talk.let_user_speak()
            await talk.hear(lambda text=utterance.text: session.send(text))
            if ended_by := talk.ended_by(utterance):
                return Transcript(turns=tuple(talk.turns), ended_by=ended_by)
    except _Broken as broken:
        return Transcript(turns=tuple(talk.turns), ended_by=broken.ended_by, error=str(broken))


@dataclass(frozen=True, kw_only=True)
class Warmed:
    """What was said to warm a session up; ``ended_by`` says why it failed, None = the customer can begin."""

    turns: tuple[Turn, ...]
    ended_by: EndedBy | None = None
    error: str | None = None


async def warm_up(
    said: Sequence[str],
    scenario: Scenario,
    session: AssistantSession,
    *,
    clock: Clock,
    answer_timeout_s: float,
    on_turn: OnTurn,
) -> Warmed:
    """Says that to the assistant before the customer begins, in the same session; the answers are only listened to.

    The turns are handed to ``on_turn`` with positions below 0, so that those of the customer begin with 0. An assistant
    that starts does so here, and not again.
    """

    async def before(position: int, turn: Turn) -> None:
        await on_turn(position - MOST_CONTEXT, turn)

    talk = _Talk(scenario, None, session, clock, answer_timeout_s, before)
    try:
        if scenario.assistant_starts:
            await talk.hear(session.greet)
        for text in said:
            await talk.say(text)
            await talk.hear(lambda text=text: session.send(text))
    except _Broken as broken:
        return Warmed(turns=tuple(talk.turns), ended_by=broken.ended_by, error=f"while warming up: {broken}")
    return Warmed(turns=tuple(talk.turns))


class _Talk:
    """The state of one conversation while it goes on; without a ``user``, every word is put into its mouth."""

    def __init__(
        self,
        scenario: Scenario,
        user: SimulatedUser | None,
        session: AssistantSession,
        clock: Clock,
        answer_timeout_s: float,
        on_turn: OnTurn,
    ) -> None:
        self.turns: list[Turn] = []
        self._scenario = scenario
        self._user = user
        self._session = session
        self._clock = clock
        self._answer_timeout_s = answer_timeout_s
        self._on_turn = on_turn
        self._ear = FallbackEar(scenario.fallback)
        self._fallbacks = 0
        self._empty_answers = 0
        self._proposed_to_end = False

    async def let_user_speak(self) -> Utterance:
        """The next utterance; one that is not a customer's is asked for once more, then the conversation is void."""
        reason = None
        for _ in range(2):
            utterance = await self._ask_user()
            reason = misbehaviour(utterance.text, self.turns, canary=utterance.canary)
            if reason is None or utterance.verbatim:
                await self._add(_user_turn(utterance))
                return utterance
        raise _Broken("simulator_error", reason or "the simulated customer misbehaved")

    async def say(self, text: str) -> None:
        """Words that stand in a file, as the customer's turn."""
        await self._add(Turn(speaker="user", text=text))

    async def _ask_user(self) -> Utterance:
        assert self._user is not None, "there is nobody to ask"
        try:
            async with asyncio.timeout(SIMULATOR_TIMEOUT_S):
                return await self._user.speak(self.turns)
        except BudgetExhausted as error:
            raise _Broken("budget", str(error)) from error
        except ModelError as error:
            raise _Broken("harness_error", f"the user simulator's model failed: {error}") from error
        except TimeoutError as error:
            raise _Broken("harness_error", f"the user simulator took over {SIMULATOR_TIMEOUT_S:.0f} s") from error

    async def hear(self, ask: Callable[[], Awaitable[Reply]]) -> None:
        """Let the assistant speak, and write its turn down with how long it took."""
        started = self._clock.monotonic()
        reply = await self._ask_assistant(ask)
        latency_ms = (self._clock.monotonic() - started) * 1000
        turn = _assistant_turn(reply, latency_ms if reply.latency_ms is None else reply.latency_ms)
        said = self.turns[-1].text if self.turns else ""
        await self._add(turn)
        self._fallbacks = self._fallbacks + 1 if self._ear.hears(turn, said) else 0
        self._empty_answers = 0 if turn.text.strip() else self._empty_answers + 1
        if self._empty_answers >= MOST_EMPTY_ANSWERS_IN_A_ROW:
            raise _Broken("assistant_error", "the assistant answered with nothing, twice in a row")

    async def _ask_assistant(self, ask: Callable[[], Awaitable[Reply]]) -> Reply:
        try:
            async with asyncio.timeout(self._answer_timeout_s):
                return await self._try_until_answered(ask)
        except TimeoutError as error:
            raise _Broken("timeout", f"the assistant did not answer within {self._answer_timeout_s:g} s") from error
        except AssistantTimeout as error:
            raise _Broken("timeout", str(error)) from error
        except AssistantError as error:
            raise _Broken("assistant_error", str(error)) from error
        except BudgetExhausted as error:
            raise _Broken("budget", str(error)) from error

    async def _try_until_answered(self, ask: Callable[[], Awaitable[Reply]]) -> Reply:
        for tried in range(1, TRIES):
            try:
                return await ask()
            except AssistantError as error:
                if error.permanent:
                    raise
                await self._clock.sleep(error.retry_after_s or FIRST_PAUSE_S * 2**tried)
        return await ask()

    def ended_by(self, utterance: Utterance) -> EndedBy | None:
        """Why it is over after this exchange, or None if it goes on."""
        answer = self.turns[-1].text
        said_so_before, self._proposed_to_end = self._proposed_to_end, utterance.ends
        if self._fallbacks >= MOST_FALLBACKS_IN_A_ROW:
            return "fallback_loop"
        # An assistant that answers a goodbye with a question, or that asks to wait, gets one more turn, but only one.
        if utterance.ends and (said_so_before or not ("?" in answer or cues.HOLDS.search(answer))):
            return "goal_reached"
        if self._only_farewells():
            return "goodbye_loop"
        spoken = sum(turn.speaker == "user" for turn in self.turns)
        if spoken >= self._scenario.ending.limit:
            return "steps" if self._scenario.ending.style == "steps" else "limit"
        return None

    def _only_farewells(self) -> bool:
        last = self.turns[-6:]
        return len(last) == 6 and all(
            len(turn.text) < 120 and "?" not in turn.text and FAREWELL.search(turn.text) for turn in last
        )

    async def _add(self, turn: Turn) -> None:
        self.turns.append(turn)
        await self._on_turn(len(self.turns) - 1, turn)


def _user_turn(utterance: Utterance) -> Turn:
    return Turn(
        speaker="user",
        text=utterance.text,
        intent=utterance.intent,
        tokens=utterance.tokens,
        cost_usd=utterance.cost_usd,
    )


def _assistant_turn(reply: Reply, latency_ms: float) -> Turn:
    text = "\n\n".join(reply.messages)
    if len(text) > LONGEST_TEXT:
        text = f"{text[:LONGEST_TEXT]} … [{len(text) - LONGEST_TEXT:,} more characters]"
    return Turn(
        speaker="assistant",
        text=text,
        latency_ms=latency_ms,
        intent=reply.intent,
        entities=reply.entities,
        tool_calls=reply.tool_calls,
        fallback=reply.fallback,
        tokens=reply.tokens,
        cost_usd=reply.cost_usd,
    )
