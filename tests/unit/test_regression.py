"""A suite beside its baseline: what is told to be worse, what is not, and what is played again before anybody hears."""

import asyncio
import shutil
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs.bundle import Ports
from jobs.dispatcher import Dispatcher
from jobs.errors import AssistantError, RequestError
from jobs.model import Run, RunRequest, Variant, WorkspaceId
from jobs.ports import AssistantSession, Connector, Models
from jobs.regression.lifecycle import (
    find_run_of,
    set_baseline,
    start_regression,
    what_changed,
)
from jobs.regression.regression import Regression, RegressionRequest, RegressionSummary
from jobs.runs import cancel_run, start_run
from jobs.testing import InlineEngine, testing_ports

WORKSPACE = WorkspaceId("local")
SUITE, LARGE, SECURITY = "small-nightly", "pizza-nightly", "attacks"
SMALL = """
suite: small-nightly
profiles:
  - {profile: pizza-shop/pizza, n: 12, category: functional}
cases:
  - name: drinks-are-on-the-bill
    category: regression
    turns:
      - user: A medium pizza with mushrooms and 2 cans of cola, please.
        expected_patterns: ["2 cans of cola"]
    thresholds: {good_turns: 1}
  - name: the-price-stays-the-price
    category: regression
    turns:
      - user: A large pizza with olives.
      - user: No thanks.
        expected_patterns: [$13.50]
    thresholds: {good_turns: 1}
"""
ATTACKS = """
suite: attacks
assistant: pizza
cases: [cases/security/secrets, cases/security/prompt-extraction]
thresholds: {good_turns: 0, quality: 0}
"""
NO_DRINKS: Mapping[str, Any] = {"flow": {"order": ["pizza"]}}
SLOW: Mapping[str, Any] = {"latency_ms": 700}


class Deployed:
    """The shop behind its endpoint: nobody is told when it changes.

    Args:
        changes: what is different in it now; ``is_down``: it does not answer; ``flaky``: in how many conversations
            from now on it does not answer.
    """

    def __init__(self, shop: Connector) -> None:
        self._shop = shop
        self.changes: Mapping[str, Any] = {}
        self.is_down = False
        self.flaky = 0
        self.opened = 0

    def check(self, config: Mapping[str, Any]) -> Sequence[str]:
        return self._shop.check(config)

    async def open(self, variant: Variant, *, seed: str, models: Models | None = None) -> AssistantSession:
        self.opened += 1
        if self.is_down or self.flaky > 0:
            self.flaky -= 1
            raise AssistantError("connection refused", permanent=True)
        config = {**variant.config, **self.changes}
        changed = replace(variant, config=config, hash=f"{variant.hash}:{sorted(self.changes)}")
        return await self._shop.open(changed, seed=seed, models=models)


class Stage:
    """The use cases with an engine that plays in this process."""

    def __init__(self, ports: Ports, shop: Deployed) -> None:
        self.ports = ports
        self.shop = shop

    async def baseline(self, suite: str = SUITE) -> Run:
        started = await start_run(RunRequest(target=suite, seed=7, workspace_id=WORKSPACE), self.ports)
        while await self.ports.store.runs.unfinished():
            await self.ports.bell.wait(at_most_s=0.02)
        run = await self.ports.store.runs.get(started.id)
        assert run is not None
        await set_baseline(run, self.ports, by="U0ADA")
        return run

    async def night(self, suite: str = SUITE, **request: Any) -> Regression:
        started = await start_regression(RegressionRequest(suite=suite, workspace_id=WORKSPACE, **request), self.ports)
        return await self.finished(started)

    async def finished(self, started: Regression) -> Regression:
        while await self.ports.store.regressions.unfinished():
            await self.ports.bell.wait(at_most_s=0.02)
        found = await self.ports.store.regressions.get(started.id)
        assert found is not None
        return found


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with testing_ports(tmp_path) as opened:
        shop = Deployed(opened.connectors["demo"])
        ports = replace(opened, connectors={**opened.connectors, "demo": shop}, profiles_dir=tmp_path / "profiles")
        shutil.copytree(opened.profiles_dir, ports.profiles_dir)
        for name, content in ((SUITE, SMALL), (SECURITY, ATTACKS)):
            (ports.profiles_dir / "suites" / f"{name}.yaml").write_text(content)
        dispatcher = Dispatcher(InlineEngine(), ports)
        await dispatcher.start()
        yield Stage(ports, shop)
        await dispatcher.stop()


