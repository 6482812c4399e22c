"""The value of an incident: a figure out of bounds, from when it was first seen until it is over."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NewType

from jobs.model import Place, RunId, WorkspaceId

IncidentId = NewType("IncidentId", str)
IncidentState = Literal["pending", "open", "cleared"]
"""``pending``: out of bounds, and not yet for as long as its rule asks for."""
Severity = Literal["high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = ("high", "medium", "low")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a rule found wrong with one subject just now.

    Args:
        rule: its name; ``subject`` is what it looked at, e.g. a suite and its assistant.
        sentence: what is wrong in words, with the figure, its n and the limit.
        value, limit, n: the figure itself.
        run_id: the run that it was seen in.
        times: runs in a row in which it was so.
    """

    rule: str
    subject: str
    severity: Severity
    metric: str
    sentence: str
    value: float | None = None
    limit: float | None = None
    n: int = 0
    run_id: RunId | None = None
    times: int = 1


@dataclass(frozen=True, kw_only=True)
class Incident:
    """One stretch of time in which a figure was out of bounds; it has one message.

    Args:
        finding: as it was last seen; ``worst`` is the value furthest out.
        since: when it was first seen; ``opened_at`` is when it was told.
        reminders: how often it was told again after a snooze.
    """

    id: IncidentId
    workspace_id: WorkspaceId
    state: IncidentState
    finding: Finding
    since: datetime
    worst: float | None = None
    place: Place | None = None
    opened_at: datetime | None = None
    cleared_at: datetime | None = None
    snoozed_until: datetime | None = None
    snoozed_by: str | None = None
    reminders: int = 0

    def is_snoozed(self, now: datetime) -> bool:
        return self.snoozed_until is not None and now < self.snoozed_until


def alert_key(incident_id: IncidentId) -> str:
    return f"alert:{incident_id}"
