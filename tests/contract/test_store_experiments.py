"""Experiments in the store, on every database."""

from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from jobs.announce import experiment_card_key, experiment_finished, experiment_started
from jobs.experiments.experiment import ARMS, ArmRun, Experiment, ExperimentId
from jobs.model import ConversationId, Place, Run, RunId, Scenario, WorkspaceId
from jobs.store import Store, open_store
from jobs.store.experiments import PlannedArm
from jobs.testing import MovableClock

TEAM = WorkspaceId("T1")
PLACE = Place(workspace_id=TEAM, channel_id="C1")
NOW = MovableClock().now()
TEST = Experiment(
    id=ExperimentId("e-12345678"), workspace_id=TEAM, target="pizza", a="p@1", b="p@2", seed=2**31 - 1, planned=2,
    stamps={"profile": "abc"}, notes=("a note",), started_by="U1", place=PLACE, created_at=NOW,
)  # fmt: skip


def arms(round_: int = 1, first: int = 1) -> list[PlannedArm]:
    return [_arm(arm, round_, first) for arm in ARMS]


def _arm(arm: str, round_: int, first: int) -> PlannedArm:
    run = Run(
        id=RunId(f"{arm}{round_}"), workspace_id=TEAM, state="planned", target="pizza", profile="pizza", suite=None,
        assistant="p", variant=arm, simulator="agenda", seed=1, planned=2, stamps={}, notes=(), started_by="U1",
        place=None, created_at=NOW,
    )  # fmt: skip
    scenarios = [Scenario(profile="pizza", number=number, seed=number, goals=()) for number in (first, first + 1)]
    conversations = [(ConversationId(f"{run.id}:{each.number}"), each) for each in scenarios]
    return PlannedArm(arm=ArmRun(arm="a" if arm == "a" else "b", round=round_, run=run), conversations=conversations)


@pytest.fixture
async def store(database_url: str) -> AsyncGenerator[Store]:
    async with open_store(database_url, MovableClock()) as opened:
        await opened.experiments.create(
            TEST, arms(), key="trigger", announcements=experiment_started(TEST.id, PLACE)
        )  # fmt: skip
        yield opened


async def test_what_is_saved_is_read_back_with_its_runs(store: Store) -> None:
    found = await store.experiments.get(TEST.id)

    assert found is not None
    assert replace(found, runs=()) == TEST
    assert [(each.arm, each.round, each.run.id) for each in found.runs] == [("a", 1, "a1"), ("b", 1, "b1")]
    assert await store.experiments.by_key(TEAM, "trigger") == found
    assert await store.experiments.by_id_end(TEAM, "345678") == (found,)
    assert await store.experiments.recent(TEAM, limit=5) == (found,) == await store.experiments.unfinished()
    assert await store.experiments.recent(WorkspaceId("T2"), limit=5) == ()


async def test_a_known_key_creates_nothing(store: Store) -> None:
    assert not await store.experiments.create(replace(TEST, id=ExperimentId("other")), arms(9), key="trigger")

    assert len(await store.runs.unfinished()) == 2


async def test_both_arms_meet_the_same_scenarios_numbered_from_one(store: Store) -> None:
    a, b = [await store.experiments.scenarios(RunId(name)) for name in ("a1", "b1")]

    assert a == b
    assert list(a) == [1, 2]


async def test_it_is_closed_once_and_goes_on_once(store: Store) -> None:
    announced = experiment_finished(TEST.id, PLACE, 1)
    closings = [
        await store.experiments.finish(TEST, state="finished", summary={"x": 1}, announcements=announced)
        for _ in range(2)
    ]
    card = experiment_card_key(TEST.id)
    going_on = [await store.experiments.extend(TEST, planned=4, arms=arms(2, first=3), card_key=card) for _ in range(2)]
    found = await store.experiments.get(TEST.id)

    assert (closings, going_on) == ([True, False], [True, False])
    assert found is not None
    assert (found.state, found.planned, found.looks, found.finished_at) == ("running", 4, 1, None)
    assert [each.run.id for each in found.runs] == ["a1", "b1", "a2", "b2"]
    assert {number: each.number for number, each in (await store.experiments.scenarios(RunId("b2"))).items()} == {
        1: 3,
        2: 4,
    }
    assert await store.experiments.summary(TEST.id) == {"x": 1}
    assert len(await store.outbox.in_thread(TEAM, card)) == 3


async def test_it_ends_early_only_while_it_runs(store: Store) -> None:
    assert await store.experiments.stop_early(TEST.id, "b", "certain")
    assert not await store.experiments.request_cancel(TEST.id, "too late")
    found = await store.experiments.get(TEST.id)

    assert found is not None
    assert (found.state, found.early_winner, found.note) == ("stopping", "b", "certain")


async def test_a_deleted_one_leaves_its_runs(store: Store) -> None:
    await store.experiments.delete(TEST.id)

    assert await store.experiments.get(TEST.id) is None
    assert await store.runs.get(RunId("a1")) is not None


async def test_a_recorded_session_counts_once(store: Store) -> None:
    sessions = {"s1": {"task_id": "t"}, "s2": {"task_id": "u"}}
    added = [await store.experiments.add_results(TEST.id, sessions) for _ in range(2)]

    assert added == [2, 0]
    assert [each["task_id"] for each in await store.experiments.results(TEST.id)] == ["t", "u"]
