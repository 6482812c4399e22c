"""Schedules, and each time that one was due."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection, and_, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.model import Announcement, Place, WorkspaceId
from jobs.ports import Clock
from jobs.schedule.schedule import ASKED_FOR, Occasion, OccasionState, Schedule, ScheduleId, ScheduleState
from jobs.store._rows import Row, table_of
from jobs.store.outbox import add_announcements
from jobs.store.tables import OccasionRow, ScheduleRow
from jobs.store.writer import Writer

SCHEDULE = table_of(ScheduleRow)
OCCASION = table_of(OccasionRow)


class Schedules:
    def __init__(self, reader: AsyncEngine, writer: Writer, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock

    # --- schedules ---

    async def create(self, schedule: Schedule) -> Schedule:
        """Save it; if its name is taken, the schedule that has it is returned instead."""

        def work(connection: Connection) -> Schedule:
            insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            connection.execute(insert(SCHEDULE).values(_schedule_row(schedule)).on_conflict_do_nothing())
            found = connection.execute(
                select(SCHEDULE).where(
                    SCHEDULE.c.workspace_id == schedule.workspace_id, SCHEDULE.c.name == schedule.name
                )
            )
            return _schedule(found.mappings().one())

        return await self._writer.run(work)

    async def set_state(self, schedule_id: ScheduleId, state: ScheduleState, *, note: str | None = None) -> bool:
        """Pause it, or let it go on from now; False if it is so already, or gone."""
        values: dict[str, Any] = {"state": state, "note": note}
        if state == "active":
            values["active_since"] = self._clock.now()
        statement = update(SCHEDULE).where(SCHEDULE.c.id == schedule_id, SCHEDULE.c.state != state).values(**values)
        written = await self._writer.run(lambda connection: connection.execute(statement))
        return written.rowcount == 1

    async def pause_with(self, schedule_id: ScheduleId, note: str, announcements: Sequence[Announcement]) -> bool:
        """Pause it by itself and say so, once; False if it is paused already, or gone."""
        now = self._clock.now()

        def work(connection: Connection) -> bool:
            written = connection.execute(
                update(SCHEDULE)
                .where(SCHEDULE.c.id == schedule_id, SCHEDULE.c.state == "active")
                .values(state="paused", note=note)
            )
            if written.rowcount == 1:
                add_announcements(connection, announcements, now)
            return written.rowcount == 1

        return await self._writer.run(work)

    async def remove(self, schedule_id: ScheduleId) -> bool:
        """Forget a schedule; what came of it stays. False if it is gone already."""
        statement = delete(SCHEDULE).where(SCHEDULE.c.id == schedule_id)
        written = await self._writer.run(lambda connection: connection.execute(statement))
        return written.rowcount == 1

    async def get(self, schedule_id: ScheduleId) -> Schedule | None:
        return next(iter(await self._schedules(SCHEDULE.c.id == schedule_id)), None)

    async def of_workspace(self, workspace_id: WorkspaceId) -> tuple[Schedule, ...]:
        """All of a workspace, by name."""
        return await self._schedules(SCHEDULE.c.workspace_id == workspace_id)

    async def active(self) -> tuple[Schedule, ...]:
        """Those of every workspace that are not paused."""
        return await self._schedules(SCHEDULE.c.state == "active")

    # --- occasions ---

    async def claim(self, occasion: Occasion, *, for_s: float) -> bool:
        """Whether it is the caller's to begin: of all processes that see an occasion, the first one has it."""
        row = _occasion_row(occasion) | {"claimed_until": self._after(for_s)}
        return await self._writer.run(lambda connection: _add(connection, row))

    async def record(self, occasion: Occasion, announcements: Sequence[Announcement] = ()) -> bool:
        """Save an occasion that is over already, with what is said about it; False if it is known."""

        def work(connection: Connection) -> bool:
            if not _add(connection, _occasion_row(occasion)):
                return False
            add_announcements(connection, announcements, occasion.created_at)
            return True

        return await self._writer.run(work)

    async def claim_again(self, occasion: Occasion, *, for_s: float) -> bool:
        """Take over from a process that did not come to the end of it; False if somebody else did."""
        now = self._clock.now()
        statement = (
            update(OCCASION)
            .where(
                _is(occasion),
                OCCASION.c.state == "claimed",
                OCCASION.c.attempts == occasion.attempts,
                or_(OCCASION.c.claimed_until.is_(None), OCCASION.c.claimed_until <= now),
            )
            .values(attempts=OCCASION.c.attempts + 1, claimed_until=self._after(for_s))
        )
        written = await self._writer.run(lambda connection: connection.execute(statement))
        return written.rowcount == 1

    async def finish(
        self,
        occasion: Occasion,
        state: OccasionState,
        *,
        note: str | None = None,
        announcements: Sequence[Announcement] = (),
    ) -> bool:
        """Say what became of a claimed occasion, once; False if that is known already."""
        now = self._clock.now()

        def work(connection: Connection) -> bool:
            written = connection.execute(
                update(OCCASION)
                .where(_is(occasion), OCCASION.c.state == "claimed")
                .values(state=state, note=note, finished_at=now, claimed_until=None)
            )
            if written.rowcount == 0:
                return False
            add_announcements(connection, announcements, now)
            return True

        return await self._writer.run(work)

    async def left_behind(self) -> tuple[Occasion, ...]:
        """Claimed by a process that had time enough to begin them, and did not."""
        late = and_(
            OCCASION.c.state == "claimed",
            or_(OCCASION.c.claimed_until.is_(None), OCCASION.c.claimed_until <= self._clock.now()),
        )
        return await self._occasions(select(OCCASION).where(late).order_by(OCCASION.c.due_at))

    async def latest_due(self, *, since: datetime) -> Mapping[ScheduleId, datetime]:
        """When each schedule was due for the last time, as far as anybody looked, and not before ``since``."""
        query = (
            select(OCCASION.c.schedule_id, func.max(OCCASION.c.due_at).label("due_at"))
            .where(OCCASION.c.due_at >= since, ~OCCASION.c.slot.startswith(ASKED_FOR))
            .group_by(OCCASION.c.schedule_id)
        )
        async with self._reader.connect() as connection:
            return {ScheduleId(row.schedule_id): row.due_at for row in await connection.execute(query)}

    async def occasions(self, schedule_id: ScheduleId, *, limit: int = 20) -> tuple[Occasion, ...]:
        """The latest of a schedule, newest first."""
        mine = select(OCCASION).where(OCCASION.c.schedule_id == schedule_id)
        return await self._occasions(mine.order_by(OCCASION.c.created_at.desc(), OCCASION.c.slot.desc()).limit(limit))

    async def occasion(self, schedule_id: ScheduleId, slot: str) -> Occasion | None:
        mine = select(OCCASION).where(OCCASION.c.schedule_id == schedule_id, OCCASION.c.slot == slot)
        return next(iter(await self._occasions(mine)), None)

    async def _schedules(self, where: Any) -> tuple[Schedule, ...]:
        async with self._reader.connect() as connection:
            rows = await connection.execute(select(SCHEDULE).where(where).order_by(SCHEDULE.c.name, SCHEDULE.c.id))
            return tuple(_schedule(row) for row in rows.mappings())

    async def _occasions(self, query: Any) -> tuple[Occasion, ...]:
        async with self._reader.connect() as connection:
            return tuple(_occasion(row) for row in (await connection.execute(query)).mappings())

    def _after(self, seconds: float) -> datetime:
        return self._clock.now() + timedelta(seconds=seconds)


