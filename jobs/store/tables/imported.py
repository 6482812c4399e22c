"""Conversations that were held elsewhere."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from jobs.store.tables._columns import json_column, time_column


class ImportedConversationRow(SQLModel, table=True):
    """A conversation of a set that was imported; its key is made of its content, so that twice is once."""

    __tablename__ = "imported_conversation"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    workspace_id: str = Field(primary_key=True)
    set_name: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    name: str
    content: dict[str, Any] = json_column()
    imported_at: datetime = time_column(nullable=False)
