"""Ratings, the examples that were kept, and the requests that were answered once."""

import asyncio
import dataclasses
import logging
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection, and_, bindparam, delete, false, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql import ColumnElement

from jobs.feedback.rating import About, Message, Rating, Source
from jobs.model import ConversationId, RunId, WorkspaceId
from jobs.ports import Clock
from jobs.store._rows import Row, table_of
from jobs.store.outbox import OUTBOX
from jobs.store.tables import AnsweredRequestRow, ConversationRow, ExampleRow, LiveConversationRow, RatingRow, RunRow
from jobs.store.writer import Writer

RATING = table_of(RatingRow)
EXAMPLE = table_of(ExampleRow)
ANSWERED = table_of(AnsweredRequestRow)
CONVERSATION = table_of(ConversationRow)
RUN = table_of(RunRow)
LIVE = table_of(LiveConversationRow)
PARENT = OUTBOX.alias("parent_of_message")

log = logging.getLogger(__name__)

MOST_IN_A_QUERY = 500
ItemT = TypeVar("ItemT")


@dataclass(frozen=True, kw_only=True)
class KnownConversation:
    """A conversation of ours, as something that can be rated or kept.

    ``run_id`` and ``number`` are None for a live one.
    """

    workspace_id: WorkspaceId
    about: About
    run_id: RunId | None = None
    number: int | None = None


@dataclass(frozen=True, kw_only=True)
class RatedMessage:
    """A message of ours that people rate: an answer in a live thread, or a simulated conversation."""

    conversation: KnownConversation
    source: Source
    thread_ts: str | None


MessageState = Literal["other", "on_its_way", "foreign"]
"""Why a message cannot be rated: it is ours but no answer; it may be one whose ts we do not know yet; neither."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request that is answered once; ``digest`` is of what it says."""

    workspace_id: WorkspaceId
    token_id: str
    key: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class Answered:
    """How many ratings a request brought; ``same_request`` is False if its key was used for another one."""

    same_request: bool
    stored: int


@dataclass(frozen=True, kw_only=True)
class Example:
    """An exchange that was kept; ``content`` is what an export writes."""

    workspace_id: WorkspaceId
    conversation_id: ConversationId
    position: int
    content: Mapping[str, Any]
    kept_by: str
    kept_at: datetime


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """How much was deleted; ``conversations`` are live ones."""

    ratings: int
    examples: int
    conversations: int = 0


