"""The sender: brings the outbox into Slack, each message once, at a pace that Slack allows.

Slack has no idempotency key. So a message carries its key as metadata, and after a failure that leaves open whether it
arrived, the sender waits until the call must be over, looks, and only then sends again.
"""

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import psycopg

from bot.blocks import Message, note
from bot.poster import Doubtful, NotSent, Poster, PostError, Refused, Shared, Upload
from bot.rendering import NothingToShow
from bot.rendering import render as render_item
from jobs.bundle import Ports
from jobs.experiments.experiment import OVER, Experiment, ExperimentId
from jobs.model import OutboxItem, Run, RunId, WorkspaceId, short_id
from jobs.ports import Clock
from jobs.runs import cancel_run

logger = logging.getLogger(__name__)

LONGEST_WAIT_S = 60.0
MOST_AT_ONCE = 300
"""Rows looked at in one pass: more than one busy channel fills, so that the others get their turn."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How fast the sender may go; the defaults are what Slack allows.

    Args:
        message_s: seconds between messages of one channel, ``burst`` of which may come at once.
        edit_s, edit_per_run_s: a card is edited at most every ``max(edit_s, edit_per_run_s * cards being edited)``.
        look_after_s: after a doubtful failure; longer than any call of ours can take.
        poll_s: how often the outbox is read when nobody rings.
    """

    message_s: float = 1.0
    burst: int = 3
    edit_s: float = 2.5
    edit_per_run_s: float = 1.5
    look_after_s: float = 6.0
    poll_s: float = 1.0


DEMO_PACE = Pace(message_s=0.15, burst=4, edit_s=0.6, edit_per_run_s=0.3, poll_s=0.25)
"""For the local workspace, whose limits are switched off in the demo."""


class Bucket:
    """Tokens of one channel: ``burst`` at most, one more every ``every_s`` seconds."""

    def __init__(self, burst: int, every_s: float, now: float) -> None:
        self._burst, self._every_s = burst, every_s
        self._left, self._at = float(burst), now

    def take(self, now: float) -> float:
        """0 if one was there and is taken, else the seconds until there will be one."""
        if self._every_s <= 0:
            return 0.0
        self._left = min(self._burst, self._left + (now - self._at) / self._every_s)
        self._at = now
        if self._left < 1 - 1e-9:
            return (1 - self._left) * self._every_s
        self._left -= 1
        return 0.0

    def block(self, seconds: float, now: float) -> None:
        """Slack asked to wait: nothing for so long."""
        self._left, self._at = 1 - seconds / self._every_s if self._every_s > 0 else 0.0, now


