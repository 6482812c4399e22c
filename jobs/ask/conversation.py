"""The values of a live thread: a person's conversation with an assistant, its turns, and questions on their way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from jobs.model import ConversationId, Place, Speaker, Tokens, ToolCall, Turn, WorkspaceId

LiveState = Literal["choosing", "open", "ended"]
"""``choosing``: the member has yet to say which assistant they want; their questions wait."""
LiveEnd = Literal["done", "idle", "switched"]
QuestionKind = Literal["question", "end"]


@dataclass(frozen=True, kw_only=True)
class LiveTurn:
    """One message of a live thread.

    What a whole reply took (latency, tokens, cost) stands with its first message; ``cost_usd`` None = not known.

    Args:
        position: its place in the conversation, 0-based; a question is followed by the messages of its answer.
        member_id: who said it, None for the assistant.
        error: why there is no answer, in words fit to be shown; the text is empty then.
        forgot: the assistant does not know any more what was said before.
    """

    position: int
    speaker: Speaker
    text: str
    at: datetime
    member_id: str | None = None
    latency_ms: float | None = None
    intent: str | None = None
    entities: Mapping[str, str] = field(default_factory=dict[str, str])
    tool_calls: tuple[ToolCall, ...] = ()
    fallback: bool | None = None
    tokens: Tokens = Tokens()
    cost_usd: float | None = 0.0
    error: str | None = None
    forgot: bool = False

    @property
    def as_turn(self) -> Turn:
        return Turn(
            speaker=self.speaker,
            text=self.text,
            latency_ms=self.latency_ms,
            intent=self.intent,
            entities=self.entities,
            tool_calls=self.tool_calls,
            fallback=self.fallback,
            tokens=self.tokens,
            cost_usd=self.cost_usd,
        )


@dataclass(frozen=True, kw_only=True)
class LiveConversation:
    """One person's conversation with an assistant, in a thread or at the top level of direct messages.

    Args:
        assistant, variant, variant_hash: empty as long as the member has not chosen one.
        thread_ts: the thread's first message; None at the top level, or while our own first message is on its way.
        root_key: the announcement that is the thread's first message, when that is ours.
        context: what the assistant pane said about where the member was looking.
    """

    id: ConversationId
    workspace_id: WorkspaceId
    assistant: str
    variant: str
    channel_id: str
    member_id: str
    created_at: datetime
    last_at: datetime
    variant_hash: str = ""
    state: LiveState = "open"
    thread_ts: str | None = None
    root_key: str | None = None
    context: Mapping[str, str] = field(default_factory=dict[str, str])
    ended_at: datetime | None = None
    ended_by: LiveEnd | None = None
    turns: tuple[LiveTurn, ...] = ()

    @property
    def place(self) -> Place:
        return Place(workspace_id=self.workspace_id, channel_id=self.channel_id)

    @property
    def is_direct(self) -> bool:
        """Whether nobody but the member and the bot is there."""
        return self.channel_id.startswith("D")

    @property
    def answers(self) -> tuple[LiveTurn, ...]:
        """What the assistant said; failures are no answers."""
        return tuple(turn for turn in self.turns if turn.speaker == "assistant" and turn.error is None)

    @property
    def tokens(self) -> Tokens:
        return sum((turn.tokens for turn in self.turns), Tokens())

    @property
    def cost_usd(self) -> float | None:
        """Dollars of all turns; None as soon as the price of one is not known."""
        costs = [turn.cost_usd for turn in self.turns]
        return None if None in costs else sum(cost for cost in costs if cost is not None)

    def exchange_of(self, position: int) -> tuple[LiveTurn, ...]:
        """The question and the messages of its answer, of which one stands at ``position``; empty if there is none."""
        starts = [turn.position for turn in self.turns if turn.speaker == "user" and turn.position <= position]
        if not starts or position >= len(self.turns):
            return ()
        after = (turn.position for turn in self.turns if turn.speaker == "user" and turn.position > position)
        return self.turns[starts[-1] : next(after, len(self.turns))]


@dataclass(frozen=True, kw_only=True)
class LiveQuestion:
    """Something a member said that is still to be answered, or was.

    Args:
        key: the same key is the same question, however often it arrives.
        message_ts: the member's own message; None when it was typed into a form or command.
        attempts: how often somebody began to answer it.
    """

    id: str
    workspace_id: WorkspaceId
    conversation_id: ConversationId
    key: str
    member_id: str
    text: str
    at: datetime
    kind: QuestionKind = "question"
    message_ts: str | None = None
    attempts: int = 0