def summary_of(regression: Regression) -> RegressionSummary:
    assert regression.summary is not None
    return regression.summary


async def test_the_same_assistant_is_as_good_as_its_baseline(stage: Stage) -> None:
    run = await stage.baseline(LARGE)

    night = await stage.night(LARGE)

    summary = summary_of(night)
    assert (night.verdict, summary.headline) == ("APPROVE", "As good as the baseline")
    assert summary.pairs == summary.conversations == run.planned
    assert {each.name: each.standing for each in summary.figures} == {
        "success": "kept",
        "quality": "kept",
        "latency_ms": "kept",
    }
    assert summary.regressed == () and night.confirming_run_id is None
    assert summary.categories["regression"].passed == summary.categories["regression"].baseline_passed == 3


async def test_without_a_baseline_there_is_no_verdict_and_nothing_is_played_again(stage: Stage) -> None:
    stage.shop.changes = NO_DRINKS

    night = await stage.night()

    assert night.verdict == "INCONCLUSIVE"
    assert "no baseline" in summary_of(night).headline
    assert night.confirming_run_id is None


async def test_a_fault_is_found_with_its_cases_after_they_were_played_again(stage: Stage) -> None:
    await stage.baseline()
    stage.shop.changes = NO_DRINKS

    night = await stage.night()

    summary = summary_of(night)
    assert night.verdict == "REJECT" and summary.severity == "high"
    cases = {each.name: each for each in summary.regressed if each.kind == "case"}
    assert cases["drinks-are-on-the-bill"].severity == "high"
    assert "5 of 5 attempts" in cases["drinks-are-on-the-bill"].sentence
    [number] = cases["drinks-are-on-the-bill"].conversations
    quote = cases["drinks-are-on-the-bill"].quotes[number]
    assert "medium pizza with mushrooms" in quote and "cola" not in quote
    assert "the-price-stays-the-price" not in cases
    success = next(each for each in summary.regressed if each.kind == "success")
    assert success.high is not None and success.high < 0 and 10 <= success.n <= summary.pairs
    assert night.confirming_run_id is not None


async def test_what_fails_once_and_passes_again_is_flaky_and_wakes_nobody(stage: Stage) -> None:
    await stage.baseline()
    stage.shop.flaky = 2

    night = await stage.night()

    summary = summary_of(night)
    assert night.verdict == "INCONCLUSIVE" and summary.regressed == ()
    assert summary.errors == 2
    assert night.confirming_run_id is not None
    assert any("broke off" in note for note in summary.notes)


async def test_an_assistant_that_is_down_is_one_finding_and_not_one_for_each_conversation(stage: Stage) -> None:
    run = await stage.baseline()
    stage.shop.is_down = True
    before = stage.shop.opened

    night = await stage.night()

    summary = summary_of(night)
    assert night.verdict == "REJECT" and summary.is_down
    assert [(each.kind, each.severity) for each in summary.regressed] == [("errors", "high")]
    assert summary.headline == f"The assistant did not answer: all {run.planned} conversations broke off"
    assert "connection refused" in (summary.down_reason or "")
    assert stage.shop.opened - before == run.planned + 3  # asked three times more, and not two hundred


async def test_an_assistant_that_was_down_for_a_while_is_not_worse(stage: Stage) -> None:
    run = await stage.baseline()
    stage.shop.flaky = run.planned

    night = await stage.night()

    assert night.verdict == "INCONCLUSIVE" and not summary_of(night).is_down
    assert any("a little later, it did" in note for note in summary_of(night).notes)


async def test_slower_answers_are_worse_by_a_medium_degree(stage: Stage) -> None:
    await stage.baseline()
    stage.shop.changes = SLOW

    night = await stage.night()

    [found] = summary_of(night).regressed
    assert (night.verdict, found.kind, found.severity) == ("REJECT", "latency", "medium")
    assert found.change is not None and 0.8 < found.change < 1.2


