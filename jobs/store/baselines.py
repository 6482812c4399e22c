"""Which run the nights of a suite are compared with, and which it was."""

from typing import Any

from sqlalchemy import Connection, and_, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.model import RunId, WorkspaceId
from jobs.ports import Clock
from jobs.regression.regression import Baseline
from jobs.store._rows import Row, table_of
from jobs.store.tables import BaselineRow
from jobs.store.writer import Writer

BASELINE = table_of(BaselineRow)


class Baselines:
    def __init__(self, reader: AsyncEngine, writer: Writer, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock

    async def set(
        self, workspace_id: WorkspaceId, suite: str, assistant: str, run_id: RunId, *, by: str, reason: str
    ) -> bool:
        """Pin the run; False if it is pinned already, or another one was at the same moment."""
        now = self._clock.now()

        def work(connection: Connection) -> bool:
            mine = _of(workspace_id, suite, assistant)
            latest = (
                connection.execute(
                    select(BASELINE.c.number, BASELINE.c.run_id).where(mine).order_by(BASELINE.c.number.desc()).limit(1)
                )
            ).first()
            if latest is not None and latest.run_id == run_id:
                return False
            insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            row = {
                "workspace_id": workspace_id,
                "suite": suite,
                "assistant": assistant,
                "number": (latest.number if latest else 0) + 1,
                "run_id": run_id,
                "set_by": by,
                "reason": reason,
                "set_at": now,
            }
            new = insert(BASELINE).values(row).on_conflict_do_nothing().returning(BASELINE.c.number)
            return (connection.execute(new)).first() is not None

        return await self._writer.run(work)

    async def current(self, workspace_id: WorkspaceId, suite: str, assistant: str) -> Baseline | None:
        return next(iter(await self.history(workspace_id, suite, assistant, limit=1)), None)

    async def history(
        self, workspace_id: WorkspaceId, suite: str, assistant: str, *, limit: int = 20
    ) -> tuple[Baseline, ...]:
        """Those of a suite and assistant, the latest first."""
        query = select(BASELINE).where(_of(workspace_id, suite, assistant))
        async with self._reader.connect() as connection:
            rows = await connection.execute(query.order_by(BASELINE.c.number.desc()).limit(limit))
            return tuple(_baseline(row) for row in rows.mappings())

    async def all_current(self, workspace_id: WorkspaceId) -> tuple[Baseline, ...]:
        """The one in force of each suite and assistant, by suite."""
        latest = (
            select(BASELINE.c.suite, BASELINE.c.assistant, func.max(BASELINE.c.number).label("number"))
            .where(BASELINE.c.workspace_id == workspace_id)
            .group_by(BASELINE.c.suite, BASELINE.c.assistant)
            .subquery()
        )
        same = and_(*(BASELINE.c[name] == latest.c[name] for name in ("suite", "assistant", "number")))
        query = select(BASELINE).join(latest, same).where(BASELINE.c.workspace_id == workspace_id)
        async with self._reader.connect() as connection:
            rows = await connection.execute(query.order_by(BASELINE.c.suite, BASELINE.c.assistant))
            return tuple(_baseline(row) for row in rows.mappings())


def _of(workspace_id: WorkspaceId, suite: str, assistant: str) -> Any:
    return and_(BASELINE.c.workspace_id == workspace_id, BASELINE.c.suite == suite, BASELINE.c.assistant == assistant)


def _baseline(row: Row) -> Baseline:
    return Baseline(
        workspace_id=WorkspaceId(row["workspace_id"]),
        suite=row["suite"],
        assistant=row["assistant"],
        number=row["number"],
        run_id=RunId(row["run_id"]),
        set_by=row["set_by"],
        reason=row["reason"],
        set_at=row["set_at"],
    )
