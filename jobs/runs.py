"""The use cases around a run: plan, start, follow, cancel, report. Command, terminal and schedule all enter here."""

import hashlib
import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version

from uuid6 import uuid7

from jobs.announce import card_key, run_finished, run_started
from jobs.assistants import CONNECTORS
from jobs.bundle import Ports
from jobs.errors import ConfigurationError, RequestError
from jobs.estimate import ModelUse, estimate_usd
from jobs.judge import judge_stamp
from jobs.metrics import RUBRICS
from jobs.model import (
    Assessment,
    Conversation,
    ConversationId,
    Progress,
    Run,
    RunId,
    RunRequest,
    Scenario,
    SimulatorName,
    Transcript,
    Variant,
    WorkspaceId,
)
from jobs.pricing import require_prices
from jobs.profiles import Profile, draw_scenarios, find_profile
from jobs.report import RunReport, RunSummary, build_report, dump_summary, load_summary
from jobs.scoring import decide_verdict

SHORT_ID = 8
"""Characters of a short id: the random end of a UUIDv7, since its beginning is the time."""
LARGEST_SEED = 2**31 - 1
ESTIMATED_FROM = 20
"""The cost of a run is estimated from its first conversations."""


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """What a request comes down to: everything looked up, nothing started.

    Args:
        estimated_cost_usd: None when a price is not known.
        stamps: of the models that take part.
        notes: what the person who asked must know ("n=100000 was cut to 1000").
    """

    profile: Profile
    variant: Variant
    simulator: SimulatorName
    seed: int
    n: int
    notes: tuple[str, ...]
    estimated_cost_usd: float | None
    stamps: Mapping[str, str]


async def plan_run(request: RunRequest, ports: Ports) -> RunPlan:
    """Look everything up.

    Raises:
        RequestError: no such profile or assistant, or a number that makes no sense; says what would do.
    """
    return await _plan(request, ports, new_run_id())


async def start_run(request: RunRequest, ports: Ports) -> Run:
    """Record the run with everything it will play; from here on it happens, whatever dies.

    A request whose key is known already is the same run, and nothing is started again.
    """
    run_id = new_run_id()
    plan = await _plan(request, ports, run_id)
    scenarios = draw_scenarios(plan.profile, seed=plan.seed, n=plan.n)
    run = Run(
        id=run_id,
        workspace_id=request.workspace_id,
        state="planned",
        target=request.target,
        profile=plan.profile.stem,
        suite=None,
        assistant=plan.variant.assistant,
        variant=plan.variant.name,
        simulator=plan.simulator,
        seed=plan.seed,
        planned=plan.n,
        stamps=_stamps(plan),
        notes=plan.notes,
        started_by=request.started_by,
        place=request.place,
        created_at=ports.clock.now(),
    )
    await ports.store.variants.save(run.workspace_id, plan.variant)
    saved = await ports.store.runs.create(
        run,
        _with_ids(scenarios),
        key=request.key or run_id,
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
    wanted = text.strip().strip("`").lower()
    if wanted in ("", "last"):
        newest = next(iter(await ports.store.runs.recent(workspace_id, limit=1)), None)
        if newest is None:
            raise RequestError("there are no runs yet; start one with: run pizza")
        return newest
    if not re.fullmatch(r"[0-9a-f-]{4,36}", wanted):
        raise RequestError(f"{text!r} is no run's id; give at least 4 of its characters, or 'last'")
    found = await ports.store.runs.by_id_end(workspace_id, wanted)
    if not found:
        raise RequestError(f"no run {text!r}; `runs` lists the latest")
    if len(found) > 1:
        raise RequestError(f"{text!r} fits several runs: {', '.join(each.id for each in found)}")
    [only] = found
    return only


async def list_runs(workspace_id: WorkspaceId, ports: Ports, *, limit: int = 20) -> tuple[Run, ...]:
    """The latest runs, newest first."""
    return await ports.store.runs.recent(workspace_id, limit=limit)


async def run_report(run: Run, ports: Ports) -> RunReport:
    """Everything known about a run, finished or not; the figures are computed in the helper process."""
    conversations = await ports.store.runs.conversations(run.id)
    previous = await ports.store.runs.previous_summary(run)
    summary = load_summary(previous) if previous else None
    return await ports.helper.call(build_report, run, conversations, summary)


async def run_summary(run: Run, ports: Ports) -> RunSummary:
    """The figures of a run: those it was closed with, else as far as it is."""
    saved = await ports.store.runs.summary(run.id)
    loaded = load_summary(saved) if saved else None
    return loaded or (await run_report(run, ports)).summary


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
    await _close(finished, await run_report(finished, ports), ports)


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
            has_failures=bool(report.summary.failures or report.summary.errors),
            has_results=totals.conversations > totals.cancelled,
        )
    await ports.store.runs.finish(
        run,
        state=run.state,
        summary=dump_summary(report.summary),
        announcements=announcements,
        card_key=card_key(run.id),
    )
    ports.bell.ring()


