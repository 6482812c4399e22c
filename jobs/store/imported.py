"""Sets of conversations that were held elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.model import WorkspaceId
from jobs.ports import Clock
from jobs.store._rows import table_of
from jobs.store.tables import ImportedConversationRow
from jobs.store.writer import Writer

IMPORTED = table_of(ImportedConversationRow)


@dataclass(frozen=True, kw_only=True)
class ImportedConversation:
    """``key`` is made of the content; ``name`` says where it came from."""

    key: str
    name: str
    content: Mapping[str, Any]


class Imported:
    def __init__(self, reader: AsyncEngine, writer: Writer, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock

    async def add(self, workspace_id: WorkspaceId, set_name: str, conversations: Sequence[ImportedConversation]) -> int:
        """Keep those that the set does not have; how many these were."""
        now = self._clock.now()
        rows = {
            each.key: {
                "workspace_id": workspace_id,
                "set_name": set_name,
                "key": each.key,
                "name": each.name,
                "content": dict(each.content),
                "imported_at": now,
            }
            for each in conversations
        }

        def work(connection: Connection) -> int:
            within = (IMPORTED.c.workspace_id == workspace_id, IMPORTED.c.set_name == set_name)
            known = set(connection.execute(select(IMPORTED.c.key).where(*within, IMPORTED.c.key.in_(rows))).scalars())
            new = [row for key, row in rows.items() if key not in known]
            if new:
                insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
                connection.execute(insert(IMPORTED).on_conflict_do_nothing(), new)
            return len(new)

        return await self._writer.run(work) if rows else 0

    async def conversations(self, workspace_id: WorkspaceId, set_name: str) -> tuple[ImportedConversation, ...]:
        """The conversations of a set by name."""
        query = (
            select(IMPORTED.c.key, IMPORTED.c.name, IMPORTED.c.content)
            .where(IMPORTED.c.workspace_id == workspace_id, IMPORTED.c.set_name == set_name)
            .order_by(IMPORTED.c.name, IMPORTED.c.key)
        )
        async with self._reader.connect() as connection:
            rows = await connection.execute(query)
            return tuple(ImportedConversation(key=row.key, name=row.name, content=row.content) for row in rows)

    async def sets(self, workspace_id: WorkspaceId) -> Mapping[str, int]:
        """How many conversations each set has."""
        query = (
            select(IMPORTED.c.set_name, func.count().label("n"))
            .where(IMPORTED.c.workspace_id == workspace_id)
            .group_by(IMPORTED.c.set_name)
            .order_by(IMPORTED.c.set_name)
        )
        async with self._reader.connect() as connection:
            return {row.set_name: row.n for row in await connection.execute(query)}
