"""Runs, their conversations and turns."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from jobs.store.tables._columns import json_column, time_column


class RunRow(SQLModel, table=True):
    """One execution of a profile or suite; ``details`` holds what only its readers need."""

    __tablename__ = "run"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr
    __table_args__ = (
        UniqueConstraint("workspace_id", "key"),
        Index("ix_run_workspace_created", "workspace_id", "created_at"),
    )

    id: str = Field(primary_key=True)
    workspace_id: str
    key: str
    state: str = Field(index=True)
    target: str
    profile: str
    suite: str | None = None
    assistant: str
    variant: str
    simulator: str
    seed: int = Field(sa_type=BigInteger)
    planned: int
    generation: int = 0
    details: dict[str, Any] = json_column()
    summary: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    started_by: str
    channel_id: str | None = None
    shown_failures: int = 0
    shown_sample: int = 0
    note: str | None = None
    created_at: datetime = time_column(nullable=False)
    started_at: datetime | None = time_column()
    finished_at: datetime | None = time_column()


class ConversationRow(SQLModel, table=True):
    """One scenario of a run, planned or played. ``strikes`` counts attempts that committed no new turn."""

    __tablename__ = "conversation"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr
    __table_args__ = (UniqueConstraint("run_id", "number"), Index("ix_conversation_run_state", "run_id", "state"))

    id: str = Field(primary_key=True)
    run_id: str = Field(foreign_key="run.id")
    workspace_id: str
    number: int
    scenario: dict[str, Any] = json_column()
    state: str
    attempt: int = 0
    strikes: int = 0
    outcome: str | None = None
    result: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    finished_at: datetime | None = time_column()


class TurnRow(SQLModel, table=True):
    """One utterance of one attempt; a broken attempt's turns are kept beside those of the attempt that counts."""

    __tablename__ = "turn"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    conversation_id: str = Field(primary_key=True, foreign_key="conversation.id")
    attempt: int = Field(primary_key=True)
    position: int = Field(primary_key=True)
    speaker: str
    text: str
    latency_ms: float | None = None
    details: dict[str, Any] = json_column()