def new_run_id() -> RunId:
    return RunId(str(uuid7()))


def short_id(full_id: str) -> str:
    """The form of an id that people read and type."""
    return full_id[-SHORT_ID:]


async def _plan(request: RunRequest, ports: Ports, run_id: RunId) -> RunPlan:
    profile = find_profile(request.target, profiles_dir=ports.profiles_dir)
    variant = ports.catalogue.variant(request.assistant, profile=str(profile.path), workspace_id=request.workspace_id)
    problems = ports.connectors[variant.connector].check(variant.config)
    if problems:
        raise RequestError(f"{variant.label} cannot be used: {'; '.join(problems)}")
    seed = _seed_from(run_id) if request.seed is None else request.seed
    if not 0 <= seed <= LARGEST_SEED:
        raise RequestError(f"seed={seed} is out of range; use a whole number from 0 to {LARGEST_SEED}")
    n, notes = _how_many(request, profile, seed, ports.settings.convotest_max_conversations)
    simulator = _simulator(profile, ports)
    use = _model_use(profile, variant, simulator, ports)
    return RunPlan(
        profile=profile,
        variant=variant,
        simulator=simulator,
        seed=seed,
        n=n,
        notes=(*notes, *profile.unsupported),
        estimated_cost_usd=await _estimate(use, profile, seed, n, ports),
        stamps=_stamps_of_models(use, ports),
    )


def _model_use(profile: Profile, variant: Variant, simulator: SimulatorName, ports: Ports) -> ModelUse:
    settings = ports.settings
    judge = settings.convotest_judge_model if ports.models.configured else None
    return ModelUse(
        simulator=(profile.model or settings.convotest_simulator_model) if simulator == "llm" else None,
        assistants=CONNECTORS[variant.connector].models(variant.config),
        prompt=len(str(variant.config.get("system_prompt", ""))),
        judge=judge,
        judgements=len(RUBRICS) if judge else 0,
    )


async def _estimate(use: ModelUse, profile: Profile, seed: int, n: int, ports: Ports) -> float | None:
    """What the run will cost, roughly.

    Raises:
        RequestError: there is a budget, and nobody can tell whether the run keeps to it.
        ConfigurationError: the address of the models cannot be used.
    """
    if not use.models:
        return 0.0
    if use.simulator or use.judge:
        ports.models.endpoint()
    await ports.models.prepare()
    if ports.models.budget_usd is not None:
        require_prices(ports.models.prices, use.models, ports.clock.now())
    sample = draw_scenarios(profile, seed=seed, n=min(n, ESTIMATED_FROM))
    return estimate_usd(use, sample, n, ports.models.prices, at=ports.clock.now())


def _stamps_of_models(use: ModelUse, ports: Ports) -> dict[str, str]:
    if not use.models:
        return {}
    stamps = {"models": ", ".join(use.models), "prices": ports.models.prices.stamp()}
    return stamps | ({"judge": judge_stamp(use.judge)} if use.judge else {})


def _how_many(request: RunRequest, profile: Profile, seed: int, most: int) -> tuple[int, tuple[str, ...]]:
    asked = profile.planned(seed) if request.n is None else request.n
    if asked < 1:
        raise RequestError(f"n={asked} makes no sense; ask for at least 1 conversation")
    if asked > most:
        return most, (f"n={asked} was cut to {most}, the most this installation plays in one run",)
    return asked, ()


def _simulator(profile: Profile, ports: Ports) -> SimulatorName:
    """The simulator that the settings ask for; ``auto`` is the model if there is one, else the offline one."""
    settings = ports.settings
    wanted = settings.convotest_simulator
    has_model = "llm" in ports.simulators and bool(profile.model or settings.convotest_simulator_model)
    if wanted == "llm" and not has_model:
        raise ConfigurationError(
            "CONVOTEST_SIMULATOR is 'llm', but there is no model to play the customers: set OPENAI_API_KEY (or "
            "OPENAI_BASE_URL) and CONVOTEST_SIMULATOR_MODEL, or use CONVOTEST_SIMULATOR=agenda, which needs neither"
        )
    if wanted == "agenda":
        return "agenda"
    return "llm" if has_model else "agenda"


def _seed_from(run_id: RunId) -> int:
    return int.from_bytes(hashlib.sha256(run_id.encode()).digest()[:4]) & LARGEST_SEED


def _stamps(plan: RunPlan) -> dict[str, str]:
    """What took part, as content hashes: runs with different stamps are not simply comparable."""
    return {
        "profile": plan.profile.stamp,
        "assistant": plan.variant.hash,
        "simulator": plan.simulator,
        "convotest": version("convotest"),
        **plan.stamps,
    }


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
