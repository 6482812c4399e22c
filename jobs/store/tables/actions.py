"""Variants that were made here, which one is in force, and the actions that are proposed to change them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from jobs.store.tables._columns import json_column, time_column


class MadeVariantRow(SQLModel, table=True):
    """Where a variant that was made here comes from; its content is a row of ``variant``."""

    __tablename__ = "made_variant"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    workspace_id: str = Field(primary_key=True)
    assistant: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    hash: str
    parent: str
    parent_hash: str
    diff: str
    author: str
    reason: str
    action_id: str | None = Field(default=None, index=True)
    made_at: datetime = time_column(nullable=False)


class InForceRow(SQLModel, table=True):
    """Which variant is in force since when; rows are only ever added, the one with the highest number counts."""

    __tablename__ = "variant_in_force"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    workspace_id: str = Field(primary_key=True)
    assistant: str = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    name: str
    hash: str
    set_by: str
    reason: str
    set_at: datetime = time_column(nullable=False)


class ActionRow(SQLModel, table=True):
    """A proposed change of an assistant, and what became of it.

    ``open_key`` is what it would mend, as long as it is open: of two open actions for the same thing the second is
    not made. ``hash`` is that of what was shown; each edit is a new ``version``.
    """

    __tablename__ = "action"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr
    __table_args__ = (
        UniqueConstraint("workspace_id", "open_key"),
        Index("ix_action_workspace_fingerprint", "workspace_id", "fingerprint"),
    )

    id: str = Field(primary_key=True)
    workspace_id: str
    assistant: str
    kind: str
    state: str = Field(index=True)
    fingerprint: str
    open_key: str | None = None
    version: int = 1
    hash: str
    proposer: str
    content: dict[str, Any] = json_column()
    run_id: str | None = None
    channel_id: str | None = None
    created_at: datetime = time_column(nullable=False)
    expires_at: datetime = time_column(nullable=False)
    asleep_until: datetime | None = time_column()
    decided_at: datetime | None = time_column()
    decided_by: str | None = None
    candidate: str | None = None
    experiment_id: str | None = Field(default=None, index=True)
    rollout_id: str | None = Field(default=None, index=True)
    note: str | None = None
    progress: dict[str, Any] = json_column()
    changed_at: datetime = time_column(nullable=False)


class ActionVoteRow(SQLModel, table=True):
    """An approval of one version of an action by one person."""

    __tablename__ = "action_vote"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    action_id: str = Field(primary_key=True, foreign_key="action.id")
    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    member_id: str = Field(primary_key=True)
    voted_at: datetime = time_column(nullable=False)


class RolloutRow(SQLModel, table=True):
    """A candidate that serves a growing share of live threads.

    ``open_for`` is the assistant as long as the rollout is open: an assistant has one at a time.
    """

    __tablename__ = "rollout"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr
    __table_args__ = (UniqueConstraint("workspace_id", "open_for"),)

    id: str = Field(primary_key=True)
    workspace_id: str
    assistant: str
    open_for: str | None = None
    state: str = Field(index=True)
    stage: int = 0
    shares: list[float] = Field(sa_column=Column(JSON, nullable=False))
    baseline: dict[str, Any] = json_column()
    candidate: dict[str, Any] = json_column()
    action_id: str | None = None
    window_s: int | None = None
    started_by: str
    channel_id: str | None = None
    parent_key: str | None = None
    note: str | None = None
    stages: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    figures: dict[str, Any] = json_column()
    created_at: datetime = time_column(nullable=False)
    stage_at: datetime = time_column(nullable=False)
    finished_at: datetime | None = time_column()


class RolloutCustomerRow(SQLModel, table=True):
    """A customer who was given a variant during a stage of a rollout; who it was cannot be read from it."""

    __tablename__ = "rollout_customer"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    rollout_id: str = Field(primary_key=True, foreign_key="rollout.id")
    stage: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    customer: str = Field(primary_key=True)
    source: str
    arm: str
    met_at: datetime = time_column(nullable=False)
    failed_at: datetime | None = time_column()


class RolloutTrafficRow(SQLModel, table=True):
    """A run that plays simulated customers as live ones during a stage of a rollout."""

    __tablename__ = "rollout_traffic"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    run_id: str = Field(primary_key=True, foreign_key="run.id")
    rollout_id: str = Field(foreign_key="rollout.id", index=True)
    stage: int
    arm: str
    rated: bool = False
