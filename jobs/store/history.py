"""The history: figures of finished runs, and what was counted over all of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Select, and_, delete, exists, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.history.point import Figure, HistoryPoint, HistoryScope, Night, Tally
from jobs.model import RunId, WorkspaceId
from jobs.ports import Clock
from jobs.store._rows import Row, table_of
from jobs.store.tables import HistoryRow, RunRow, TallyRow
from jobs.store.writer import Writer

HISTORY = table_of(HistoryRow)
TALLY = table_of(TallyRow)
RUN = table_of(RunRow)
SCHEDULE, REGRESSION, AGAIN = "schedule:", "regression:", ":again"
"""How the keys of runs begin that nobody started by hand, and how those end that only play failed cases again."""

RunOrigin = Literal["night", "hand", "again"]


class History:
    def __init__(self, reader: AsyncEngine, writer: Writer, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock

    async def record(self, night: Night, figures: Sequence[Figure], tallies: Sequence[Tally] = ()) -> bool:
        """Save the figures of a run with what is counted of it, once; False if it was recorded before."""
        rows = [_row(night, figure) for figure in figures]

        def work(connection: Connection) -> bool:
            known = select(HISTORY.c.run_id).where(HISTORY.c.run_id == night.run_id).limit(1)
            if (connection.execute(known)).first() or not rows:
                return False
            connection.execute(HISTORY.insert(), rows)
            _count(connection, night.workspace_id, tallies)
            return True

        return await self._writer.run(work)

    async def count(self, workspace_id: WorkspaceId, tallies: Sequence[Tally]) -> None:
        """Add to what is counted."""
        await self._writer.run(lambda connection: _count(connection, workspace_id, tallies))

    async def forget_before(self, moment: datetime) -> int:
        """How many figures were older than that and are gone."""
        statement = delete(HISTORY).where(HISTORY.c.at < moment)
        return (await self._writer.run(lambda connection: connection.execute(statement))).rowcount

    async def points(self, scope: HistoryScope) -> tuple[HistoryPoint, ...]:
        """The figures in the scope, oldest first."""
        async with self._reader.connect() as connection:
            rows = (await connection.execute(points_query(scope))).mappings().all()
        return tuple(_point(row) for row in rows)

    async def origin(self, run_id: RunId) -> RunOrigin:
        """How the run came about: what follows from a schedule or from a regression has its key."""
        query = select(RUN.c.key).where(RUN.c.id == run_id)
        async with self._reader.connect() as connection:
            key = (await connection.execute(query)).scalar_one_or_none() or ""
        if key.startswith(REGRESSION) and key.endswith(AGAIN):
            return "again"
        return "night" if key.startswith((SCHEDULE, REGRESSION)) else "hand"

    async def not_recorded(self, workspace_id: WorkspaceId, since: datetime, *, limit: int = 50) -> tuple[RunId, ...]:
        """Runs that finished since then and have no figures yet: whoever closed them died before it wrote them."""
        query = (
            select(RUN.c.id)
            .where(
                RUN.c.workspace_id == workspace_id,
                RUN.c.created_at >= since,
                RUN.c.state == "finished",
                ~and_(RUN.c.key.startswith(REGRESSION), RUN.c.key.endswith(AGAIN)),
                ~exists().where(HISTORY.c.run_id == RUN.c.id),
            )
            .order_by(RUN.c.id)
            .limit(limit)
        )
        async with self._reader.connect() as connection:
            return tuple(RunId(row.id) for row in await connection.execute(query))

    async def workspaces(self) -> set[WorkspaceId]:
        """Those that have played anything."""
        async with self._reader.connect() as connection:
            rows = await connection.execute(select(TALLY.c.workspace_id).distinct())
            return {WorkspaceId(row.workspace_id) for row in rows}

    async def counted(self, workspace_id: WorkspaceId, name: str) -> float:
        """How much of something was counted in a workspace."""
        query = select(func.coalesce(func.sum(TALLY.c.value), 0.0)).where(
            TALLY.c.workspace_id == workspace_id, TALLY.c.name == name
        )
        async with self._reader.connect() as connection:
            return (await connection.execute(query)).scalar_one()

    async def tallies(self) -> tuple[Tally, ...]:
        """Everything that was counted, over all workspaces."""
        labels = (TALLY.c.name, TALLY.c.first, TALLY.c.second)
        query = select(*labels, func.sum(TALLY.c.value).label("total")).group_by(*labels).order_by(*labels)
        async with self._reader.connect() as connection:
            return tuple(
                Tally(name=row.name, first=row.first, second=row.second, value=row.total)
                for row in await connection.execute(query)
            )


def points_query(scope: HistoryScope) -> Select[Any]:
    """Finds its rows by an index on the window, never by reading all history."""
    wanted = {
        HISTORY.c.workspace_id: scope.workspace_id,
        HISTORY.c.metric: scope.metric,
        HISTORY.c.part: scope.part,
        HISTORY.c.subject: scope.subject,
        HISTORY.c.assistant: scope.assistant,
        HISTORY.c.variant: scope.variant,
        HISTORY.c.scheduled: scope.scheduled,
    }
    conditions = [column == value for column, value in wanted.items() if value is not None]
    window = and_(HISTORY.c.at >= scope.since, HISTORY.c.at < scope.until)
    return select(HISTORY).where(*conditions, window).order_by(HISTORY.c.at, HISTORY.c.run_id)


def _count(connection: Connection, workspace_id: WorkspaceId, tallies: Sequence[Tally]) -> None:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    added: dict[tuple[str, str, str], float] = {}
    for each in tallies:
        key = (each.name, each.first, each.second)
        added[key] = added.get(key, 0.0) + each.value
    for (name, first, second), value in sorted(added.items()):
        labels = {"workspace_id": workspace_id, "name": name, "first": first, "second": second}
        statement = insert(TALLY).values(**labels, value=value)
        more = {"value": TALLY.c.value + statement.excluded.value}
        connection.execute(statement.on_conflict_do_update(index_elements=list(labels), set_=more))


def _row(night: Night, figure: Figure) -> dict[str, Any]:
    return {
        "run_id": night.run_id,
        "metric": figure.metric,
        "part": figure.part,
        "workspace_id": night.workspace_id,
        "subject": night.subject,
        "assistant": night.assistant,
        "variant": night.variant,
        "scheduled": night.scheduled,
        "at": night.at,
        "value": figure.value,
        "low": figure.low,
        "high": figure.high,
        "n": figure.n,
        "unscored": figure.unscored,
    }


def _point(row: Row) -> HistoryPoint:
    night = Night(
        run_id=RunId(row["run_id"]),
        workspace_id=WorkspaceId(row["workspace_id"]),
        subject=row["subject"],
        assistant=row["assistant"],
        variant=row["variant"],
        scheduled=row["scheduled"],
        at=row["at"],
    )
    figure = Figure(
        metric=row["metric"],
        value=row["value"],
        low=row["low"],
        high=row["high"],
        n=row["n"],
        unscored=row["unscored"],
        part=row["part"],
    )
    return HistoryPoint(night=night, figure=figure)
