"""Live threads for the gallery."""

from dataclasses import replace
from datetime import UTC, datetime

from jobs.ask.conversation import LiveConversation, LiveTurn
from jobs.model import ConversationId, ToolCall, WorkspaceId

WHEN = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


def a_thread(name: str, asked: str, answered: str) -> LiveConversation:
    """A question with an answer in two messages."""
    talk = (
        LiveTurn(position=0, speaker="user", text=asked, at=WHEN, member_id="U0ADA"),
        LiveTurn(
            position=1,
            speaker="assistant",
            text=answered,
            at=WHEN,
            latency_ms=420.0,
            cost_usd=0.0031,
            tool_calls=(ToolCall(name=name or "find_order"),),
        ),
        LiveTurn(position=2, speaker="assistant", text=answered, at=WHEN),
    )
    return LiveConversation(
        id=ConversationId("0199aaaa-0000-7000-8000-00001234abcd"),
        workspace_id=WorkspaceId("T0LOCAL"),
        assistant=name,
        variant="good",
        channel_id="C0QUALITY",
        member_id="U0ADA",
        created_at=WHEN,
        last_at=WHEN,
        thread_ts="1.0",
        turns=talk,
    )


def failed(thread: LiveConversation, reason: str) -> LiveConversation:
    question, answer, _ = thread.turns
    return replace(thread, turns=(question, replace(answer, text="", error=reason)))


def restarted(thread: LiveConversation) -> LiveConversation:
    question, answer, _ = thread.turns
    return replace(thread, turns=(question, replace(answer, forgot=True, cost_usd=None)))


def unchosen(thread: LiveConversation) -> LiveConversation:
    return replace(thread, assistant="", variant="", state="choosing", turns=())


def over(thread: LiveConversation) -> LiveConversation:
    return replace(thread, state="ended", ended_by="idle")
