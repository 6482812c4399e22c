"""The audit: who did or was refused what, when and where."""

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.model import AuditEntry, AuditOutcome, WorkspaceId
from jobs.ports import Clock
from jobs.store._rows import table_of
from jobs.store.tables import AuditRow
from jobs.store.writer import Writer

AUDIT = table_of(AuditRow)


class Audit:
    def __init__(self, reader: AsyncEngine, writer: Writer, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock

    async def record(
        self,
        workspace_id: WorkspaceId,
        member_id: str,
        verb: str,
        *,
        outcome: AuditOutcome,
        detail: str = "",
        place: str = "",
    ) -> None:
        row = {
            "workspace_id": workspace_id,
            "member_id": member_id,
            "verb": verb,
            "outcome": outcome,
            "detail": detail,
            "place": place,
            "at": self._clock.now(),
        }
        await self._writer.run(lambda connection: connection.execute(insert(AUDIT).values(row)))

    async def latest(self, workspace_id: WorkspaceId, *, limit: int = 20) -> tuple[AuditEntry, ...]:
        """The newest rows of a workspace, newest first."""
        query = select(AUDIT).where(AUDIT.c.workspace_id == workspace_id).order_by(AUDIT.c.id.desc()).limit(limit)
        async with self._reader.connect() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return tuple(
            AuditEntry(
                workspace_id=WorkspaceId(row["workspace_id"]),
                member_id=row["member_id"],
                verb=row["verb"],
                outcome=row["outcome"],
                detail=row["detail"],
                place=row["place"],
                at=row["at"],
            )
            for row in rows
        )
