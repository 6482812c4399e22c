"""The use cases around a regression: start, find, follow, cancel, close. Nothing heavy is imported here."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Sequence

from uuid6 import uuid7

from jobs.announce import card_key, conversation_finished
from jobs.bundle import Ports
from jobs.errors import RequestError
from jobs.model import (
    Announcement,
    AnnouncementKind,
    ConversationId,
    Outcome,
    Place,
    Progress,
    Run,
    RunRequest,
    Scenario,
    WorkspaceId,
    short_id,
)
from jobs.planning import LARGEST_SEED, RunPlan, plan_run
from jobs.regression.regression import (
    OVER,
    Baseline,
    Regression,
    RegressionId,
    RegressionRequest,
    RegressionSummary,
)
from jobs.runs import find_run, run_summary
from jobs.spending import require_budget
from jobs.suites import Suite, draw_suite
from jobs.uploads import target_of

AGAIN = 4
"""Times that a case which newly fails is played again, if nobody says otherwise."""
MOST_SHOWN = 12
"""Failing conversations that are shown one by one."""
CALLED = {
    "suite": "the suite",
    "profile": "the profile",
    "rules": "the rules",
    "assistant": "the configuration of the assistant",
    "simulator": "what plays the customers",
    "models": "the models",
    "judge": "the judge or its rubric",
    "prices": "the prices",
    "convotest": "the version of convotest",
}


# --- starting ---------------------------------------------------------------------------------------------------------


async def start_regression(request: RegressionRequest, ports: Ports) -> Regression:
    """Play a suite once more, with the customers and dice of its baseline; from here on it happens, whatever dies.

    A request whose key is known already is the same regression, and nothing is started again.

    Raises:
        RequestError: no such suite or assistant, or the budget is used up.
    """
    await require_budget(request.workspace_id, ports)
    suite = await target_of(request.suite, request.workspace_id, ports)
    plan, baseline = await _plan(request, suite, ports)
    scenarios = await asyncio.to_thread(draw_suite, plan.suite, seed=plan.seed, n=plan.n)
    await ports.store.variants.save(request.workspace_id, plan.variant)
    regression = Regression(
        id=RegressionId(str(uuid7())),
        workspace_id=request.workspace_id,
        suite=suite.stem,
        assistant=plan.variant.assistant,
        variant=plan.variant.name,
        baseline=baseline.number if baseline else None,
        baseline_run_id=baseline.run_id if baseline else None,
        run_id=plan.run_id,
        schedule_id=request.schedule_id,
        slot=request.slot,
        place=request.place,
        started_by=request.started_by,
        created_at=ports.clock.now(),
    )
    saved = await ports.store.regressions.create(
        regression,
        _run(regression, plan, request),
        _with_ids(scenarios),
        key=request.key or regression.id,
        announcements=_started(regression),
    )
    ports.bell.ring()
    return saved


async def _plan(request: RegressionRequest, suite: Suite, ports: Ports) -> tuple[RunPlan, Baseline | None]:
    """As the baseline was played, if there is one; without one every night is played with the same dice."""
    usual_seed = int.from_bytes(hashlib.sha256(suite.stem.encode()).digest()[:4]) & LARGEST_SEED
    plan = await plan_run(_run_request(request, seed=usual_seed, n=None), ports)
    baseline = await ports.store.baselines.current(request.workspace_id, suite.stem, plan.variant.assistant)
    run = await ports.store.runs.get(baseline.run_id) if baseline else None
    if baseline is None or run is None:
        return plan, None
    of_profile = suite.name is None  # a suite says itself how many it is
    return await plan_run(_run_request(request, seed=run.seed, n=run.planned if of_profile else None), ports), baseline


def _run_request(request: RegressionRequest, *, seed: int, n: int | None) -> RunRequest:
    return RunRequest(
        target=request.suite, assistant=request.assistant, n=n, seed=seed, workspace_id=request.workspace_id
    )


def _run(regression: Regression, plan: RunPlan, request: RegressionRequest) -> Run:
    return Run(
        id=plan.run_id,
        workspace_id=regression.workspace_id,
        state="planned",
        target=request.suite,
        profile=plan.suite.stem,
        suite=plan.suite.name and plan.suite.stem,
        assistant=plan.variant.assistant,
        variant=plan.variant.name,
        simulator=plan.simulator,
        seed=plan.seed,
        planned=plan.n,
        stamps=plan.stamps,
        notes=plan.notes,
        started_by=regression.started_by,
        place=None,  # the regression is announced, not the run
        created_at=regression.created_at,
        gates=plan.suite.gates,
        rules=plan.suite.rules,
        per_minute=plan.suite.per_minute,
        budget_usd=plan.suite.budget_usd,
    )


def _with_ids(scenarios: Sequence[Scenario]) -> list[tuple[ConversationId, Scenario]]:
    return [(ConversationId(str(uuid7())), scenario) for scenario in scenarios]


# --- what is announced ------------------------------------------------------------------------------------------------


def _started(regression: Regression) -> tuple[Announcement, ...]:
    """Its card; what belongs to its run goes into the same thread."""
    if regression.place is None:
        return ()
    return (_announcement(regression, "regression_card", regression.place),)


def finished_announcements(regression: Regression, run: Run, place: Place) -> tuple[Announcement, ...]:
    """The conversations that show what got worse, the report that links to them, and a last message."""
    summary = regression.summary
    assert summary is not None
    shown = [conversation_finished(run, place, number) for number in shown_conversations(summary)]
    return (
        *shown,
        _announcement(regression, "regression_report", place),
        _announcement(regression, "regression_finished", place),
    )


def shown_conversations(summary: RegressionSummary) -> tuple[int, ...]:
    """Numbers of those that are shown one by one: none when it is down, since one message says it all."""
    if summary.is_down:
        return ()
    numbers = [number for each in summary.regressed for number in each.conversations]
    return tuple(dict.fromkeys(numbers))[:MOST_SHOWN]


def _announcement(regression: Regression, kind: AnnouncementKind, place: Place) -> Announcement:
    card = card_key(regression.run_id)
    is_card = kind == "regression_card"
    return Announcement(
        key=card if is_card else f"regression:{regression.id}:{kind}",
        kind=kind,
        place=place,
        ref={"regression_id": regression.id, "run_id": regression.run_id},
        parent_key=None if is_card else card,
        last=kind == "regression_finished",
    )


# --- finding ----------------------------------------------------------------------------------------------------------


async def existing_regression(regression_id: RegressionId, ports: Ports) -> Regression:
    regression = await ports.store.regressions.get(regression_id)
    if regression is None:
        raise RequestError("this regression is not known here any more")
    return regression


async def follow_regression(regression_id: RegressionId, ports: Ports) -> AsyncGenerator[tuple[Regression, Progress]]:
    """It and its progress whenever that changed, until it is over; what is played again counts as planned then."""
    shown: tuple[str, Progress] | None = None
    while True:
        regression = await existing_regression(regression_id, ports)
        progress = await regression_progress(regression, ports)
        if (regression.state, progress) != shown:
            yield regression, progress
            shown = (regression.state, progress)
        if regression.state in OVER:
            return
        await ports.bell.wait(at_most_s=0.5)


async def regression_progress(regression: Regression, ports: Ports) -> Progress:
    """Conversations of its run, and of what is played again."""
    planned, outcomes = 0, dict[Outcome, int]()
    for run_id in filter(None, (regression.run_id, regression.confirming_run_id)):
        run = await ports.store.runs.get(run_id)
        if run is not None:
            progress = await ports.store.runs.progress(run)
            planned += progress.planned
            for outcome, number in progress.by_outcome.items():
                outcomes[outcome] = outcomes.get(outcome, 0) + number
    return Progress(planned=planned, by_outcome=outcomes)


async def cancel_regression(regression: Regression, ports: Ports, *, by: str) -> None:
    """Ask it to stop; what is finished is kept, and there will be no verdict."""
    for run_id in filter(None, (regression.run_id, regression.confirming_run_id)):
        await ports.store.runs.request_cancel(run_id, f"cancelled by {by}" if by else "cancelled")
    ports.bell.ring()


# --- what is different ------------------------------------------------------------------------------------------------


async def changes_since(regression: Regression, ports: Ports) -> tuple[tuple[str, ...], str | None]:
    """What is different since the last good run, else since the baseline, with when that was."""
    run = await ports.store.runs.get(regression.run_id)
    good = await ports.store.regressions.last_good(regression)
    then_id = good.run_id if good else regression.baseline_run_id
    then = await ports.store.runs.get(then_id) if then_id else None
    if run is None or then is None:
        return (), None
    since = f"{'the last good run' if good else 'the baseline'} ({then.created_at:%Y-%m-%d %H:%M} UTC)"
    return what_changed(then, run), since


def what_changed(then: Run, now: Run) -> tuple[str, ...]:
    """What was different, in words."""
    changes: list[str] = []
    if then.variant != now.variant:
        changes.append(f"the variant of {now.assistant}: {then.variant} → {now.variant}")
    for name in sorted({*then.stamps, *now.stamps}):
        before, after = then.stamps.get(name), now.stamps.get(name)
        if before == after or (name == "assistant" and then.variant != now.variant):
            continue
        is_readable = name in ("convotest", "models", "simulator")
        values = f": {before or 'none'} → {after or 'none'}" if is_readable else ""
        changes.append(f"{CALLED.get(name, name)}{values}")
    return tuple(changes)


# --- baselines --------------------------------------------------------------------------------------------------------


async def set_baseline(
    run: Run, ports: Ports, *, by: str, reason: str = "", suite: str | None = None
) -> tuple[Baseline, bool]:
    """Pin a finished run as what the nights of its suite and assistant are compared with, and whether that is new.

    Raises:
        RequestError: the run is not finished, decided nothing, or is one of another suite than ``suite``.
    """
    if suite is not None and suite not in (run.profile, run.target):
        raise RequestError(f"run {short_id(run.id)} played {run.profile!r}, not {suite!r}")
    if run.state != "finished":
        raise RequestError(f"run {short_id(run.id)} is {run.state}; only a finished run can be a baseline")
    if await _plays_again(run, ports):
        raise RequestError(f"run {short_id(run.id)} only played again what another run had in doubt; set that one")
    summary = await run_summary(run, ports)
    if summary.success is None:
        raise RequestError(
            f"no conversation of run {short_id(run.id)} passed or failed; it says nothing to compare with"
        )
    baselines = ports.store.baselines
    is_new = await baselines.set(run.workspace_id, run.profile, run.assistant, run.id, by=by, reason=reason)
    current = await baselines.current(run.workspace_id, run.profile, run.assistant)
    if current is None or current.run_id != run.id:
        raise RequestError("somebody else has set a baseline in this very moment; nothing was changed")
    return current, is_new


async def find_baselines(suite: str | None, workspace_id: WorkspaceId, ports: Ports) -> tuple[Baseline, ...]:
    """The baselines in force: all of them, or those of one suite; raises RequestError when it has none."""
    current = await ports.store.baselines.all_current(workspace_id)
    if suite is None:
        return current
    stem = (await target_of(suite, workspace_id, ports)).stem
    found = tuple(each for each in current if each.suite == stem)
    if not found:
        raise RequestError(f"no baseline is set for {stem!r}; run it, and set the run: baseline set {stem} RUN")
    return found


async def find_run_of(suite: str, text: str, workspace_id: WorkspaceId, ports: Ports) -> Run:
    """The run that a person means; ``last`` is the last one of that suite."""
    if text.strip().casefold() in ("", "last"):
        stem = (await target_of(suite, workspace_id, ports)).stem
        for run in await ports.store.runs.recent(workspace_id, limit=200):
            if run.profile == stem and run.state == "finished" and not await _plays_again(run, ports):
                return run
        raise RequestError(f"there is no finished run of {stem!r} yet; start one with: run {stem}")
    return await find_run(text, workspace_id, ports)


async def _plays_again(run: Run, ports: Ports) -> bool:
    """Whether it is no run of a whole suite, but of what was in doubt in another one."""
    regression = await ports.store.regressions.of_run(run.id)
    return regression is not None and regression.confirming_run_id == run.id
