"""Feedback counted where it is stored, for a helper process: synchronous, and on a connection of its own."""

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal

from sqlalchemy import Connection, String, create_engine, func, literal, select, type_coerce
from sqlalchemy.sql import ColumnElement

from jobs.feedback.rating import Kind, Source
from jobs.model import WorkspaceId
from jobs.store._rows import table_of
from jobs.store.database import parse_database_url
from jobs.store.tables import RatingRow

RATING = table_of(RatingRow)

READ_CHARACTERS = 500
"""Of a comment, for analysis: what it is about stands at its beginning."""
READ_ROWS = 5000
"""Rows that are fetched together."""

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
        """How many people gave which vote, each with one voice a conversation (see ``count_votes``)."""
        names = ("workspace_id", "voter", "subject", "conversation", "source", "kind", "value")
        group = _group(by, self._connection.dialect.name)
        query = select(*(RATING.c[name] for name in names), group).where(
            *_in_scope(scope), ~RATING.c.retracted, RATING.c.value.is_not(None)
        )
        ordered = query.order_by(RATING.c.voter, RATING.c.at, RATING.c.key)
        rows: Any = self._connection.execution_options(yield_per=READ_ROWS).execute(ordered)
        return count_votes(rows)

    def comments(self, scope: Scope) -> Iterator[Comment]:
        """What people wrote, in no particular order."""
        text = func.substr(RATING.c.comment, 1, READ_CHARACTERS)
        written = [RATING.c.comment.is_not(None), ~RATING.c.retracted, RATING.c.source != "simulated"]
        query = select(text, RATING.c.source, RATING.c.kind, RATING.c.value, RATING.c.at)
        rows = self._connection.execution_options(yield_per=READ_ROWS).execute(query.where(*_in_scope(scope), *written))
        for words, source, kind, value, at in rows:
            yield Comment(text=words, source=source, kind=kind, value=value, at=at)


def count_votes(rows: Iterable[Sequence[Any]]) -> list[VoteCount]:
    """How many people gave which vote.

    Of what one person said of one message only the latest counts; then, of what they said of one conversation, the
    latest number of stars and the latest thumb.

    Args:
        rows: (workspace, voter, subject, conversation, source, kind, value, group), all of a voter together and the
            oldest first. Not in SQL, where it takes several times as long.
    """
    counts = Counter[tuple[Any, ...]]()
    for _, said in groupby(rows, itemgetter(1)):
        latest: dict[Any, Sequence[Any]] = {}
        for row in said:
            of_message = (row[0], row[2])
            latest.pop(of_message, None)  # so that the order stays that of the times
            latest[of_message] = row
        votes = {(row[0], row[3], row[5]): row[4:] for row in latest.values()}
        counts.update(tuple(each) for each in votes.values())
    return [
        VoteCount(source=source, kind=kind, value=value, group=group, n=n)
        for (source, kind, value, group), n in counts.items()
    ]


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
    # An index on the workspace would have most rows of most databases fetched one by one: no index is used for it.
    workspace = RATING.c.workspace_id.concat("")
    wanted = {
        workspace: scope.workspace_id,
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
