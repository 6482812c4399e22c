"""Profiles and suites that people sent to the bot, in versions."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.model import WorkspaceId
from jobs.ports import Clock
from jobs.store._rows import table_of
from jobs.store.tables import UploadedFileRow
from jobs.store.writer import Writer

UPLOADED = table_of(UploadedFileRow)


@dataclass(frozen=True, kw_only=True)
class UploadedFile:
    """One version of a file; ``path`` is relative to the workspace's own folder, e.g. ``suites/nightly.yaml``."""

    path: str
    version: int
    kind: str
    content: str
    hash: str
    uploaded_by: str
    uploaded_at: datetime


class Uploads:
    def __init__(self, reader: AsyncEngine, writer: Writer, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock

    async def save(
        self, workspace_id: WorkspaceId, *, path: str, kind: str, content: str, hash: str, by: str
    ) -> tuple[UploadedFile, bool]:
        """The file's newest version, and whether this made it; the same content again makes none."""
        now = self._clock.now()

        def work(connection: Connection) -> tuple[UploadedFile, bool]:
            query = select(UPLOADED).where(UPLOADED.c.workspace_id == workspace_id, UPLOADED.c.path == path)
            newest = (connection.execute(query.order_by(UPLOADED.c.version.desc()).limit(1))).mappings().first()
            if newest and newest["hash"] == hash:
                return _file(newest), False
            file = UploadedFile(
                path=path,
                version=newest["version"] + 1 if newest else 1,
                kind=kind,
                content=content,
                hash=hash,
                uploaded_by=by,
                uploaded_at=now,
            )
            connection.execute(UPLOADED.insert().values(asdict(file) | {"workspace_id": workspace_id}))
            return file, True

        return await self._writer.run(work)

    async def newest(self, workspace_id: WorkspaceId) -> tuple[UploadedFile, ...]:
        """The version in force of each file, by path."""
        within = UPLOADED.c.workspace_id == workspace_id
        last = select(UPLOADED.c.path, func.max(UPLOADED.c.version).label("version")).where(within)
        last_of = last.group_by(UPLOADED.c.path).subquery()
        same = (UPLOADED.c.path == last_of.c.path) & (UPLOADED.c.version == last_of.c.version)
        query = select(UPLOADED).join(last_of, same).where(within).order_by(UPLOADED.c.path)
        async with self._reader.connect() as connection:
            return tuple(_file(row) for row in (await connection.execute(query)).mappings())


def _file(row: RowMapping) -> UploadedFile:
    return UploadedFile(**{name: row[name] for name in UploadedFile.__dataclass_fields__})
