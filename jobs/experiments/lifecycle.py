"""The use cases around an experiment: plan, start, follow, cancel, extend, close. Nothing heavy is imported here."""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from pydantic import TypeAdapter, ValidationError
from uuid6 import uuid7

from jobs.announce import experiment_card_key, experiment_finished, experiment_started
from jobs.bundle import Ports
from jobs.errors import RequestError
from jobs.experiments.experiment import (
    EVERY_ARM,
    OVER,
    ArmProgress,
    ArmRun,
    Experiment,
    ExperimentId,
    ExperimentProgress,
    ExperimentRequest,
    ExperimentState,
    ExperimentSummary,
    completed_pairs,
    scenario_key,
)
from jobs.experiments.looks import early_winner
from jobs.experiments.power import ALPHA, DISAGREEING, detectable_difference, pairs_for_rates, power_line
from jobs.feedback.trust import judge_trust
from jobs.metrics import METRICS, RUBRICS
from jobs.model import Conversation, ConversationId, Run, RunRequest, Scenario, WorkspaceId, short_id
from jobs.planning import RunPlan, new_run_id, plan_run
from jobs.store.experiments import PlannedArm
from jobs.suites import draw_suite
from jobs.uploads import target_of

LOOK_EVERY = 5
"""Pairs between two looks for an early winner."""
FEWEST_USEFUL = 10
METRICS_TO_DECLARE = ("success", "latency_ms", "cost_usd", *(name for name in METRICS if name != "latency"))
EXTENDED_BY = 20
MOST_CANDIDATES = len(EVERY_ARM) - 1
ASSISTANT = "assistant"
NOT_SHARED = (ASSISTANT, "models", "prices")
"""The stamps in which arms may differ: the assistant and its model, and prices, which do not change what is said."""


@dataclass(frozen=True, kw_only=True)
class ExperimentPlan:
    """What a request comes down to: everything looked up, nothing started."""

    a: RunPlan
    b: RunPlan
    more: tuple[RunPlan, ...] = ()
    pairs: int
    power: str
    estimated_cost_usd: float | None
    is_aa: bool
    notes: tuple[str, ...]

    @property
    def arms(self) -> tuple[RunPlan, ...]:
        return (self.a, self.b, *self.more)


async def plan_experiment(request: ExperimentRequest, ports: Ports) -> ExperimentPlan:
    """Look everything up.

    Raises:
        RequestError: no such profile, variant or metric, or a number that makes no sense; says what would do.
    """
    _check(request)
    suite = await target_of(request.target, request.workspace_id, ports)
    wanted, notes = None, tuple[str, ...]()
    if suite.name is None or request.n is not None:  # a suite has its own size
        wanted, notes = _pairs_wanted(request, ports.settings.convotest_max_conversations)
    a = await plan_run(_run_request(request, request.a, n=wanted, seed=request.seed), ports)
    b, *more = [
        await plan_run(_run_request(request, each, n=a.n, seed=a.seed), ports) for each in (request.b, *request.more)
    ]
    arms = (a, b, *more)
    if a.n < FEWEST_USEFUL:
        notes += (f"{a.n} pairs are too few for any verdict; it takes at least {FEWEST_USEFUL}",)
    is_aa = a.variant.hash == b.variant.hash
    if more and len({each.variant.hash for each in arms}) < len(arms):
        raise RequestError("two of these variants are the same; an A/A test has just these two, a=… and b=…")
    if is_aa:
        notes += ("an A/A test: both arms are the same variant",)
    if more:
        notes += (f"{1 + len(more)} candidates, each against {a.variant.label}; they share the 5% risk (Holm)",)
    known = [each.estimated_cost_usd for each in arms if each.estimated_cost_usd is not None]
    return ExperimentPlan(
        a=a,
        b=b,
        more=tuple(more),
        pairs=a.n,
        power=power_line(a.n, candidates=1 + len(more)),
        estimated_cost_usd=sum(known) if len(known) == len(arms) else None,
        is_aa=is_aa,
        notes=tuple(dict.fromkeys((*notes, *(note for each in arms for note in each.notes)))),
    )


