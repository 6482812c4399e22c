"""Conversations that people have with an assistant."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from jobs.store.tables._columns import json_column, time_column


class LiveConversationRow(SQLModel, table=True):
    """One person's conversation; ``open_in`` says where while it is open, so that there is only one in a place."""

    __tablename__ = "live_conversation"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr
    __table_args__ = (
        UniqueConstraint("workspace_id", "open_in"),
        Index("ix_live_conversation_place", "workspace_id", "channel_id", "thread_ts"),
        Index("ix_live_conversation_created", "workspace_id", "created_at"),
        Index("ix_live_conversation_state", "workspace_id", "state", "last_at"),
    )

    id: str = Field(primary_key=True)
    workspace_id: str
    assistant: str
    variant: str
    variant_hash: str
    channel_id: str
    thread_ts: str | None = None
    root_key: str | None = Field(default=None, index=True)
    member_id: str = Field(index=True)
    state: str
    open_in: str | None = None
    context: dict[str, Any] = json_column()
    created_at: datetime = time_column(nullable=False)
    last_at: datetime = time_column(nullable=False)
    ended_at: datetime | None = time_column()
    ended_by: str | None = None


class LiveQuestionRow(SQLModel, table=True):
    """What a member said: waiting to be answered, or done."""

    __tablename__ = "live_question"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr
    __table_args__ = (
        UniqueConstraint("workspace_id", "key"),
        Index("ix_live_question_state", "workspace_id", "state"),
    )

    id: str = Field(primary_key=True)
    workspace_id: str
    conversation_id: str = Field(foreign_key="live_conversation.id", index=True)
    key: str
    kind: str
    member_id: str
    text: str
    message_ts: str | None = None
    state: str
    attempts: int = 0
    at: datetime = time_column(nullable=False)


class LiveTurnRow(SQLModel, table=True):
    """One message of a conversation, a question or one of the messages that answer it."""

    __tablename__ = "live_turn"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    conversation_id: str = Field(primary_key=True, foreign_key="live_conversation.id")
    position: int = Field(primary_key=True)
    speaker: str
    member_id: str | None = None
    text: str
    latency_ms: float | None = None
    cost_usd: float | None = None
    details: dict[str, Any] = json_column()
    error: str | None = None
    forgot: bool = False
    at: datetime = time_column(nullable=False)
