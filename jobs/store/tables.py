"""The tables. Rows never leave this folder; the repository turns them into the values of `jobs.model`."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel, UTCDateTime


def _json() -> Any:
    return Field(sa_column=Column(JSON, nullable=False))


def _time(*, nullable: bool = True) -> Any:
    return Field(default=None, sa_column=Column(UTCDateTime(), nullable=nullable))


class DeliveryRow(SQLModel, table=True):
    """Something Slack delivered: recorded before it is acknowledged, worked on after."""

    __tablename__ = "delivery"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    workspace_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    kind: str
    payload: dict[str, Any] = _json()
    state: str = Field(index=True)
    received_at: datetime = _time(nullable=False)


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
    details: dict[str, Any] = _json()
    summary: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    started_by: str
    channel_id: str | None = None
    shown_failures: int = 0
    shown_sample: int = 0
    note: str | None = None
    created_at: datetime = _time(nullable=False)
    started_at: datetime | None = _time()
    finished_at: datetime | None = _time()


class ConversationRow(SQLModel, table=True):
    """One scenario of a run, planned or played. ``strikes`` counts attempts that committed no new turn."""

    __tablename__ = "conversation"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr
    __table_args__ = (UniqueConstraint("run_id", "number"), Index("ix_conversation_run_state", "run_id", "state"))

    id: str = Field(primary_key=True)
    run_id: str = Field(foreign_key="run.id")
    workspace_id: str
    number: int
    scenario: dict[str, Any] = _json()
    state: str
    attempt: int = 0
    strikes: int = 0
    outcome: str | None = None
    result: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    finished_at: datetime | None = _time()


class TurnRow(SQLModel, table=True):
    """One utterance of one attempt; a broken attempt's turns are kept beside those of the attempt that counts."""

    __tablename__ = "turn"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    conversation_id: str = Field(primary_key=True, foreign_key="conversation.id")
    attempt: int = Field(primary_key=True)
    position: int = Field(primary_key=True)
    speaker: str
    text: str
    latency_ms: float | None = None
    details: dict[str, Any] = _json()


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
    ref: dict[str, Any] = _json()
    channel_id: str
    parent_key: str | None = Field(default=None, index=True)
    last: bool = False
    state: str
    ts: str | None = Field(default=None, index=True)
    file_id: str | None = None
    wanted: int = 1
    shown: int = 0
    attempts: int = 0
    not_before: datetime | None = _time()
    error: str | None = None
    created_at: datetime = _time(nullable=False)
    sent_at: datetime | None = _time()


class WorkerRow(SQLModel, table=True):
    """A process that plays conversations, and when it was last alive."""

    __tablename__ = "worker"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    executor_id: str = Field(primary_key=True)
    alive_at: datetime = _time(nullable=False)


class VariantRow(SQLModel, table=True):
    """One immutable configuration of an assistant, kept by its content hash; secrets only as ``env:NAME``."""

    __tablename__ = "variant"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    workspace_id: str = Field(primary_key=True)
    hash: str = Field(primary_key=True)
    assistant: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    content: dict[str, Any] = _json()
    first_seen_at: datetime = _time(nullable=False)


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
    received_at: datetime = _time(nullable=False)
    voter: str
    subject: str
    conversation: str
    conversation_id: str | None = Field(default=None, index=True)
    channel_id: str | None = None
    member_id: str | None = Field(default=None, index=True)
    comment: str | None = None
    details: dict[str, Any] = _json()
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
    content: dict[str, Any] = _json()
    kept_by: str = Field(index=True)
    kept_at: datetime = _time(nullable=False)


class ApiTokenRow(SQLModel, table=True):
    """A token of the HTTP interface; only its hash is here."""

    __tablename__ = "api_token"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    id: str = Field(primary_key=True)
    workspace_id: str = Field(index=True)
    name: str
    hash: str
    scopes: list[str] = _json()
    per_minute: int
    created_at: datetime = _time(nullable=False)
    expires_at: datetime | None = _time()
    revoked_at: datetime | None = _time()


class AnsweredRequestRow(SQLModel, table=True):
    """A request with an idempotency key, and what it was answered."""

    __tablename__ = "answered_request"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    workspace_id: str = Field(primary_key=True)
    token_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    digest: str
    answer: dict[str, Any] = _json()
    received_at: datetime = Field(sa_column=Column(UTCDateTime(), nullable=False, index=True))


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
    at: datetime = _time(nullable=False)


class WorkspaceSettingsRow(SQLModel, table=True):
    """What the approvers of a workspace have set for it."""

    __tablename__ = "workspace_settings"  # type: ignore[assignment]  # SQLModel declares it as a declared_attr

    workspace_id: str = Field(primary_key=True)
    content: dict[str, Any] = _json()
    changed_at: datetime = _time(nullable=False)


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
    details: dict[str, Any] = _json()
    summary: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    started_by: str
    channel_id: str | None = None
    note: str | None = None
    early_winner: str | None = None
    created_at: datetime = _time(nullable=False)
    finished_at: datetime | None = _time()


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
    content: dict[str, Any] = _json()
    added_at: datetime = _time(nullable=False)
