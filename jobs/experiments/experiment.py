"""Experiments as values: what was asked for, what is planned, how far it is, and what came of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NewType

from jobs.model import LOCAL_WORKSPACE, Place, Run, RunId, Scenario, WorkspaceId

ExperimentId = NewType("ExperimentId", str)
ExperimentState = Literal["running", "stopping", "cancelling", "finished", "cancelled"]
"""``stopping``: a winner was found early, what is still being played is given up. Recorded results are ``running``
until somebody deletes them."""
ExperimentKind = Literal["simulated", "recorded"]
ArmName = Literal["a", "b", "c", "d", "e", "f"]
Verdict = Literal["b_better", "b_worse", "no_difference_shown", "not_enough_data"]
Decision = Literal["APPROVE", "REJECT", "INCONCLUSIVE"]

ARMS: tuple[ArmName, ArmName] = ("a", "b")
EVERY_ARM: tuple[ArmName, ...] = ("a", "b", "c", "d", "e", "f")
OVER: tuple[ExperimentState, ...] = ("finished", "cancelled")


@dataclass(frozen=True, kw_only=True)
class ExperimentRequest:
    """What a member or a terminal asked for.

    Args:
        a, b: variants as written, ``NAME@VARIANT``; A is the baseline.
        more: further candidates, each of which is compared with A.
        n: pairs; None = as many as show ``difference``.
        difference: of two success rates, in 0..1.
        metric: the one that decides, declared before the start.
        early_stop: whether to look every few pairs and stop as soon as a winner is certain.
    """

    target: str
    a: str
    b: str
    more: tuple[str, ...] = ()
    n: int | None = None
    seed: int | None = None
    difference: float = 0.2
    metric: str = "success"
    early_stop: bool = False
    started_by: str = ""
    workspace_id: WorkspaceId = LOCAL_WORKSPACE
    place: Place | None = None
    key: str | None = None


@dataclass(frozen=True, kw_only=True)
class ArmRun:
    """A run that plays one arm's half of the pairs of a round; every extension is a further round."""

    arm: ArmName
    round: int
    run: Run


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Variants that meet the same customers; each candidate is compared with A, the baseline.

    Args:
        a, b: the variants' names.
        more: those of further candidates: C, D, ….
        planned: pairs, over all rounds.
        looks: how often a verdict was shown.
        is_aa: both arms are the same variant.
        stamps: content hashes of what both arms share (profile, simulator, judge, models, version).
        note: why it ended early, in one sentence.
        early_winner: found by the test that may be looked at all the time.
    """

    id: ExperimentId
    workspace_id: WorkspaceId
    kind: ExperimentKind = "simulated"
    state: ExperimentState = "running"
    target: str
    a: str
    b: str
    more: tuple[str, ...] = ()
    seed: int = 0
    planned: int = 0
    metric: str = "success"
    early_stop: bool = False
    is_aa: bool = False
    power: str = ""
    estimated_cost_usd: float | None = None
    stamps: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: tuple[str, ...] = ()
    looks: int = 0
    started_by: str = ""
    place: Place | None = None
    created_at: datetime
    finished_at: datetime | None = None
    note: str | None = None
    early_winner: ArmName | None = None
    runs: tuple[ArmRun, ...] = ()

    @property
    def arms(self) -> tuple[ArmName, ...]:
        return EVERY_ARM[: 2 + len(self.more)]

    def name_of(self, arm: ArmName) -> str:
        return (self.a, self.b, *self.more)[EVERY_ARM.index(arm)]

    def runs_of(self, arm: ArmName) -> tuple[Run, ...]:
        return tuple(each.run for each in self.runs if each.arm == arm)


@dataclass(frozen=True, kw_only=True)
class ArmProgress:
    """How far one arm is."""

    done: int
    passed: int
    failed: int


@dataclass(frozen=True, kw_only=True)
class ExperimentProgress:
    """How far the arms are; ``planned`` counts pairs."""

    planned: int
    a: ArmProgress
    b: ArmProgress
    more: tuple[ArmProgress, ...] = ()

    @property
    def arms(self) -> tuple[ArmProgress, ...]:
        return (self.a, self.b, *self.more)


# --- what came of it ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class MetricLine:
    """One metric as a table shows it; ``value``, ``low`` and ``high`` are the difference, for a ratio its logarithm,
    turned so that above zero is better for B."""

    name: str
    a: str
    b: str
    change: str
    interval: str
    p: str
    verdict: Verdict | None
    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class ArmResult:
    """One arm of a finished experiment: its outcomes, and what it took."""

    passed: int
    failed: int
    errors: int
    unclear: int
    cost_usd: float | None
    p50_ms: float | None
    p95_ms: float | None
    passed_by_turn: tuple[int, ...] = ()
    """How many conversations had passed after so many turns of the customer, beginning with one."""


@dataclass(frozen=True, kw_only=True)
class GroupResult:
    """Customers that have something in common, and how they fared in each arm: (passed, passed or failed)."""

    name: str
    a: tuple[int, int]
    b: tuple[int, int]
    more: tuple[tuple[int, int], ...] = ()

    @property
    def arms(self) -> tuple[tuple[int, int], ...]:
        return (self.a, self.b, *self.more)


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """A pair in which only one arm passed: the customer, and why the other arm failed.

    Args:
        candidate: the arm that is compared with A.
        of_a, of_candidate: both conversations, as ``RUN:NUMBER``.
    """

    number: int
    wanted: str
    passed: ArmName
    reasons: tuple[str, ...]
    said: str
    candidate: ArmName = "b"
    of_a: str = ""
    of_candidate: str = ""

    @property
    def failed(self) -> ArmName:
        return self.candidate if self.passed == "a" else "a"


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A candidate against the baseline; what stands here means the same as in `ExperimentSummary`."""

    arm: ArmName
    verdict: Verdict | None
    decision: Decision | None
    sentence: str
    pairs: int
    metrics: tuple[MetricLine, ...]
    gates: tuple[str, ...]
    result: ArmResult
    only_a: int
    only_candidate: int
    disagreements: tuple[Disagreement, ...]


