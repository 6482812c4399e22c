"""Schedules, what the nights are compared with, and what came of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from jobs.store.tables._columns import json_column, time_column


class ScheduleRow(SQLModel, table=True):
    """Something that is to happen by itself. ``key`` is what it was asked for with."""

    __tablename__ = "schedule"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    id: str = Field(primary_key=True)
    workspace_id: str
    name: str
    key: str
    use_case: str
    options: dict[str, Any] = json_column()
    cron: str
    tz: str
    state: str = Field(index=True)
    channel_id: str | None = None
    direct_channel_id: str | None = None
    created_by: str
    created_at: datetime = time_column(nullable=False)
    active_since: datetime = time_column(nullable=False)
    note: str | None = None


class OccasionRow(SQLModel, table=True):
    """One time that a schedule was due. ``slot`` is its local date, so that there is one a day, whoever looks."""

    __tablename__ = "occasion"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr
    __table_args__ = (Index("ix_occasion_state", "state"), Index("ix_occasion_due_at", "due_at"))

    schedule_id: str = Field(primary_key=True)
    slot: str = Field(primary_key=True)
    workspace_id: str
    due_at: datetime = time_column(nullable=False)
    state: str
    claimed_until: datetime | None = time_column()
    attempts: int = 1
    note: str | None = None
    asked_by: str | None = None
    created_at: datetime = time_column(nullable=False)
    finished_at: datetime | None = time_column()


class BaselineRow(SQLModel, table=True):
    """Which run the nights of a suite are compared with; rows are only ever added, the highest number counts."""

    __tablename__ = "baseline"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    workspace_id: str = Field(primary_key=True)
    suite: str = Field(primary_key=True)
    assistant: str = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    run_id: str
    set_by: str
    reason: str
    set_at: datetime = time_column(nullable=False)


class RegressionRow(SQLModel, table=True):
    """A run of a suite that is held against the baseline; ``summary`` is what came of it."""

    __tablename__ = "regression"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr
    __table_args__ = (
        UniqueConstraint("workspace_id", "key"),
        Index("ix_regression_workspace_suite", "workspace_id", "suite", "created_at"),
    )

    id: str = Field(primary_key=True)
    workspace_id: str
    key: str
    suite: str
    assistant: str
    variant: str
    baseline: int | None = None
    baseline_run_id: str | None = None
    run_id: str = Field(index=True)
    confirming_run_id: str | None = Field(default=None, index=True)
    schedule_id: str | None = None
    slot: str | None = None
    state: str = Field(index=True)
    verdict: str | None = None
    summary: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    channel_id: str | None = None
    started_by: str
    note: str | None = None
    created_at: datetime = time_column(nullable=False)
    finished_at: datetime | None = time_column()
