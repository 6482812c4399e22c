"""Feedback counted where it is stored, for a helper process: synchronous, and on a connection of its own."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, String, create_engine, func, literal, select, type_coerce
from sqlalchemy.sql import ColumnElement

from jobs.feedback.rating import Kind, Source
from jobs.model import WorkspaceId
from jobs.store._rows import table_of
from jobs.store.database import parse_database_url
from jobs.store.tables import RatingRow

RATING = table_of(RatingRow)

READ_CHARACTERS = 1000
"""Of a comment, for analysis: what it is about stands at its beginning."""

Dimension = Literal["assistant", "variant", "profile", "persona", "channel", "week"]
DIMENSIONS: tuple[Dimension, ...] = ("assistant", "variant", "profile", "persona", "channel", "week")


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Which feedback is looked at; None means all."""

    workspace_id: WorkspaceId | None = None
    since: datetime | None = None
    until: datetime | None = None
    assistant: str | None = None
    variant: str | None = None
    profile: str | None = None
    channel_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class VoteCount:
    """So many people gave this vote; ``group`` is the value of the dimension that was asked for."""

    source: Source
    kind: Kind
    value: int
    group: str | None
    n: int


@dataclass(frozen=True, kw_only=True)
class Comment:
    """What somebody wrote, without personal data, and the vote that came with it."""

    text: str
    source: Source
    kind: Kind
    value: int | None
    at: datetime


class FeedbackReader:
    """Reads feedback for a report, synchronously: meant for a process that may be busy."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def vote_counts(self, scope: Scope, *, by: Dimension | None = None) -> list[VoteCount]:
        """How many people gave which vote.

        Of what one person said of one message only the latest counts, then of what they said of one conversation the
        latest number of stars and the latest thumb.
        """
        group = _group(by, self._connection.dialect.name)
        votes = [*_in_scope(scope), ~RATING.c.retracted, RATING.c.value.is_not(None)]
        person, latest = [RATING.c.workspace_id, RATING.c.voter], [RATING.c.at.desc(), RATING.c.key.desc()]
        of_message = func.row_number().over(partition_by=[*person, RATING.c.subject], order_by=latest)
        names = ("workspace_id", "key", "source", "kind", "value", "at", "voter", "conversation")
        columns = [RATING.c[name] for name in names]
        said = select(*columns, group.label("group"), of_message.label("place")).where(*votes).subquery()
        of_conversation = func.row_number().over(
            partition_by=[said.c.workspace_id, said.c.voter, said.c.conversation, said.c.kind],
            order_by=[said.c.at.desc(), said.c.key.desc()],
        )
        what = [said.c.source, said.c.kind, said.c.value, said.c.group]
        counted = select(*what, of_conversation.label("place")).where(said.c.place == 1).subquery()
        keys = [counted.c.source, counted.c.kind, counted.c.value, counted.c.group]
        query = select(*keys, func.count().label("n")).where(counted.c.place == 1).group_by(*keys)
        return [VoteCount(**row) for row in self._connection.execute(query).mappings()]

    def comments(self, scope: Scope) -> Iterator[Comment]:
        """What people wrote, oldest first."""
        text = func.substr(RATING.c.comment, 1, READ_CHARACTERS).label("text")
        written = [RATING.c.comment.is_not(None), ~RATING.c.retracted, RATING.c.source != "simulated"]
        query = select(text, RATING.c.source, RATING.c.kind, RATING.c.value, RATING.c.at)
        query = query.where(*_in_scope(scope), *written).order_by(RATING.c.at, RATING.c.key)
        streamed = self._connection.execution_options(yield_per=5000).execute(query)
        for row in streamed.mappings():
            yield Comment(**row)


@contextmanager
def open_feedback_reader(database_url: str) -> Generator[FeedbackReader]:
    """Reads the database as it is now; the schema must be there."""
    url = parse_database_url(database_url)
    engine = create_engine(url.set(drivername="sqlite") if url.get_backend_name() == "sqlite" else url)
    try:
        with engine.connect() as connection:
            yield FeedbackReader(connection)
    finally:
        engine.dispose()


def _in_scope(scope: Scope) -> list[ColumnElement[bool]]:
    wanted = {
        RATING.c.workspace_id: scope.workspace_id,
        RATING.c.assistant: scope.assistant,
        RATING.c.variant: scope.variant,
        RATING.c.profile: scope.profile,
        RATING.c.channel_id: scope.channel_id,
    }
    conditions = [column == value for column, value in wanted.items() if value is not None]
    if scope.since is not None:
        conditions.append(RATING.c.at >= scope.since)
    if scope.until is not None:
        conditions.append(RATING.c.at < scope.until)
    return conditions


def _group(by: Dimension | None, dialect: str) -> ColumnElement[Any]:
    """The dimension's value as text; of a week the day of the rating, since databases disagree about weeks."""
    if by is None:
        return type_coerce(literal(None), String)
    if by == "week" and dialect == "postgresql":
        return func.to_char(func.timezone("UTC", RATING.c.at), "YYYY-MM-DD")
    if by == "week":
        return type_coerce(func.date(RATING.c.at), String)
    return RATING.c["channel_id" if by == "channel" else by]
