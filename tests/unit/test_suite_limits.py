"""Suites that set a rate at which customers arrive, and what a run of them may spend."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.model import Run, RunId, RunRequest, WorkspaceId
from jobs.planning import plan_run
from jobs.profiles.problems import ProfileError
from jobs.run_models import ModelPool
from jobs.runs import start_run
from jobs.settings import shipped_profiles
from jobs.simulate.pace import its_turn
from jobs.suites import load_suite
from jobs.testing import MovableClock, testing_ports

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
RUN = Run(
    id=RunId("r"), workspace_id=WorkspaceId("T1"), state="running", target="a", profile="a", suite="a", assistant="p",
    variant="v", simulator="agenda", seed=1, planned=10, stamps={}, notes=(), started_by="", place=None,
    created_at=START, per_minute=120.0,
)  # fmt: skip


async def test_customers_arrive_at_the_rate_of_their_suite() -> None:
    clock, begun = MovableClock(START), list[timedelta]()
    for number in range(1, 6):
        await its_turn(RUN, number, clock)
        begun.append(clock.now() - START)

    assert begun == [timedelta(seconds=0.5 * number) for number in range(5)]


async def test_after_a_restart_those_who_are_late_do_not_wait_again() -> None:
    clock = MovableClock(START + timedelta(minutes=5))

    await its_turn(RUN, 10, clock)

    assert clock.now() == START + timedelta(minutes=5)


async def test_a_run_keeps_the_limits_of_its_suite(tmp_path: Path) -> None:
    async with testing_ports(tmp_path) as ports:
        run = await start_run(RunRequest(target="pizza-load", n=2), ports)
        saved = await ports.store.runs.get(run.id)

    assert saved is not None and (saved.per_minute, saved.budget_usd) == (120.0, None)


@pytest.mark.parametrize("line", ["per_minute: 0", "per_minute: -1", "budget_usd: 0", "budget_usd: lots"])
def test_a_limit_that_makes_no_sense_is_refused(line: str, tmp_path: Path) -> None:
    file = tmp_path / "suites" / "a.yaml"
    file.parent.mkdir()
    file.write_text(f"suite: a\ncases: [{{name: hello, input: hi, expected_tools: []}}]\n{line}\n")

    with pytest.raises(ProfileError) as refused:
        load_suite(file, profiles_dir=tmp_path)

    assert "for example" in str(refused.value) or "is not a number" in str(refused.value)


def test_of_two_budgets_the_smaller_one_counts(tmp_path: Path) -> None:
    assert _limit(setting=5.0, suite=None) == 5.0
    assert _limit(setting=None, suite=2.5) == 2.5
    assert _limit(setting=5.0, suite=2.5) == 2.5
    assert _limit(setting=None, suite=None) is None


async def test_a_suite_with_a_budget_can_be_planned_where_nothing_costs_anything(tmp_path: Path) -> None:
    async with testing_ports(tmp_path) as ports:
        plan = await plan_run(RunRequest(target="pizza-nightly"), ports)

    assert plan.estimated_cost_usd == 0.0 and plan.suite.budget_usd is None


def _limit(*, setting: float | None, suite: float | None) -> float | None:
    from jobs.chat_model import Providers
    from jobs.pricing import Prices
    from jobs.settings import Settings

    clock = MovableClock(START)
    pool = ModelPool(
        Settings(convotest_budget_usd=setting, convotest_profiles=shipped_profiles()),
        providers=Providers(client="lean", clock=clock),
        prices=Prices(),
        clock=clock,
    )
    exhausted = pool.of_run(RunId("r"), limit_usd=suite).pot
    return float(str(exhausted.exhausted()).split("$")[1].split(" ")[0]) if exhausted.limited else None
