"""What whoever watches an installation wants to know of its database, in few and quick reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from jobs.feedback.csat import Figures
from jobs.feedback.rating import HEADLINE_SOURCES
from jobs.history.figures import QUALITY
from jobs.ports import Clock
from jobs.store._rows import table_of
from jobs.store.runs import UNFINISHED
from jobs.store.tables import ActionRow, ConversationRow, HistoryRow, RatingRow, RunRow, WorkerRow

ACTION = table_of(ActionRow)
RUN = table_of(RunRow)
CONVERSATION = table_of(ConversationRow)
HISTORY = table_of(HistoryRow)
RATING = table_of(RatingRow)
WORKER = table_of(WorkerRow)

LOOKED_BACK = timedelta(days=3)
"""Nights that are looked through for the latest of each suite, and for the latest scores."""


@dataclass(frozen=True, kw_only=True)
class LatestFigure:
    """The latest value of a figure."""

    metric: str
    value: float


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The database as it is.

    Args:
        last_runs: when each suite was last played by itself.
        improvements: actions that were verified to help, by kind.
    """

    runs_unfinished: int
    oldest_run: datetime | None
    conversations_waiting: int
    workers_alive: int
    spent_usd: float
    spent_unknown: int
    quality: Sequence[LatestFigure]
    last_runs: dict[str, datetime]
    improvements: dict[str, int]


class Operations:
    def __init__(self, reader: AsyncEngine, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def look(self, month: datetime, *, alive_since: datetime) -> Seen:
        """All of it on one connection."""
        async with self._reader.connect() as connection:
            runs = (
                await connection.execute(
                    select(func.count().label("n"), func.min(RUN.c.created_at).label("oldest")).where(
                        RUN.c.state.in_(UNFINISHED)
                    )
                )
            ).one()
            waiting = select(func.count()).where(
                CONVERSATION.c.run_id.in_(select(RUN.c.id).where(RUN.c.state.in_(UNFINISHED))),
                CONVERSATION.c.state != "done",
            )
            alive = select(func.count()).where(WORKER.c.alive_at >= alive_since)
            costs = await self._costs(connection, month)
            return Seen(
                runs_unfinished=runs.n,
                oldest_run=runs.oldest,
                conversations_waiting=(await connection.execute(waiting)).scalar_one(),
                workers_alive=(await connection.execute(alive)).scalar_one(),
                spent_usd=sum(cost for cost in costs if cost is not None),
                spent_unknown=sum(cost is None for cost in costs),
                quality=await self._quality(connection),
                last_runs=await self._last_runs(connection),
                improvements=await self._improvements(connection),
            )

    async def stars(self, since: datetime) -> dict[str, Figures]:
        """How often each number of stars was given to each assistant since then, over all workspaces.

        Counted as it is stored: who voted twice counts twice, which the reports do not do.
        """
        query = (
            select(RATING.c.assistant, RATING.c.value, func.count().label("n"))
            .where(
                RATING.c.at >= since,
                RATING.c.kind == "stars",
                RATING.c.source.in_(HEADLINE_SOURCES),
                ~RATING.c.retracted,
                RATING.c.value.is_not(None),
            )
            .group_by(RATING.c.assistant, RATING.c.value)
        )
        counts: dict[str, dict[int, int]] = {}
        async with self._reader.connect() as connection:
            for assistant, value, n in await connection.execute(query):
                counts.setdefault(assistant or "unknown", {})[value] = n
        return {assistant: Figures(stars=stars) for assistant, stars in sorted(counts.items())}

    @staticmethod
    async def _costs(connection: AsyncConnection, month: datetime) -> list[float | None]:
        """Of the month's finished runs, from their histories: a run's whole summary would have to be read else."""
        window = and_(HISTORY.c.metric == "cost_usd", HISTORY.c.part == "", HISTORY.c.at >= month)
        rows = await connection.execute(select(HISTORY.c.value).where(window))
        return list(rows.scalars())

    @staticmethod
    async def _improvements(connection: AsyncConnection) -> dict[str, int]:
        query = select(ACTION.c.kind, func.count().label("n")).where(ACTION.c.state == "verified")
        return {row.kind: row.n for row in await connection.execute(query.group_by(ACTION.c.kind))}

    async def _quality(self, connection: AsyncConnection) -> list[LatestFigure]:
        names = ("quality", *QUALITY)
        query: Any = (
            select(HISTORY.c.metric, HISTORY.c.value)
            .where(
                HISTORY.c.metric.in_(names),
                HISTORY.c.part == "",
                HISTORY.c.at >= self._clock.now() - LOOKED_BACK,
                HISTORY.c.value.is_not(None),
            )
            .order_by(HISTORY.c.at)
        )
        latest = {row.metric: row.value for row in await connection.execute(query)}
        return [LatestFigure(metric=name, value=latest[name]) for name in names if name in latest]

    async def _last_runs(self, connection: AsyncConnection) -> dict[str, datetime]:
        query = (
            select(HISTORY.c.subject, func.max(HISTORY.c.at).label("last"))
            .where(
                HISTORY.c.metric == "success",
                HISTORY.c.part == "",
                HISTORY.c.scheduled,
                HISTORY.c.at >= self._clock.now() - LOOKED_BACK,
            )
            .group_by(HISTORY.c.subject)
        )
        return {row.subject: row.last for row in await connection.execute(query)}
