"""Experiments, the runs of their arms, and results recorded by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic import TypeAdapter
from sqlalchemy import Connection, and_, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.experiments.experiment import (
    ArmName,
    ArmRun,
    Experiment,
    ExperimentId,
    ExperimentState,
)
from jobs.model import Announcement, ConversationId, Place, RunId, Scenario, WorkspaceId
from jobs.ports import Clock
from jobs.store._rows import Row, run_from, scenario_from, table_of
from jobs.store.outbox import add_announcements, want_edit
from jobs.store.runs import CONVERSATION, RUN, insert_run
from jobs.store.tables import ExperimentResultRow, ExperimentRow, ExperimentRunRow
from jobs.store.writer import Writer

EXPERIMENT = table_of(ExperimentRow)
ARM_RUN = table_of(ExperimentRunRow)
RESULT = table_of(ExperimentResultRow)

UNFINISHED: tuple[ExperimentState, ...] = ("running", "stopping", "cancelling")


@dataclass(frozen=True, kw_only=True)
class PlannedArm:
    """An arm's run of a round, with everything it will play."""

    arm: ArmRun
    conversations: Sequence[tuple[ConversationId, Scenario]]


@dataclass(frozen=True, kw_only=True)
class _Details:
    """What the ``details`` column holds."""

    a: str
    b: str
    more: tuple[str, ...] = ()
    metric: str = "success"
    early_stop: bool = False
    is_aa: bool = False
    power: str = ""
    estimated_cost_usd: float | None = None
    stamps: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: tuple[str, ...] = ()


_DETAILS = TypeAdapter(_Details)


