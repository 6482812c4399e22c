"""An experiment from the request to its verdict, with doubles at the edges."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from jobs.assistants.catalogue import load_catalogue
from jobs.bundle import Ports
from jobs.dispatcher import Dispatcher
from jobs.errors import RequestError
from jobs.experiments.experiment import Experiment, ExperimentRequest, ExperimentSummary
from jobs.experiments.lifecycle import (
    cancel_experiment,
    existing_experiment,
    experiment_progress,
    experiment_summary,
    extend_experiment,
    find_experiment,
    follow_experiment,
    plan_experiment,
    start_experiment,
)
from jobs.model import LOCAL_WORKSPACE
from jobs.runs import find_run, list_runs
from jobs.settings import shipped_profiles
from jobs.testing import InlineEngine, MovableClock, testing_ports

GOOD_OR_FAULTY = ExperimentRequest(target="pizza", a="pizza@good", b="pizza@faulty", n=12, seed=7)
NOISY = """
assistants:
  pizza:
    connector: demo
    default: good
    profiles: ["pizza-shop/*"]
    variants:
      good: {shop: pizza-shop/assistant.yaml, latency_ms: 0}
      again: {shop: pizza-shop/assistant.yaml, latency_ms: 1}
      faulty: {shop: pizza-shop/assistant.yaml, latency_ms: 0, flow: {order: [pizza]}}
      noisy: {shop: pizza-shop/assistant.yaml, latency_ms: 0, noise: 0.7}
