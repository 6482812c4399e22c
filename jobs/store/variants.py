"""Variants as they were when a run used them: a changed file never changes what a run is played with."""

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from jobs.model import Variant, WorkspaceId
from jobs.ports import Clock
from jobs.store._rows import table_of
from jobs.store.tables import VariantRow
from jobs.store.writer import Writer

VARIANT = table_of(VariantRow)
_CONTENT = TypeAdapter(Variant)


class Variants:
    def __init__(self, reader: AsyncEngine, writer: Writer, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock

    async def save(self, workspace_id: WorkspaceId, variant: Variant) -> None:
        row = {
            "workspace_id": workspace_id,
            "hash": variant.hash,
            "assistant": variant.assistant,
            "name": variant.name,
            "content": variant,
            "first_seen_at": self._clock.now(),
        }

        async def work(connection: AsyncConnection) -> None:
            insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            await connection.execute(insert(VARIANT).values(row).on_conflict_do_nothing())

        await self._writer.run(work)

    async def get(self, workspace_id: WorkspaceId, assistant: str, name: str, content_hash: str) -> Variant | None:
        query = select(VARIANT.c.content).where(
            VARIANT.c.workspace_id == workspace_id,
            VARIANT.c.hash == content_hash,
            VARIANT.c.assistant == assistant,
            VARIANT.c.name == name,
        )
        async with self._reader.connect() as connection:
            content = (await connection.execute(query)).scalar_one_or_none()
        return None if content is None else _CONTENT.validate_python(content)
