"""Whether a change helps: old and new variant meet the same customers, none of whom the change was made for."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs.actions._action import Action, Outcome
from jobs.actions._problems import has_problem, other_reasons
from jobs.bundle import Ports
from jobs.experiments.experiment import ArmName, Experiment, ExperimentId, ExperimentRequest, scenario_key
from jobs.experiments.lifecycle import start_experiment
from jobs.model import Conversation, RunId, WorkspaceId
from jobs.suites import Suite, list_suites
from jobs.uploads import target_of

MAIN = "main"
LARGEST_SEED = 2**31 - 1
PLAYED = ("passed", "failed", "inconclusive")


@dataclass(frozen=True, kw_only=True)
class Both:
    """What one experiment of a verification has played in both arms."""

    target: str
    attempt: int
    a: Sequence[Conversation]
    b: Sequence[Conversation]


async def start_experiments(action: Action, parent: str, candidate: str, ports: Ports) -> tuple[str, ...]:
    """The experiments of the current attempt, begun if they were not; the main one first."""
    content, attempt = action.content, action.progress.attempt
    suites = await verification_suites(action, ports) if attempt == 1 else ()
    targets = [content.target, *(each.stem for each in suites)]
    pairs = action.progress.pairs if await _is_profile(content.target, action.workspace_id, ports) else None
    started: list[str] = []
    for place, target in enumerate(targets):
        request = ExperimentRequest(
            target=target,
            a=f"{action.assistant}@{parent}",
            b=f"{action.assistant}@{candidate}",
            n=pairs if place == 0 else None,
            seed=held_out_seed(action) if place == 0 else content.seed,
            started_by=action.decided_by or action.proposer,
            workspace_id=action.workspace_id,
            key=f"action:{action.id}:{attempt}:{MAIN if place == 0 else target}",
        )
        known = await ports.store.experiments.by_key(action.workspace_id, request.key or "")
        experiment = known or await start_experiment(request, ports)
        started.append(experiment.id)
    return tuple(started)


async def verification_suites(action: Action, ports: Ports) -> tuple[Suite, ...]:
    """The suites that must go on working: those about security and regressions that are made for the assistant."""
    assistant = ports.catalogue.assistant(action.assistant, workspace_id=action.workspace_id)
    suites = await asyncio.to_thread(list_suites, ports.profiles_dir)
    chosen: list[Suite] = []
    for suite in suites:
        is_guard = any(word in suite.path for word in ("security", "regression"))
        paths = [each.profile.path for each in suite.profiles] or [suite.path]
        named = suite.assistant.partition("@")[0] == assistant.name if suite.assistant else None
        is_ours = named if named is not None else all(assistant.is_for(path) for path in paths)
        if is_guard and is_ours and suite.stem != action.content.target:
            chosen.append(suite)
    return tuple(chosen)


def held_out_seed(action: Action) -> int:
    """Other customers than those in whom the problem was found, and others with every further attempt."""
    said = f"{action.id}:{action.content.seed}:{action.progress.attempt}"
    seed = int.from_bytes(hashlib.sha256(said.encode()).digest()[:4]) & LARGEST_SEED
    return seed if seed != action.content.seed else (seed + 1) & LARGEST_SEED


async def outcome_of(action: Action, experiments: Sequence[Experiment], ports: Ports) -> Outcome:
    """What the finished experiments show; computed in the helper process."""
    played = [
        Both(
            target=each.target,
            attempt=place,
            a=await _conversations(each, "a", ports),
            b=await _conversations(each, "b", ports),
        )
        for place, each in enumerate(experiments)
    ]
    seen: frozenset[str] = frozenset()
    if action.run_id:
        known = await ports.store.runs.conversations(RunId(action.run_id))
        seen = frozenset(scenario_key(each.scenario) for each in known if each.scenario.case is None)
    return await ports.helper.call(_judged, action, played, seen)


async def experiments_of(action: Action, ports: Ports) -> tuple[Experiment, ...]:
    found = [await ports.store.experiments.get(ExperimentId(each)) for each in action.progress.experiments]
    return tuple(each for each in found if each is not None)


async def _conversations(experiment: Experiment, arm: ArmName, ports: Ports) -> list[Conversation]:
    runs = [each.run for each in experiment.runs if each.arm == arm]
    return [each for run in runs for each in await ports.store.runs.conversations(run.id)]


async def _is_profile(target: str, workspace_id: WorkspaceId, ports: Ports) -> bool:
    return (await target_of(target, workspace_id, ports)).name is None


# --- in the helper process --------------------------------------------------------------------------------------------


def _judged(action: Action, played: Sequence[Both], seen: frozenset[str]) -> Outcome:
    from jobs.actions._judging import judge_change  # numpy and scipy

    return judge_change(action, played, seen)


def by_case(conversations: Sequence[Conversation]) -> Mapping[str, list[bool]]:
    """Of each test case whether it passed, once for each time that it was played."""
    cases: dict[str, list[bool]] = {}
    for each in conversations:
        if each.scenario.case is not None and each.verdict.outcome in ("passed", "failed", "assistant_error"):
            cases.setdefault(each.scenario.profile, []).append(each.verdict.outcome == "passed")
    return cases


def pairs_of(both: Both, seen: frozenset[str]) -> list[tuple[Conversation, Conversation]]:
    """Conversations with the same customer, without the customers in whom the problem was found."""
    candidates = {each.number: each for each in both.b}
    return [
        (each, candidates[each.number])
        for each in both.a
        if each.number in candidates and scenario_key(each.scenario) not in seen
    ]


def problems_in(action: Action, conversation: Conversation) -> tuple[bool, int]:
    """Whether it has the problem, and how many others it has."""
    problem = action.content.problem
    return has_problem(problem, conversation), other_reasons(problem, conversation)