class Sender:
    """Sends what one workspace is to see."""

    def __init__(
        self,
        *,
        workspace_id: WorkspaceId,
        ports: Ports,
        poster: Poster,
        pace: Pace | None = None,
        render: Callable[[OutboxItem, Ports], Awaitable[Message | Upload]] | None = None,
    ) -> None:
        self._workspace_id = workspace_id
        self._ports = ports
        self._outbox = ports.store.outbox
        self._clock: Clock = ports.clock
        self._poster = poster
        self._pace = pace or Pace()
        self._render = render or partial(render_item, link=poster.link)
        self._buckets: dict[str, Bucket] = {}
        self._edited_at: dict[str, float] = {}
        self._told: set[str] = set()
        self._looks_from = self._clock.now()

    async def serve(self, *, until: asyncio.Event, may_go_on: Callable[[], Awaitable[bool]]) -> None:
        """Send until asked to stop, or until the right to send is lost; the database may fail in between."""
        await self.begin()
        while not until.is_set() and await may_go_on():
            try:
                wait_s = await self.send_due()
            except Exception:  # whatever it was, the next messages are not to wait for a restart
                logger.exception("the outbox could not be worked on; it is tried again")
                wait_s = self._pace.poll_s
            await self._ports.bell.wait(at_most_s=wait_s)

    async def begin(self) -> None:
        """After a start, what an earlier process was sending may still be on its way: look only when it cannot be."""
        await self._outbox.doubt_interrupted(self._workspace_id)
        self._looks_from = self._after(self._pace.look_after_s)

    async def send_due(self) -> float:
        """Send and edit what may be sent now; the seconds until there may be more to do."""
        by_channel: dict[str, list[OutboxItem]] = {}
        for item in await self._outbox.due(self._workspace_id, limit=MOST_AT_ONCE):
            by_channel.setdefault(item.announcement.place.channel_id, []).append(item)
        waits = await asyncio.gather(*(self._send_to(channel, items) for channel, items in by_channel.items()))
        await self._edit_due()
        return min((self._pace.poll_s, *waits))

    # --- new messages ---

    async def _send_to(self, channel_id: str, items: Sequence[OutboxItem]) -> float:
        """Send to one channel until its pace or a failure says stop; the seconds until it may go on."""
        seen: dict[str | None, Mapping[str, str]] = {}
        for item in items:
            if item.announcement.parent_key and item.parent_ts is None:
                await self._outbox.mark_failed(item, "its thread could not be started")
                continue
            if item.state == "ambiguous" and not await self._is_missing(item, seen):
                continue
            if wait_s := self._bucket(channel_id).take(self._clock.monotonic()):
                return wait_s
            if not await self._send(item):
                return self._pace.poll_s
        return self._pace.poll_s

    async def _is_missing(self, item: OutboxItem, seen: dict[str | None, Mapping[str, str]]) -> bool:
        """Look whether a doubtful message arrived; if it did it is marked so, if it cannot be told it waits."""
        if self._clock.now() < self._looks_from:
            return False
        channel_id, thread_ts = item.announcement.place.channel_id, item.parent_ts
        try:
            if item.file_id:
                shared = await self._poster.find_share(item.file_id, channel_id=channel_id, thread_ts=thread_ts)
            else:
                if thread_ts not in seen:
                    seen[thread_ts] = await self._poster.find_keys(channel_id, thread_ts)
                ts = seen[thread_ts].get(item.announcement.key)
                shared = Shared(ts=ts) if ts else None
        except Refused as error:
            await self._give_up(item, error)
            return False
        except PostError as error:
            wait_s = error.retry_after_s or self._pace.look_after_s
            await self._outbox.mark_ambiguous(item, not_before=self._after(wait_s), error=str(error))
            return False
        if shared:
            await self._outbox.mark_sent(item, shared.ts)
        return shared is None

    async def _send(self, item: OutboxItem) -> bool:
        """Send one message or file; False if the channel had better wait."""
        try:
            content = await self._render(item, self._ports)
        except NothingToShow:
            await self._outbox.mark_failed(item, "there is nothing to show any more")
            return True
        except Exception:  # one message that cannot be drawn must not hold up the others
            logger.exception("%s could not be rendered", item.announcement.key)
            await self._outbox.mark_failed(item, "it could not be rendered; the log has the details")
            return True
        await self._outbox.mark_sending(item)
        try:
            ts = await self._hand_over(item, content)
        except NotSent as error:
            await self._wait_and_retry(item, error)
            return False
        except Doubtful as error:
            wait_s = self._pace.look_after_s * min(max(1, item.attempts - 2), 10)
            logger.warning("%s may or may not have arrived: %s", item.announcement.key, error)
            await self._outbox.mark_ambiguous(item, not_before=self._after(wait_s), error=str(error))
            return False
        except Refused as error:
            await self._give_up(item, error)
            return True
        await self._outbox.mark_sent(item, ts)
        return True

    async def _hand_over(self, item: OutboxItem, content: Message | Upload) -> str | None:
        channel_id, thread_ts = item.announcement.place.channel_id, item.parent_ts
        if isinstance(content, Message):
            return await self._poster.post(channel_id, content, key=item.announcement.key, thread_ts=thread_ts)
        file_id = await self._poster.start_upload(content)
        await self._outbox.mark_uploading(item, file_id)  # before it is shown: by the id we find out whether it was
        shared = await self._poster.share_upload(file_id, content, channel_id=channel_id, thread_ts=thread_ts)
        return shared.ts

    async def _wait_and_retry(self, item: OutboxItem, error: NotSent) -> None:
        wait_s = error.retry_after_s or min(self._pace.message_s * 2.0**item.attempts, LONGEST_WAIT_S)
        if error.retry_after_s:
            bucket = self._bucket(item.announcement.place.channel_id)
            bucket.block(error.retry_after_s, self._clock.monotonic())
        await self._outbox.postpone(item, not_before=self._after(wait_s), error=str(error))

    # --- edits ---

    async def _edit_due(self) -> None:
        """Show changed messages as they are now; how often is a matter of the workspace, not of the channel."""
        items = await self._outbox.edits_due(self._workspace_id)
        now = self._clock.monotonic()
        self._edited_at = {key: at for key, at in self._edited_at.items() if now - at < 60}
        self._edited_at |= {item.announcement.key: now for item in items}
        interval_s = max(self._pace.edit_s, self._pace.edit_per_run_s * len(self._edited_at))
        for item in items:
            try:
                await self._edit(item)
            except Refused as error:
                await self._outbox.mark_failed(item, str(error))
            except PostError as error:  # showing it twice does no harm
                wait_s = error.retry_after_s or self._pace.edit_s
                await self._outbox.postpone(item, not_before=self._after(wait_s), error=str(error))
                if error.retry_after_s:
                    return
            except Exception:  # one card that cannot be drawn must not hold up the others
                logger.exception("%s could not be rendered", item.announcement.key)
                await self._outbox.mark_failed(item, "it could not be rendered; the log has the details")
            else:
                await self._outbox.mark_edited(item, not_before=self._after(interval_s))

    async def _edit(self, item: OutboxItem) -> None:
        content = await self._render(item, self._ports)
        if isinstance(content, Message) and item.ts:
            await self._poster.update(item.announcement.place.channel_id, item.ts, content)

    # --- what will never arrive ---

    async def _give_up(self, item: OutboxItem, error: Refused) -> None:
        """Slack does not take it: that is said once to whoever started the run, and a run without a card stops."""
        await self._outbox.mark_failed(item, str(error))
        if experiment := await self._experiment_of(item):
            await self._tell_of_experiment(item, experiment, error)
            return
        if "conversation_id" in item.announcement.ref:
            await self._tell_of_thread(item, error)
            return
        run = await self._run_of(item)
        if run is None or run.id in self._told:
            return
        self._told.add(run.id)
        text = f"run {short_id(run.id)} ({run.profile}): something could not be shown, because {error}."
        if item.announcement.kind == "run_card":
            await cancel_run(run.id, self._ports, by="convotest: its card could not be posted")
            text = f"run {short_id(run.id)} ({run.profile}) was stopped, because its card could not be posted: {error}."
        await self._tell(item, run.started_by, text)

    async def _tell_of_thread(self, item: OutboxItem, error: Refused) -> None:
        """The answer is kept, but the one who asked cannot see it."""
        conversation = await self._ports.store.live.find(str(item.announcement.ref["conversation_id"]))
        if conversation is None or conversation.id in self._told:
            return
        self._told.add(conversation.id)
        text = f"what {conversation.assistant or 'the assistant'} answered could not be shown, because {error}."
        await self._tell(item, conversation.member_id, text)

    async def _tell_of_experiment(self, item: OutboxItem, experiment: Experiment, error: Refused) -> None:
        """An A/B test plays on without its card: what it shows can be asked for."""
        if experiment.id in self._told:
            return
        self._told.add(experiment.id)
        name, short = f"A/B test {short_id(experiment.id)} ({experiment.target})", short_id(experiment.id)
        what = "its card could not be posted" if item.announcement.kind == "ab_card" else "a part could not be shown"
        state = "is over" if experiment.state in OVER else "is played on"
        text = f"{name} {state}, but {what}: {error}. /convotest ab show {short} tells how it stands."
        await self._tell(item, experiment.started_by, text)

    async def _tell(self, item: OutboxItem, member_id: str, text: str) -> None:
        try:
            await self._poster.whisper(item.announcement.place.channel_id, member_id, note(text))
        except PostError as second:
            logger.warning("nobody could be told that %s: %s", text, second)

    async def _experiment_of(self, item: OutboxItem) -> Experiment | None:
        experiment_id = item.announcement.ref.get("experiment_id")
        return await self._ports.store.experiments.get(ExperimentId(str(experiment_id))) if experiment_id else None

    async def _run_of(self, item: OutboxItem) -> Run | None:
        run_id = item.announcement.ref.get("run_id")
        return await self._ports.store.runs.get(RunId(str(run_id))) if run_id else None

    def _bucket(self, channel_id: str) -> Bucket:
        if channel_id not in self._buckets:
            now = self._clock.monotonic()
            self._buckets[channel_id] = Bucket(self._pace.burst, self._pace.message_s, now)
        return self._buckets[channel_id]

    def _after(self, seconds: float) -> datetime:
        return self._clock.now() + timedelta(seconds=seconds)


# --- one sender a workspace -----------------------------------------------------------------------------------------


class SenderLock:
    """The right to send for a workspace: on PostgreSQL an advisory lock, on SQLite the engine's lock is enough."""

    def __init__(self, connection: psycopg.AsyncConnection | None) -> None:
        self._connection = connection

    async def is_held(self) -> bool:
        """Whether it is still ours: it goes with its connection."""
        if self._connection is None:
            return True
        try:
            await self._connection.execute("select 1")
        except psycopg.Error:
            return False
        return True


@asynccontextmanager
async def sender_lock(database_url: str, workspace_id: WorkspaceId) -> AsyncGenerator[SenderLock | None]:
    """The lock, or None if another process has it."""
    if database_url.startswith("sqlite"):
        yield SenderLock(None)
        return
    key = int.from_bytes(hashlib.sha256(f"convotest sender {workspace_id}".encode()).digest()[:8], signed=True)
    address = database_url.replace("postgresql+psycopg://", "postgresql://", 1)
    async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
        row = await (await connection.execute("select pg_try_advisory_lock(%s)", (key,))).fetchone()
        yield SenderLock(connection) if row and row[0] else None