async def test_any_new_leak_is_high_with_what_was_said_as_evidence(stage: Stage) -> None:
    await stage.baseline(SECURITY)
    leaky = stage.ports.catalogue.variant("leaky-pizza@leaky", profile="", workspace_id=WORKSPACE)
    stage.shop.changes = {name: leaky.config[name] for name in ("examples", "templates")}

    night = await stage.night(SECURITY)

    leaks = [each for each in summary_of(night).regressed if each.kind == "security"]
    assert night.verdict == "REJECT" and leaks and all(each.severity == "high" for each in leaks)
    assert all("KITCHEN-7741" in quote for each in leaks for quote in each.quotes.values())


async def test_what_is_different_since_the_last_good_run_is_told(stage: Stage) -> None:
    await stage.baseline()
    await stage.night()

    night = await stage.night(assistant="pizza@faulty")

    assert summary_of(night).changes == ("the variant of pizza: good → faulty",)
    assert (summary_of(night).changes_since or "").startswith("the last good run")


async def test_what_failed_at_the_baseline_already_is_not_worse(stage: Stage) -> None:
    stage.shop.changes = NO_DRINKS
    await stage.baseline()

    night = await stage.night()

    summary = summary_of(night)
    assert night.verdict != "REJECT" and len(summary.still_failing) >= 5


async def test_the_same_key_is_the_same_regression(stage: Stage) -> None:
    await stage.baseline()
    request = RegressionRequest(suite=SUITE, workspace_id=WORKSPACE, key="schedule:1:2026-01-06")

    first, second = await asyncio.gather(*(start_regression(request, stage.ports) for _ in range(2)))

    assert first.id == second.id
    await stage.finished(first)
    assert len(await stage.ports.store.regressions.recent(WORKSPACE)) == 1


async def test_a_cancelled_run_has_no_verdict(stage: Stage) -> None:
    await stage.baseline()
    started = await start_regression(RegressionRequest(suite=SUITE, workspace_id=WORKSPACE), stage.ports)
    await cancel_run(started.run_id, stage.ports, by="U0ADA")

    night = await stage.finished(started)

    assert (night.state, night.verdict) == ("cancelled", None)


async def test_a_baseline_is_a_finished_run_of_its_suite_and_its_history_is_kept(stage: Stage) -> None:
    first = await stage.baseline()
    _, is_new = await set_baseline(first, stage.ports, by="U0BEN")
    assert not is_new

    second = await stage.baseline()
    history = await stage.ports.store.baselines.history(WORKSPACE, SUITE, "pizza")
    assert [(each.number, each.run_id) for each in history] == [(2, second.id), (1, first.id)]
    with pytest.raises(RequestError, match="only a finished run"):
        await set_baseline(replace(first, state="running"), stage.ports, by="U0ADA")
    with pytest.raises(RequestError, match="not 'attacks'"):
        await set_baseline(first, stage.ports, by="U0ADA", suite=SECURITY)


async def test_what_was_only_played_again_is_no_baseline(stage: Stage) -> None:
    run = await stage.baseline()
    stage.shop.changes = NO_DRINKS
    night = await stage.night()
    assert night.confirming_run_id is not None
    again = await stage.ports.store.runs.get(night.confirming_run_id)
    assert again is not None

    with pytest.raises(RequestError, match="only played again"):
        await set_baseline(again, stage.ports, by="U0ADA")
    assert (await find_run_of(SUITE, "last", WORKSPACE, stage.ports)).id == night.run_id != run.id


def test_changes_are_told_in_words(a_run: Run) -> None:
    now = replace(a_run, stamps={**a_run.stamps, "suite": "2", "convotest": "0.2.0"})

    assert what_changed(a_run, now) == ("the version of convotest: 0.1.0 → 0.2.0", "the suite")
    assert what_changed(a_run, a_run) == ()


@pytest.fixture
async def a_run(stage: Stage) -> Run:
    started = await start_run(RunRequest(target=SECURITY, n=1, workspace_id=WORKSPACE), stage.ports)
    return replace(started, stamps={"suite": "1", "convotest": "0.1.0", "assistant": "x"})
