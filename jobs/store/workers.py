"""Which processes play conversations, and which of them have gone silent."""

from datetime import datetime

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.ports import Clock
from jobs.store._rows import table_of
from jobs.store.tables import WorkerRow
from jobs.store.writer import Writer

WORKER = table_of(WorkerRow)


class Workers:
    def __init__(self, reader: AsyncEngine, writer: Writer, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock

    async def beat(self, executor_id: str) -> None:
        """Say that this process is alive."""
        now = self._clock.now()

        def work(connection: Connection) -> None:
            insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            row = insert(WORKER).values(executor_id=executor_id, alive_at=now)
            connection.execute(row.on_conflict_do_update(index_elements=["executor_id"], set_={"alive_at": now}))

        await self._writer.run(work)

    async def leave(self, executor_id: str) -> None:
        """This process stops, or a silent one's work has been taken over."""
        statement = delete(WORKER).where(WORKER.c.executor_id == executor_id)
        await self._writer.run(lambda connection: connection.execute(statement))

    async def alive(self, *, since: datetime) -> tuple[str, ...]:
        return await self._ids(WORKER.c.alive_at >= since)

    async def silent(self, *, since: datetime) -> tuple[str, ...]:
        return await self._ids(WORKER.c.alive_at < since)

    async def _ids(self, where: object) -> tuple[str, ...]:
        async with self._reader.connect() as connection:
            rows = await connection.execute(select(WORKER.c.executor_id).where(where))  # type: ignore[arg-type]  # a column expression
            return tuple(row.executor_id for row in rows)
