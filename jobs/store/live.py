"""Live threads: conversations that people have with an assistant, and the questions that wait for an answer."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, exists, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql import ColumnElement

from jobs.ask.conversation import LiveConversation, LiveEnd, LiveQuestion, LiveTurn
from jobs.model import Announcement, ConversationId, Variant, WorkspaceId
from jobs.ports import Clock
from jobs.store._rows import Row, table_of, turn_from, turn_row
from jobs.store.outbox import OUTBOX, add_announcements
from jobs.store.tables import ExampleRow, LiveConversationRow, LiveQuestionRow, LiveTurnRow
from jobs.store.writer import Writer

LIVE = table_of(LiveConversationRow)
QUESTION = table_of(LiveQuestionRow)
TURN = table_of(LiveTurnRow)
EXAMPLE = table_of(ExampleRow)
GOING_ON = ("choosing", "open")


class LiveThreads:
    """Nothing is lost or done twice: a question has a key, and an answer takes the question off the queue."""

    def __init__(self, reader: AsyncEngine, writer: Writer, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock

    # --- reading ---

    async def find(self, conversation_id: str) -> LiveConversation | None:
        """The conversation with its turns."""
        return next(iter(await self._conversations(LIVE.c.id == conversation_id)), None)

    async def ending(self, end: str, *, workspace_id: WorkspaceId | None) -> tuple[LiveConversation, ...]:
        """At most five conversations whose id ends so, the newest first."""
        which = LIVE.c.id.endswith(end, autoescape=True)
        if workspace_id is not None:
            which = and_(which, LIVE.c.workspace_id == workspace_id)
        return await self._conversations(which, newest_first=True, limit=5)

    async def between(self, workspace_id: WorkspaceId, since: datetime, until: datetime) -> Sequence[LiveConversation]:
        """Conversations begun from ``since`` until before ``until`` in which something was said, oldest first."""
        said = exists().where(TURN.c.conversation_id == LIVE.c.id)
        begun = and_(LIVE.c.created_at >= since, LIVE.c.created_at < until)
        return await self._conversations(and_(LIVE.c.workspace_id == workspace_id, begun, said))

    async def in_thread(
        self, workspace_id: WorkspaceId, channel_id: str, thread_ts: str | None, *, member_id: str | None = None
    ) -> LiveConversation | None:
        """The newest conversation of a thread (None: of the top level), without its turns; of that member if given."""
        root = _thread_ts()
        which = and_(
            LIVE.c.workspace_id == workspace_id,
            LIVE.c.channel_id == channel_id,
            and_(root.is_(None), LIVE.c.root_key.is_(None)) if thread_ts is None else root == thread_ts,
        )
        if member_id is not None:
            which = and_(which, LIVE.c.member_id == member_id)
        found = await self._conversations(which, newest_first=True, limit=1, with_turns=False)
        return next(iter(found), None)

    async def last_of(self, workspace_id: WorkspaceId, channel_id: str, member_id: str) -> LiveConversation | None:
        """The member's newest conversation in a channel for which an assistant was chosen, without its turns."""
        theirs = and_(LIVE.c.channel_id == channel_id, LIVE.c.member_id == member_id)
        which = and_(LIVE.c.workspace_id == workspace_id, theirs, LIVE.c.assistant != "")
        return next(iter(await self._conversations(which, newest_first=True, limit=1, with_turns=False)), None)

    async def waiting(self, workspace_id: WorkspaceId) -> tuple[ConversationId, ...]:
        """Conversations in which a question waits, the one that waits longest first."""
        query = (
            select(QUESTION.c.conversation_id)
            .join(LIVE, LIVE.c.id == QUESTION.c.conversation_id)
            .where(QUESTION.c.workspace_id == workspace_id, QUESTION.c.state == "waiting", LIVE.c.state == "open")
            .group_by(QUESTION.c.conversation_id)
            .order_by(func.min(QUESTION.c.id))
        )
        async with self._reader.connect() as connection:
            return tuple(ConversationId(row.conversation_id) for row in await connection.execute(query))

    async def next_question(self, conversation_id: ConversationId) -> LiveQuestion | None:
        """The oldest question of a conversation that waits."""
        waits = and_(QUESTION.c.conversation_id == conversation_id, QUESTION.c.state == "waiting")
        return await self._question(waits)

    async def has_more_waiting(self, question: LiveQuestion) -> bool:
        """Whether something else waits in the question's conversation."""
        waits = and_(QUESTION.c.conversation_id == question.conversation_id, QUESTION.c.state == "waiting")
        return await self._question(and_(waits, QUESTION.c.id != question.id)) is not None

    async def question(self, question_id: str) -> LiveQuestion | None:
        return await self._question(QUESTION.c.id == question_id)

    async def idle(self, workspace_id: WorkspaceId, *, since: datetime) -> tuple[LiveConversation, ...]:
        """Conversations that go on, in which nobody said anything since then and nothing waits."""
        waits = exists().where(
            QUESTION.c.conversation_id == LIVE.c.id, QUESTION.c.state == "waiting", LIVE.c.state == "open"
        )
        which = and_(
            LIVE.c.workspace_id == workspace_id, LIVE.c.state.in_(GOING_ON), LIVE.c.last_at < since, ~waits
        )  # fmt: skip
        return await self._conversations(which, limit=100)

    async def costs_since(self, workspace_id: WorkspaceId, since: datetime) -> Mapping[str, float | None]:
        """What each conversation has cost since then; None when the price of a turn is not known."""
        unknown = func.count() - func.count(TURN.c.cost_usd)
        query = (
            select(TURN.c.conversation_id, func.sum(TURN.c.cost_usd).label("usd"), unknown.label("unknown"))
            .join(LIVE, LIVE.c.id == TURN.c.conversation_id)
            .where(LIVE.c.workspace_id == workspace_id, TURN.c.at >= since)
            .group_by(TURN.c.conversation_id)
        )
        async with self._reader.connect() as connection:
            rows = (await connection.execute(query)).all()
        return {row.conversation_id: None if row.unknown else row.usd for row in rows}

    # --- a question and its answer ---

    async def begin(
        self,
        conversation: LiveConversation,
        question: LiveQuestion | None = None,
        announcements: Sequence[Announcement] = (),
    ) -> bool:
        """Open a conversation with its first question; False if the member has one going on there, or the question is
        known. Then nothing was written."""
        now = self._clock.now()

        def work(connection: Connection) -> bool:
            if question is not None and _is_known(connection, question):
                return False
            opened = _insert(connection)(LIVE).values(_conversation_row(conversation)).on_conflict_do_nothing()
            if (connection.execute(opened.returning(LIVE.c.id))).first() is None:
                return False
            if question is not None:
                connection.execute(QUESTION.insert().values(_question_row(question)))
            add_announcements(connection, announcements, now)
            return True

        return await self._writer.run(work)

    async def add_question(self, question: LiveQuestion, announcements: Sequence[Announcement] = ()) -> bool:
        """Put a question into its conversation's queue; False if that is over. A known question changes nothing."""
        now = self._clock.now()
        going_on = and_(LIVE.c.id == question.conversation_id, LIVE.c.state.in_(GOING_ON))

        def work(connection: Connection) -> bool:
            if _is_known(connection, question):
                return True
            touched = connection.execute(update(LIVE).where(going_on).values(last_at=now))
            if touched.rowcount == 0:
                return False
            connection.execute(QUESTION.insert().values(_question_row(question)))
            add_announcements(connection, announcements, now)
            return True

        return await self._writer.run(work)

    async def is_known(self, workspace_id: WorkspaceId, key: str) -> bool:
        """Whether a question was taken up under that key."""
        async with self._reader.connect() as connection:
            query = select(QUESTION.c.id).where(QUESTION.c.workspace_id == workspace_id, QUESTION.c.key == key)
            return (await connection.execute(query)).first() is not None

    async def choose(self, conversation_id: ConversationId, variant: Variant) -> bool:
        """Settle which variant answers; False if that is settled already."""
        chosen = (
            update(LIVE)
            .where(LIVE.c.id == conversation_id, LIVE.c.state == "choosing")
            .values(
                state="open",
                assistant=variant.assistant,
                variant=variant.name,
                variant_hash=variant.hash,
                last_at=self._clock.now(),
            )
        )
        return (await self._writer.run(lambda connection: connection.execute(chosen))).rowcount == 1

    async def note_context(self, conversation_id: ConversationId, context: Mapping[str, str]) -> None:
        """Where the member is looking now."""
        noted = update(LIVE).where(LIVE.c.id == conversation_id).values(context=dict(context))
        await self._writer.run(lambda connection: connection.execute(noted))

    async def begin_attempt(self, question: LiveQuestion) -> None:
        counted = update(QUESTION).where(QUESTION.c.id == question.id).values(attempts=QUESTION.c.attempts + 1)
        await self._writer.run(lambda connection: connection.execute(counted))

    async def save_answer(
        self, question: LiveQuestion, turns: Sequence[LiveTurn], announcements: Sequence[Announcement]
    ) -> bool:
        """Write the exchange and what is shown of it, and take the question off the queue; False if that was done."""
        now = self._clock.now()
        rows = [_turn_row(question.conversation_id, turn) for turn in turns]

        def work(connection: Connection) -> bool:
            if not _take_off(connection, question):
                return False
            connection.execute(TURN.insert(), rows)
            connection.execute(update(LIVE).where(LIVE.c.id == question.conversation_id).values(last_at=now))
            add_announcements(connection, announcements, now)
            return True

        return await self._writer.run(work)

    async def end(
        self,
        conversation_id: ConversationId,
        by: LiveEnd,
        announcements: Sequence[Announcement] = (),
        *,
        question: LiveQuestion | None = None,
        idle_since: datetime | None = None,
        successor: LiveConversation | None = None,
    ) -> bool:
        """End a conversation with what is shown of that; False if it is over, or not idle any more.

        Args:
            question: the wish to end it, which is taken off the queue.
            idle_since: only if nothing was said since then.
            successor: begins in the same place, with the questions that still wait; without one nobody answers them.
        """
        now = self._clock.now()
        going_on = and_(LIVE.c.id == conversation_id, LIVE.c.state.in_(GOING_ON))
        if idle_since is not None:
            going_on = and_(going_on, LIVE.c.last_at < idle_since)

        def work(connection: Connection) -> bool:
            if question is not None:
                _take_off(connection, question)
            ended = connection.execute(
                update(LIVE).where(going_on).values(state="ended", open_in=None, ended_at=now, ended_by=by)
            )
            if ended.rowcount == 0:
                return False
            waits = and_(QUESTION.c.conversation_id == conversation_id, QUESTION.c.state == "waiting")
            if successor is None:
                connection.execute(update(QUESTION).where(waits).values(state="dropped"))
            else:
                connection.execute(LIVE.insert().values(_conversation_row(successor)))
                connection.execute(update(QUESTION).where(waits).values(conversation_id=successor.id))
            add_announcements(connection, announcements, now)
            return True

        return await self._writer.run(work)

    # --- forgetting ---

    async def forget_member(self, member_id: str, *, workspace_id: WorkspaceId | None) -> int:
        """Delete every conversation of the member and what was kept of them; how many there were."""
        mine = LIVE.c.member_id == member_id
        if workspace_id is not None:
            mine = and_(mine, LIVE.c.workspace_id == workspace_id)
        return await self._forget(mine)

    async def forget_before(self, moment: datetime) -> int:
        """Delete the conversations that were over before then."""
        return await self._forget(and_(LIVE.c.last_at < moment, LIVE.c.state == "ended"))

    async def _forget(self, which: ColumnElement[bool]) -> int:
        ids = select(LIVE.c.id).where(which)
        is_sqlite = self._reader.dialect.name == "sqlite"

        def work(connection: Connection) -> int:
            if is_sqlite:  # else SQLite leaves deleted text in the free pages of its file
                connection.exec_driver_sql("PRAGMA secure_delete=ON")
            connection.execute(delete(TURN).where(TURN.c.conversation_id.in_(ids)))
            connection.execute(delete(QUESTION).where(QUESTION.c.conversation_id.in_(ids)))
            connection.execute(delete(EXAMPLE).where(EXAMPLE.c.conversation_id.in_(ids)))
            return (connection.execute(delete(LIVE).where(which))).rowcount

        return await self._writer.run(work)

    # --- rows ---

    async def _question(self, which: ColumnElement[bool]) -> LiveQuestion | None:
        query = select(QUESTION).where(which).order_by(QUESTION.c.id).limit(1)
        async with self._reader.connect() as connection:
            row = (await connection.execute(query)).mappings().first()
        return _question_from(row) if row else None

    async def _conversations(
        self,
        which: ColumnElement[bool],
        *,
        newest_first: bool = False,
        limit: int | None = None,
        with_turns: bool = True,
    ) -> tuple[LiveConversation, ...]:
        order = LIVE.c.id.desc() if newest_first else LIVE.c.id
        query = (
            select(LIVE, _thread_ts().label("in_thread"))
            .outerjoin(OUTBOX, and_(OUTBOX.c.workspace_id == LIVE.c.workspace_id, OUTBOX.c.key == LIVE.c.root_key))
            .where(which)
            .order_by(order)
            .limit(limit)
        )
        async with self._reader.connect() as connection:
            rows = (await connection.execute(query)).mappings().all()
            turns = await _turns_of(connection, [row["id"] for row in rows]) if with_turns else {}
        return tuple(_conversation_from(row, turns.get(row["id"], ())) for row in rows)