def _add(connection: Connection, row: Mapping[str, Any]) -> bool:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    new = insert(OCCASION).values(**row).on_conflict_do_nothing().returning(OCCASION.c.slot)
    return (connection.execute(new)).first() is not None  # psycopg counts no such rows


def _is(occasion: Occasion) -> Any:
    return and_(OCCASION.c.schedule_id == occasion.schedule_id, OCCASION.c.slot == occasion.slot)


def _schedule_row(schedule: Schedule) -> dict[str, Any]:
    return {
        "id": schedule.id,
        "workspace_id": schedule.workspace_id,
        "name": schedule.name,
        "key": schedule.key,
        "use_case": schedule.use_case,
        "options": dict(schedule.options),
        "cron": schedule.cron,
        "tz": schedule.tz,
        "state": schedule.state,
        "channel_id": schedule.place.channel_id if schedule.place else None,
        "direct_channel_id": schedule.direct_channel_id,
        "created_by": schedule.created_by,
        "created_at": schedule.created_at,
        "active_since": schedule.active_since,
        "note": schedule.note,
    }


def _schedule(row: Row) -> Schedule:
    workspace_id = WorkspaceId(row["workspace_id"])
    return Schedule(
        id=ScheduleId(row["id"]),
        workspace_id=workspace_id,
        name=row["name"],
        key=row["key"],
        use_case=row["use_case"],
        options=cast("Mapping[str, str]", row["options"]),
        cron=row["cron"],
        tz=row["tz"],
        state=row["state"],
        place=Place(workspace_id=workspace_id, channel_id=row["channel_id"]) if row["channel_id"] else None,
        direct_channel_id=row["direct_channel_id"],
        created_by=row["created_by"],
        created_at=row["created_at"],
        active_since=row["active_since"],
        note=row["note"],
    )


def _occasion_row(occasion: Occasion) -> dict[str, Any]:
    return {
        "schedule_id": occasion.schedule_id,
        "slot": occasion.slot,
        "workspace_id": occasion.workspace_id,
        "due_at": occasion.due_at,
        "state": occasion.state,
        "attempts": occasion.attempts,
        "note": occasion.note,
        "asked_by": occasion.asked_by,
        "created_at": occasion.created_at,
        "finished_at": occasion.finished_at,
    }


def _occasion(row: Row) -> Occasion:
    return Occasion(
        schedule_id=ScheduleId(row["schedule_id"]),
        slot=row["slot"],
        workspace_id=WorkspaceId(row["workspace_id"]),
        due_at=row["due_at"],
        state=row["state"],
        attempts=row["attempts"],
        note=row["note"],
        asked_by=row["asked_by"],
        created_at=row["created_at"],
        finished_at=row["finished_at"],
    )