def _check(request: ExperimentRequest) -> None:
    if request.metric not in METRICS_TO_DECLARE:
        raise RequestError(f"no metric named {request.metric!r}; known: {', '.join(METRICS_TO_DECLARE)}")
    if request.early_stop and request.metric != "success":
        raise RequestError("an early stop looks at success; it cannot be combined with another metric that decides")
    if request.early_stop and request.more:
        raise RequestError("an early stop compares two variants; leave out early, or the further candidates")
    if len(request.more) > MOST_CANDIDATES - 1:
        raise RequestError(f"{1 + len(request.more)} candidates are too many; at most {MOST_CANDIDATES} at a time")
    if not 0 < request.difference <= 1:
        raise RequestError(f"a difference of {100 * request.difference:g} points makes no sense; ask for 1 to 100")
    if request.n is not None and request.n < 1:
        raise RequestError(f"n={request.n} makes no sense; ask for at least 1 pair, or n=auto")


def _pairs_wanted(request: ExperimentRequest, most: int) -> tuple[int, tuple[str, ...]]:
    """How many pairs, within what this installation plays in one run."""
    if request.n is not None:
        cut = (f"n={request.n} was cut to {most} pairs, the most this installation plays",) * (request.n > most)
        return min(request.n, most), cut
    discordant = max(DISAGREEING, request.difference)
    alpha = ALPHA / (1 + len(request.more))
    needed = pairs_for_rates(discordant=discordant, difference=request.difference, alpha=alpha) or most + 1
    points = f"{100 * request.difference:.0f} points"
    if needed <= most:
        return max(needed, FEWEST_USEFUL), (f"n=auto: {needed} pairs show a difference of {points}",)
    shown = detectable_difference(most, alpha=alpha)
    reach = f"; {most} show {math.ceil(100 * shown)} points" if shown else ""
    return most, (f"n=auto: a difference of {points} takes {needed} pairs, more than the {most} allowed here{reach}",)


def _run_request(request: ExperimentRequest, variant: str, *, n: int | None, seed: int | None) -> RunRequest:
    return RunRequest(
        target=request.target,
        assistant=variant,
        n=n,
        seed=seed,
        started_by=request.started_by,
        workspace_id=request.workspace_id,
    )


# --- start and extend -----------------------------------------------------------------------------------------------


async def start_experiment(request: ExperimentRequest, ports: Ports) -> Experiment:
    """Record the experiment with everything it will play; a request whose key is known is the same experiment."""
    plan = await plan_experiment(request, ports)
    experiment_id = ExperimentId(str(uuid7()))
    key = request.key or experiment_id
    a, b, *more = [each.variant.label for each in plan.arms]
    experiment = Experiment(
        id=experiment_id,
        workspace_id=request.workspace_id,
        target=request.target,
        a=a,
        b=b,
        more=tuple(more),
        seed=plan.a.seed,
        planned=plan.pairs,
        metric=request.metric,
        early_stop=request.early_stop,
        is_aa=plan.is_aa,
        power=plan.power,
        estimated_cost_usd=plan.estimated_cost_usd,
        stamps=_shared_stamps(plan.a),
        notes=plan.notes,
        started_by=request.started_by,
        place=request.place,
        created_at=ports.clock.now(),
    )
    scenarios = await asyncio.to_thread(draw_suite, plan.a.suite, seed=plan.a.seed, n=plan.pairs)
    arms = await _plan_arms(experiment, plan, scenarios, ports, round_=1)
    announcements = experiment_started(experiment.id, request.place) if request.place else ()
    await ports.store.experiments.create(experiment, arms, key=key, announcements=announcements)
    ports.bell.ring()
    saved = await ports.store.experiments.by_key(request.workspace_id, key)
    assert saved is not None
    return saved