def _thread_ts() -> ColumnElement[str]:
    """The thread's first message: the member's, or ours once it was sent."""
    return func.coalesce(LIVE.c.thread_ts, OUTBOX.c.ts)


async def _turns_of(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, tuple[LiveTurn, ...]]:
    turns: dict[str, list[LiveTurn]] = {}
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        query = select(TURN).where(TURN.c.conversation_id.in_(some)).order_by(TURN.c.conversation_id, TURN.c.position)
        for row in (await connection.execute(query)).mappings():
            turns.setdefault(row["conversation_id"], []).append(_turn_from(row))
    return {conversation: tuple(each) for conversation, each in turns.items()}


def _is_known(connection: Connection, question: LiveQuestion) -> bool:
    query = select(QUESTION.c.id).where(
        QUESTION.c.workspace_id == question.workspace_id, QUESTION.c.key == question.key
    )
    return (connection.execute(query)).first() is not None


def _take_off(connection: Connection, question: LiveQuestion) -> bool:
    """Whether it was still in the queue."""
    waits = and_(QUESTION.c.id == question.id, QUESTION.c.state == "waiting")
    return (connection.execute(update(QUESTION).where(waits).values(state="done"))).rowcount == 1


def _insert(connection: Connection) -> Any:
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert


def _conversation_row(conversation: LiveConversation) -> dict[str, Any]:
    place = conversation.root_key or f"{conversation.channel_id}:{conversation.thread_ts or ''}"
    return {
        "id": conversation.id,
        "workspace_id": conversation.workspace_id,
        "assistant": conversation.assistant,
        "variant": conversation.variant,
        "variant_hash": conversation.variant_hash,
        "channel_id": conversation.channel_id,
        "thread_ts": conversation.thread_ts,
        "root_key": conversation.root_key,
        "member_id": conversation.member_id,
        "state": conversation.state,
        "open_in": f"{place}:{conversation.member_id}",
        "context": dict(conversation.context),
        "created_at": conversation.created_at,
        "last_at": conversation.last_at,
    }