class Experiments:
    def __init__(self, reader: AsyncEngine, writer: Writer, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock

    # --- writing ---

    async def create(
        self,
        experiment: Experiment,
        arms: Sequence[PlannedArm] = (),
        *,
        key: str,
        announcements: Sequence[Announcement] = (),
    ) -> bool:
        """Save the experiment with the runs of its arms, all or nothing; False if its key is known."""

        def work(connection: Connection) -> bool:
            known = select(EXPERIMENT.c.id).where(
                EXPERIMENT.c.workspace_id == experiment.workspace_id, EXPERIMENT.c.key == key
            )
            if (connection.execute(known)).first():
                return False
            connection.execute(EXPERIMENT.insert().values(_row(experiment, key)))
            _add_arms(connection, experiment.id, arms)
            add_announcements(connection, announcements, experiment.created_at)
            return True

        return await self._writer.run(work)

    async def extend(
        self, experiment: Experiment, *, planned: int, arms: Sequence[PlannedArm], card_key: str | None
    ) -> bool:
        """Let a finished experiment go on with a further round; False if it is not finished (any more)."""

        def work(connection: Connection) -> bool:
            written = connection.execute(
                update(EXPERIMENT)
                .where(EXPERIMENT.c.id == experiment.id, EXPERIMENT.c.state == "finished")
                .values(state="running", planned=planned, finished_at=None, note=None)
            )
            if written.rowcount == 0:
                return False
            _add_arms(connection, experiment.id, arms)
            if card_key:
                want_edit(connection, experiment.workspace_id, card_key)
            return True

        return await self._writer.run(work)

    async def request_cancel(self, experiment_id: ExperimentId, note: str) -> bool:
        """False if it was over, or ending, already."""
        return await self._end(experiment_id, state="cancelling", note=note)

    async def stop_early(self, experiment_id: ExperimentId, winner: ArmName, note: str) -> bool:
        """A winner was found before everything is played; False if it was over, or ending, already."""
        return await self._end(experiment_id, state="stopping", note=note, early_winner=winner)

    async def finish(
        self,
        experiment: Experiment,
        *,
        state: ExperimentState,
        summary: Any,
        announcements: Sequence[Announcement] = (),
        card_key: str | None = None,
    ) -> bool:
        """Close it once, with everything that is announced then; False if it was closed before."""
        now = self._clock.now()

        def work(connection: Connection) -> bool:
            values = {"state": state, "finished_at": now, "summary": summary, "note": experiment.note}
            written = connection.execute(
                update(EXPERIMENT)
                .where(EXPERIMENT.c.id == experiment.id, EXPERIMENT.c.state.in_(UNFINISHED))
                .values(values | {"looks": EXPERIMENT.c.looks + 1})
            )
            if written.rowcount == 0:
                return False
            add_announcements(connection, announcements, now)
            if card_key:
                want_edit(connection, experiment.workspace_id, card_key)
            return True

        return await self._writer.run(work)

    async def delete(self, experiment_id: ExperimentId) -> None:
        """Forget an experiment; the runs of its arms stay, as runs like any other."""

        def work(connection: Connection) -> None:
            for table in (RESULT, ARM_RUN):
                connection.execute(delete(table).where(table.c.experiment_id == experiment_id))
            connection.execute(delete(EXPERIMENT).where(EXPERIMENT.c.id == experiment_id))

        await self._writer.run(work)

    async def add_results(self, experiment_id: ExperimentId, results: Mapping[str, Mapping[str, Any]]) -> int:
        """How many sessions were new; one that is known by its id stays as it is."""
        now = self._clock.now()
        rows = [
            {"experiment_id": experiment_id, "session_id": session_id, "content": dict(content), "added_at": now}
            for session_id, content in results.items()
        ]

        def work(connection: Connection) -> int:
            insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            new = insert(RESULT).on_conflict_do_nothing().returning(RESULT.c.session_id)  # psycopg counts no such rows
            return sum([(connection.execute(new.values(row))).first() is not None for row in rows])

        return await self._writer.run(work)

    async def _end(self, experiment_id: ExperimentId, **values: Any) -> bool:
        where = and_(
            EXPERIMENT.c.id == experiment_id, EXPERIMENT.c.state == "running", EXPERIMENT.c.kind == "simulated"
        )
        statement = update(EXPERIMENT).where(where).values(**values)
        written = await self._writer.run(lambda connection: connection.execute(statement))
        return written.rowcount == 1

    # --- reading ---

    async def get(self, experiment_id: ExperimentId) -> Experiment | None:
        return next(iter(await self._fetch(select(EXPERIMENT).where(EXPERIMENT.c.id == experiment_id))), None)

    async def by_key(self, workspace_id: WorkspaceId, key: str) -> Experiment | None:
        query = select(EXPERIMENT).where(EXPERIMENT.c.workspace_id == workspace_id, EXPERIMENT.c.key == key)
        return next(iter(await self._fetch(query)), None)

    async def by_id_end(self, workspace_id: WorkspaceId, end: str, *, limit: int = 5) -> tuple[Experiment, ...]:
        """Experiments whose id ends so."""
        mine = and_(EXPERIMENT.c.workspace_id == workspace_id, EXPERIMENT.c.id.endswith(end, autoescape=True))
        return await self._fetch(select(EXPERIMENT).where(mine).order_by(EXPERIMENT.c.id.desc()).limit(limit))

    async def recent(self, workspace_id: WorkspaceId, *, limit: int) -> tuple[Experiment, ...]:
        """The newest of a workspace, newest first."""
        mine = select(EXPERIMENT).where(EXPERIMENT.c.workspace_id == workspace_id)
        return await self._fetch(mine.order_by(EXPERIMENT.c.id.desc()).limit(limit))

    async def unfinished(self) -> tuple[Experiment, ...]:
        """Those whose runs are being played, or that are to be closed."""
        open_ones = and_(EXPERIMENT.c.state.in_(UNFINISHED), EXPERIMENT.c.kind == "simulated")
        return await self._fetch(select(EXPERIMENT).where(open_ones).order_by(EXPERIMENT.c.id))

    async def summary(self, experiment_id: ExperimentId) -> Mapping[str, Any] | None:
        """What it was last closed with."""
        query = select(EXPERIMENT.c.summary).where(EXPERIMENT.c.id == experiment_id)
        async with self._reader.connect() as connection:
            return (await connection.execute(query)).scalar_one_or_none()

    async def outcomes(self, run_ids: Sequence[RunId]) -> dict[RunId, dict[int, str]]:
        """The outcome of each finished conversation, by run and number."""
        query = select(CONVERSATION.c.run_id, CONVERSATION.c.number, CONVERSATION.c.outcome).where(
            CONVERSATION.c.run_id.in_(run_ids), CONVERSATION.c.state == "done"
        )
        found: dict[RunId, dict[int, str]] = {run_id: {} for run_id in run_ids}
        async with self._reader.connect() as connection:
            for row in await connection.execute(query):
                found[RunId(row.run_id)][row.number] = row.outcome
        return found

    async def outcome_counts(self, run_ids: Sequence[RunId]) -> dict[RunId, dict[str, int]]:
        """How many finished conversations of each run had which outcome: asked for after each of them."""
        query = (
            select(CONVERSATION.c.run_id, CONVERSATION.c.outcome, func.count().label("n"))
            .where(CONVERSATION.c.run_id.in_(run_ids), CONVERSATION.c.state == "done")
            .group_by(CONVERSATION.c.run_id, CONVERSATION.c.outcome)
        )
        found: dict[RunId, dict[str, int]] = {run_id: {} for run_id in run_ids}
        async with self._reader.connect() as connection:
            for row in await connection.execute(query):
                found[RunId(row.run_id)][row.outcome] = row.n
        return found

    async def scenarios(self, run_id: RunId) -> dict[int, Scenario]:
        """Whom a run's assistant meets, by number."""
        query = select(CONVERSATION.c.number, CONVERSATION.c.scenario).where(CONVERSATION.c.run_id == run_id)
        async with self._reader.connect() as connection:
            return {row.number: scenario_from(row.scenario) for row in await connection.execute(query)}

    async def results(self, experiment_id: ExperimentId) -> tuple[Mapping[str, Any], ...]:
        """The recorded sessions, in the order they were added."""
        query = select(RESULT.c.content).where(RESULT.c.experiment_id == experiment_id)
        async with self._reader.connect() as connection:
            rows = await connection.execute(query.order_by(RESULT.c.added_at, RESULT.c.session_id))
            return tuple(row.content for row in rows)

    async def _fetch(self, query: Any) -> tuple[Experiment, ...]:
        async with self._reader.connect() as connection:
            rows = (await connection.execute(query)).mappings().all()
            of_arms = (
                select(ARM_RUN.c.experiment_id, ARM_RUN.c.arm, ARM_RUN.c.round, RUN)
                .join(RUN, RUN.c.id == ARM_RUN.c.run_id)
                .where(ARM_RUN.c.experiment_id.in_([row["id"] for row in rows]))
                .order_by(ARM_RUN.c.round, ARM_RUN.c.arm)
            )
            arms: dict[str, list[ArmRun]] = {}
            for row in (await connection.execute(of_arms)).mappings() if rows else ():
                arm = ArmRun(arm=cast(ArmName, row["arm"]), round=row["round"], run=run_from(row))
                arms.setdefault(row["experiment_id"], []).append(arm)
        return tuple(_experiment(row, tuple(arms.get(row["id"], ()))) for row in rows)


def _add_arms(connection: Connection, experiment_id: ExperimentId, arms: Sequence[PlannedArm]) -> None:
    for each in arms:
        run, place = each.arm.run, {"arm": each.arm.arm, "round": each.arm.round}
        key = f"experiment:{experiment_id}:{each.arm.round}:{each.arm.arm}"
        insert_run(connection, run, each.conversations, key=key)
        connection.execute(ARM_RUN.insert().values(run_id=run.id, experiment_id=experiment_id, **place))


def _row(experiment: Experiment, key: str) -> dict[str, Any]:
    return {
        "id": experiment.id,
        "workspace_id": experiment.workspace_id,
        "key": key,
        "kind": experiment.kind,
        "state": experiment.state,
        "target": experiment.target,
        "seed": experiment.seed,
        "planned": experiment.planned,
        "details": _Details(
            a=experiment.a,
            b=experiment.b,
            more=experiment.more,
            metric=experiment.metric,
            early_stop=experiment.early_stop,
            is_aa=experiment.is_aa,
            power=experiment.power,
            estimated_cost_usd=experiment.estimated_cost_usd,
            stamps=experiment.stamps,
            notes=experiment.notes,
        ),
        "started_by": experiment.started_by,
        "channel_id": experiment.place.channel_id if experiment.place else None,
        "created_at": experiment.created_at,
    }


def _experiment(row: Row, runs: tuple[ArmRun, ...]) -> Experiment:
    details = _DETAILS.validate_python(row["details"])
    workspace_id = WorkspaceId(row["workspace_id"])
    return Experiment(
        id=ExperimentId(row["id"]),
        workspace_id=workspace_id,
        kind=row["kind"],
        state=row["state"],
        target=row["target"],
        a=details.a,
        b=details.b,
        more=details.more,
        seed=row["seed"],
        planned=row["planned"],
        metric=details.metric,
        early_stop=details.early_stop,
        is_aa=details.is_aa,
        power=details.power,
        estimated_cost_usd=details.estimated_cost_usd,
        stamps=details.stamps,
        notes=details.notes,
        looks=row["looks"],
        started_by=row["started_by"],
        place=Place(workspace_id=workspace_id, channel_id=row["channel_id"]) if row["channel_id"] else None,
        created_at=row["created_at"],
        finished_at=row["finished_at"],
        note=row["note"],
        early_winner=row["early_winner"],
        runs=runs,
    )