class Feedback:
    def __init__(self, reader: AsyncEngine, writer: Writer, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock

    # --- writing ---

    async def save(self, ratings: Sequence[Rating]) -> int:
        """How many were new or later than what was known under their key; all or none are saved."""
        rows = self._rows(ratings)
        return await self._writer.run(lambda connection: _upsert(connection, rows)) if rows else 0

    async def add(self, ratings: Sequence[Rating]) -> int:
        """How many were new; what is known under its key stays as it is. All or none are saved."""
        rows = self._rows(ratings)
        return await self._writer.run(lambda connection: _add(connection, rows)) if rows else 0

    async def add_once(self, request: Request, ratings: Sequence[Rating]) -> Answered:
        """Add the ratings with the answer; if the key was used before, nothing is saved and that answer is returned."""
        rows, now = self._rows(ratings), self._clock.now()
        values: dict[str, Any] = dataclasses.asdict(request) | {"answer": dict[str, int](), "received_at": now}
        this = and_(*(ANSWERED.c[name] == values[name] for name in ("workspace_id", "token_id", "key")))

        def work(connection: Connection) -> Answered:
            claim = _insert(connection)(ANSWERED).values(values).on_conflict_do_nothing().returning(ANSWERED.c.key)
            if (connection.execute(claim)).first() is None:
                known = (connection.execute(select(ANSWERED.c.digest, ANSWERED.c.answer).where(this))).one()
                return Answered(same_request=known.digest == request.digest, stored=known.answer["stored"])
            stored = _add(connection, rows)
            connection.execute(update(ANSWERED).where(this).values(answer={"stored": stored}))
            return Answered(same_request=True, stored=stored)

        return await self._writer.run(work)

    async def keep(self, examples: Sequence[Example]) -> int:
        """How many were not kept before."""
        rows = [
            {
                "workspace_id": each.workspace_id,
                "conversation_id": each.conversation_id,
                "position": each.position,
                "content": dict(each.content),
                "kept_by": each.kept_by,
                "kept_at": each.kept_at,
            }
            for each in examples
        ]

        def work(connection: Connection) -> int:
            insert = _insert(connection)(EXAMPLE).on_conflict_do_nothing().returning(EXAMPLE.c.position)
            return len((connection.execute(insert, rows)).all())

        return await self._writer.run(work) if rows else 0

    # --- forgetting ---

    async def forget_member(self, member_id: str, *, workspace_id: WorkspaceId | None) -> Forgotten:
        """Delete what the member said and kept, beyond what could be read from the file."""
        ours = [RATING.c.member_id == member_id, EXAMPLE.c.kept_by == member_id]
        if workspace_id is not None:
            ours = [
                and_(ours[0], RATING.c.workspace_id == workspace_id),
                and_(ours[1], EXAMPLE.c.workspace_id == workspace_id),
            ]
        return await self._forget(ours[0], ours[1])

    async def forget_examples_of(self, member_id: str, *, workspace_id: WorkspaceId | None) -> int:
        """Delete what anybody kept of the member's live conversations; how many there were."""
        mine = select(LIVE.c.id).where(LIVE.c.member_id == member_id)
        if workspace_id is not None:
            mine = mine.where(LIVE.c.workspace_id == workspace_id)
        return (await self._forget(false(), EXAMPLE.c.conversation_id.in_(mine))).examples

    async def forget_before(self, moment: datetime) -> Forgotten:
        """Delete what is older than that."""
        return await self._forget(RATING.c.at < moment, EXAMPLE.c.kept_at < moment)

    async def forget_answers(self, *, before: datetime) -> None:
        """From then on a repeated request is a new one."""
        statement = delete(ANSWERED).where(ANSWERED.c.received_at < before)
        await self._writer.run(lambda connection: connection.execute(statement))

    async def _forget(self, ratings: ColumnElement[bool], examples: ColumnElement[bool]) -> Forgotten:
        is_sqlite = self._reader.dialect.name == "sqlite"

        def work(connection: Connection) -> Forgotten:
            if is_sqlite:  # else SQLite leaves deleted text in the free pages of its file
                connection.exec_driver_sql("PRAGMA secure_delete=ON")
            said = connection.execute(delete(RATING).where(ratings))
            kept = connection.execute(delete(EXAMPLE).where(examples))
            return Forgotten(ratings=said.rowcount, examples=kept.rowcount)

        forgotten = await self._writer.run(work)
        if path := self._reader.url.database if is_sqlite else None:
            await asyncio.to_thread(_truncate_log, path)
        return forgotten

    async def save_on(
        self, workspace_id: WorkspaceId, message: Message, rating_of: Callable[[RatedMessage], Rating]
    ) -> tuple[RatedMessage | MessageState, bool]:
        """Look up what a message in Slack is about and save the rating of it, in one transaction.

        Returns:
            What the message is, and whether the rating was new or later than what was known under its key.
        """

        def work(connection: Connection) -> tuple[RatedMessage | MessageState, bool]:
            found = _rated_message(connection, workspace_id, message)
            if not isinstance(found, RatedMessage):
                return found, False
            return found, bool(_upsert(connection, self._rows([rating_of(found)])))

        return await self._writer.run(work)

    async def is_first(self, workspace_id: WorkspaceId, what: str, key: str) -> bool:
        """Whether this is the first time within some days that something is done; from then on it is not."""
        values: dict[str, Any] = {"workspace_id": workspace_id, "token_id": what, "key": key, "digest": ""}
        values |= {"answer": dict[str, int](), "received_at": self._clock.now()}

        def work(connection: Connection) -> bool:
            insert = _insert(connection)(ANSWERED).values(values).on_conflict_do_nothing()
            return connection.execute(insert.returning(ANSWERED.c.key)).first() is not None

        return await self._writer.run(work)

    # --- reading ---

    async def rating_under(self, workspace_id: WorkspaceId, key: str) -> Mapping[str, Any] | None:
        """The rating with that key as it is stored."""
        query = select(RATING).where(RATING.c.workspace_id == workspace_id, RATING.c.key == key)
        async with self._reader.connect() as connection:
            row = (await connection.execute(query)).mappings().first()
        return dict(row) if row else None

    async def conversations(self, workspace_id: WorkspaceId, ids: Collection[str]) -> Mapping[str, KnownConversation]:
        """Those of the conversations that are ours, by id."""
        known: dict[str, KnownConversation] = {}
        async with self._reader.connect() as connection:
            for some in _chunks(sorted(ids), MOST_IN_A_QUERY):
                played = _known_conversations().where(
                    CONVERSATION.c.id.in_(some), CONVERSATION.c.workspace_id == workspace_id
                )
                live = _known_live().where(LIVE.c.id.in_(some), LIVE.c.workspace_id == workspace_id)
                known |= {row["id"]: _known(row) for row in (await connection.execute(played)).mappings()}
                known |= {row["id"]: _known(row) for row in (await connection.execute(live)).mappings()}
        return known

    async def conversations_ending(self, end: str, *, workspace_id: WorkspaceId | None) -> list[KnownConversation]:
        """At most five conversations whose id ends so."""
        known: list[KnownConversation] = []
        async with self._reader.connect() as connection:
            for query, table in ((_known_conversations(), CONVERSATION), (_known_live(), LIVE)):
                query = query.where(table.c.id.endswith(end, autoescape=True))
                if workspace_id is not None:
                    query = query.where(table.c.workspace_id == workspace_id)
                rows = (await connection.execute(query.order_by(table.c.id.desc()).limit(5))).mappings()
                known += [_known(row) for row in rows]
        return known[:5]

    async def examples(self, workspace_id: WorkspaceId | None) -> tuple[Example, ...]:
        """What was kept, oldest first."""
        query = select(EXAMPLE).order_by(EXAMPLE.c.kept_at, EXAMPLE.c.conversation_id, EXAMPLE.c.position)
        if workspace_id is not None:
            query = query.where(EXAMPLE.c.workspace_id == workspace_id)
        async with self._reader.connect() as connection:
            return tuple(Example(**row) for row in (await connection.execute(query)).mappings())

    async def ratings(self, workspace_id: WorkspaceId, *, limit: int) -> tuple[Mapping[str, Any], ...]:
        """The latest ratings as they are stored, newest first."""
        query = select(RATING).where(RATING.c.workspace_id == workspace_id).order_by(RATING.c.id.desc()).limit(limit)
        async with self._reader.connect() as connection:
            return tuple(dict(row) for row in (await connection.execute(query)).mappings())

    def _rows(self, ratings: Sequence[Rating]) -> list[dict[str, Any]]:
        """One row a key: of several ratings with the same key only the latest, as if they came one by one."""
        received_at = self._clock.now()
        latest: dict[tuple[str, str], Rating] = {}
        for rating in ratings:
            key = (rating.workspace_id, rating.key)
            known = latest.get(key)
            if known is None or (rating.at, rating.retracted) > (known.at, known.retracted):
                latest[key] = rating
        return [_rating_row(each, received_at) for each in latest.values()]


# --- rows -----------------------------------------------------------------------------------------------------------


def _rating_row(rating: Rating, received_at: datetime) -> dict[str, Any]:
    about, alone = rating.about, f"rating:{rating.id}"
    details = {
        "aspects": dict(rating.aspects),
        "suggested_tools": list(rating.suggested_tools),
        "suggested_response": rating.suggested_response,
        "conversation_summary": rating.summary,
        "tags": list(rating.tags),
        "reaction": rating.reaction,
    }
    return {
        "id": rating.id,
        "workspace_id": rating.workspace_id,
        "key": rating.key,
        "source": rating.source,
        "kind": rating.kind,
        "value": rating.vote.value if rating.vote else None,
        "retracted": rating.retracted,
        "at": rating.at,
        "received_at": received_at,
        "voter": rating.voter,
        "subject": about.subject or alone,
        "conversation": about.conversation or alone,
        "conversation_id": about.conversation_id,
        "channel_id": about.message.channel_id if about.message else None,
        "member_id": rating.member_id,
        "comment": rating.comment,
        "details": {name: value for name, value in details.items() if value},
        "assistant": about.assistant,
        "variant": about.variant,
        "profile": about.profile,
        "persona": about.persona,
    }


@cache
def _upserting(dialect: str) -> Any:
    """Built once: building the statement costs more than running it."""
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(RATING)
    new = insert.excluded
    later = or_(new.at > RATING.c.at, and_(new.at == RATING.c.at, new.retracted, ~RATING.c.retracted))
    replaced = {
        column.name: new[column.name] for column in RATING.c if column.name not in ("id", "workspace_id", "key")
    }
    statement = insert.on_conflict_do_update(
        index_elements=[RATING.c.workspace_id, RATING.c.key], set_=replaced, where=later
    )
    return statement.returning(RATING.c.id)


def _add(connection: Connection, rows: list[dict[str, Any]]) -> int:
    return _execute(connection, _insert(connection)(RATING).on_conflict_do_nothing().returning(RATING.c.id), rows)


def _upsert(connection: Connection, rows: list[dict[str, Any]]) -> int:
    return _execute(connection, _upserting(connection.dialect.name), rows)


def _execute(connection: Connection, statement: Any, rows: list[dict[str, Any]]) -> int:
    saved = 0
    for some in _chunks(rows, MOST_IN_A_QUERY):
        saved += len((connection.execute(statement, some)).all())
    return saved


def _insert(connection: Connection) -> Any:
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert


def _truncate_log(path: str) -> None:
    """Empty SQLite's write-ahead log, where deleted text would stay until it is written over."""
    # a connection of its own: one of the pool may still hold a view of the log that keeps it from being emptied
    with closing(sqlite3.connect(path, timeout=10)) as connection:
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        log.warning("what was deleted stays in %s-wal until those who read the database now have finished", path)


def _known_conversations() -> Any:
    return select(
        CONVERSATION.c.id,
        CONVERSATION.c.workspace_id,
        CONVERSATION.c.run_id,
        CONVERSATION.c.number,
        CONVERSATION.c.scenario,
        RUN.c.assistant,
        RUN.c.variant,
        RUN.c.profile,
    ).join(RUN, RUN.c.id == CONVERSATION.c.run_id)


def _known_live() -> Any:
    return select(LIVE.c.id, LIVE.c.workspace_id, LIVE.c.assistant, LIVE.c.variant)


def _rated_message(connection: Connection, workspace_id: str, message: Message) -> RatedMessage | MessageState:
    """What the message is about, or why it is nothing that can be rated."""
    place = {"channel": message.channel_id, "whose": workspace_id}
    found = connection.execute(MESSAGE, place | {"ts": message.ts}).first()
    if found is None:
        return "on_its_way" if connection.execute(ON_ITS_WAY, place).first() else "foreign"
    match found.kind:
        case "conversation":
            which = {"run": found.ref.get("run_id"), "number": found.ref.get("number")}
            row = connection.execute(PLAYED, which).mappings().first()
        case "answer":
            row = connection.execute(LIVE_ONE, {"id": found.ref.get("conversation_id")}).mappings().first()
        case _:
            row = None
    if row is None or row["workspace_id"] != workspace_id:
        return "other"
    source: Source = "run" if found.kind == "conversation" else "live"
    return RatedMessage(conversation=_known(row), source=source, thread_ts=found.parent_ts or found.thread_ts)


# Built once, as is `_upserting`. concat: SQLite may otherwise take the index on the workspace, in which most rows are.
MESSAGE = (
    select(OUTBOX.c.kind, OUTBOX.c.ref, OUTBOX.c.thread_ts, PARENT.c.ts.label("parent_ts"))
    .outerjoin(PARENT, and_(PARENT.c.workspace_id == OUTBOX.c.workspace_id, PARENT.c.key == OUTBOX.c.parent_key))
    .where(
        OUTBOX.c.ts == bindparam("ts"),
        OUTBOX.c.channel_id == bindparam("channel"),
        OUTBOX.c.workspace_id.concat("") == bindparam("whose"),
    )
)
ON_ITS_WAY = (
    select(OUTBOX.c.id)
    .where(
        OUTBOX.c.workspace_id == bindparam("whose"),
        OUTBOX.c.state.in_(("sending", "ambiguous")),
        OUTBOX.c.channel_id == bindparam("channel"),
    )
    .limit(1)
)
PLAYED = _known_conversations().where(
    CONVERSATION.c.run_id == bindparam("run"), CONVERSATION.c.number == bindparam("number")
)
LIVE_ONE = _known_live().where(LIVE.c.id == bindparam("id"))


def _known(row: Row) -> KnownConversation:
    played = {str(name): value for name, value in row.items()}
    return KnownConversation(
        workspace_id=WorkspaceId(row["workspace_id"]),
        run_id=played.get("run_id"),
        number=played.get("number"),
        about=About(
            conversation_id=ConversationId(row["id"]),
            assistant=row["assistant"],
            variant=row["variant"],
            profile=played.get("profile"),
            persona=played.get("scenario", {}).get("persona"),
        ),
    )


def _chunks(items: Sequence[ItemT], size: int) -> Iterator[Sequence[ItemT]]:
    return (items[start : start + size] for start in range(0, len(items), size))
