"""What people said, and who may say it over HTTP."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, UniqueConstraint
from sqlmodel import Field, SQLModel, UTCDateTime

from jobs.store.tables._columns import json_column, time_column


class RatingRow(SQLModel, table=True):
    """Something that was said about the assistant.

    ``voter``, ``subject`` and ``conversation`` are the keys by which one person's several ratings are told to be one.
    """

    __tablename__ = "rating"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr
    __table_args__ = (UniqueConstraint("workspace_id", "key"),)

    id: str = Field(primary_key=True)
    workspace_id: str
    key: str
    source: str
    kind: str
    value: int | None = None
    retracted: bool = False
    at: datetime = Field(sa_column=Column(UTCDateTime(), nullable=False, index=True))
    received_at: datetime = time_column(nullable=False)
    voter: str
    subject: str
    conversation: str
    conversation_id: str | None = Field(default=None, index=True)
    channel_id: str | None = None
    member_id: str | None = Field(default=None, index=True)
    comment: str | None = None
    details: dict[str, Any] = json_column()
    assistant: str | None = None
    variant: str | None = None
    profile: str | None = None
    persona: str | None = None


class ExampleRow(SQLModel, table=True):
    """An exchange that was kept because something can be learnt from it."""

    __tablename__ = "example"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    workspace_id: str = Field(primary_key=True)
    conversation_id: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    content: dict[str, Any] = json_column()
    kept_by: str = Field(index=True)
    kept_at: datetime = time_column(nullable=False)


class ApiTokenRow(SQLModel, table=True):
    """A token of the HTTP interface; only its hash is here."""

    __tablename__ = "api_token"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    id: str = Field(primary_key=True)
    workspace_id: str = Field(index=True)
    name: str
    hash: str
    scopes: list[str] = json_column()
    per_minute: int
    created_at: datetime = time_column(nullable=False)
    expires_at: datetime | None = time_column()
    revoked_at: datetime | None = time_column()


class AnsweredRequestRow(SQLModel, table=True):
    """A request with an idempotency key, and what it was answered."""

    __tablename__ = "answered_request"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    workspace_id: str = Field(primary_key=True)
    token_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    digest: str
    answer: dict[str, Any] = json_column()
    received_at: datetime = Field(sa_column=Column(UTCDateTime(), nullable=False, index=True))
