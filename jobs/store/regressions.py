"""Regressions: runs of suites that are held against their baseline."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.model import Announcement, ConversationId, Place, Run, RunId, Scenario, WorkspaceId
from jobs.ports import Clock
from jobs.regression.regression import Regression, RegressionId, RegressionSummary
from jobs.store._rows import Row, table_of
from jobs.store.outbox import add_announcements, want_edit
from jobs.store.runs import insert_run
from jobs.store.tables import RegressionRow
from jobs.store.writer import Writer

REGRESSION = table_of(RegressionRow)
UNFINISHED = ("running", "confirming")
_SUMMARY = TypeAdapter(RegressionSummary)

Planned = Sequence[tuple[ConversationId, Scenario]]


class Regressions:
    def __init__(self, reader: AsyncEngine, writer: Writer, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock

    # --- writing ---

    async def create(
        self,
        regression: Regression,
        run: Run,
        conversations: Planned,
        *,
        key: str,
        announcements: Sequence[Announcement] = (),
    ) -> Regression:
        """Save it with the run that plays it, all or nothing; the one that has the key already is returned instead."""

        def work(connection: Connection) -> Regression:
            known = connection.execute(
                select(REGRESSION).where(REGRESSION.c.workspace_id == regression.workspace_id, REGRESSION.c.key == key)
            )
            if row := known.mappings().first():
                return _regression(row)
            insert_run(connection, run, conversations, key=f"regression:{regression.id}")
            connection.execute(REGRESSION.insert().values(_row(regression, key)))
            add_announcements(connection, announcements, regression.created_at)
            return regression

        return await self._writer.run(work)

    async def confirm(self, regression: Regression, run: Run, conversations: Planned) -> bool:
        """Play again what failed; False if that was begun already."""

        def work(connection: Connection) -> bool:
            written = connection.execute(
                update(REGRESSION)
                .where(REGRESSION.c.id == regression.id, REGRESSION.c.state == "running")
                .values(state="confirming", confirming_run_id=run.id)
            )
            if written.rowcount == 0:
                return False
            insert_run(connection, run, conversations, key=f"regression:{regression.id}:again")
            return True

        return await self._writer.run(work)

    async def finish(
        self, regression: Regression, *, announcements: Sequence[Announcement] = (), card_key: str | None = None
    ) -> bool:
        """Close it once, with everything that is announced then; False if it was closed before."""
        now = self._clock.now()
        values = {
            "state": regression.state,
            "finished_at": now,
            "note": regression.note,
            "verdict": regression.verdict,
            "summary": _SUMMARY.dump_python(regression.summary, mode="json") if regression.summary else None,
        }

        def work(connection: Connection) -> bool:
            written = connection.execute(
                update(REGRESSION)
                .where(REGRESSION.c.id == regression.id, REGRESSION.c.state.in_(UNFINISHED))
                .values(values)
            )
            if written.rowcount == 0:
                return False
            add_announcements(connection, announcements, now)
            if card_key:
                want_edit(connection, regression.workspace_id, card_key)
            return True

        return await self._writer.run(work)

    # --- reading ---

    async def get(self, regression_id: RegressionId) -> Regression | None:
        return next(iter(await self._fetch(select(REGRESSION).where(REGRESSION.c.id == regression_id))), None)

    async def of_run(self, run_id: RunId) -> Regression | None:
        """The regression that a run belongs to."""
        mine = or_(REGRESSION.c.run_id == run_id, REGRESSION.c.confirming_run_id == run_id)
        return next(iter(await self._fetch(select(REGRESSION).where(mine).limit(1))), None)

    async def unfinished(self) -> tuple[Regression, ...]:
        """Those of every workspace that are being played, or that are to be closed."""
        open_ones = select(REGRESSION).where(REGRESSION.c.state.in_(UNFINISHED))
        return await self._fetch(open_ones.order_by(REGRESSION.c.id))

    async def recent(
        self,
        workspace_id: WorkspaceId,
        *,
        suite: str | None = None,
        assistant: str | None = None,
        since: datetime | None = None,
        before: datetime | None = None,
        limit: int = 20,
    ) -> tuple[Regression, ...]:
        """Those of a workspace, newest first."""
        wanted = [REGRESSION.c.workspace_id == workspace_id]
        wanted += [REGRESSION.c.suite == suite] if suite is not None else []
        wanted += [REGRESSION.c.assistant == assistant] if assistant is not None else []
        wanted += [REGRESSION.c.created_at >= since] if since is not None else []
        wanted += [REGRESSION.c.created_at < before] if before is not None else []
        newest = (
            select(REGRESSION).where(and_(*wanted)).order_by(REGRESSION.c.created_at.desc(), REGRESSION.c.id.desc())
        )
        return await self._fetch(newest.limit(limit))

    async def last_good(self, regression: Regression) -> Regression | None:
        """The latest one before it, of the same suite and assistant, in which nothing got worse."""
        wanted = select(REGRESSION).where(
            REGRESSION.c.workspace_id == regression.workspace_id,
            REGRESSION.c.suite == regression.suite,
            REGRESSION.c.assistant == regression.assistant,
            REGRESSION.c.created_at < regression.created_at,
            REGRESSION.c.state == "finished",
            REGRESSION.c.baseline.is_not(None),
            REGRESSION.c.verdict != "REJECT",
        )
        return next(iter(await self._fetch(wanted.order_by(REGRESSION.c.created_at.desc()).limit(1))), None)

    async def _fetch(self, query: Any) -> tuple[Regression, ...]:
        async with self._reader.connect() as connection:
            return tuple(_regression(row) for row in (await connection.execute(query)).mappings())


def _row(regression: Regression, key: str) -> dict[str, Any]:
    return {
        "id": regression.id,
        "workspace_id": regression.workspace_id,
        "key": key,
        "suite": regression.suite,
        "assistant": regression.assistant,
        "variant": regression.variant,
        "baseline": regression.baseline,
        "baseline_run_id": regression.baseline_run_id,
        "run_id": regression.run_id,
        "schedule_id": regression.schedule_id,
        "slot": regression.slot,
        "state": regression.state,
        "channel_id": regression.place.channel_id if regression.place else None,
        "started_by": regression.started_by,
        "created_at": regression.created_at,
    }


def _regression(row: Row) -> Regression:
    workspace_id = WorkspaceId(row["workspace_id"])
    return Regression(
        id=RegressionId(row["id"]),
        workspace_id=workspace_id,
        suite=row["suite"],
        assistant=row["assistant"],
        variant=row["variant"],
        baseline=row["baseline"],
        baseline_run_id=RunId(row["baseline_run_id"]) if row["baseline_run_id"] else None,
        run_id=RunId(row["run_id"]),
        confirming_run_id=RunId(row["confirming_run_id"]) if row["confirming_run_id"] else None,
        schedule_id=row["schedule_id"],
        slot=row["slot"],
        state=row["state"],
        place=Place(workspace_id=workspace_id, channel_id=row["channel_id"]) if row["channel_id"] else None,
        started_by=row["started_by"],
        note=row["note"],
        created_at=row["created_at"],
        finished_at=row["finished_at"],
        summary=_summary(row["summary"]),
    )


def _summary(stored: Any) -> RegressionSummary | None:
    """None as well when another version of convotest stored it in another shape: what it said stays in Slack."""
    try:
        return _SUMMARY.validate_python(stored) if stored else None
    except ValidationError:
        return None
