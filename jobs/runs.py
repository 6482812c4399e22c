"""The use cases around a run: start, follow, cancel, report. Command, terminal and schedule all enter here."""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from uuid6 import uuid7

from jobs.actions._propose import propose_for_run
from jobs.announce import card_key, run_finished, run_started
from jobs.bundle import Ports
from jobs.errors import RequestError
from jobs.feedback.trust import judge_trust
from jobs.history.record import record_closed
from jobs.model import (
    Announcement,
    Assessment,
    Conversation,
    ConversationId,
    Progress,
    Run,
    RunId,
    RunRequest,
    Scenario,
    Transcript,
    WorkspaceId,
)
from jobs.planning import RunPlan, plan_run
from jobs.report import RunReport, RunSummary, build_report, dump_summary, load_summary
from jobs.report.rules import RuleSummary, broken
from jobs.report.summary import with_rules_cost
from jobs.rules.judged import judge_model, until_answered
from jobs.rules.of_run import RunRules, check_run
from jobs.rules.values import Question
from jobs.scoring import decide_verdict
from jobs.store import Store
from jobs.suites import draw_suite

log = logging.getLogger(__name__)


async def start_run(request: RunRequest, ports: Ports, *, plan: RunPlan | None = None) -> Run:
    """Record the run with everything it will play; from here on it happens, whatever dies.

    A request whose key is known already is the same run, and nothing is started again.

    Args:
        plan: what the request came down to, if it was planned already.
    """
    plan = plan or await plan_run(request, ports)
    scenarios = await asyncio.to_thread(draw_suite, plan.suite, seed=plan.seed, n=plan.n)
    run = Run(
        id=plan.run_id,
        workspace_id=request.workspace_id,
        state="planned",
        target=request.target,
        profile=plan.suite.stem,
        suite=plan.suite.name and plan.suite.stem,
        assistant=plan.variant.assistant,
        variant=plan.variant.name,
        simulator=plan.simulator,
        seed=plan.seed,
        planned=plan.n,
        stamps=plan.stamps,
        notes=plan.notes,
        started_by=request.started_by,
        place=request.place,
        created_at=ports.clock.now(),
        gates=plan.suite.gates,
        rules=plan.suite.rules,
        per_minute=plan.suite.per_minute,
        budget_usd=plan.suite.budget_usd,
    )
    await ports.store.variants.save(run.workspace_id, plan.variant)
    saved = await ports.store.runs.create(
        run,
        _with_ids(scenarios),
        key=request.key or plan.run_id,
        announcements=run_started(run, request.place) if request.place else (),
    )
    ports.bell.ring()
    return saved


async def cancel_run(run_id: RunId, ports: Ports, *, by: str) -> Run:
    """Ask a run to stop; what is finished is kept. A run that is over stays as it is."""
    await ports.store.runs.request_cancel(run_id, f"cancelled by {by}" if by else "cancelled")
    ports.bell.ring()
    return await _existing(run_id, ports)


async def find_run(text: str, workspace_id: WorkspaceId, ports: Ports) -> Run:
    """The run that a person means: ``last``, a short id, or a whole one.

    Raises:
        RequestError: none, or more than one.
    """
    return await run_meant(text, workspace_id, ports.store)


async def run_meant(text: str, workspace_id: WorkspaceId, store: Store) -> Run:
    """As ``find_run``, for those who only have the store."""
    wanted = text.strip().strip("`").lower()
    if wanted in ("", "last"):
        newest = next(iter(await store.runs.recent(workspace_id, limit=1)), None)
        if newest is None:
            raise RequestError("there are no runs yet; start one with: run pizza")
        return newest
    if not re.fullmatch(r"[0-9a-f-]{4,36}", wanted):
        raise RequestError(f"{text!r} is no run's id; give at least 4 of its characters, or 'last'")
    match await store.runs.by_short_id(workspace_id, wanted):
        case ():
            raise RequestError(f"no run {text!r}; `runs` lists the latest")
        case (only,):
            return only
        case several:
            raise RequestError(f"{text!r} fits several runs: {', '.join(each.id for each in several)}")


async def list_runs(workspace_id: WorkspaceId, ports: Ports, *, limit: int = 20) -> tuple[Run, ...]:
    """The latest runs, newest first."""
    return await ports.store.runs.recent(workspace_id, limit=limit)


async def run_report(run: Run, ports: Ports) -> RunReport:
    """Everything known about a run, finished or not; the figures are computed in the helper process."""
    conversations = await ports.store.runs.conversations(run.id)
    previous = await ports.store.runs.previous_summary(run)
    summary = load_summary(previous) if previous else None
    trust = await judge_trust(run, ports)
    report = await ports.helper.call(build_report, run, conversations, summary, trust)
    return with_rules(report, await _saved_summary(run, ports))


async def run_summary(run: Run, ports: Ports) -> RunSummary:
    """The figures of a run: those it was closed with, else as far as it is."""
    saved = await _saved_summary(run, ports)
    if saved is None:
        return (await run_report(run, ports)).summary
    return replace(saved, trust=await judge_trust(run, ports))  # people may have rated since


