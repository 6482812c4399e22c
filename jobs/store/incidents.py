"""Incidents and digests: what was told, once, in the transaction of its cause."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, and_, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.alerts.incident import Finding, Incident, IncidentId, alert_key
from jobs.model import Announcement, Place, WorkspaceId
from jobs.ports import Clock
from jobs.store._rows import Row, table_of
from jobs.store.outbox import add_announcements, want_edit
from jobs.store.tables import DigestRow, IncidentRow
from jobs.store.writer import Writer

INCIDENT = table_of(IncidentRow)
DIGEST = table_of(DigestRow)
_FINDING = TypeAdapter(Finding)


class Incidents:
    def __init__(self, reader: AsyncEngine, writer: Writer, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock

    # --- incidents ---

    async def begin(self, incident: Incident, announcements: Sequence[Announcement] = ()) -> bool:
        """Save a new one with what is announced of it; False if its rule and subject have one already."""
        insert = self._insert()(INCIDENT).values(**_row(incident), live=1).on_conflict_do_nothing()

        def work(connection: Connection) -> bool:
            if (connection.execute(insert.returning(INCIDENT.c.id))).first() is None:
                return False
            add_announcements(connection, announcements, self._clock.now())
            return True

        return await self._writer.run(work)

    async def change(
        self, incident: Incident, *, was: str, announcements: Sequence[Announcement] = (), edit: bool = True
    ) -> bool:
        """Save how it stands now and show it so; False if meanwhile it is in another state than it ``was``."""
        values = {name: value for name, value in _row(incident).items() if name != "id"}
        values["live"] = None if incident.state == "cleared" else 1
        unchanged = and_(INCIDENT.c.id == incident.id, INCIDENT.c.state == was)

        def work(connection: Connection) -> bool:
            written = connection.execute(update(INCIDENT).where(unchanged).values(**values))
            if written.rowcount == 0:
                return False
            add_announcements(connection, announcements, self._clock.now())
            if edit:
                want_edit(connection, incident.workspace_id, alert_key(incident.id))
            return True

        return await self._writer.run(work)

    async def drop(self, incident: Incident) -> None:
        """Forget one that never was told: it was over before its time."""
        never_told = and_(INCIDENT.c.id == incident.id, INCIDENT.c.state == "pending")
        await self._writer.run(lambda connection: connection.execute(INCIDENT.delete().where(never_told)))

    async def get(self, incident_id: IncidentId) -> Incident | None:
        return next(iter(await self._fetch(select(INCIDENT).where(INCIDENT.c.id == incident_id))), None)

    async def live(self, workspace_id: WorkspaceId) -> tuple[Incident, ...]:
        """Those that are not over, oldest first."""
        query = select(INCIDENT).where(INCIDENT.c.workspace_id == workspace_id, INCIDENT.c.live == 1)
        return await self._fetch(query.order_by(INCIDENT.c.id))

    async def told_between(self, workspace_id: WorkspaceId, since: datetime, until: datetime) -> tuple[Incident, ...]:
        """Those that were opened or cleared in that time, or are open at its end; oldest first."""
        opened = and_(INCIDENT.c.opened_at >= since, INCIDENT.c.opened_at < until)
        cleared = and_(INCIDENT.c.cleared_at >= since, INCIDENT.c.cleared_at < until)
        open_at_end = and_(INCIDENT.c.opened_at < until, INCIDENT.c.live == 1)
        mine = and_(INCIDENT.c.workspace_id == workspace_id, INCIDENT.c.opened_at.is_not(None))
        query = select(INCIDENT).where(mine, or_(opened, cleared, open_at_end)).order_by(INCIDENT.c.id)
        return await self._fetch(query)

    async def open_by_severity(self) -> dict[str, int]:
        """How many are open, over all workspaces."""
        query = select(INCIDENT.c.severity, func.count().label("n")).where(INCIDENT.c.live == 1)
        query = query.where(INCIDENT.c.state == "open").group_by(INCIDENT.c.severity)
        async with self._reader.connect() as connection:
            return {row.severity: row.n for row in await connection.execute(query)}

    # --- digests ---

    async def save_digest(
        self, kind: str, day: str, place: Place, content: Mapping[str, Any], announcements: Sequence[Announcement]
    ) -> bool:
        """Save a digest with its messages, once a day and channel; False if it is there already."""
        row = {"workspace_id": place.workspace_id, "kind": kind, "day": day, "channel_id": place.channel_id}
        insert = self._insert()(DIGEST).values(**row, content=dict(content), created_at=self._clock.now())

        def work(connection: Connection) -> bool:
            saved = connection.execute(insert.on_conflict_do_nothing().returning(DIGEST.c.day))
            if saved.first() is None:
                return False
            add_announcements(connection, announcements, self._clock.now())
            return True

        return await self._writer.run(work)

    async def digest(self, kind: str, day: str, place: Place) -> Mapping[str, Any] | None:
        query = select(DIGEST.c.content).where(
            DIGEST.c.workspace_id == place.workspace_id,
            DIGEST.c.kind == kind,
            DIGEST.c.day == day,
            DIGEST.c.channel_id == place.channel_id,
        )
        async with self._reader.connect() as connection:
            return (await connection.execute(query)).scalar_one_or_none()

    async def last_digest_at(self, workspace_id: WorkspaceId, kind: str, channel_id: str) -> datetime | None:
        query = select(func.max(DIGEST.c.created_at)).where(
            DIGEST.c.workspace_id == workspace_id, DIGEST.c.kind == kind, DIGEST.c.channel_id == channel_id
        )
        async with self._reader.connect() as connection:
            return (await connection.execute(query)).scalar_one_or_none()

    async def forget_before(self, moment: datetime) -> int:
        """How many incidents that are over, and digests, were older than that and are gone."""
        over = and_(INCIDENT.c.live.is_(None), INCIDENT.c.cleared_at < moment)

        def work(connection: Connection) -> int:
            incidents = connection.execute(INCIDENT.delete().where(over))
            digests = connection.execute(DIGEST.delete().where(DIGEST.c.created_at < moment))
            return incidents.rowcount + digests.rowcount

        return await self._writer.run(work)

    async def _fetch(self, query: Any) -> tuple[Incident, ...]:
        async with self._reader.connect() as connection:
            return tuple(_incident(row) for row in (await connection.execute(query)).mappings())

    def _insert(self) -> Any:
        return postgresql.insert if self._reader.dialect.name == "postgresql" else sqlite.insert


def _row(incident: Incident) -> dict[str, Any]:
    return {
        "id": incident.id,
        "workspace_id": incident.workspace_id,
        "rule": incident.finding.rule,
        "subject": incident.finding.subject,
        "state": incident.state,
        "severity": incident.finding.severity,
        "details": {"finding": asdict(incident.finding), "worst": incident.worst},
        "channel_id": incident.place.channel_id if incident.place else None,
        "since": incident.since,
        "opened_at": incident.opened_at,
        "cleared_at": incident.cleared_at,
        "snoozed_until": incident.snoozed_until,
        "snoozed_by": incident.snoozed_by,
        "reminders": incident.reminders,
    }


def _incident(row: Row) -> Incident:
    workspace_id, channel_id = WorkspaceId(row["workspace_id"]), row["channel_id"]
    return Incident(
        id=IncidentId(row["id"]),
        workspace_id=workspace_id,
        state=row["state"],
        finding=_FINDING.validate_python(row["details"]["finding"]),
        since=row["since"],
        worst=row["details"]["worst"],
        place=Place(workspace_id=workspace_id, channel_id=channel_id) if channel_id else None,
        opened_at=row["opened_at"],
        cleared_at=row["cleared_at"],
        snoozed_until=row["snoozed_until"],
        snoozed_by=row["snoozed_by"],
        reminders=row["reminders"],
    )
