"""The tokens of the HTTP interface."""

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.model import WorkspaceId
from jobs.store._rows import Row, table_of
from jobs.store.tables import ApiTokenRow
from jobs.store.writer import Writer

TOKEN = table_of(ApiTokenRow)


@dataclass(frozen=True, kw_only=True)
class ApiToken:
    """A token as it is kept: enough to recognise it, not enough to use it.

    Args:
        hash: SHA-256 of the secret part, in hexadecimal.
        scopes: what it may be used for.
        per_minute: requests it may make.
    """

    id: str
    workspace_id: WorkspaceId
    name: str
    hash: str
    scopes: tuple[str, ...]
    per_minute: int
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class Tokens:
    def __init__(self, reader: AsyncEngine, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def add(self, token: ApiToken) -> None:
        row = dataclasses.asdict(token) | {"scopes": list(token.scopes)}
        await self._writer.run(lambda connection: connection.execute(TOKEN.insert().values(row)))

    async def get(self, token_id: str) -> ApiToken | None:
        return next(iter(await self._tokens(select(TOKEN).where(TOKEN.c.id == token_id))), None)

    async def all(self, workspace_id: WorkspaceId | None) -> tuple[ApiToken, ...]:
        """The tokens of a workspace, or all, oldest first."""
        query = select(TOKEN).order_by(TOKEN.c.created_at, TOKEN.c.id)
        return await self._tokens(query if workspace_id is None else query.where(TOKEN.c.workspace_id == workspace_id))

    async def revoke(self, token_id: str, at: datetime) -> bool:
        """False if there was nothing to revoke."""
        statement = update(TOKEN).where(TOKEN.c.id == token_id, TOKEN.c.revoked_at.is_(None)).values(revoked_at=at)
        written = await self._writer.run(lambda connection: connection.execute(statement))
        return written.rowcount == 1

    async def _tokens(self, query: Any) -> tuple[ApiToken, ...]:
        async with self._reader.connect() as connection:
            return tuple(_token(row) for row in (await connection.execute(query)).mappings())


def _token(row: Row) -> ApiToken:
    values: dict[str, Any] = {name: row[name] for name in ApiToken.__dataclass_fields__}
    values["scopes"] = tuple(row["scopes"])
    return ApiToken(**values)