"""


@asynccontextmanager
async def playing(ports: Ports) -> AsyncGenerator[Dispatcher]:
    dispatcher = Dispatcher(InlineEngine(), ports)
    await dispatcher.start()
    try:
        yield dispatcher
    finally:
        await dispatcher.stop()


async def finish(experiment: Experiment, ports: Ports) -> tuple[Experiment, ExperimentSummary]:
    async with playing(ports), asyncio.timeout(60):
        async for _ in follow_experiment(experiment.id, ports):
            pass
    over = await existing_experiment(experiment.id, ports)
    summary = await experiment_summary(over, ports)
    assert summary is not None
    return over, summary


@pytest.fixture
async def ports(tmp_path: Path) -> AsyncGenerator[Ports]:
    async with testing_ports(tmp_path) as made:
        yield made


async def test_good_against_faulty_is_told_apart(ports: Ports) -> None:
    experiment = await start_experiment(GOOD_OR_FAULTY, ports)
    over, summary = await finish(experiment, ports)

    assert (over.state, over.planned, summary.pairs) == ("finished", 12, 12)
    assert summary.verdict == "b_worse"
    assert summary.decision == "REJECT"
    assert summary.sentence.startswith("Keep pizza@good")
    assert summary.document["metrics"]["success"]["test"] == "mcnemar_midp"
    assert (summary.only_a, summary.only_b) == (12, 0)
    assert summary.disagreements[0].passed == "a"
    assert summary.disagreements[0].reasons


async def test_both_arms_meet_the_same_customers(ports: Ports) -> None:
    experiment = await start_experiment(GOOD_OR_FAULTY, ports)

    a, b = [await ports.store.experiments.scenarios(each.run.id) for each in experiment.runs]

    assert a == b
    assert list(a) == list(range(1, 13))


async def test_the_same_key_is_the_same_experiment(ports: Ports) -> None:
    request = replace(GOOD_OR_FAULTY, key="trigger-1")
    first, second = [await start_experiment(request, ports) for _ in range(2)]

    assert first.id == second.id
    assert len(await ports.store.runs.unfinished()) == 2


async def test_there_is_no_verdict_while_it_is_played(ports: Ports) -> None:
    experiment = await start_experiment(GOOD_OR_FAULTY, ports)

    assert await experiment_summary(experiment, ports) is None
    assert (await experiment_progress(experiment, ports)).a.done == 0


async def test_a_restart_in_the_middle_keeps_pairs_pairs(ports: Ports) -> None:
    ports = replace(ports, slots=type(ports.slots)(1))
    experiment = await start_experiment(replace(GOOD_OR_FAULTY, n=30), ports)
    async with playing(ports), asyncio.timeout(30):
        async for progress in follow_experiment(experiment.id, ports):
            if progress.a.done + progress.b.done >= 5:
                break
    before = await experiment_progress(experiment, ports)
    async with playing(ports), asyncio.timeout(30):
        while (over := await existing_experiment(experiment.id, ports)).state != "finished":
            cast(MovableClock, ports.clock).move(4)  # shards that nobody plays are queued again after a while
            await ports.bell.wait(at_most_s=0.05)
    summary = await experiment_summary(over, ports)
    assert summary is not None

    assert 5 <= before.a.done + before.b.done < 60
    assert summary.pairs == 30
    assert (summary.a.passed, summary.b.failed) == (30, 30)


async def test_cancelling_keeps_what_is_finished_and_gives_no_verdict(ports: Ports) -> None:
    experiment = await start_experiment(replace(GOOD_OR_FAULTY, n=30), ports)
    async with playing(ports), asyncio.timeout(30):
        async for progress in follow_experiment(experiment.id, ports):
            if progress.a.done >= 1:
                await cancel_experiment(experiment, ports, by="U1")
    over = await existing_experiment(experiment.id, ports)
    summary = await experiment_summary(over, ports)

    assert summary is not None
    assert (over.state, over.note) == ("cancelled", "cancelled by U1")
    assert (summary.verdict, summary.decision) == (None, None)
    assert summary.sentence.startswith("Cancelled: ")
    assert {each.p for each in summary.metrics} == {"–"}
    assert {run.run.state for run in over.runs} <= {"cancelled", "finished"}
    assert not await cancel_experiment(over, ports, by="U1")


async def test_a_cancelled_arm_cancels_the_experiment(ports: Ports) -> None:
    experiment = await start_experiment(replace(GOOD_OR_FAULTY, n=30), ports)
    await ports.store.runs.request_cancel(experiment.runs[0].run.id, "cancelled by U2")
    over, summary = await finish(experiment, ports)

    assert (over.state, over.note) == ("cancelled", "one of its arms was cancelled")
    assert summary.verdict is None


async def test_extending_adds_the_next_customers_of_the_same_seed(ports: Ports) -> None:
    experiment, _ = await finish(await start_experiment(GOOD_OR_FAULTY, ports), ports)
    extended = await extend_experiment(experiment, ports, by="U1", pairs=8)
    over, summary = await finish(extended, ports)
    added = [await ports.store.experiments.scenarios(each.run.id) for each in over.runs if each.round == 2]

    assert extended.state == "running"
    assert (over.planned, summary.pairs, over.looks) == (20, 20, 2)
    assert [scenario.number for scenario in added[0].values()] == list(range(13, 21))
    assert added[0] == added[1]
    assert any("verdict number 2" in note for note in summary.notes)


async def test_what_is_not_finished_cannot_be_extended(ports: Ports) -> None:
    experiment = await start_experiment(GOOD_OR_FAULTY, ports)

    with pytest.raises(RequestError, match="only a finished"):
        await extend_experiment(experiment, ports, by="U1")


async def test_what_has_changed_since_cannot_be_extended(tmp_path: Path, ports: Ports) -> None:
    experiment, _ = await finish(await start_experiment(GOOD_OR_FAULTY, ports), ports)
    changed = tmp_path / "assistants.yaml"
    changed.write_text((shipped_profiles() / "assistants.yaml").read_text().replace("1.50", "2.50"))
    later = replace(ports, catalogue=load_catalogue(tmp_path))

    with pytest.raises(RequestError, match=r"changed since it was started: .*pizza@faulty"):
        await extend_experiment(experiment, later, by="U1")


async def test_an_early_winner_ends_it(ports: Ports) -> None:
    ports = replace(ports, slots=type(ports.slots)(1))
    experiment = await start_experiment(replace(GOOD_OR_FAULTY, n=100, early_stop=True), ports)
    over, summary = await finish(experiment, ports)

    assert (over.state, over.early_winner) == ("finished", "a")
    assert summary.pairs < 100
    assert summary.verdict == "b_worse"
    assert summary.sentence.startswith("Stopped early in favour of pizza@good")
    with pytest.raises(RequestError, match="stopped early"):
        await extend_experiment(over, ports, by="U1")


async def test_the_same_variant_twice_is_an_aa_test_with_its_own_dice(tmp_path: Path, ports: Ports) -> None:
    (tmp_path / "assistants.yaml").write_text(NOISY)
    noisy = replace(ports, catalogue=load_catalogue(tmp_path))
    request = replace(GOOD_OR_FAULTY, a="pizza@noisy", b="pizza@noisy", n=40)
    over, summary = await finish(await start_experiment(request, noisy), noisy)

    assert over.is_aa
    assert summary.sentence.startswith("An A/A test: pizza@noisy was compared with itself")
    assert summary.decision is None
    assert summary.verdict == "no_difference_shown"
    assert summary.only_a + summary.only_b >= 8  # a fifth of the pairs disagree


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"a": "pizza@nobody"}, "nobody"),
        ({"target": "piza"}, "pizza"),
        ({"metric": "sucess"}, "no metric named 'sucess'"),
        ({"metric": "latency_ms", "early_stop": True}, "early stop looks at success"),
        ({"difference": 0.0}, "makes no sense"),
        ({"n": 0}, "at least 1 pair"),
        ({"more": ("pizza@good",)}, "two of these variants are the same"),
        ({"more": ("pizza@faulty",), "early_stop": True}, "an early stop compares two variants"),
        ({"more": ("pizza@good",) * 9}, "at most 5 at a time"),
    ],
)
async def test_bad_requests_are_refused_and_start_nothing(
    change: dict[str, object], message: str, ports: Ports
) -> None:
    with pytest.raises(RequestError, match=message):
        await start_experiment(replace(GOOD_OR_FAULTY, **change), ports)  # type: ignore[arg-type]

    assert await ports.store.runs.unfinished() == ()


async def test_auto_plans_as_many_pairs_as_the_difference_takes(ports: Ports) -> None:
    small = await plan_experiment(replace(GOOD_OR_FAULTY, n=None, difference=0.2), ports)
    impossible = await plan_experiment(replace(GOOD_OR_FAULTY, n=None, difference=0.01), ports)

    assert small.pairs == 47
    assert "47 pairs can show a difference of 20 points" in small.power
    assert impossible.pairs == ports.settings.convotest_max_conversations
    assert any("more than the 1000 allowed here; 1000 show 5 points" in note for note in impossible.notes)


async def test_it_is_found_by_its_short_id_and_as_the_last(ports: Ports) -> None:
    experiment = await start_experiment(GOOD_OR_FAULTY, ports)

    for text in ("last", experiment.id, experiment.id[-8:]):
        assert (await find_experiment(text, LOCAL_WORKSPACE, ports)).id == experiment.id
    with pytest.raises(RequestError, match="no A/B test"):
        await find_experiment("nope", LOCAL_WORKSPACE, ports)


async def test_a_suite_is_played_as_it_is(ports: Ports) -> None:
    experiment, summary = await finish(
        await start_experiment(replace(GOOD_OR_FAULTY, target="pizza-smoke", n=None), ports), ports
    )

    assert experiment.planned == len(await ports.store.experiments.scenarios(experiment.runs[0].run.id))
    assert summary.only_a > summary.only_b
    with pytest.raises(RequestError, match="no further customers"):
        await extend_experiment(experiment, ports, by="U1")


async def test_several_candidates_meet_the_same_customers_and_are_extended_together(
    tmp_path: Path, ports: Ports
) -> None:
    (tmp_path / "assistants.yaml").write_text(NOISY)
    several = replace(ports, catalogue=load_catalogue(tmp_path))
    request = replace(GOOD_OR_FAULTY, more=("pizza@again",))
    experiment, summary = await finish(await start_experiment(request, several), several)
    scenarios = [await ports.store.experiments.scenarios(each.run.id) for each in experiment.runs]

    assert (experiment.arms, experiment.more) == (("a", "b", "c"), ("pizza@again",))
    assert scenarios[0] == scenarios[1] == scenarios[2]
    assert [each.verdict for each in summary.contrasts] == ["b_worse", "no_difference_shown"]
    assert "2 candidates" in " ".join(experiment.notes) and "for each of 2 candidates" in experiment.power

    await extend_experiment(experiment, several, by="U1", pairs=3)
    extended, again = await finish(experiment, several)

    assert (extended.planned, [each.pairs for each in again.contrasts]) == (15, [15, 15])


async def test_the_arms_are_no_runs_of_their_own(ports: Ports) -> None:
    experiment, _ = await finish(await start_experiment(GOOD_OR_FAULTY, ports), ports)

    assert await list_runs(LOCAL_WORKSPACE, ports) == ()
    with pytest.raises(RequestError, match="no runs yet"):
        await find_run("last", LOCAL_WORKSPACE, ports)
    arm = experiment.runs[0].run
    assert (await find_run(arm.id, LOCAL_WORKSPACE, ports)).id == arm.id  # whoever knows its id may look at it