async def extend_experiment(experiment: Experiment, ports: Ports, *, by: str, pairs: int = EXTENDED_BY) -> Experiment:
    """Let a finished experiment go on with that many more pairs, of the same seed and the same variants.

    Raises:
        RequestError: it is not finished, or profile, variants or anything else that takes part has changed since.
    """
    if experiment.kind != "simulated" or experiment.state != "finished":
        raise RequestError(f"only a finished experiment can be extended; {_name(experiment)} is {experiment.state}")
    if experiment.early_winner:
        raise RequestError(f"{_name(experiment)} was stopped early with a winner; start a new one to look again")
    if experiment.runs[0].run.suite is not None:
        raise RequestError("a suite has no further customers; its `repeats` makes it longer")
    most = ports.settings.convotest_max_conversations
    if pairs < 1 or experiment.planned + pairs > most:
        raise RequestError(f"{experiment.planned} + {pairs} pairs are not possible; at most {most} are played here")
    a, b, *others = [_label_of(experiment.runs_of(arm)[0]) for arm in experiment.arms]
    request = ExperimentRequest(
        target=experiment.target,
        a=a,
        b=b,
        more=tuple(others),
        n=experiment.planned + pairs,
        seed=experiment.seed,
        started_by=by,
        workspace_id=experiment.workspace_id,
    )
    plan = await plan_experiment(request, ports)
    _refuse_what_changed(experiment, plan)
    drawn = await asyncio.to_thread(draw_suite, plan.a.suite, seed=plan.a.seed, n=plan.pairs)
    round_ = max(each.round for each in experiment.runs) + 1
    arms = await _plan_arms(experiment, plan, drawn[experiment.planned :], ports, round_=round_)
    card = experiment_card_key(experiment.id) if experiment.place else None
    if not await ports.store.experiments.extend(experiment, planned=plan.pairs, arms=arms, card_key=card):
        raise RequestError(f"{_name(experiment)} is going on already; nothing was added")
    ports.bell.ring()
    return await existing_experiment(experiment.id, ports)


def _refuse_what_changed(experiment: Experiment, plan: ExperimentPlan) -> None:
    changed = [
        experiment.name_of(arm)
        for arm, now in zip(experiment.arms, plan.arms, strict=True)
        if experiment.runs_of(arm)[0].stamps[ASSISTANT] != now.variant.hash
    ]
    changed += changed_stamps(experiment.stamps, _shared_stamps(plan.a))
    if changed:
        raise RequestError(
            f"{_name(experiment)} cannot be extended, because something has changed since it was started: "
            f"{', '.join(changed)}. Start a new one."
        )


