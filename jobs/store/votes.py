"""Feedback counted where it is stored, for a helper process: synchronous, and on a connection of its own."""

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, String, and_, cast, create_engine, func, literal, select, type_coerce
from sqlalchemy.sql import ColumnElement

from jobs.feedback.scope import Comment, Dimension, Scope, VoteCount
from jobs.metrics import RUBRICS
from jobs.model import EndedBy, Transcript, WorkspaceId
from jobs.store._rows import table_of, turn_from
from jobs.store.database import parse_database_url
from jobs.store.tables import ConversationRow, LiveConversationRow, LiveTurnRow, RatingRow, RunRow, TurnRow

RATING = table_of(RatingRow)
LIVE = table_of(LiveConversationRow)
LIVE_TURN = table_of(LiveTurnRow)
CONVERSATION = table_of(ConversationRow)
RUN = table_of(RunRow)
TURN = table_of(TurnRow)

READ_CHARACTERS = 500
"""Of a comment, for analysis: what it is about stands at its beginning."""
MOST_COMPARED = 5000
"""Conversations that people rated, the newest ones, whose judgements are compared with them."""
READ_ROWS = 5000
"""Rows that are fetched together."""


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
        columns = (RATING.c.source, RATING.c.kind, RATING.c.value, RATING.c.at, RATING.c.conversation_id)
        query = select(text, *columns)
        rows = self._connection.execution_options(yield_per=READ_ROWS).execute(query.where(*_in_scope(scope), *written))
        for words, source, kind, value, at, conversation_id in rows:
            yield Comment(text=words, source=source, kind=kind, value=value, at=at, conversation_id=conversation_id)

    def tags(self, scope: Scope) -> Counter[str]:
        """How many people put which tag on something, each once a conversation; reasons of a thumb down are tags."""
        details = cast(RATING.c.details, String)
        tagged = [details.like('%"tags":%'), ~RATING.c.retracted, RATING.c.source != "simulated"]
        query = select(RATING.c.voter, RATING.c.conversation, RATING.c.details).where(*_in_scope(scope), *tagged)
        rows = self._connection.execution_options(yield_per=READ_ROWS).execute(query)
        given = {(voter, about, tag) for voter, about, said in rows for tag in said.get("tags", ())}
        return Counter(tag for _, _, tag in given)

    def judged_and_rated(self, workspace_id: WorkspaceId, judge_stamp: str) -> dict[str, list[tuple[float, int]]]:
        """By metric, the score of the judge with that stamp beside each person's latest stars for the conversation."""
        rated = and_(
            RATING.c.workspace_id == workspace_id,
            RATING.c.kind == "stars",
            RATING.c.source == "run",
            ~RATING.c.retracted,
            RATING.c.conversation_id.is_not(None),
        )
        query = select(RATING.c.conversation_id, RATING.c.voter, RATING.c.value).where(rated).order_by(RATING.c.at)
        stars: dict[str, dict[str, int]] = {}
        for conversation_id, voter, value in self._connection.execute(query):
            stars.setdefault(conversation_id, {})[voter] = value
        pairs: dict[str, list[tuple[float, int]]] = {}
        for conversation_id, scores in self._judged(sorted(stars)[-MOST_COMPARED:], judge_stamp):
            for name, score in scores.items():
                pairs.setdefault(name, []).extend((score, value) for value in stars[conversation_id].values())
        return pairs

    def _judged(self, ids: Sequence[str], judge_stamp: str) -> Iterator[tuple[str, dict[str, float]]]:
        """The scores 0..1 that a judge gave those of the conversations that it graded."""
        for start in range(0, len(ids), 500):
            query = (
                select(CONVERSATION.c.id, CONVERSATION.c.result, CONVERSATION.c.scenario, RUN.c.details)
                .join(RUN, RUN.c.id == CONVERSATION.c.run_id)
                .where(CONVERSATION.c.id.in_(ids[start : start + 500]), CONVERSATION.c.result.is_not(None))
            )
            rows: Any = self._connection.execute(query)
            for row in rows:
                details, scenario, result = (dict[str, Any](each) for each in (row.details, row.scenario, row.result))
                if details["stamps"].get("judge") != judge_stamp:
                    continue
                names = {each.name for each in RUBRICS} | {each["name"] for each in scenario.get("rubrics") or ()}
                given: dict[str, Any] = result.get("scores") or {}
                scores = {name: score["value"] for name, score in given.items() if name in names}
                yield row.id, {name: value for name, value in scores.items() if value is not None and 0 <= value <= 1}

    # --- conversations ---

    def live_transcripts(self, scope: Scope, *, limit: int) -> tuple[int, list[Transcript]]:
        """How many live conversations there are, and the newest of them; why they ended is nowhere told."""
        said = and_(LIVE.c.id == LIVE_TURN.c.conversation_id, LIVE_TURN.c.speaker == "user")
        wanted = _conversations_in(scope, LIVE.c.workspace_id, LIVE.c.assistant, LIVE.c.variant, LIVE.c.created_at)
        ids = select(LIVE.c.id).where(select(LIVE_TURN.c.position).where(said).exists(), *wanted)
        if scope.profile is not None:
            return 0, []
        total, chosen = self._newest(ids, LIVE.c.id, limit)
        turns = self._turns(LIVE_TURN, chosen)
        return total, [Transcript(turns=turns.get(each, ()), ended_by="steps") for each in chosen]

    def played_transcripts(self, scope: Scope, *, limit: int) -> tuple[int, list[Transcript]]:
        """How many conversations of simulated customers there are, and the newest of them."""
        wanted = _conversations_in(scope, RUN.c.workspace_id, RUN.c.assistant, RUN.c.variant, RUN.c.created_at)
        if scope.profile is not None:
            wanted.append(RUN.c.profile == scope.profile)
        played = CONVERSATION.c.outcome.in_(("passed", "failed", "inconclusive"))
        ids = select(CONVERSATION.c.id).join(RUN, RUN.c.id == CONVERSATION.c.run_id).where(played, *wanted)
        total, chosen = self._newest(ids, CONVERSATION.c.id, limit)
        turns = self._turns(TURN, chosen)
        endings = self._endings(chosen)
        return total, [Transcript(turns=turns.get(each, ()), ended_by=endings.get(each, "steps")) for each in chosen]

    def transcript(self, conversation_id: str) -> Transcript | None:
        """What was said in one conversation, live or played; None if nothing is known of it."""
        live = self._turns(LIVE_TURN, [conversation_id])
        if conversation_id in live:
            return Transcript(turns=live[conversation_id], ended_by="steps")
        played = self._turns(TURN, [conversation_id])
        endings = self._endings([conversation_id]) if played else {}
        if conversation_id not in endings:
            return None
        return Transcript(turns=played[conversation_id], ended_by=endings[conversation_id])

    def _newest(self, ids: Any, column: ColumnElement[str], limit: int) -> tuple[int, list[str]]:
        total = self._connection.execute(select(func.count()).select_from(ids.subquery())).scalar_one()
        return total, list(self._connection.execute(ids.order_by(column.desc()).limit(limit)).scalars())

    def _turns(self, table: Any, ids: Sequence[str]) -> dict[str, tuple[Any, ...]]:
        """What was said in each conversation, of the attempt that counts."""
        turns: dict[str, list[Any]] = {}
        for start in range(0, len(ids), 500):
            query = select(table).where(table.c.conversation_id.in_(ids[start : start + 500]))
            if "attempt" in table.c:
                counts = and_(CONVERSATION.c.id == table.c.conversation_id, CONVERSATION.c.attempt == table.c.attempt)
                query = query.join(CONVERSATION, counts).where(table.c.position >= 0)  # below 0 stands a warm-up
            rows = self._connection.execute(query.order_by(table.c.conversation_id, table.c.position)).mappings()
            for row in rows:
                turns.setdefault(row["conversation_id"], []).append(turn_from(row))
        return {each: tuple(said) for each, said in turns.items()}

    def _endings(self, ids: Sequence[str]) -> dict[str, EndedBy]:
        endings: dict[str, EndedBy] = {}
        for start in range(0, len(ids), 500):
            query = select(CONVERSATION.c.id, CONVERSATION.c.result).where(
                CONVERSATION.c.id.in_(ids[start : start + 500]), CONVERSATION.c.outcome.is_not(None)
            )
            rows: Any = self._connection.execute(query)
            endings |= {row.id: row.result["ended_by"] for row in rows if row.result}
        return endings


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


def _conversations_in(
    scope: Scope,
    workspace: ColumnElement[str],
    assistant: ColumnElement[str],
    variant: ColumnElement[str],
    at: ColumnElement[datetime],
) -> list[ColumnElement[bool]]:
    wanted = ((workspace, scope.workspace_id), (assistant, scope.assistant), (variant, scope.variant))
    conditions = [column == value for column, value in wanted if value is not None]
    conditions += [at >= scope.since] if scope.since is not None else []
    return conditions + ([at < scope.until] if scope.until is not None else [])


def _group(by: Dimension | None, dialect: str) -> ColumnElement[Any]:
    """The dimension's value as text; of a week the day of the rating, since databases disagree about weeks."""
    if by is None:
        return type_coerce(literal(None), String)
    if by == "week" and dialect == "postgresql":
        return func.to_char(func.timezone("UTC", RATING.c.at), "YYYY-MM-DD")
    if by == "week":
        return type_coerce(func.date(RATING.c.at), String)
    return RATING.c["channel_id" if by == "channel" else by]
