"""Rollouts: their stages, whom they met, and the runs that play simulated customers for them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, and_, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.model import Announcement, ConversationId, Place, Run, RunId, Scenario, WorkspaceId
from jobs.ports import Clock
from jobs.rollout.rollout import Arm, Look, Rollout, RolloutId, RolloutState, Source, Stage
from jobs.store._rows import Row, table_of
from jobs.store.audit import AUDIT
from jobs.store.outbox import add_announcements, want_edit
from jobs.store.runs import CONVERSATION, RUN, insert_run
from jobs.store.tables import RatingRow, RolloutCustomerRow, RolloutRow, RolloutTrafficRow
from jobs.store.variants import IN_FORCE, in_force_number, put_in_force, variant_from
from jobs.store.writer import Writer

ROLLOUT = table_of(RolloutRow)
CUSTOMER = table_of(RolloutCustomerRow)
TRAFFIC = table_of(RolloutTrafficRow)
RATING = table_of(RatingRow)

_LOOK = TypeAdapter(Look)
_STAGES = TypeAdapter(tuple[Stage, ...])


@dataclass(frozen=True, kw_only=True)
class Audited:
    """Who did it and from where, as the audit keeps it with what was done."""

    member_id: str
    verb: str
    detail: str
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class TrafficRun:
    """A run of simulated customers that an arm of a rollout serves."""

    run: Run
    arm: Arm
    conversations: Sequence[tuple[ConversationId, Scenario]]


@dataclass(frozen=True, kw_only=True)
class LiveVote:
    """A vote on one of the two variants since the rollout began; later ones of the same person come later."""

    source: str
    kind: str
    value: int
    voter: str
    conversation: str
    variant: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class MetCustomer:
    stage: int
    source: Source
    arm: Arm
    failed: bool
    met_at: datetime


def audit(connection: Connection, workspace_id: str, what: Audited, now: datetime) -> None:
    """Record what was done inside the transaction that does it."""
    row = {"workspace_id": workspace_id, "outcome": "done", "at": now, **asdict(what)}
    connection.execute(AUDIT.insert().values(row))


class Rollouts:
    def __init__(self, reader: AsyncEngine, writer: Writer, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock

    # --- writing ---

    async def create(self, rollout: Rollout, what: Audited, announcements: Sequence[Announcement] = ()) -> bool:
        """False if the assistant has an open rollout already."""

        def work(connection: Connection) -> bool:
            return create_rollout(connection, rollout, what, announcements)

        return await self._writer.run(work)

    async def advance(self, rollout: Rollout, what: Audited, *, by: str, cards: Sequence[str] = ()) -> bool:
        """Begin the next stage; at the last one the candidate is in force. False if somebody was quicker."""
        now, stage = self._clock.now(), rollout.stage + 1
        share = rollout.shares[stage]
        stages = (*rollout.stages, Stage(share=share, at=now, by=by))
        values: dict[str, Any] = {"stage": stage, "stage_at": now, "stages": _STAGES.dump_python(stages, mode="json")}
        if share >= 1:
            values |= {"state": "finished", "open_for": None, "finished_at": now}

        def work(connection: Connection) -> bool:
            here = and_(ROLLOUT.c.id == rollout.id, ROLLOUT.c.state == "running", ROLLOUT.c.stage == rollout.stage)
            if (connection.execute(update(ROLLOUT).where(here).values(values))).rowcount == 0:
                return False
            if share >= 1:
                reason = f"rollout {rollout.id} reached everybody"
                put_in_force(connection, rollout.workspace_id, rollout.candidate, by=by, reason=reason, now=now)
            audit(connection, rollout.workspace_id, what, now)
            _edit(connection, rollout.workspace_id, cards)
            return True

        return await self._writer.run(work)

    async def roll_back(self, rollout: Rollout, what: Audited, *, note: str, cards: Sequence[str] = ()) -> bool:
        """The baseline serves everybody again; False if it does already, or something else is in force since."""
        now = self._clock.now()

        def work(connection: Connection) -> bool:
            here = and_(ROLLOUT.c.id == rollout.id, ROLLOUT.c.state == rollout.state)
            if rollout.state == "finished" and not self._is_in_force(connection, rollout):
                return False
            values = {"state": "rolled_back", "open_for": None, "finished_at": now, "note": note}
            if (connection.execute(update(ROLLOUT).where(here).values(values))).rowcount == 0:
                return False
            if rollout.state == "finished":
                put_in_force(
                    connection, rollout.workspace_id, rollout.baseline, by=what.member_id, reason=note, now=now
                )
            audit(connection, rollout.workspace_id, what, now)
            _edit(connection, rollout.workspace_id, cards)
            return True

        return await self._writer.run(work)

    def _is_in_force(self, connection: Connection, rollout: Rollout) -> bool:
        number = in_force_number(connection, rollout.workspace_id, rollout.assistant)
        mine = and_(
            IN_FORCE.c.workspace_id == rollout.workspace_id,
            IN_FORCE.c.assistant == rollout.assistant,
            IN_FORCE.c.number == number,
        )
        name = (connection.execute(select(IN_FORCE.c.name).where(mine))).scalar_one_or_none()
        return name == rollout.candidate.name

    async def meet(self, rollout: Rollout, customer: str, *, source: Source, arm: Arm) -> None:
        """Note that the customer was served by that arm; once in each stage."""
        row = {
            "rollout_id": rollout.id,
            "stage": rollout.stage,
            "customer": customer,
            "source": source,
            "arm": arm,
            "met_at": self._clock.now(),
        }

        def work(connection: Connection) -> None:
            connection.execute(_insert(connection)(CUSTOMER).values(row).on_conflict_do_nothing())

        await self._writer.run(work)

    async def failed(self, rollout: Rollout, customer: str) -> None:
        """The customer, if the stage has met them, was failed by the assistant."""
        here = and_(
            CUSTOMER.c.rollout_id == rollout.id,
            CUSTOMER.c.stage == rollout.stage,
            CUSTOMER.c.customer == customer,
            CUSTOMER.c.failed_at.is_(None),
        )
        statement = update(CUSTOMER).where(here).values(failed_at=self._clock.now())
        await self._writer.run(lambda connection: connection.execute(statement))

    async def save_look(self, rollout: Rollout, look: Look, *, cards: Sequence[str] = ()) -> None:
        figures = {"look": _LOOK.dump_python(look, mode="json"), "target": rollout.target}

        def work(connection: Connection) -> None:
            connection.execute(update(ROLLOUT).where(ROLLOUT.c.id == rollout.id).values(figures=figures))
            _edit(connection, rollout.workspace_id, cards)

        await self._writer.run(work)

    async def add_traffic(
        self, rollout: Rollout, runs: Sequence[TrafficRun], customers: Mapping[str, Arm], *, key: str
    ) -> bool:
        """Record simulated customers with the runs that play them; False if that key was used before."""
        now = self._clock.now()

        def work(connection: Connection) -> bool:
            keys = [f"traffic:{key}:{each.arm}" for each in runs]
            known = select(RUN.c.id).where(RUN.c.workspace_id == rollout.workspace_id, RUN.c.key.in_(keys))
            if (connection.execute(known)).first():
                return False
            for each, run_key in zip(runs, keys, strict=True):
                insert_run(connection, each.run, each.conversations, key=run_key)
                row = {"run_id": each.run.id, "rollout_id": rollout.id, "stage": rollout.stage, "arm": each.arm}
                connection.execute(TRAFFIC.insert().values(row | {"rated": False}))
            met = [
                {"rollout_id": rollout.id, "stage": rollout.stage, "customer": customer, "source": "simulated",
                 "arm": arm, "met_at": now}
                for customer, arm in customers.items()
            ]  # fmt: skip
            if met:
                connection.execute(_insert(connection)(CUSTOMER).on_conflict_do_nothing(), met)
            return True

        return await self._writer.run(work)

    async def mark_rated(self, run_id: RunId) -> None:
        statement = update(TRAFFIC).where(TRAFFIC.c.run_id == run_id).values(rated=True)
        await self._writer.run(lambda connection: connection.execute(statement))

    # --- reading ---

    async def open_for(self, workspace_id: WorkspaceId, assistant: str) -> Rollout | None:
        """The rollout under way, if there is one."""
        query = select(ROLLOUT).where(ROLLOUT.c.workspace_id == workspace_id, ROLLOUT.c.open_for == assistant)
        return next(iter(await self._fetch(query)), None)

    async def get(self, rollout_id: str) -> Rollout | None:
        return next(iter(await self._fetch(select(ROLLOUT).where(ROLLOUT.c.id == rollout_id))), None)

    async def recent(
        self, workspace_id: WorkspaceId, *, assistant: str | None = None, limit: int = 20
    ) -> tuple[Rollout, ...]:
        """The newest of a workspace, newest first."""
        query = select(ROLLOUT).where(ROLLOUT.c.workspace_id == workspace_id)
        if assistant:
            query = query.where(ROLLOUT.c.assistant == assistant)
        return await self._fetch(query.order_by(ROLLOUT.c.id.desc()).limit(limit))

    async def running(self) -> tuple[Rollout, ...]:
        return await self._fetch(select(ROLLOUT).where(ROLLOUT.c.state == "running").order_by(ROLLOUT.c.id))

    async def customers(self, rollout: Rollout) -> tuple[MetCustomer, ...]:
        """Everybody who was met, in the order they came."""
        query = select(CUSTOMER).where(CUSTOMER.c.rollout_id == rollout.id)
        async with self._reader.connect() as connection:
            rows = (await connection.execute(query.order_by(CUSTOMER.c.met_at, CUSTOMER.c.customer))).mappings()
            return tuple(
                MetCustomer(
                    stage=row["stage"],
                    source=row["source"],
                    arm=row["arm"],
                    failed=row["failed_at"] is not None,
                    met_at=row["met_at"],
                )
                for row in rows
            )

    async def votes(self, rollout: Rollout) -> tuple[LiveVote, ...]:
        """What was said of either variant since the rollout began, the oldest first; of simulated customers only of
        those that were played for this rollout."""
        played = (
            select(CONVERSATION.c.id)
            .join(TRAFFIC, TRAFFIC.c.run_id == CONVERSATION.c.run_id)
            .where(TRAFFIC.c.rollout_id == rollout.id)
        )
        of_people = RATING.c.source.in_(("live", "api", "cli"))
        of_simulated = and_(RATING.c.source == "simulated", RATING.c.conversation_id.in_(played))
        query = (
            select(RATING)
            .where(
                RATING.c.workspace_id == rollout.workspace_id,
                RATING.c.assistant == rollout.assistant,
                RATING.c.variant.in_((rollout.baseline.name, rollout.candidate.name)),
                RATING.c.at >= rollout.created_at,
                RATING.c.value.is_not(None),
                ~RATING.c.retracted,
                of_people | of_simulated,
            )
            .order_by(RATING.c.at, RATING.c.id)
        )
        names = LiveVote.__dataclass_fields__
        async with self._reader.connect() as connection:
            rows = (await connection.execute(query)).mappings()
            return tuple(LiveVote(**{name: row[name] for name in names}) for row in rows)

    async def change_count(self, rollout: Rollout) -> tuple[int, ...]:
        """Figures that differ as soon as there is something new to look at."""
        counts = (
            select(func.count(), func.count(CUSTOMER.c.failed_at)).where(CUSTOMER.c.rollout_id == rollout.id),
            select(func.count(), func.count(RATING.c.value)).where(
                RATING.c.workspace_id == rollout.workspace_id,
                RATING.c.assistant == rollout.assistant,
                RATING.c.received_at >= rollout.created_at,
                ~RATING.c.retracted,
            ),
        )
        async with self._reader.connect() as connection:
            rows = [(await connection.execute(query)).one() for query in counts]
        return tuple(int(value) for row in rows for value in row)

    async def unrated_traffic(self) -> tuple[tuple[RunId, str, Arm], ...]:
        """Runs of simulated customers that are over and not rated yet: (run, rollout, arm)."""
        over = RUN.c.state.in_(("finished", "cancelled"))
        query = (
            select(TRAFFIC.c.run_id, TRAFFIC.c.rollout_id, TRAFFIC.c.arm)
            .join(RUN, RUN.c.id == TRAFFIC.c.run_id)
            .where(~TRAFFIC.c.rated, over)
            .order_by(TRAFFIC.c.run_id)
        )
        async with self._reader.connect() as connection:
            rows = (await connection.execute(query)).all()
        return tuple((RunId(row.run_id), row.rollout_id, row.arm) for row in rows)

    async def traffic_left(self, rollout_id: str) -> int:
        """Runs of simulated customers that have not said yet how content they were."""
        query = select(func.count()).where(TRAFFIC.c.rollout_id == rollout_id, ~TRAFFIC.c.rated)
        async with self._reader.connect() as connection:
            return (await connection.execute(query)).scalar_one()

    async def _fetch(self, query: Any) -> tuple[Rollout, ...]:
        async with self._reader.connect() as connection:
            return tuple(_rollout(row) for row in (await connection.execute(query)).mappings())


def create_rollout(
    connection: Connection, rollout: Rollout, what: Audited, announcements: Sequence[Announcement] = ()
) -> bool:
    """Begin a rollout inside the caller's transaction; False if the assistant has an open one."""
    row = {
        "id": rollout.id,
        "workspace_id": rollout.workspace_id,
        "assistant": rollout.assistant,
        "open_for": rollout.assistant,
        "state": rollout.state,
        "stage": rollout.stage,
        "shares": list(rollout.shares),
        "baseline": rollout.baseline,
        "candidate": rollout.candidate,
        "action_id": rollout.action_id,
        "window_s": rollout.window_s,
        "started_by": rollout.started_by,
        "channel_id": rollout.place.channel_id if rollout.place else None,
        "parent_key": rollout.parent_key,
        "note": rollout.note,
        "stages": _STAGES.dump_python(rollout.stages, mode="json"),
        "figures": {"target": rollout.target},
        "created_at": rollout.created_at,
        "stage_at": rollout.stage_at,
    }
    claim = _insert(connection)(ROLLOUT).values(row).on_conflict_do_nothing().returning(ROLLOUT.c.id)
    if (connection.execute(claim)).first() is None:
        return False
    audit(connection, rollout.workspace_id, what, rollout.created_at)
    add_announcements(connection, announcements, rollout.created_at)
    return True


def _edit(connection: Connection, workspace_id: WorkspaceId, cards: Sequence[str]) -> None:
    for card in cards:
        want_edit(connection, workspace_id, card)


def _insert(connection: Connection) -> Any:
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert


def _rollout(row: Row) -> Rollout:
    workspace_id = WorkspaceId(row["workspace_id"])
    figures = row["figures"]
    state: RolloutState = row["state"]
    return Rollout(
        id=RolloutId(row["id"]),
        workspace_id=workspace_id,
        assistant=row["assistant"],
        state=state,
        stage=row["stage"],
        shares=tuple(row["shares"]),
        baseline=variant_from(row["baseline"]),
        candidate=variant_from(row["candidate"]),
        action_id=row["action_id"],
        window_s=row["window_s"],
        started_by=row["started_by"],
        place=Place(workspace_id=workspace_id, channel_id=row["channel_id"]) if row["channel_id"] else None,
        parent_key=row["parent_key"],
        target=figures.get("target"),
        stages=_STAGES.validate_python(row["stages"]),
        created_at=row["created_at"],
        stage_at=row["stage_at"],
        note=row["note"],
        look=_LOOK.validate_python(figures["look"]) if "look" in figures else Look(),
        finished_at=row["finished_at"],
    )
