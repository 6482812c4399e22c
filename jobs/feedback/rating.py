"""The values of feedback: a rating, what it is about, and how one person's voice is told from another's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, NewType

from uuid6 import uuid7

from jobs.model import ConversationId, WorkspaceId

RatingId = NewType("RatingId", str)

Source = Literal["live", "run", "api", "cli", "simulated"]
SOURCES: tuple[Source, ...] = ("live", "run", "api", "cli", "simulated")
HEADLINE_SOURCES: tuple[Source, ...] = ("live", "api", "cli")
"""What people said of conversations that were not simulated: only these make the headline."""

Kind = Literal["stars", "thumb", "comment"]
Aspect = Literal["tool_selection", "response_quality", "speed"]
ASPECTS: tuple[Aspect, ...] = ("tool_selection", "response_quality", "speed")

UP, DOWN = 1, -1
LONGEST_COMMENT = 4000
"""Characters; more than Slack's own forms take."""


@dataclass(frozen=True, kw_only=True)
class Vote:
    """One opinion as a number: stars 1..5, or a thumb (1 up, -1 down)."""

    kind: Literal["stars", "thumb"]
    value: int


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message in Slack."""

    channel_id: str
    ts: str


@dataclass(frozen=True, kw_only=True)
class About:
    """What a rating is about.

    Args:
        conversation_id: one of ours.
        external_id: a conversation of another system, under its own id.
        message: the message that was rated, when it came from Slack.
    """

    conversation_id: ConversationId | None = None
    external_id: str | None = None
    message: Message | None = None
    assistant: str | None = None
    variant: str | None = None
    profile: str | None = None
    persona: str | None = None

    @property
    def conversation(self) -> str | None:
        """The conversation's key: one person has one voice in it."""
        if self.conversation_id:
            return f"ours:{self.conversation_id}"
        if self.external_id:
            return f"ext:{self.external_id}"
        return self.subject

    @property
    def subject(self) -> str | None:
        """The key of what exactly was rated: of one person's ratings of it only the latest counts."""
        if self.message:
            return f"slack:{self.message.channel_id}:{self.message.ts}"
        return self.conversation if self.conversation_id or self.external_id else None


@dataclass(frozen=True, kw_only=True)
class Rating:
    """Something that a person, or a simulated customer, said about the assistant.

    Args:
        key: the same key is the same rating; what was said later takes its place, whatever arrives first.
        value: None for a comment without a vote.
        member_id: None when nobody knows who it was.
        retracted: it was taken back.
    """

    workspace_id: WorkspaceId
    key: str
    source: Source
    vote: Vote | None
    at: datetime
    about: About = About()
    member_id: str | None = None
    comment: str | None = None
    aspects: Mapping[str, int] = field(default_factory=dict[str, int])
    suggested_tools: tuple[str, ...] = ()
    suggested_response: str | None = None
    summary: str | None = None
    tags: tuple[str, ...] = ()
    reaction: str | None = None
    retracted: bool = False
    id: RatingId = field(default_factory=lambda: RatingId(str(uuid7())))

    @property
    def kind(self) -> Kind:
        return self.vote.kind if self.vote else "comment"

    @property
    def voter(self) -> str:
        """Who has the voice. Whoever rates a conversation without a name is taken for its one customer."""
        name = f"member:{self.member_id}" if self.member_id else "customer"
        return f"simulated:{name}" if self.source == "simulated" else name


def slack_time(ts: str) -> datetime:
    """The moment that Slack's ``1700000000.123456`` names, to the microsecond.

    Raises:
        ValueError: it is no such text.
    """
    seconds, _, fraction = ts.partition(".")
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) <= 11 and (fraction or "0").isdecimal()):
        raise ValueError(f"{ts!r} is no time of Slack's")
    moment = datetime.fromtimestamp(int(seconds), UTC)
    return moment + timedelta(microseconds=int(fraction[:6].ljust(6, "0")))
