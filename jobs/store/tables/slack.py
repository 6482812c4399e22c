"""What came from Slack, what goes there, and what a workspace has set."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from jobs.store.tables._columns import json_column, time_column


class DeliveryRow(SQLModel, table=True):
    """Something Slack delivered: recorded before it is acknowledged, worked on after."""

    __tablename__ = "delivery"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    workspace_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    kind: str
    payload: dict[str, Any] = json_column()
    state: str = Field(index=True)
    received_at: datetime = time_column(nullable=False)


class OutboxRow(SQLModel, table=True):
    """Something that people are to see, written with its cause and sent afterwards.

    ``wanted`` and ``shown`` are versions: a message whose shown version is behind is edited.
    """

    __tablename__ = "outbox"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr
    __table_args__ = (
        UniqueConstraint("workspace_id", "key"),
        Index("ix_outbox_open", "workspace_id", "state", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    workspace_id: str
    key: str
    kind: str
    ref: dict[str, Any] = json_column()
    channel_id: str
    parent_key: str | None = Field(default=None, index=True)
    thread_ts: str | None = None
    last: bool = False
    state: str
    ts: str | None = Field(default=None, index=True)
    file_id: str | None = None
    wanted: int = 1
    shown: int = 0
    attempts: int = 0
    not_before: datetime | None = time_column()
    error: str | None = None
    created_at: datetime = time_column(nullable=False)
    sent_at: datetime | None = time_column()


class AuditRow(SQLModel, table=True):
    """Who did or was refused what; rows are only ever added."""

    __tablename__ = "audit"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr
    __table_args__ = (Index("ix_audit_workspace_id", "workspace_id", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    workspace_id: str
    member_id: str
    verb: str
    outcome: str
    detail: str
    place: str
    at: datetime = time_column(nullable=False)


class WorkspaceSettingsRow(SQLModel, table=True):
    """What the approvers of a workspace have set for it."""

    __tablename__ = "workspace_settings"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    workspace_id: str = Field(primary_key=True)
    content: dict[str, Any] = json_column()
    changed_at: datetime = time_column(nullable=False)
