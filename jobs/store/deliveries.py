"""The delivery ledger: record, acknowledge, work."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.model import WorkspaceId
from jobs.ports import Clock
from jobs.store._rows import table_of
from jobs.store.tables import DeliveryRow
from jobs.store.writer import Writer

DELIVERY = table_of(DeliveryRow)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """Something that reached us, under its own key."""

    workspace_id: WorkspaceId
    key: str
    kind: str
    payload: Mapping[str, Any]


class Deliveries:
    def __init__(self, reader: AsyncEngine, writer: Writer, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock

    async def record(self, delivery: Delivery) -> bool:
        """Commit the delivery; False if the same one was recorded before."""
        row = {
            "workspace_id": delivery.workspace_id,
            "key": delivery.key,
            "kind": delivery.kind,
            "payload": dict(delivery.payload),
            "state": "received",
            "received_at": self._clock.now(),
        }

        def work(connection: Connection) -> bool:
            insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            statement = insert(DELIVERY).values(row).on_conflict_do_nothing().returning(DELIVERY.c.key)
            return (connection.execute(statement)).first() is not None

        return await self._writer.run(work)

    async def finish(self, workspace_id: WorkspaceId, key: str) -> None:
        """The work is done; what it said is no longer needed."""
        where = (DELIVERY.c.workspace_id == workspace_id) & (DELIVERY.c.key == key)
        await self._writer.run(
            lambda connection: connection.execute(update(DELIVERY).where(where).values(state="handled", payload={}))
        )

    async def unfinished(self, *, before: datetime) -> tuple[Delivery, ...]:
        """What was acknowledged but not worked on, oldest first: after a crash it is worked on again."""
        query = select(DELIVERY).where(DELIVERY.c.state == "received", DELIVERY.c.received_at < before)
        async with self._reader.connect() as connection:
            rows = (await connection.execute(query.order_by(DELIVERY.c.received_at))).mappings().all()
        return tuple(
            Delivery(
                workspace_id=WorkspaceId(row["workspace_id"]), key=row["key"], kind=row["kind"], payload=row["payload"]
            )
            for row in rows
        )

    async def forget_handled(self, *, before: datetime) -> None:
        where = (DELIVERY.c.state == "handled") & (DELIVERY.c.received_at < before)
        await self._writer.run(lambda connection: connection.execute(delete(DELIVERY).where(where)))
