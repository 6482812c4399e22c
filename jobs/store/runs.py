"""Runs, their conversations and turns."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.model import (
    SHORT_ID,
    Announcement,
    Conversation,
    ConversationId,
    Outcome,
    Progress,
    Run,
    RunId,
    RunState,
    Scenario,
    Turn,
    WorkspaceId,
)
from jobs.ports import Clock
from jobs.store._rows import (
    conversation_from,
    result_of,
    run_from,
    run_row,
    scenario_from,
    table_of,
    turn_from,
    turn_row,
)
from jobs.store.outbox import add_announcements, want_edit
from jobs.store.tables import ConversationRow, ExperimentRunRow, RunRow, TurnRow
from jobs.store.writer import Writer

RUN = table_of(RunRow)
CONVERSATION = table_of(ConversationRow)
TURN = table_of(TurnRow)
_ARMS = select(table_of(ExperimentRunRow).c.run_id)

UNFINISHED: tuple[RunState, ...] = ("planned", "running", "cancelling")
_CHANGE_RESULT = update(CONVERSATION).where(CONVERSATION.c.id == bindparam("of")).values(result=bindparam("changed"))


@dataclass(frozen=True, kw_only=True)
class PlannedConversation:
    """A conversation that has not been played to its end.

    Args:
        attempt: the number of the last one begun.
        strikes: interrupted attempts that committed no turn, the last one included.
    """

    id: ConversationId
    number: int
    scenario: Scenario
    attempt: int
    strikes: int


@dataclass(frozen=True, kw_only=True)
class Showing:
    """Which conversations of a run are announced one by one.

    ``failures`` and ``sample`` are how many that did not pass, and how many that did, are shown at most.
    """

    failures: int
    sample: int


class Runs:
    def __init__(self, reader: AsyncEngine, writer: Writer, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock

    # --- writing ---

    async def create(
        self,
        run: Run,
        conversations: Sequence[tuple[ConversationId, Scenario]],
        *,
        key: str,
        announcements: Sequence[Announcement] = (),
    ) -> Run:
        """Save the run with everything it will play; if its key is known, the run that has it is returned instead."""

        def work(connection: Connection) -> Run:
            known = connection.execute(select(RUN).where(RUN.c.workspace_id == run.workspace_id, RUN.c.key == key))
            if row := known.mappings().first():
                return run_from(row)
            insert_run(connection, run, conversations, key=key)
            add_announcements(connection, announcements, run.created_at)
            return run

        return await self._writer.run(work)

    async def mark_running(self, run_id: RunId) -> None:
        where = and_(RUN.c.id == run_id, RUN.c.state == "planned")
        await self._update_run(where, state="running", started_at=self._clock.now())

    async def next_generation(self, run_id: RunId) -> int:
        """Count one more attempt at getting the run's unfinished conversations played; its number."""

        def work(connection: Connection) -> int:
            connection.execute(update(RUN).where(RUN.c.id == run_id).values(generation=RUN.c.generation + 1))
            return (connection.execute(select(RUN.c.generation).where(RUN.c.id == run_id))).scalar_one()

        return await self._writer.run(work)

    async def request_cancel(self, run_id: RunId, note: str) -> bool:
        """False if it was over already."""
        where = and_(RUN.c.id == run_id, RUN.c.state.in_(("planned", "running")))
        return await self._update_run(where, state="cancelling", note=note)

    async def note_end(self, run_id: RunId, note: str) -> None:
        """Why the run ends early; the first reason stays."""
        await self._update_run(and_(RUN.c.id == run_id, RUN.c.state.in_(UNFINISHED), RUN.c.note.is_(None)), note=note)

    async def begin_attempt(self, conversation_id: ConversationId) -> bool:
        """Count an attempt before it begins; an interrupted one that committed no turn is a strike.

        False if the conversation was closed in the meantime: its run was cancelled.
        """
        begun = await self._writer.run(lambda connection: connection.execute(BEGIN_ATTEMPT, {"which": conversation_id}))
        return begun.rowcount == 1

    async def add_turn(
        self, conversation_id: ConversationId, attempt: int, position: int, turn: Turn
    ) -> "asyncio.Future[None]":
        """Write behind: the future resolves once the turn is committed."""
        return await self._writer.insert(TURN, turn_row(conversation_id, attempt, position, turn))

    async def finish_conversation(
        self,
        conversation: Conversation,
        *,
        announcement: Announcement | None = None,
        card_key: str | None = None,
        showing: Showing | None = None,
    ) -> bool:
        """Save the result, and with it what people are to see of it; False if it was finished before.

        Args:
            announcement: shown if ``showing`` has room for it.
            card_key: the run card, which now is to be edited.
        """
        now = self._clock.now()

        def work(connection: Connection) -> bool:
            written = connection.execute(
                FINISH_CONVERSATION,
                {
                    "which": conversation.id,
                    "played": conversation.attempts,
                    "state": "done",
                    "outcome": conversation.verdict.outcome,
                    "result": result_of(conversation),
                    "finished_at": now,
                },
            )
            if written.rowcount == 0:
                return False
            if announcement and showing and _has_room(connection, conversation, showing):
                add_announcements(connection, [announcement], now)
            if announcement and card_key:
                want_edit(connection, announcement.place.workspace_id, card_key)
            return True

        return await self._writer.run(work)

    async def cancel_unplayed(self, run_id: RunId, result: Conversation) -> None:
        """Close every conversation that was not finished, as cancelled."""
        statement = (
            update(CONVERSATION)
            .where(CONVERSATION.c.run_id == run_id, CONVERSATION.c.state != "done")
            .values(state="done", outcome="cancelled", result=result_of(result), finished_at=self._clock.now())
        )
        await self._writer.run(lambda connection: connection.execute(statement))

    async def finish(
        self,
        run: Run,
        *,
        state: RunState,
        summary: Any,
        announcements: Sequence[Announcement] = (),
        card_key: str | None = None,
        judged: Sequence[Conversation] = (),
    ) -> bool:
        """Close the run exactly once, with everything that is announced then; False if it was closed before.

        Args:
            judged: conversations whose results have changed, since rules look at all of them together.
        """
        now = self._clock.now()

        def work(connection: Connection) -> bool:
            written = connection.execute(
                update(RUN)
                .where(RUN.c.id == run.id, RUN.c.state.in_(UNFINISHED))
                .values(state=state, finished_at=now, summary=summary)
            )
            if written.rowcount == 0:
                return False
            if judged:
                changes = [{"of": each.id, "changed": result_of(each)} for each in judged]
                connection.execute(_CHANGE_RESULT, changes)
            add_announcements(connection, announcements, now)
            if card_key:
                want_edit(connection, run.workspace_id, card_key)
            return True

        return await self._writer.run(work)

    # --- reading ---

    async def get(self, run_id: RunId) -> Run | None:
        return next(iter(await self._runs(select(RUN).where(RUN.c.id == run_id))), None)

    async def recent(self, workspace_id: WorkspaceId, *, limit: int) -> tuple[Run, ...]:
        """The newest runs of a workspace, newest first; the arms of A/B tests are no runs of their own."""
        mine = and_(RUN.c.workspace_id == workspace_id, RUN.c.id.not_in(_ARMS))
        return await self._runs(select(RUN).where(mine).order_by(RUN.c.id.desc()).limit(limit))

    async def costs_since(self, workspace_id: WorkspaceId, since: datetime) -> tuple[float | None, ...]:
        """What each run that was started since and is over has cost; None where that is not known."""
        cost = RUN.c.summary[("costs", "total")].as_float().label("cost")
        over = and_(RUN.c.workspace_id == workspace_id, RUN.c.created_at >= since, RUN.c.finished_at.is_not(None))
        async with self._reader.connect() as connection:
            return tuple(row.cost for row in await connection.execute(select(cost).where(over)))

    async def by_short_id(self, workspace_id: WorkspaceId, part: str, *, limit: int = 5) -> tuple[Run, ...]:
        """Runs whose id ends so, or whose short form (the end of an id, since its beginning is the time) begins so."""
        short_form = func.substr(RUN.c.id, func.length(RUN.c.id) - SHORT_ID + 1)
        fits = or_(RUN.c.id.endswith(part, autoescape=True), short_form.startswith(part, autoescape=True))
        query = select(RUN).where(RUN.c.workspace_id == workspace_id, fits)
        return await self._runs(query.order_by(RUN.c.id.desc()).limit(limit))

    async def unfinished(self) -> tuple[Run, ...]:
        return await self._runs(select(RUN).where(RUN.c.state.in_(UNFINISHED)).order_by(RUN.c.id))

    async def in_state(self, state: RunState) -> tuple[RunId, ...]:
        async with self._reader.connect() as connection:
            rows = await connection.execute(select(RUN.c.id).where(RUN.c.state == state).order_by(RUN.c.id))
            return tuple(RunId(row.id) for row in rows)

    async def summary(self, run_id: RunId) -> Mapping[str, Any] | None:
        """The figures that the run was closed with."""
        async with self._reader.connect() as connection:
            return (await connection.execute(select(RUN.c.summary).where(RUN.c.id == run_id))).scalar_one_or_none()

    async def previous_summary(self, run: Run) -> Mapping[str, Any] | None:
        """The summary of the last finished run of the same target, assistant and variant before this one."""
        query = (
            select(RUN.c.summary)
            .where(
                RUN.c.workspace_id == run.workspace_id,
                RUN.c.target == run.target,
                RUN.c.assistant == run.assistant,
                RUN.c.variant == run.variant,
                RUN.c.state == "finished",
                RUN.c.id < run.id,
                RUN.c.id.not_in(_ARMS),
            )
            .order_by(RUN.c.id.desc())
            .limit(1)
        )
        async with self._reader.connect() as connection:
            return (await connection.execute(query)).scalar_one_or_none()

    async def progress(self, run: Run) -> Progress:
        query = (
            select(CONVERSATION.c.outcome, func.count().label("n"))
            .where(CONVERSATION.c.run_id == run.id, CONVERSATION.c.state == "done")
            .group_by(CONVERSATION.c.outcome)
        )
        async with self._reader.connect() as connection:
            counts: dict[Outcome, int] = {row.outcome: row.n for row in await connection.execute(query)}
        return Progress(planned=run.planned, by_outcome=counts)

    async def to_play(self, run_id: RunId, *, first: int, last: int) -> tuple[PlannedConversation, ...]:
        """Conversations numbered ``first..last`` that have not been finished."""
        query = (
            select(CONVERSATION, _strikes().label("all_strikes"))
            .where(
                CONVERSATION.c.run_id == run_id,
                CONVERSATION.c.number.between(first, last),
                CONVERSATION.c.state != "done",
            )
            .order_by(CONVERSATION.c.number)
        )
        async with self._reader.connect() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return tuple(
            PlannedConversation(
                id=ConversationId(row["id"]),
                number=row["number"],
                scenario=scenario_from(row["scenario"]),
                attempt=row["attempt"],
                strikes=row["all_strikes"],
            )
            for row in rows
        )

    async def left_to_play(self, run_id: RunId) -> int:
        query = select(func.count()).where(CONVERSATION.c.run_id == run_id, CONVERSATION.c.state != "done")
        async with self._reader.connect() as connection:
            return (await connection.execute(query)).scalar_one()

    async def conversation(self, run_id: RunId, number: int) -> Conversation | None:
        return next(iter(await self._conversations(run_id, CONVERSATION.c.number == number)), None)

    async def conversations(self, run_id: RunId) -> tuple[Conversation, ...]:
        """All finished conversations of a run with their turns, by number."""
        return await self._conversations(run_id, CONVERSATION.c.number > 0)

    async def _conversations(self, run_id: RunId, which: Any) -> tuple[Conversation, ...]:
        done = and_(CONVERSATION.c.run_id == run_id, CONVERSATION.c.state == "done", which)
        turns_query = (
            select(TURN)
            .join(
                CONVERSATION,
                and_(TURN.c.conversation_id == CONVERSATION.c.id, TURN.c.attempt == CONVERSATION.c.attempt),
            )
            .where(done)
            .order_by(TURN.c.conversation_id, TURN.c.position)
        )
        async with self._reader.connect() as connection:
            query = select(CONVERSATION).where(done).order_by(CONVERSATION.c.number)
            rows = (await connection.execute(query)).mappings().all()
            turn_rows = (await connection.execute(turns_query)).mappings().all()
        turns: dict[str, list[Turn]] = {}
        context: dict[str, list[Turn]] = {}
        for row in turn_rows:
            said = turns if row["position"] >= 0 else context  # a warm-up comes before the first turn
            said.setdefault(row["conversation_id"], []).append(turn_from(row))
        return tuple(
            conversation_from(row, tuple(turns.get(row["id"], ())), context=tuple(context.get(row["id"], ())))
            for row in rows
        )

    async def _runs(self, query: Any) -> tuple[Run, ...]:
        async with self._reader.connect() as connection:
            return tuple(run_from(row) for row in (await connection.execute(query)).mappings())

    async def _update_run(self, where: Any, **values: Any) -> bool:
        statement = update(RUN).where(where).values(**values)
        written = await self._writer.run(lambda connection: connection.execute(statement))
        return written.rowcount == 1


