"""Actions: proposed once, decided once, and moved on step by step, each step in one transaction with its audit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, and_, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.actions._action import (
    OPEN,
    Action,
    ActionId,
    ActionState,
    Content,
    Progress,
    dump_content,
    dump_progress,
    load_content,
    load_progress,
)
from jobs.model import Announcement, Place, WorkspaceId
from jobs.ports import Clock
from jobs.store._rows import Row, table_of
from jobs.store.outbox import add_announcements, want_edit
from jobs.store.rollouts import TRAFFIC, Audited, audit
from jobs.store.tables import ActionRow, ActionVoteRow, ExperimentRunRow
from jobs.store.writer import Writer

ACTION = table_of(ActionRow)
VOTE = table_of(ActionVoteRow)
ARM_RUN = table_of(ExperimentRunRow)

Voted = Literal["approved", "counted", "known", "stale", "decided", "expired"]
"""``counted``: others have to approve, too; ``stale``: something else was shown; ``decided``: somebody was quicker."""
Also = Callable[[Connection], bool]
"""Something that belongs to the same transaction; False takes back everything."""


@dataclass(frozen=True, kw_only=True)
class Vote:
    """What came of an approval: how many there are now, and the state the action is in."""

    result: Voted
    votes: int
    state: ActionState


class Actions:
    def __init__(self, reader: AsyncEngine, writer: Writer, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock

    # --- writing ---

    async def propose(self, action: Action, announcements: Sequence[Announcement] = ()) -> bool:
        """False if something is proposed for the same problem already."""
        now, row = self._clock.now(), _row(action) | {"changed_at": self._clock.now()}
        what = Audited(
            member_id=action.proposer, verb="action propose", detail=f"{action.name}: {action.content.title}"
        )

        def work(connection: Connection) -> bool:
            insert = _insert(connection)(ACTION).values(row).on_conflict_do_nothing().returning(ACTION.c.id)
            if connection.execute(insert).first() is None:
                return False
            audit(connection, action.workspace_id, what, now)
            add_announcements(connection, announcements, now)
            return True

        return await self._writer.run(work)

    async def approve(
        self,
        action: Action,
        member_id: str,
        *,
        quorum: int,
        still_allowed: frozenset[str],
        what: Audited,
        cards: Sequence[str] = (),
    ) -> Vote:
        """Count an approval of exactly what was shown; with enough of them the action is approved, once.

        Args:
            action: as it was shown: its version and hash.
            still_allowed: those whose earlier approvals count; whoever may not approve any more is left out.
        """
        now = self._clock.now()

        def work(connection: Connection) -> Vote:
            here = ACTION.c.id == action.id
            # the row is locked: of approvals in several processes the second one sees the first one's vote
            row = connection.execute(select(ACTION).where(here).with_for_update()).mappings().one()
            known = select(VOTE.c.member_id).where(VOTE.c.action_id == action.id, VOTE.c.version == row["version"])
            voters = {each.member_id for each in connection.execute(known)}
            state: ActionState = row["state"]
            if state != "proposed":
                return Vote(result="decided", votes=len(voters), state=state)
            if (row["version"], row["hash"]) != (action.version, action.hash):
                return Vote(result="stale", votes=len(voters), state=state)
            if row["expires_at"] <= now:
                return Vote(result="expired", votes=len(voters), state=state)
            counted = {each for each in voters if each in still_allowed}
            if member_id in counted:
                return Vote(result="known", votes=len(counted), state=state)
            vote = {"action_id": action.id, "version": action.version, "member_id": member_id, "voted_at": now}
            connection.execute(_insert(connection)(VOTE).values(vote).on_conflict_do_nothing())
            counted.add(member_id)
            audit(connection, action.workspace_id, what, now)
            values: dict[str, Any] = {
                "progress": dump_progress(replace(load_progress(row["progress"]), votes=tuple(sorted(counted)))),
                "changed_at": now,
                "asleep_until": None,
            }
            if len(counted) >= quorum:
                values |= {"state": "approved", "decided_at": now, "decided_by": ", ".join(sorted(counted))}
            connection.execute(update(ACTION).where(here).values(values))
            _edit(connection, action.workspace_id, cards)
            if len(counted) < quorum:
                return Vote(result="counted", votes=len(counted), state="proposed")
            return Vote(result="approved", votes=len(counted), state="approved")

        return await self._writer.run(work)

    async def move(
        self,
        action: Action,
        state: ActionState | None,
        what: Audited | None,
        *,
        cards: Sequence[str] = (),
        announcements: Sequence[Announcement] = (),
        also: Also | None = None,
        **values: Any,
    ) -> bool:
        """From the state and version it is known in to the next one; False if somebody was quicker.

        Args:
            state: None = it stays in its state, only the values change.
            also: done in the same transaction; when it says False, nothing is done.
            values: columns; ``progress`` and ``content`` as values.
        """
        now = self._clock.now()
        columns: dict[str, Any] = {"changed_at": now, **values}
        if isinstance(values.get("progress"), Progress):
            columns["progress"] = dump_progress(values["progress"])
        if isinstance(values.get("content"), Content):
            columns["content"] = dump_content(values["content"])
        if state is not None:
            columns |= {"state": state, "open_key": action.open_key if state in OPEN else None}
        here = and_(ACTION.c.id == action.id, ACTION.c.state == action.state, ACTION.c.version == action.version)

        def work(connection: Connection) -> bool:
            with connection.begin_nested() as part:
                if connection.execute(update(ACTION).where(here).values(columns)).rowcount == 0:
                    return False
                if also is not None and not also(connection):
                    part.rollback()
                    return False
                if what is not None:
                    audit(connection, action.workspace_id, what, now)
                add_announcements(connection, announcements, now)
                _edit(connection, action.workspace_id, cards)
                return True

        return await self._writer.run(work)

    # --- reading ---

    async def get(self, action_id: str) -> Action | None:
        return next(iter(await self._fetch(select(ACTION).where(ACTION.c.id == action_id))), None)

    async def by_id_end(self, workspace_id: WorkspaceId, end: str) -> tuple[Action, ...]:
        mine = and_(ACTION.c.workspace_id == workspace_id, ACTION.c.id.endswith(end, autoescape=True))
        return await self._fetch(select(ACTION).where(mine).order_by(ACTION.c.id.desc()).limit(5))

    async def recent(
        self, workspace_id: WorkspaceId, *, states: Sequence[ActionState] = (), limit: int = 50
    ) -> tuple[Action, ...]:
        """The newest of a workspace, newest first."""
        query = select(ACTION).where(ACTION.c.workspace_id == workspace_id)
        if states:
            query = query.where(ACTION.c.state.in_(states))
        return await self._fetch(query.order_by(ACTION.c.id.desc()).limit(limit))

    async def waiting(self, workspace_id: WorkspaceId) -> tuple[Action, ...]:
        """Those that wait for a decision and are not put off, oldest first."""
        now = self._clock.now()
        query = select(ACTION).where(
            ACTION.c.workspace_id == workspace_id,
            ACTION.c.state == "proposed",
            ACTION.c.expires_at > now,
            or_(ACTION.c.asleep_until.is_(None), ACTION.c.asleep_until <= now),
        )
        return await self._fetch(query.order_by(ACTION.c.id))

    async def of_run(self, run_id: str) -> tuple[Action, ...]:
        return await self._fetch(select(ACTION).where(ACTION.c.run_id == run_id).order_by(ACTION.c.id))

    async def under_way(self) -> tuple[Action, ...]:
        """Those that convotest has something to do for: approved or being verified, or rolled out."""
        rolling = and_(ACTION.c.state == "verified", ACTION.c.rollout_id.is_not(None))
        query = select(ACTION).where(or_(ACTION.c.state.in_(("approved", "applied")), rolling))
        return await self._fetch(query.order_by(ACTION.c.id))

    async def overdue(self) -> tuple[Action, ...]:
        """Proposals that nobody has decided in time."""
        query = select(ACTION).where(ACTION.c.state == "proposed", ACTION.c.expires_at <= self._clock.now())
        return await self._fetch(query.order_by(ACTION.c.id))

    async def awake(self) -> tuple[Action, ...]:
        """Proposals that were put off until now."""
        query = select(ACTION).where(ACTION.c.state == "proposed", ACTION.c.asleep_until <= self._clock.now())
        return await self._fetch(query.order_by(ACTION.c.id))

    async def did_not_help(self, workspace_id: WorkspaceId, fingerprints: Sequence[str]) -> frozenset[str]:
        """Those of the changes that were tried or refused before: they are not proposed again."""
        query = select(ACTION.c.fingerprint).where(
            ACTION.c.workspace_id == workspace_id,
            ACTION.c.fingerprint.in_(fingerprints),
            ACTION.c.state.in_(("rejected", "rolled_back")),
        )
        async with self._reader.connect() as connection:
            return frozenset(row.fingerprint for row in await connection.execute(query))

    async def voters(self, action: Action) -> tuple[str, ...]:
        """Who has approved this version."""
        query = select(VOTE.c.member_id).where(VOTE.c.action_id == action.id, VOTE.c.version == action.version)
        async with self._reader.connect() as connection:
            return tuple(row.member_id for row in await connection.execute(query.order_by(VOTE.c.voted_at)))

    async def is_part_of_something(self, run_id: str) -> bool:
        """Whether the run is an arm of an experiment or traffic of a rollout, of which nothing is proposed."""
        arms = select(func.count()).where(ARM_RUN.c.run_id == run_id)
        traffic = select(func.count()).where(TRAFFIC.c.run_id == run_id)
        async with self._reader.connect() as connection:
            counts = [(await connection.execute(query)).scalar_one() for query in (arms, traffic)]
        return any(counts)

    async def _fetch(self, query: Any) -> tuple[Action, ...]:
        async with self._reader.connect() as connection:
            return tuple(_action(row) for row in (await connection.execute(query)).mappings())


def _edit(connection: Connection, workspace_id: WorkspaceId, cards: Sequence[str]) -> None:
    for card in cards:
        want_edit(connection, workspace_id, card)


def _insert(connection: Connection) -> Any:
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert


def _row(action: Action) -> dict[str, Any]:
    return {
        "id": action.id,
        "workspace_id": action.workspace_id,
        "assistant": action.assistant,
        "kind": action.kind,
        "state": action.state,
        "fingerprint": action.fingerprint,
        "open_key": action.open_key if action.state in OPEN else None,
        "version": action.version,
        "hash": action.hash,
        "proposer": action.proposer,
        "content": dump_content(action.content),
        "run_id": action.run_id,
        "channel_id": action.place.channel_id if action.place else None,
        "created_at": action.created_at,
        "expires_at": action.expires_at,
        "asleep_until": action.asleep_until,
        "decided_at": action.decided_at,
        "decided_by": action.decided_by,
        "candidate": action.candidate,
        "rollout_id": action.rollout_id,
        "note": action.note,
        "progress": dump_progress(action.progress),
    }


def _action(row: Row) -> Action:
    workspace_id = WorkspaceId(row["workspace_id"])
    created_at: datetime = row["created_at"]
    return Action(
        id=ActionId(row["id"]),
        workspace_id=workspace_id,
        assistant=row["assistant"],
        kind=row["kind"],
        state=row["state"],
        version=row["version"],
        hash=row["hash"],
        proposer=row["proposer"],
        content=load_content(row["content"]),
        run_id=row["run_id"],
        place=Place(workspace_id=workspace_id, channel_id=row["channel_id"]) if row["channel_id"] else None,
        created_at=created_at,
        expires_at=row["expires_at"],
        asleep_until=row["asleep_until"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
        candidate=row["candidate"],
        rollout_id=row["rollout_id"],
        note=row["note"],
        progress=load_progress(row["progress"]),
    )
