"""Variants as they were when a run used them, those that were made here, and which one is in force."""

from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, and_, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.model import InForce, MadeVariant, Variant, WorkspaceId
from jobs.ports import Clock
from jobs.store._rows import Row, table_of
from jobs.store.tables import InForceRow, MadeVariantRow, RolloutRow, VariantRow
from jobs.store.writer import Writer

VARIANT = table_of(VariantRow)
MADE = table_of(MadeVariantRow)
IN_FORCE = table_of(InForceRow)
ROLLOUT = table_of(RolloutRow)
_CONTENT = TypeAdapter(Variant)


class Variants:
    def __init__(self, reader: AsyncEngine, writer: Writer, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock

    # --- writing ---

    async def save(self, workspace_id: WorkspaceId, variant: Variant) -> None:
        now = self._clock.now()
        await self._writer.run(lambda connection: save_variant(connection, workspace_id, variant, now))

    async def make(self, workspace_id: WorkspaceId, made: MadeVariant) -> bool:
        """Keep a variant that was made here, for ever as it is; False if its name is taken."""
        return await self._writer.run(lambda connection: make_variant(connection, workspace_id, made))

    async def put_in_force(
        self, workspace_id: WorkspaceId, variant: Variant, *, by: str, reason: str, expected: int | None = None
    ) -> bool:
        """Whether it is in force from now on; not while a rollout of the assistant is open.

        Args:
            expected: the number of the entry that the decision was made on (0 = there was none): if another one has
                come since, nothing changes. None = whatever is in force.
        """
        now = self._clock.now()

        def work(connection: Connection) -> bool:
            under_way = select(ROLLOUT.c.id).where(
                ROLLOUT.c.workspace_id == workspace_id, ROLLOUT.c.open_for == variant.assistant
            )
            if connection.execute(under_way).first():
                return False
            return put_in_force(connection, workspace_id, variant, by=by, reason=reason, now=now, expected=expected)

        return await self._writer.run(work)

    # --- reading ---

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

    async def made(self, workspace_id: WorkspaceId, assistant: str, name: str) -> MadeVariant | None:
        return next(iter(await self._made(workspace_id, MADE.c.assistant == assistant, MADE.c.name == name)), None)

    async def all_made(self, workspace_id: WorkspaceId, assistant: str | None = None) -> tuple[MadeVariant, ...]:
        """Those that were made here, oldest first."""
        return await self._made(workspace_id, *([MADE.c.assistant == assistant] if assistant else []))

    async def in_force(self, workspace_id: WorkspaceId, assistant: str) -> InForce | None:
        """The latest decision; None = nothing was ever decided, so the default of the file is in force."""
        return next(iter(await self.history(workspace_id, assistant, limit=1)), None)

    async def history(self, workspace_id: WorkspaceId, assistant: str, *, limit: int = 20) -> tuple[InForce, ...]:
        """What was in force, the latest first."""
        query = (
            select(IN_FORCE)
            .where(IN_FORCE.c.workspace_id == workspace_id, IN_FORCE.c.assistant == assistant)
            .order_by(IN_FORCE.c.number.desc())
            .limit(limit)
        )
        async with self._reader.connect() as connection:
            return tuple(_in_force(row) for row in (await connection.execute(query)).mappings())

    async def _made(self, workspace_id: WorkspaceId, *where: Any) -> tuple[MadeVariant, ...]:
        same = and_(*(VARIANT.c[name] == MADE.c[name] for name in ("workspace_id", "assistant", "name", "hash")))
        query = (
            select(MADE, VARIANT.c.content)
            .join(VARIANT, same)
            .where(MADE.c.workspace_id == workspace_id, *where)
            .order_by(MADE.c.made_at, MADE.c.name)
        )
        async with self._reader.connect() as connection:
            return tuple(_made_variant(row) for row in (await connection.execute(query)).mappings())


def save_variant(connection: Connection, workspace_id: WorkspaceId, variant: Variant, now: Any) -> None:
    """Keep the content inside the caller's transaction; what is there stays as it is."""
    row = {
        "workspace_id": workspace_id,
        "hash": variant.hash,
        "assistant": variant.assistant,
        "name": variant.name,
        "content": variant,
        "first_seen_at": now,
    }
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert(VARIANT).values(row).on_conflict_do_nothing())


def make_variant(connection: Connection, workspace_id: WorkspaceId, made: MadeVariant) -> bool:
    """Keep a new variant inside the caller's transaction; False if its name is taken."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {
        "workspace_id": workspace_id,
        "assistant": made.variant.assistant,
        "name": made.variant.name,
        "hash": made.variant.hash,
        "parent": made.parent,
        "parent_hash": made.parent_hash,
        "diff": made.diff,
        "author": made.author,
        "reason": made.reason,
        "action_id": made.action_id,
        "made_at": made.made_at,
    }
    claim = insert(MADE).values(row).on_conflict_do_nothing().returning(MADE.c.name)
    if (connection.execute(claim)).first() is None:
        return False
    save_variant(connection, workspace_id, made.variant, made.made_at)
    return True


def put_in_force(
    connection: Connection,
    workspace_id: WorkspaceId,
    variant: Variant,
    *,
    by: str,
    reason: str,
    now: Any,
    expected: int | None = None,
) -> bool:
    """Put it in force inside the caller's transaction; False if something else was since ``expected``."""
    mine = and_(IN_FORCE.c.workspace_id == workspace_id, IN_FORCE.c.assistant == variant.assistant)
    latest = (connection.execute(select(func.max(IN_FORCE.c.number)).where(mine))).scalar_one() or 0
    if expected is not None and latest != expected:
        return False
    save_variant(connection, workspace_id, variant, now)
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {
        "workspace_id": workspace_id,
        "assistant": variant.assistant,
        "number": latest + 1,
        "name": variant.name,
        "hash": variant.hash,
        "set_by": by,
        "reason": reason,
        "set_at": now,
    }
    # another process may have taken the number since it was read
    taken = insert(IN_FORCE).values(row).on_conflict_do_nothing().returning(IN_FORCE.c.number)
    return (connection.execute(taken)).first() is not None


def in_force_number(connection: Connection, workspace_id: WorkspaceId, assistant: str) -> int:
    """The number of the latest decision, read inside the caller's transaction; 0 = there was none."""
    mine = and_(IN_FORCE.c.workspace_id == workspace_id, IN_FORCE.c.assistant == assistant)
    return (connection.execute(select(func.max(IN_FORCE.c.number)).where(mine))).scalar_one() or 0


def variant_from(content: Any) -> Variant:
    return _CONTENT.validate_python(content)


def _made_variant(row: Row) -> MadeVariant:
    return MadeVariant(
        variant=_CONTENT.validate_python(row["content"]),
        parent=row["parent"],
        parent_hash=row["parent_hash"],
        diff=row["diff"],
        author=row["author"],
        reason=row["reason"],
        action_id=row["action_id"],
        made_at=row["made_at"],
    )


def _in_force(row: Row) -> InForce:
    return InForce(
        assistant=row["assistant"],
        number=row["number"],
        name=row["name"],
        hash=row["hash"],
        by=row["set_by"],
        reason=row["reason"],
        at=row["set_at"],
    )
