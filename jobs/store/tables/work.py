"""Who plays, and what is tested."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from jobs.store.tables._columns import json_column, time_column


class WorkerRow(SQLModel, table=True):
    """A process that plays conversations, and when it was last alive."""

    __tablename__ = "worker"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    executor_id: str = Field(primary_key=True)
    alive_at: datetime = time_column(nullable=False)


class VariantRow(SQLModel, table=True):
    """One immutable configuration of an assistant, kept by its content hash; secrets only as ``env:NAME``."""

    __tablename__ = "variant"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    workspace_id: str = Field(primary_key=True)
    hash: str = Field(primary_key=True)
    assistant: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    content: dict[str, Any] = json_column()
    first_seen_at: datetime = time_column(nullable=False)
