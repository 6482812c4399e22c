"""The values of the history: one figure of one run, and what a reader may ask for."""

from dataclasses import dataclass
from datetime import datetime

from jobs.model import RunId, WorkspaceId


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure of one run with its 95 % interval where there is one; ``value`` None = not defined.

    Args:
        part: empty for the whole run, else ``category:NAME`` or ``persona:NAME``.
        unscored: cases that the figure is not defined for.
    """

    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    unscored: int = 0
    part: str = ""


@dataclass(frozen=True, kw_only=True)
class Night:
    """The run behind some figures: ``subject`` is the suite or profile, ``scheduled`` whether nobody started it."""

    run_id: RunId
    workspace_id: WorkspaceId
    subject: str
    assistant: str
    variant: str
    scheduled: bool
    at: datetime


@dataclass(frozen=True, kw_only=True)
class HistoryPoint:
    """A figure at its place in time."""

    night: Night
    figure: Figure


@dataclass(frozen=True, kw_only=True)
class HistoryScope:
    """Which part of the history is looked at; None means any. Always a window: reading grows with it, and with
    nothing else."""

    workspace_id: WorkspaceId
    since: datetime
    until: datetime
    metric: str | None = None
    part: str | None = ""
    subject: str | None = None
    assistant: str | None = None
    variant: str | None = None
    scheduled: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Something counted, by up to two labels."""

    name: str
    first: str
    second: str
    value: float