async def follow_run(run_id: RunId, ports: Ports) -> AsyncGenerator[Progress]:
    """The run's progress whenever it changed, until the run is over."""
    shown: Progress | None = None
    while True:
        run = await _existing(run_id, ports)
        progress = await ports.store.runs.progress(run)
        if progress != shown:
            yield progress
            shown = progress
        if run.state in ("finished", "cancelled"):
            return
        await ports.bell.wait(at_most_s=0.5)


async def close_finished(run: Run, ports: Ports) -> None:
    """Close a run whose conversations are all finished, once, with what is announced then."""
    run = await _existing(run.id, ports)  # the note on why it ended early may be newer than what the caller read
    finished = replace(run, state="finished", finished_at=ports.clock.now())
    report = await run_report(finished, ports)
    rules = await _held_against_rules(finished, report, ports)
    await _close(finished, _judged_by_rules(report, rules) if rules else report, ports)


async def close_cancelled(run: Run, ports: Ports) -> None:
    """Close a run that is to stop: what was not finished is cancelled, what was is kept."""
    await ports.store.runs.cancel_unplayed(run.id, _cancelled_conversation(run))
    cancelled = replace(run, state="cancelled", finished_at=ports.clock.now())
    await _close(cancelled, await run_report(cancelled, ports), ports)


async def _close(run: Run, report: RunReport, ports: Ports) -> None:
    announcements = ()
    if run.place:
        totals = report.summary.totals
        announcements = run_finished(
            run,
            run.place,
            has_failures=bool(report.summary.failures or report.summary.errors or any(broken(report.summary.rules))),
            has_results=totals.conversations > totals.cancelled,
        )
    await ports.store.runs.finish(
        run,
        state=run.state,
        summary=dump_summary(report.summary),
        announcements=(*announcements, *await _proposed(run, report, ports)),
        card_key=card_key(run.id),
        judged=[each for each in report.conversations if each.rules],
    )
    ports.bell.ring()
    await record_closed(report, ports)


async def _proposed(run: Run, report: RunReport, ports: Ports) -> Sequence[Announcement]:
    """What may mend what went wrong; whatever breaks in finding it, the run is closed all the same."""
    try:
        return await propose_for_run(run, report.conversations, ports)
    except Exception:
        log.exception("nothing could be proposed for run %s", run.id)
        return ()


async def _held_against_rules(run: Run, report: RunReport, ports: Ports) -> RunRules | None:
    """What the rules of the run's suite say; whatever breaks in them, the run is closed all the same."""
    if run.rules is None:
        return None
    models = ports.models.of_run(run.id, spent_usd=report.summary.costs.total or 0.0).conversation()

    async def check(answers: Mapping[Question, Any]) -> RunRules:
        found = await ports.helper.call(
            check_run, run, report.conversations, profiles_dir=ports.profiles_dir, answers=answers
        )
        assert found is not None, "the run has rules"
        return found

    try:
        judge = judge_model(models, ports.settings, ports.judgements) if ports.models.configured else None
        found = await until_answered(check, judge)
        tokens, cost_usd = models.spent()
        return replace(found, tokens=tokens, cost_usd=cost_usd)
    except Exception as error:
        log.exception("the rules of run %s could not be checked", run.id)
        stopped = f"convotest itself failed over the rules ({type(error).__name__}); the log has the details"
        return RunRules(rules={run.rules or "rules": RuleSummary(of="runs", stopped=stopped)})


async def _saved_summary(run: Run, ports: Ports) -> RunSummary | None:
    """The figures that the run was closed with."""
    saved = await ports.store.runs.summary(run.id)
    return load_summary(saved) if saved else None


def _judged_by_rules(report: RunReport, found: RunRules) -> RunReport:
    """The report with what the rules of its suite say of each conversation, and of all of them."""
    conversations = tuple(replace(each, rules=found.verdicts.get(each.id, {})) for each in report.conversations)
    summary = replace(report.summary, rules=found.rules, notes=(*report.summary.notes, *found.notes))
    summary = with_rules_cost(summary, found.tokens, found.cost_usd)
    return replace(report, conversations=conversations, summary=summary)


def with_rules(report: RunReport, saved: RunSummary | None) -> RunReport:
    """The report with the verdicts of the rules as they were when the run was closed."""
    if saved is None or saved.rules is None:
        return report
    notes = tuple(dict.fromkeys((*report.summary.notes, *saved.notes)))
    summary = with_rules_cost(report.summary, saved.rules_tokens, saved.rules_cost_usd)
    return replace(report, summary=replace(summary, rules=saved.rules, notes=notes))


def _with_ids(scenarios: tuple[Scenario, ...]) -> list[tuple[ConversationId, Scenario]]:
    return [(ConversationId(str(uuid7())), scenario) for scenario in scenarios]


def _cancelled_conversation(run: Run) -> Conversation:
    transcript = Transcript(turns=(), ended_by="cancelled", error=run.note)
    assessment = Assessment(goals=())
    return Conversation(
        id=ConversationId(""),
        run_id=run.id,
        number=0,
        scenario=Scenario(profile=run.profile, number=0, seed=0, goals=()),
        transcript=transcript,
        verdict=decide_verdict(transcript, assessment),
        assessment=assessment,
    )


async def _existing(run_id: RunId, ports: Ports) -> Run:
    run = await ports.store.runs.get(run_id)
    if run is None:
        raise RequestError(f"no run {run_id!r}")
    return run
