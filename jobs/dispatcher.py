"""Keeps runs moving: hands planned ones to the engine, closes those that are played, stops those that are cancelled.

Everything here is found in the store and safe to do twice, so it makes no difference which process does it, or when
it was interrupted.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from jobs.bundle import Ports
from jobs.engine import Engine
from jobs.experiments.lifecycle import Keeper
from jobs.model import Run, RunId
from jobs.regression.keeper import RegressionKeeper
from jobs.runs import close_cancelled, close_finished
from jobs.simulate.run import play_shard, shards_of

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
RESUBMIT_AFTER_S = 3.0


class Dispatcher:
    """Runs beside the engine, in each process that plays."""

    def __init__(self, engine: Engine, ports: Ports) -> None:
        self._engine = engine
        self._ports = ports
        self._experiments = Keeper(ports)
        self._regressions = RegressionKeeper(ports)
        self._stalled_since: dict[RunId, float] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._engine.start(lambda run_id, shard: play_shard(run_id, shard, self._ports))
        self._task = asyncio.create_task(self._serve(), name="dispatcher")

    async def stop(self) -> None:
        """Stop playing; what is unfinished is played on after the next start."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        for run_id in self._ports.live.run_ids:
            self._ports.live.cancel(run_id)
        await self._engine.stop()

    async def _serve(self) -> None:
        while True:
            try:
                await self.look()
                await self._engine.keep()
            except Exception:
                log.exception("the dispatcher could not look after the runs; it tries again")
            await self._ports.bell.wait(at_most_s=LOOK_EVERY_S)

    async def look(self) -> None:
        """Do what is to be done for each unfinished run, now."""
        unfinished = await self._ports.store.runs.unfinished()
        await self._begin([run for run in unfinished if run.state == "planned"])
        for run in unfinished:
            await self._look_after(run)
        for run_id in set(self._ports.live.run_ids) - {run.id for run in unfinished}:
            self._ports.live.cancel(run_id)  # cancelled through another process
        await self._experiments.look()
        await self._regressions.look()

    async def _begin(self, planned: Sequence[Run]) -> None:
        """Queue new runs shard by shard in turn, in an order that is turned round each time: what drifts while they
        are played hits all of them alike, which the arms of an experiment rely on."""
        order = list(planned)
        for shard in range(1, max((len(shards_of(run)) for run in planned), default=0) + 1):
            for run in order:
                if shard in shards_of(run):
                    await self._engine.submit(run.id, shard, generation=0)
            order.reverse()
        for run in planned:
            await self._ports.store.runs.mark_running(run.id)

    async def _look_after(self, run: Run) -> None:
        match run.state:
            case "planned":
                return
            case "cancelling":
                self._ports.live.cancel(run.id)
                await close_cancelled(run, self._ports)
            case _ if run.id in self._ports.live.run_ids:
                self._stalled_since.pop(run.id, None)  # being played here: it rings when a shard is done
            case _ if not await self._ports.store.runs.left_to_play(run.id):
                await close_finished(run, self._ports)
            case _:
                await self._resubmit_if_stalled(run)

    async def _resubmit_if_stalled(self, run: Run) -> None:
        """A run with conversations left but no shard in the engine: a shard broke, or was stopped half-way."""
        if await self._engine.open_shards(run.id):
            self._stalled_since.pop(run.id, None)
            return
        now = self._ports.clock.monotonic()
        if now - self._stalled_since.setdefault(run.id, now) < RESUBMIT_AFTER_S:
            return
        del self._stalled_since[run.id]
        generation = await self._ports.store.runs.next_generation(run.id)
        log.warning("run %s has conversations left that nobody plays; they are queued again (%d)", run.id, generation)
        await self._submit(run, generation=generation)

    async def _submit(self, run: Run, *, generation: int) -> None:
        for shard in shards_of(run):
            await self._engine.submit(run.id, shard, generation=generation)
