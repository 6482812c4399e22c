"""What the approvers of a workspace have set for it."""

from dataclasses import asdict

from pydantic import TypeAdapter
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.model import WorkspaceId, WorkspaceSettings
from jobs.ports import Clock
from jobs.store._rows import table_of
from jobs.store.tables import WorkspaceSettingsRow
from jobs.store.writer import Writer

SETTINGS = table_of(WorkspaceSettingsRow)


_CONTENT = TypeAdapter(WorkspaceSettings)


class Workspaces:
    def __init__(self, reader: AsyncEngine, writer: Writer, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock

    async def settings(self, workspace_id: WorkspaceId) -> WorkspaceSettings:
        query = select(SETTINGS.c.content).where(SETTINGS.c.workspace_id == workspace_id)
        async with self._reader.connect() as connection:
            content = (await connection.execute(query)).scalar_one_or_none()
        return WorkspaceSettings() if content is None else _CONTENT.validate_python(content)

    async def all_settings(self) -> dict[WorkspaceId, WorkspaceSettings]:
        """Of every workspace that has set anything."""
        query = select(SETTINGS.c.workspace_id, SETTINGS.c.content).order_by(SETTINGS.c.workspace_id)
        async with self._reader.connect() as connection:
            rows = (await connection.execute(query)).all()
        return {WorkspaceId(row.workspace_id): _CONTENT.validate_python(row.content) for row in rows}

    async def save(self, workspace_id: WorkspaceId, settings: WorkspaceSettings) -> None:
        changed = {"content": asdict(settings), "changed_at": self._clock.now()}

        def work(connection: Connection) -> None:
            insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            statement = insert(SETTINGS).values(workspace_id=workspace_id, **changed)
            connection.execute(statement.on_conflict_do_update(index_elements=["workspace_id"], set_=changed))

        await self._writer.run(work)
