"""kill -9 between any two steps: everything goes on afterwards, and nothing is done twice."""

import asyncio
import signal
import sys
from pathlib import Path

from jobs.actions._action import Action
from jobs.store import open_store
from jobs.testing import MovableClock
from tests.contract.action_player import WORKSPACE
from tests.unit.action_samples import WHEN

KILLED = -signal.SIGKILL


async def play(directory: Path, verb: str, action_id: str = "-", point: str = "-") -> int:
    """How a process ended that was asked to do this, and to die at that point."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.contract.action_player", url_of(directory), verb, action_id, point,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    return await asyncio.wait_for(process.wait(), 120)


def url_of(directory: Path) -> str:
    return f"sqlite:///{directory / 'convotest.db'}"


async def actions_in(directory: Path) -> tuple[Action, ...]:
    async with open_store(url_of(directory), MovableClock(WHEN)) as store:
        return await store.actions.recent(WORKSPACE)


async def test_a_process_that_is_killed_at_every_point_in_turn_loses_and_repeats_nothing(tmp_path: Path) -> None:
    assert await play(tmp_path, "run", point="proposed") == KILLED
    assert await play(tmp_path, "run") == 0
    proposed = await actions_in(tmp_path)
    assert len(proposed) == 3
    action = next(each for each in proposed if "everything" in each.content.title)

    assert await play(tmp_path, "approve", action.id, "approved") == KILLED
    assert (await actions_in(tmp_path))[0].state in ("approved", "proposed")
    for point in ("made", "experiment-started", "judged"):
        assert await play(tmp_path, "keep", action.id, point) == KILLED, point
    assert await play(tmp_path, "keep", action.id) == 0
    assert await play(tmp_path, "roll-out", action.id, "rollout-begun") == KILLED
    assert await play(tmp_path, "roll-out", action.id) == 1, "its rollout has begun already, and the error says so"

    async with open_store(url_of(tmp_path), MovableClock(WHEN)) as store:
        now = await store.actions.get(action.id)
        assert now is not None
        assert (now.state, now.candidate) == ("verified", "faulty-1")
        assert [each.variant.name for each in await store.variants.all_made(WORKSPACE)] == ["faulty-1"]
        targets = [each.target for each in await store.experiments.recent(WORKSPACE, limit=50)]
        assert targets.count("pizza") == 1
        assert len(set(targets)) == len(targets) == len(now.progress.experiments)
        assert [each.id for each in await store.rollouts.recent(WORKSPACE)] == [now.rollout_id]
        done = [each.verb for each in await store.audit.latest(WORKSPACE, limit=100) if each.outcome == "done"]
        once = ("action approve", "action apply", "action verify", "action roll out", "rollout begin")
        assert {verb: done.count(verb) for verb in once} == dict.fromkeys(once, 1)
        assert done.count("action propose") == 3
