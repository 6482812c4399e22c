"""One sender for each workspace that the app is in, beside who answers there; they come and go with workspaces."""

import asyncio
import logging
from contextlib import suppress

from bot.ask import thinking
from bot.commands import Edge, EdgeOf
from bot.deliveries import Ledger
from bot.installations import Installed
from bot.outbox import Pace, Sender, sender_lock
from bot.poster import TIMEOUT_S
from jobs.ask.answering import Answerer
from jobs.model import WorkspaceId

logger = logging.getLogger(__name__)

LOCK_CHECK_S = 5.0
INSTALLED_CHECK_S = 5.0
"""Another process may have installed the app somewhere."""


class Sending:
    """Keeps the one sender of a workspace running for as long as this process may be it."""

    def __init__(self, *, workspace_id: WorkspaceId, edge: Edge, ledger: Ledger, pace: Pace) -> None:
        self._workspace_id = workspace_id
        self._edge = edge
        self._ledger = ledger
        self._pace = pace
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._serve(), name=f"sender {self._workspace_id}")

    async def stop(self) -> None:
        """Let what is being sent arrive, so that the next process need not doubt it."""
        self._stopping.set()
        self._edge.ports.bell.ring()
        if self._task is None:
            return
        await asyncio.wait({self._task}, timeout=TIMEOUT_S + 1)
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _serve(self) -> None:
        ports = self._edge.ports
        while not self._stopping.is_set():
            try:
                async with sender_lock(ports.store.database_url, self._workspace_id) as lock:
                    if lock is not None:
                        await self._ledger.resume(self._workspace_id)
                        sender = Sender(
                            workspace_id=self._workspace_id, ports=ports, poster=self._edge.poster, pace=self._pace
                        )
                        poster, live = self._edge.poster, ports.store.live
                        answerer = Answerer(self._workspace_id, ports, thinking=thinking(poster, live))
                        async with asyncio.TaskGroup() as tasks:
                            tasks.create_task(sender.serve(until=self._stopping, may_go_on=lock.is_held))
                            tasks.create_task(answerer.serve(until=self._stopping, may_go_on=lock.is_held))
            except Exception:  # without a sender nobody sees anything, so it is tried again whatever it was
                logger.exception("the sender stopped; it is started again")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), LOCK_CHECK_S)


class Senders:
    """The senders of every workspace that the app is in.

    Args:
        installed: asked again every few seconds, and whenever somebody calls `look_again`.
    """

    def __init__(self, installed: Installed, edge_of: EdgeOf, ledger: Ledger, pace: Pace) -> None:
        self._installed = installed
        self._edge_of = edge_of
        self._ledger = ledger
        self._pace = pace
        self._running: dict[WorkspaceId, Sending] = {}
        self._look = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._match()
        self._task = asyncio.create_task(self._follow(), name="senders")

    def look_again(self) -> None:
        """The app may have been installed or removed somewhere."""
        self._look.set()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await asyncio.gather(*(self._stop_one(workspace_id) for workspace_id in set(self._running)))

    async def _follow(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), INSTALLED_CHECK_S)
            self._look.clear()
            try:
                await self._match()
            except Exception:  # the database may fail for a while; the senders go on with what they have
                logger.exception("it could not be looked up where the app is installed")

    async def _match(self) -> None:
        wanted = await self._installed.workspaces()
        for workspace_id in wanted - set(self._running):
            sending = Sending(
                workspace_id=workspace_id, edge=self._edge_of(workspace_id), ledger=self._ledger, pace=self._pace
            )
            self._running[workspace_id] = sending
            sending.start()
        await asyncio.gather(*(self._stop_one(workspace_id) for workspace_id in set(self._running) - wanted))

    async def _stop_one(self, workspace_id: WorkspaceId) -> None:
        await self._running.pop(workspace_id).stop()
