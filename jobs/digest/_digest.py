"""A digest as a value: what a team should know this morning, in lines that every door can show."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from pydantic import TypeAdapter

from jobs.model import Place, WorkspaceId

DigestKind = Literal["daily", "weekly", "review"]
KINDS: dict[str, DigestKind] = {"daily": "daily", "weekly": "weekly", "review": "review"}
Tone = Literal["bad", "unsure", "good", "plain"]


@dataclass(frozen=True, kw_only=True)
class ConversationLink:
    """A conversation that a line is about; a door links to it where it can."""

    run_id: str
    number: int


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line: ``text`` is without markup and holds nothing that was said in a conversation.

    Args:
        key: the announcement that the line is about, linked to where there is one.
    """

    text: str
    tone: Tone = "plain"
    links: tuple[ConversationLink, ...] = ()
    key: str | None = None


@dataclass(frozen=True, kw_only=True)
class DigestPart:
    """What one section has to say.

    Args:
        lines: for the message that fits a phone; ``details`` for its thread.
        is_news: somebody should look; a digest without any news is one line.
        verdict: the section's part of the headline, with ``tone`` saying how bad it is.
        brief: what a quiet digest says of it in a few words.
    """

    name: str
    title: str
    lines: tuple[Line, ...]
    details: tuple[Line, ...] = ()
    is_news: bool = False
    verdict: str | None = None
    tone: Tone = "plain"
    brief: str | None = None


@dataclass(frozen=True, kw_only=True)
class Digest:
    """Everything about one day or week.

    Args:
        day: by the calendar of ``zone``; with kind and channel it makes the digest unique.
        since, until: the time that it is about.
        charted: runs whose night is drawn in its thread.
    """

    kind: DigestKind
    workspace_id: WorkspaceId
    day: date
    zone: str
    since: datetime
    until: datetime
    parts: tuple[DigestPart, ...]
    charted: tuple[str, ...] = ()

    @property
    def is_quiet(self) -> bool:
        return not any(part.is_news for part in self.parts)

    @property
    def tone(self) -> Tone:
        """That of the worst part."""
        order: tuple[Tone, ...] = ("bad", "unsure", "good", "plain")
        tones = {part.tone for part in self.parts}
        return next(tone for tone in (*order, "plain") if tone in tones or tone == "plain")

    @property
    def headline(self) -> str:
        """The verdicts of the sections in one sentence, the worst first."""
        order: tuple[Tone, ...] = ("bad", "unsure", "good", "plain")
        ranked = sorted((part for part in self.parts if part.verdict), key=lambda part: order.index(part.tone))
        told = [part.verdict for part in ranked if part.is_news or part.tone != "plain"][:2]
        return "; ".join(each for each in told if each) or "Nothing new"

    @property
    def quiet_line(self) -> str:
        """All of it in one line, for a day without news."""
        return " · ".join(["Nothing new", *self._briefs()])

    def part(self, name: str) -> DigestPart | None:
        return next((part for part in self.parts if part.name == name), None)

    def _briefs(self) -> Iterator[str]:
        return (part.brief for part in self.parts if part.brief)


_DIGEST = TypeAdapter(Digest)


def digest_to_json(digest: Digest) -> dict[str, Any]:
    """The document that is stored and that scripts rely on."""
    derived = {"headline": digest.headline, "tone": digest.tone, "quiet": digest.is_quiet}
    return {**_DIGEST.dump_python(digest, mode="json"), **derived}


def digest_from_json(stored: Mapping[str, Any]) -> Digest:
    return _DIGEST.validate_python({name: stored[name] for name in _FIELDS if name in stored})


_FIELDS = tuple(Digest.__dataclass_fields__)


def digest_key(kind: DigestKind, day: date, place: Place) -> str:
    """Of its message: at most one a day and channel."""
    return f"digest:{kind}:{day.isoformat()}:{place.channel_id}"