def _strikes() -> Any:
    """The strikes of a conversation, with its last attempt if that broke off before its first turn."""
    turns_of_last = exists().where(
        TURN.c.conversation_id == CONVERSATION.c.id, TURN.c.attempt == CONVERSATION.c.attempt
    )
    broke_at_once = and_(CONVERSATION.c.state == "playing", ~turns_of_last)
    return CONVERSATION.c.strikes + case((broke_at_once, 1), else_=0)


def insert_run(
    connection: Connection, run: Run, conversations: Sequence[tuple[ConversationId, Scenario]], *, key: str
) -> None:
    """Write a run with everything it will play, numbered in this order, inside the caller's transaction."""
    connection.execute(RUN.insert().values(run_row(run, key)))
    rows = [_planned_row(run, number, *each) for number, each in enumerate(conversations, 1)]
    if rows:
        connection.execute(CONVERSATION.insert(), rows)


def _planned_row(run: Run, number: int, conversation_id: ConversationId, scenario: Scenario) -> dict[str, Any]:
    return {
        "id": conversation_id,
        "run_id": run.id,
        "workspace_id": run.workspace_id,
        "number": number,
        "scenario": scenario,
        "state": "planned",
    }


def _has_room(connection: Connection, conversation: Conversation, showing: Showing) -> bool:
    """Take one of the places of the run's thread, if one is free."""
    passed = conversation.verdict.outcome == "passed"
    most = showing.sample if passed else showing.failures
    taken = connection.execute(TAKE_PLACE[passed], {"which": conversation.run_id, "most": most})
    return taken.rowcount == 1


# --- the statements of the busiest writes: built once, since building one costs more than running it -----------------

BEGIN_ATTEMPT = (
    update(CONVERSATION)
    .where(CONVERSATION.c.id == bindparam("which"), CONVERSATION.c.state != "done")
    .values(attempt=CONVERSATION.c.attempt + 1, strikes=_strikes(), state="playing")
)
FINISH_CONVERSATION = update(CONVERSATION).where(
    CONVERSATION.c.id == bindparam("which"),
    CONVERSATION.c.state != "done",
    # a worker that was taken for dead must not close it beside the turns of a newer attempt
    CONVERSATION.c.attempt == bindparam("played"),
)


def _take_place(column: Any) -> Any:
    return update(RUN).where(RUN.c.id == bindparam("which"), column < bindparam("most")).values({column: column + 1})


TAKE_PLACE = {True: _take_place(RUN.c.shown_sample), False: _take_place(RUN.c.shown_failures)}
"""By whether the conversation passed."""