def _conversation_from(row: Row, turns: tuple[LiveTurn, ...]) -> LiveConversation:
    return LiveConversation(
        id=ConversationId(row["id"]),
        workspace_id=WorkspaceId(row["workspace_id"]),
        assistant=row["assistant"],
        variant=row["variant"],
        variant_hash=row["variant_hash"],
        channel_id=row["channel_id"],
        thread_ts=row["in_thread"],
        root_key=row["root_key"],
        member_id=row["member_id"],
        state=row["state"],
        context=row["context"],
        created_at=row["created_at"],
        last_at=row["last_at"],
        ended_at=row["ended_at"],
        ended_by=row["ended_by"],
        turns=turns,
    )


def _question_row(question: LiveQuestion) -> dict[str, Any]:
    return {
        "id": question.id,
        "workspace_id": question.workspace_id,
        "conversation_id": question.conversation_id,
        "key": question.key,
        "kind": question.kind,
        "member_id": question.member_id,
        "text": question.text,
        "message_ts": question.message_ts,
        "state": "waiting",
        "attempts": question.attempts,
        "at": question.at,
    }


def _question_from(row: Row) -> LiveQuestion:
    return LiveQuestion(
        id=row["id"],
        workspace_id=WorkspaceId(row["workspace_id"]),
        conversation_id=ConversationId(row["conversation_id"]),
        key=row["key"],
        kind=row["kind"],
        member_id=row["member_id"],
        text=row["text"],
        message_ts=row["message_ts"],
        attempts=row["attempts"],
        at=row["at"],
    )


def _turn_row(conversation_id: ConversationId, turn: LiveTurn) -> dict[str, Any]:
    row = turn_row(conversation_id, 0, turn.position, turn.as_turn)
    del row["attempt"]
    return row | {
        "member_id": turn.member_id,
        "cost_usd": turn.cost_usd,
        "error": turn.error,
        "forgot": turn.forgot,
        "at": turn.at,
    }


def _turn_from(row: Row) -> LiveTurn:
    turn = turn_from(row)
    return LiveTurn(
        position=row["position"],
        speaker=turn.speaker,
        text=turn.text,
        at=row["at"],
        member_id=row["member_id"],
        latency_ms=turn.latency_ms,
        intent=turn.intent,
        entities=turn.entities,
        tool_calls=turn.tool_calls,
        fallback=turn.fallback,
        tokens=turn.tokens,
        cost_usd=turn.cost_usd,
        error=row["error"],
        forgot=row["forgot"],
    )
