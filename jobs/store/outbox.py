"""The outbox: what people are to see, and how far each message has got."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, exists, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.model import Announcement, OutboxItem, WorkspaceId
from jobs.ports import Clock
from jobs.store._rows import outbox_item_from, table_of
from jobs.store.tables import OutboxRow
from jobs.store.writer import Writer

OUTBOX = table_of(OutboxRow)
PARENT = OUTBOX.alias("parent")
SIBLING = OUTBOX.alias("sibling")
OPEN = ("pending", "sending", "ambiguous")


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """Messages still to be sent; ``oldest`` is when the oldest of them was written."""

    waiting: int
    oldest: datetime | None


# Built once: building a statement costs more than running it.
ADD = {
    "sqlite": sqlite.insert(OUTBOX).on_conflict_do_nothing(index_elements=["workspace_id", "key"]),
    "postgresql": postgresql.insert(OUTBOX).on_conflict_do_nothing(index_elements=["workspace_id", "key"]),
}
WANT_EDIT = (
    update(OUTBOX)
    .where(OUTBOX.c.workspace_id == bindparam("whose"), OUTBOX.c.key == bindparam("which"))
    .values(wanted=OUTBOX.c.wanted + 1)
)


def add_announcements(connection: Connection, announcements: Sequence[Announcement], now: datetime) -> None:
    """Write announcements inside the caller's transaction; a key that is there already stays as it is."""
    if not announcements:
        return
    rows = [_row(announcement, now) for announcement in announcements]
    connection.execute(ADD[connection.dialect.name], rows)


def want_edit(connection: Connection, workspace_id: WorkspaceId, key: str) -> None:
    """Ask, inside the caller's transaction, for the message to be shown as it is now."""
    connection.execute(WANT_EDIT, {"whose": workspace_id, "which": key})


