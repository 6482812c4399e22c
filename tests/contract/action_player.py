"""A process that looks after actions and may be ended at any point: ``python -m tests.contract.action_player``.

Arguments: the database's URL, the verb (``approve ID``, ``roll-out ID`` or ``keep``), and the point at which it dies.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from jobs.actions import _faults
from jobs.actions._action import Shown
from jobs.actions._keeper import ActionKeeper
from jobs.actions._lifecycle import approve, existing_action, roll_out
from jobs.dispatcher import Dispatcher
from jobs.model import RunRequest, WorkspaceId
from jobs.runs import start_run
from jobs.testing import InlineEngine, MovableClock, testing_ports
from jobs.variants import find_variant, put_in_force
from tests.unit.action_samples import WHEN

WORKSPACE = WorkspaceId("T1")
SETTLED = ("verified", "rejected", "expired", "rolled_back")


async def main(url: str, verb: str, action_id: str, point: str) -> None:
    def die(reached: str) -> None:
        if reached == point:
            os.kill(os.getpid(), signal.SIGKILL)

    _faults.at = die
    clock = MovableClock(WHEN)
    async with testing_ports(Path.cwd(), database_url=url, clock=clock) as ports:
        dispatcher = Dispatcher(InlineEngine(), ports)
        await dispatcher.start()
        keeper = ActionKeeper(ports)
        try:
            match verb:
                case "run":
                    faulty = await find_variant("pizza@faulty", workspace_id=WORKSPACE, ports=ports)
                    await put_in_force(faulty, by="U1", reason="x", workspace_id=WORKSPACE, ports=ports)
                    request = RunRequest(
                        target="pizza", n=4, seed=7, started_by="U1", workspace_id=WORKSPACE, key="the run"
                    )
                    run = await start_run(request, ports)
                    while (found := await ports.store.runs.get(run.id)) and found.state != "finished":
                        await ports.bell.wait(at_most_s=0.1)
                case "approve":
                    action = await existing_action(action_id, WORKSPACE, ports)

                    async def may_approve(_: str) -> bool:
                        return True

                    await approve(
                        Shown.of(action), by="U2", workspace_id=WORKSPACE, ports=ports, may_approve=may_approve
                    )
                case "roll-out":
                    await roll_out(await existing_action(action_id, WORKSPACE, ports), by="U2", ports=ports)
                case _:
                    while True:
                        await keeper.look()
                        action = await existing_action(action_id, WORKSPACE, ports)
                        if action.state in SETTLED or action.progress.outcome:
                            break
                        clock.move(1)  # shards that the last process left are queued again after a while
                        await ports.bell.wait(at_most_s=0.1)
        finally:
            await dispatcher.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
