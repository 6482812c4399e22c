"""Schedules as values: what is to happen when and where, and each time that it was due."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal, NewType

from jobs.model import LOCAL_WORKSPACE, Place, WorkspaceId

ScheduleId = NewType("ScheduleId", str)
ScheduleState = Literal["active", "paused"]
OccasionState = Literal["claimed", "begun", "failed", "missed"]
"""``claimed``: a process is about to begin it; ``missed``: it was too late for it when somebody looked."""

CAUGHT_UP_WITHIN = timedelta(hours=12)
"""What was missed for longer is reported instead of being done."""
ASKED_FOR = "now:"
"""The slot of an occasion that somebody asked for begins so; it does not use up that day's."""


@dataclass(frozen=True, kw_only=True)
class ScheduleRequest:
    """What a member or a terminal asked for.

    Args:
        use_case: the name of what is to happen, e.g. ``regress``.
        options: what the use case takes, e.g. ``{"suite": "pizza-nightly"}``.
        cron: minute, hour, day of the month, month, day of the week; None = as is usual for the use case.
        tz: the name of a time zone; None = UTC.
        name: how people will call it; None = after what it does.
        direct_channel_id: where whoever asks is reached when ``place`` is not there any more.
    """

    use_case: str
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    cron: str | None = None
    tz: str | None = None
    name: str | None = None
    place: Place | None = None
    direct_channel_id: str | None = None
    created_by: str = ""
    workspace_id: WorkspaceId = LOCAL_WORKSPACE
    key: str | None = None


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Something that happens by itself, at most once on each date of its time zone.

    Args:
        active_since: what was due before is nobody's concern.
        note: why it was paused by itself.
    """

    id: ScheduleId
    workspace_id: WorkspaceId
    name: str
    key: str
    use_case: str
    options: Mapping[str, str]
    cron: str
    tz: str
    state: ScheduleState = "active"
    place: Place | None = None
    direct_channel_id: str | None = None
    created_by: str
    created_at: datetime
    active_since: datetime
    note: str | None = None

    @property
    def direct_place(self) -> Place | None:
        """Where whoever made it is reached."""
        if self.direct_channel_id is None:
            return None
        return Place(workspace_id=self.workspace_id, channel_id=self.direct_channel_id)


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """One time that a schedule was due; ``slot`` is its local date, or begins with ``ASKED_FOR``.

    What follows from an occasion is done once under its ``key``, however often it is begun.
    """

    schedule_id: ScheduleId
    slot: str
    workspace_id: WorkspaceId
    due_at: datetime
    state: OccasionState
    attempts: int = 1
    note: str | None = None
    asked_by: str | None = None
    created_at: datetime
    finished_at: datetime | None = None

    @property
    def key(self) -> str:
        return f"schedule:{self.schedule_id}:{self.slot}"

    @property
    def local_date(self) -> date | None:
        """None for what somebody asked for."""
        return None if self.slot.startswith(ASKED_FOR) else date.fromisoformat(self.slot)