@dataclass(frozen=True, kw_only=True)
class ExperimentSummary:
    """The answer; ``verdict`` and ``decision`` are None where none may be given.

    With more than one candidate the fields are B's, and ``others`` are those of the further ones.

    Args:
        sentence: the verdict in words, over all candidates.
        gates: each gate in words, with what it says.
        disagreements: the first few; ``only_a`` and ``only_b`` count them all.
        document: the comparison as ``ab analyze`` writes it.
    """

    verdict: Verdict | None
    decision: Decision | None
    sentence: str
    pairs: int
    metrics: tuple[MetricLine, ...]
    gates: tuple[str, ...]
    a: ArmResult
    b: ArmResult
    personas: tuple[GroupResult, ...]
    only_a: int
    only_b: int
    disagreements: tuple[Disagreement, ...]
    flaky: tuple[str, ...]
    notes: tuple[str, ...]
    methods: tuple[str, ...]
    document: Mapping[str, Any]
    others: tuple[Contrast, ...] = ()

    @property
    def contrasts(self) -> tuple[Contrast, ...]:
        """Each candidate against the baseline, B first."""
        of_b = Contrast(
            arm="b",
            verdict=self.verdict,
            decision=self.decision,
            sentence=self.sentence,
            pairs=self.pairs,
            metrics=self.metrics,
            gates=self.gates,
            result=self.b,
            only_a=self.only_a,
            only_candidate=self.only_b,
            disagreements=self.disagreements,
        )
        return (of_b, *self.others)

    @property
    def leading(self) -> Contrast:
        """The candidate that the answer is about: of those that are better the one that is better by most, else the
        one that comes nearest to it."""
        return max(self.contrasts, key=merit)

    @property
    def overall(self) -> Verdict | None:
        """``b_better`` if any candidate is, ``b_worse`` if every one is."""
        return self.leading.verdict

    @property
    def results(self) -> tuple[ArmResult, ...]:
        """Of all arms, A first."""
        return (self.a, *(each.result for each in self.contrasts))


def merit(contrast: Contrast) -> tuple[int, float]:
    """What candidates are put in order by: the verdict, then how much better the metric that decides is."""
    order: tuple[Verdict | None, ...] = (None, "b_worse", "not_enough_data", "no_difference_shown", "b_better")
    first = contrast.metrics[0].value if contrast.metrics else None
    return order.index(contrast.verdict), -math.inf if first is None else first


def completed_pairs(outcomes: Mapping[RunId, Mapping[int, str]], runs: Sequence[ArmRun]) -> dict[tuple[int, int], str]:
    """Of each pair (round, number) in which both arms passed or failed: ``both``, ``neither``, or who alone passed."""
    passed: dict[ArmName, dict[tuple[int, int], bool]] = {arm: {} for arm in EVERY_ARM}
    for each in runs:
        for number, outcome in outcomes.get(each.run.id, {}).items():
            if outcome in ("passed", "failed"):
                passed[each.arm][each.round, number] = outcome == "passed"
    words = {(True, True): "both", (False, False): "neither", (True, False): "a", (False, True): "b"}
    return {key: words[passed["a"][key], passed["b"][key]] for key in passed["a"].keys() & passed["b"].keys()}


def scenario_key(scenario: Scenario) -> str:
    """What makes a scenario another one: the customer and the goals, not the dice."""
    goals = "\n".join(goal.text for goal in scenario.goals)
    return "\n\n".join((scenario.profile, scenario.persona or "", goals))
