"""What a section of the digest is, and what it is given to look at."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from jobs.bundle import Ports
from jobs.digest._digest import DigestKind, DigestPart
from jobs.model import WorkspaceId

FEEDBACK_DAYS = 7
"""What people say is looked at over a week, since one day rarely has enough of it."""
TREND_DAYS: dict[DigestKind, int] = {"daily": 30, "weekly": 90, "review": 90}


@dataclass(frozen=True, kw_only=True)
class DigestScope:
    """What a digest is about. Whatever a section reads, it reads in a window that ends at ``until``."""

    kind: DigestKind
    workspace_id: WorkspaceId
    day: date
    zone: str
    since: datetime
    until: datetime

    def back(self, days: int) -> datetime:
        return self.until - timedelta(days=days)


@dataclass(frozen=True, kw_only=True)
class DigestSection:
    """One subject of the digest.

    Args:
        kinds: the digests that have it.
        build: its part; None when it has nothing to say.
    """

    name: str
    title: str
    build: Callable[[DigestScope, Ports], Awaitable[DigestPart | None]]
    kinds: tuple[DigestKind, ...] = ("daily", "weekly")