def changed_stamps(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Names of the stamps that differ and may not."""
    return sorted(name for name in {**before, **now} if name not in NOT_SHARED and before.get(name) != now.get(name))


def _shared_stamps(plan: RunPlan) -> dict[str, str]:
    return {name: stamp for name, stamp in plan.stamps.items() if name not in NOT_SHARED}


def _label_of(run: Run) -> str:
    return f"{run.assistant}@{plain_variant(run.variant)}"


SECOND = " (again)"
"""The second arm of an A/A test has its own name, and with it its own dice: chance would be the same otherwise."""


def plain_variant(name: str) -> str:
    return name.removesuffix(SECOND)


async def _plan_arms(
    experiment: Experiment, plan: ExperimentPlan, scenarios: Sequence[Scenario], ports: Ports, *, round_: int
) -> list[PlannedArm]:
    """A run for each arm; all meet the same customers in the same order."""
    arms: list[PlannedArm] = []
    for arm, of_arm in zip(experiment.arms, plan.arms, strict=True):
        variant = of_arm.variant
        if arm != "a" and variant.label == plan.a.variant.label:
            variant = replace(variant, name=variant.name + SECOND)
        await ports.store.variants.save(experiment.workspace_id, variant)
        run = Run(
            id=new_run_id(),
            workspace_id=experiment.workspace_id,
            state="planned",
            target=experiment.target,
            profile=plan.a.suite.stem,
            suite=plan.a.suite.name and plan.a.suite.stem,
            assistant=variant.assistant,
            variant=variant.name,
            simulator=plan.a.simulator,
            seed=plan.a.seed,
            planned=len(scenarios),
            stamps={**plan.a.stamps, **of_arm.stamps, ASSISTANT: variant.hash},
            notes=(f"arm {arm.upper()} of experiment {short_id(experiment.id)}",),
            started_by=experiment.started_by,
            place=None,
            created_at=ports.clock.now(),
            gates=plan.a.suite.gates,
            rules=plan.a.suite.rules,
        )
        conversations = [(ConversationId(str(uuid7())), scenario) for scenario in scenarios]
        arms.append(PlannedArm(arm=ArmRun(arm=arm, round=round_, run=run), conversations=conversations))
    return arms


# --- find, follow, cancel -------------------------------------------------------------------------------------------


async def find_experiment(text: str, workspace_id: WorkspaceId, ports: Ports) -> Experiment:
    """The experiment that a person means: ``last``, the name of one recorded by hand, a short id, or a whole one.

    Raises:
        RequestError: none, or more than one.
    """
    wanted = text.strip().strip("`")
    store = ports.store.experiments
    if wanted.lower() == "last":
        newest = next(iter(await store.recent(workspace_id, limit=1)), None)
        if newest is None:
            raise RequestError("there are no A/B tests yet; start one with: ab pizza a=pizza@good b=pizza@faulty")
        return newest
    if named := await store.by_key(workspace_id, f"test:{wanted}"):
        return named
    found = await store.by_id_end(workspace_id, wanted.lower()) if len(wanted) >= 4 else ()
    match found:
        case ():
            raise RequestError(f"no A/B test {text!r}; `ab list` shows the latest")
        case (only,):
            return only
        case several:
            raise RequestError(f"{text!r} fits several A/B tests: {', '.join(each.id for each in several)}")


async def existing_experiment(experiment_id: ExperimentId, ports: Ports) -> Experiment:
    experiment = await ports.store.experiments.get(experiment_id)
    if experiment is None:
        raise RequestError("this A/B test is not known here any more")
    return experiment


async def cancel_experiment(experiment: Experiment, ports: Ports, *, by: str) -> bool:
    """Ask it to stop; False if it is over or ending already. What is finished is kept, without a verdict."""
    asked = await ports.store.experiments.request_cancel(experiment.id, f"cancelled by {by}" if by else "cancelled")
    ports.bell.ring()
    return asked


async def delete_experiment(experiment: Experiment, ports: Ports) -> None:
    """Forget it; raises RequestError while it is being played."""
    if experiment.kind == "simulated" and experiment.state not in OVER:
        raise RequestError(f"{_name(experiment)} is {experiment.state}; cancel it first")
    await ports.store.experiments.delete(experiment.id)


async def experiment_progress(experiment: Experiment, ports: Ports) -> ExperimentProgress:
    counts = await ports.store.experiments.outcome_counts([each.run.id for each in experiment.runs])
    a, b, *more = [
        _arm_progress(sum((Counter(counts[run.id]) for run in experiment.runs_of(arm)), Counter[str]()))
        for arm in experiment.arms
    ]
    return ExperimentProgress(planned=experiment.planned, a=a, b=b, more=tuple(more))


def _arm_progress(counts: Mapping[str, int]) -> ArmProgress:
    return ArmProgress(
        done=sum(counts.values()) - counts.get("cancelled", 0),
        passed=counts.get("passed", 0),
        failed=counts.get("failed", 0),
    )


async def follow_experiment(experiment_id: ExperimentId, ports: Ports) -> AsyncGenerator[ExperimentProgress]:
    """Its progress whenever that changed, until it is over."""
    shown: ExperimentProgress | None = None
    while True:
        experiment = await existing_experiment(experiment_id, ports)
        progress = await experiment_progress(experiment, ports)
        if progress != shown:
            yield progress
            shown = progress
        if experiment.state in OVER:
            return
        await ports.bell.wait(at_most_s=0.5)


# --- the answer -----------------------------------------------------------------------------------------------------


async def experiment_summary(experiment: Experiment, ports: Ports) -> ExperimentSummary | None:
    """What it was closed with; None while it is being played, and for results recorded by hand."""
    stored = await ports.store.experiments.summary(experiment.id) if experiment.state in OVER else None
    if stored is None:
        return None
    try:
        return _adapter().validate_python(stored)
    except ValidationError:  # another version of convotest stored it in another shape: it is worked out again
        return await judge(replace(experiment, looks=experiment.looks - 1), ports)


async def judge(experiment: Experiment, ports: Ports) -> ExperimentSummary:
    """The answer from everything that was played; computed in the helper process."""
    played = [
        [
            (each.round, conversation)
            for each in experiment.runs
            if each.arm == arm
            for conversation in await ports.store.runs.conversations(each.run.id)
        ]
        for arm in experiment.arms
    ]
    return await ports.helper.call(_judged, experiment, await _objection(experiment, played, ports), *played)


Rows = Sequence[tuple[int, Conversation]]


async def _objection(experiment: Experiment, played: Sequence[Rows], ports: Ports) -> str | None:
    """Why the declared metric approves nothing: it is a judge's, who does not agree enough with people."""
    rubrics = {rubric.name for rows in played for _, each in rows for rubric in each.scenario.rubrics}
    if experiment.metric not in rubrics | {rubric.name for rubric in RUBRICS} or not experiment.runs:
        return None
    trust = await judge_trust(experiment.runs[0].run, ports)
    return trust.objection(experiment.metric) if trust else None


def _judged(experiment: Experiment, objection: str | None, *played: Rows) -> ExperimentSummary:
    from jobs.experiments.verdict import Played, judge_experiment  # in the helper process only: numpy and scipy

    a, b, *more = [[Played(round=round_, conversation=each) for round_, each in rows] for rows in played]
    return judge_experiment(experiment, a, b, *more, objection=objection)


@cache
def _adapter() -> TypeAdapter[ExperimentSummary]:
    return TypeAdapter(ExperimentSummary)


# --- keeping it moving ----------------------------------------------------------------------------------------------


class Keeper:
    """Looks after experiments: shows their progress, looks for early winners, closes them.

    Everything it knows is found in the store; what it remembers only saves work.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._shown: dict[ExperimentId, int] = {}
        self._looked_at: dict[ExperimentId, int] = {}
        self._first_of_scenario: dict[tuple[ExperimentId, int], frozenset[tuple[int, int]]] = {}

    async def look(self) -> None:
        for experiment in await self._ports.store.experiments.unfinished():
            await self._look_after(experiment)

    async def _look_after(self, experiment: Experiment) -> None:
        unfinished = [each.run for each in experiment.runs if each.run.state not in OVER]
        if experiment.state == "running" and any(each.run.state == "cancelled" for each in experiment.runs):
            await self._ports.store.experiments.request_cancel(experiment.id, "one of its arms was cancelled")
            return
        if experiment.state in ("cancelling", "stopping"):
            for run in unfinished:
                await self._ports.store.runs.request_cancel(run.id, experiment.note or "its experiment has ended")
        if not unfinished:
            await self._close(experiment)
            return
        await self._show(experiment)
        if experiment.early_stop and experiment.state == "running":
            await self._look_for_winner(experiment)

    async def _show(self, experiment: Experiment) -> None:
        if experiment.place is None:
            return
        counts = await self._ports.store.experiments.outcome_counts([each.run.id for each in experiment.runs])
        done = sum(sum(each.values()) for each in counts.values())
        if self._shown.get(experiment.id) != done:
            self._shown[experiment.id] = done
            await self._ports.store.outbox.want_edit(experiment.workspace_id, experiment_card_key(experiment.id))
            self._ports.bell.ring()

    async def _look_for_winner(self, experiment: Experiment) -> None:
        """Every few pairs; a scenario that comes up again is no new evidence."""
        outcomes = await self._ports.store.experiments.outcomes([each.run.id for each in experiment.runs])
        pairs = completed_pairs(outcomes, experiment.runs)
        if len(pairs) - self._looked_at.get(experiment.id, 0) < LOOK_EVERY:
            return
        self._looked_at[experiment.id] = len(pairs)
        counted = await self._first_pairs(experiment)
        won = [winner for key, winner in pairs.items() if key in counted]
        winner = early_winner(won.count("a"), won.count("b"))
        if winner:
            note = f"stopped early: a winner was certain after {len(pairs)} of {experiment.planned} pairs"
            await self._ports.store.experiments.stop_early(experiment.id, winner, note)
            self._ports.bell.ring()

    async def _first_pairs(self, experiment: Experiment) -> frozenset[tuple[int, int]]:
        """Of each scenario the pair that comes first."""
        rounds = [each for each in experiment.runs if each.arm == "a"]
        key = experiment.id, len(rounds)
        if key not in self._first_of_scenario:
            first: dict[str, tuple[int, int]] = {}
            for each in rounds:
                scenarios = await self._ports.store.experiments.scenarios(each.run.id)
                for number, scenario in sorted(scenarios.items(), key=lambda item: item[0]):
                    first.setdefault(scenario_key(scenario), (each.round, number))
            self._first_of_scenario[key] = frozenset(first.values())
        return self._first_of_scenario[key]

    async def _close(self, experiment: Experiment) -> None:
        state: ExperimentState = "cancelled" if experiment.state == "cancelling" else "finished"
        closed = replace(experiment, state=state, finished_at=self._ports.clock.now())
        summary = await judge(closed, self._ports)
        announcements = experiment_finished(closed.id, closed.place, closed.looks + 1) if closed.place else ()
        await self._ports.store.experiments.finish(
            closed,
            state=state,
            summary=_adapter().dump_python(summary, mode="json"),
            announcements=announcements,
            card_key=experiment_card_key(closed.id) if closed.place else None,
        )
        self._ports.bell.ring()


def _name(experiment: Experiment) -> str:
    return f"A/B test {short_id(experiment.id)}"
