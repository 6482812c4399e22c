"""How the figures went night by night, and what was told of them: history, tallies, incidents, digests."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from jobs.store.tables._columns import json_column, time_column


class HistoryRow(SQLModel, table=True):
    """One figure of one finished run; ``part`` is empty for the whole run, else e.g. ``persona:novice``."""

    __tablename__ = "history"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr
    __table_args__ = (
        Index("ix_history_metric_at", "workspace_id", "metric", "part", "at"),
        Index("ix_history_at", "workspace_id", "at"),
        Index("ix_history_of_all", "metric", "part", "at"),
    )

    run_id: str = Field(primary_key=True)
    metric: str = Field(primary_key=True)
    part: str = Field(default="", primary_key=True)
    workspace_id: str
    subject: str
    assistant: str
    variant: str
    scheduled: bool
    at: datetime = time_column(nullable=False)
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    unscored: int = 0


class TallyRow(SQLModel, table=True):
    """A number that only grows; it is counted when a run closes, so that reading it is quick."""

    __tablename__ = "tally"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    workspace_id: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    first: str = Field(primary_key=True)
    second: str = Field(primary_key=True)
    value: float = 0.0


class IncidentRow(SQLModel, table=True):
    """A figure beyond its limit, from when it was first seen until it is over; ``live`` is 1 until then, else NULL."""

    __tablename__ = "incident"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr
    __table_args__ = (
        UniqueConstraint("workspace_id", "rule", "subject", "live"),
        Index("ix_incident_opened", "workspace_id", "opened_at"),
    )

    id: str = Field(primary_key=True)
    workspace_id: str
    rule: str
    subject: str
    live: int | None = None
    state: str
    severity: str
    details: dict[str, Any] = json_column()
    channel_id: str | None = None
    since: datetime = time_column(nullable=False)
    opened_at: datetime | None = time_column()
    cleared_at: datetime | None = time_column()
    snoozed_until: datetime | None = time_column()
    snoozed_by: str | None = None
    reminders: int = 0


class DigestRow(SQLModel, table=True):
    """A digest as it was when it was made: figures, names and numbers of conversations, never what was said."""

    __tablename__ = "digest"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr
    __table_args__ = (Index("ix_digest_created", "workspace_id", "created_at"),)

    workspace_id: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    channel_id: str = Field(primary_key=True)
    content: dict[str, Any] = json_column()
    created_at: datetime = time_column(nullable=False)