class Outbox:
    """The sender's view of the outbox."""

    def __init__(self, reader: AsyncEngine, writer: Writer, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock

    async def add(self, *announcements: Announcement) -> None:
        now = self._clock.now()
        await self._writer.run(lambda connection: add_announcements(connection, announcements, now))

    async def want_edit(self, workspace_id: WorkspaceId, key: str) -> None:
        await self._writer.run(lambda connection: want_edit(connection, workspace_id, key))

    async def workspaces_with_work(self) -> tuple[WorkspaceId, ...]:
        """Workspaces that have messages to send or to edit."""
        query = select(OUTBOX.c.workspace_id).where(or_(OUTBOX.c.state.in_(OPEN), _is_behind())).distinct()
        async with self._reader.connect() as connection:
            return tuple(WorkspaceId(row.workspace_id) for row in await connection.execute(query))

    async def due(self, workspace_id: WorkspaceId, *, limit: int = 50) -> tuple[OutboxItem, ...]:
        """Messages that may be sent now, oldest first: their thread exists, and a thread's last one really is last."""
        waits_for_others = exists().where(
            SIBLING.c.workspace_id == OUTBOX.c.workspace_id,
            SIBLING.c.parent_key == OUTBOX.c.parent_key,
            SIBLING.c.state.in_(OPEN),
            SIBLING.c.id != OUTBOX.c.id,
            SIBLING.c.last.is_(False),
        )
        query = (
            self._items()
            .where(
                OUTBOX.c.workspace_id == workspace_id,
                OUTBOX.c.state.in_(("pending", "ambiguous")),
                or_(OUTBOX.c.not_before.is_(None), OUTBOX.c.not_before <= self._clock.now()),
                or_(OUTBOX.c.parent_key.is_(None), PARENT.c.ts.is_not(None), PARENT.c.state == "failed"),
                or_(OUTBOX.c.last.is_(False), ~waits_for_others),
            )
            .order_by(OUTBOX.c.id)
            .limit(limit)
        )
        return await self._fetch(query)

    async def edits_due(self, workspace_id: WorkspaceId) -> tuple[OutboxItem, ...]:
        """Sent messages whose content has changed since."""
        query = self._items().where(
            OUTBOX.c.workspace_id == workspace_id,
            _is_behind(),
            or_(OUTBOX.c.not_before.is_(None), OUTBOX.c.not_before <= self._clock.now()),
        )
        return await self._fetch(query.order_by(OUTBOX.c.id))

    async def find(self, workspace_id: WorkspaceId, key: str) -> OutboxItem | None:
        query = self._items().where(OUTBOX.c.workspace_id == workspace_id, OUTBOX.c.key == key)
        return next(iter(await self._fetch(query)), None)

    async def find_message(self, workspace_id: WorkspaceId, channel_id: str, ts: str) -> OutboxItem | None:
        """The announcement behind a message in Slack."""
        query = self._items().where(
            OUTBOX.c.workspace_id == workspace_id, OUTBOX.c.channel_id == channel_id, OUTBOX.c.ts == ts
        )
        return next(iter(await self._fetch(query)), None)

    async def in_thread(self, workspace_id: WorkspaceId, parent_key: str) -> tuple[OutboxItem, ...]:
        """Everything announced in one thread, in the order it was written."""
        query = self._items().where(OUTBOX.c.workspace_id == workspace_id, OUTBOX.c.parent_key == parent_key)
        return await self._fetch(query.order_by(OUTBOX.c.id))

    async def backlog(self, workspace_id: WorkspaceId | None = None) -> Backlog:
        query = select(func.count().label("waiting"), func.min(OUTBOX.c.created_at).label("oldest"))
        query = query.where(OUTBOX.c.state.in_(OPEN))
        if workspace_id is not None:
            query = query.where(OUTBOX.c.workspace_id == workspace_id)
        async with self._reader.connect() as connection:
            row = (await connection.execute(query)).one()
        return Backlog(waiting=row.waiting, oldest=row.oldest)

    async def doubt_interrupted(self, workspace_id: WorkspaceId | None = None) -> None:
        """After a restart: what was being sent (in one workspace, or in all) may or may not have arrived."""
        interrupted = OUTBOX.c.state == "sending"
        if workspace_id is not None:
            interrupted = and_(interrupted, OUTBOX.c.workspace_id == workspace_id)
        await self._set(interrupted, state="ambiguous")

    async def give_up(self, workspace_id: WorkspaceId, error: str) -> None:
        """Nothing that is still to be sent to the workspace will ever arrive."""
        mine = OUTBOX.c.workspace_id == workspace_id
        await self._set(and_(mine, OUTBOX.c.state.in_(OPEN)), state="failed", error=error)
        await self._set(and_(mine, _is_behind()), shown=OUTBOX.c.wanted)

    async def mark_sending(self, item: OutboxItem) -> None:
        await self._set(OUTBOX.c.id == item.id, state="sending", attempts=OUTBOX.c.attempts + 1)

    async def mark_uploading(self, item: OutboxItem, file_id: str) -> None:
        """The file has its id, before the upload is completed: the id tells afterwards whether it was."""
        await self._set(OUTBOX.c.id == item.id, file_id=file_id)

    async def mark_sent(self, item: OutboxItem, ts: str | None) -> None:
        await self._set(
            OUTBOX.c.id == item.id,
            state="sent",
            ts=ts,
            shown=item.wanted,
            not_before=None,
            error=None,
            sent_at=self._clock.now(),
        )

    async def mark_edited(self, item: OutboxItem, *, not_before: datetime) -> None:
        """The message is shown as of ``item.wanted``; it is not edited again before ``not_before``."""
        await self._set(OUTBOX.c.id == item.id, shown=item.wanted, not_before=not_before)

    async def mark_ambiguous(self, item: OutboxItem, *, not_before: datetime, error: str) -> None:
        await self._set(OUTBOX.c.id == item.id, state="ambiguous", not_before=not_before, error=error)

    async def postpone(self, item: OutboxItem, *, not_before: datetime, error: str) -> None:
        """It certainly did not arrive; try again then."""
        state = "sent" if item.state == "sent" else "pending"
        await self._set(OUTBOX.c.id == item.id, state=state, not_before=not_before, error=error)

    async def mark_failed(self, item: OutboxItem, error: str) -> None:
        """It will never arrive; a message that is already there is simply not edited any more."""
        if item.state == "sent":
            await self._set(OUTBOX.c.id == item.id, shown=item.wanted, error=error)
        else:
            await self._set(OUTBOX.c.id == item.id, state="failed", error=error)

    async def _set(self, where: Any, **values: Any) -> None:
        await self._writer.run(lambda connection: connection.execute(update(OUTBOX).where(where).values(**values)))

    @staticmethod
    def _items() -> Any:
        thread_ts = func.coalesce(PARENT.c.ts, OUTBOX.c.thread_ts)
        return select(OUTBOX, thread_ts.label("parent_ts")).outerjoin(
            PARENT,
            and_(PARENT.c.workspace_id == OUTBOX.c.workspace_id, PARENT.c.key == OUTBOX.c.parent_key),
        )

    async def _fetch(self, query: Any) -> tuple[OutboxItem, ...]:
        async with self._reader.connect() as connection:
            return tuple(outbox_item_from(row) for row in (await connection.execute(query)).mappings())


def _is_behind() -> Any:
    return and_(OUTBOX.c.state == "sent", OUTBOX.c.wanted > OUTBOX.c.shown)


def _row(announcement: Announcement, now: datetime) -> dict[str, Any]:
    return {
        "workspace_id": announcement.place.workspace_id,
        "key": announcement.key,
        "kind": announcement.kind,
        "ref": dict(announcement.ref),
        "channel_id": announcement.place.channel_id,
        "parent_key": announcement.parent_key,
        "thread_ts": announcement.thread_ts,
        "last": announcement.last,
        "state": "pending",
        "created_at": now,
    }
