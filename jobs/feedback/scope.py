"""Which feedback is looked at, and what a report reads of it: votes counted, and comments."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from jobs.feedback.rating import Kind, Source
from jobs.model import WorkspaceId

Dimension = Literal["assistant", "variant", "profile", "persona", "channel", "week"]
DIMENSIONS: tuple[Dimension, ...] = ("assistant", "variant", "profile", "persona", "channel", "week")


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Which feedback is looked at; None means all."""

    workspace_id: WorkspaceId | None = None
    since: datetime | None = None
    until: datetime | None = None
    assistant: str | None = None
    variant: str | None = None
    profile: str | None = None
    channel_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class VoteCount:
    """So many people gave this vote; ``group`` is the value of the dimension that was asked for."""

    source: Source
    kind: Kind
    value: int
    group: str | None
    n: int


@dataclass(frozen=True, kw_only=True)
class Comment:
    """What somebody wrote, without personal data, and the vote that came with it."""

    text: str
    source: Source
    kind: Kind
    value: int | None
    at: datetime
    conversation_id: str | None = None
