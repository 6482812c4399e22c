"""A/B tests."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from jobs.store.tables._columns import json_column, time_column


class ExperimentRow(SQLModel, table=True):
    """An A/B test: two variants that meet the same customers, or whose results are recorded by hand."""

    __tablename__ = "experiment"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr
    __table_args__ = (
        UniqueConstraint("workspace_id", "key"),
        Index("ix_experiment_workspace_created", "workspace_id", "created_at"),
    )

    id: str = Field(primary_key=True)
    workspace_id: str
    key: str
    kind: str
    state: str = Field(index=True)
    target: str
    seed: int = Field(sa_type=BigInteger)
    planned: int
    looks: int = 0
    details: dict[str, Any] = json_column()
    summary: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    started_by: str
    channel_id: str | None = None
    note: str | None = None
    early_winner: str | None = None
    created_at: datetime = time_column(nullable=False)
    finished_at: datetime | None = time_column()


class ExperimentRunRow(SQLModel, table=True):
    """A run that plays one arm's half of a round of pairs."""

    __tablename__ = "experiment_run"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr
    __table_args__ = (UniqueConstraint("experiment_id", "round", "arm"),)

    run_id: str = Field(primary_key=True, foreign_key="run.id")
    experiment_id: str = Field(foreign_key="experiment.id")
    arm: str
    round: int


class ExperimentResultRow(SQLModel, table=True):
    """The result of a session that was recorded by hand."""

    __tablename__ = "experiment_result"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    experiment_id: str = Field(primary_key=True, foreign_key="experiment.id")
    session_id: str = Field(primary_key=True)
    content: dict[str, Any] = json_column()
    added_at: datetime = time_column(nullable=False)
