"""The figures of a run: small, bounded and storable, enough for a card, a chart and the next run's comparison."""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import pairwise
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from jobs.feedback.agreement import JudgeTrust
from jobs.metrics import METRICS, RUBRICS, Unit
from jobs.model import Conversation, Outcome, Run, RunState, SimulatorName, SlotValue, Tokens
from jobs.redact import redact
from jobs.report.groups import DropOff, PersonaSummary, StyleSummary, by_persona, drop_off, styles
from jobs.report.rules import RuleSummary
from jobs.stats import Difference, MeanInterval, Proportion, mean_interval, percentile, rate_difference, wilson_interval

logger = logging.getLogger(__name__)

JUDGED: frozenset[Outcome] = frozenset({"passed", "failed", "inconclusive"})
"""Outcomes of conversations that were played; only their scores enter the means of a run."""

ERRORS: frozenset[Outcome] = frozenset({"assistant_error", "harness_error"})

FEWEST_TO_COMPARE = 10
"""Below this many passed or failed conversations in either run, the two are not compared."""

Change = Literal["higher", "lower", "no_difference_shown", "not_enough_data"]


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Conversations by outcome; ``errors`` are the assistant's and the harness's together."""

    conversations: int
    passed: int
    failed: int
    inconclusive: int
    skipped: int
    void: int
    errors: int
    cancelled: int


@dataclass(frozen=True, kw_only=True)
class MetricSummary:
    """A metric over the conversations that were played; ``mean`` is None when all are unscored, ``unit`` when only
    stored scores know the metric."""

    mean: MeanInterval | None
    unscored: int
    unit: Unit | None = None


@dataclass(frozen=True, kw_only=True)
class ResponseTimes:
    """Response times of ``n`` answers in milliseconds, with a histogram of up to a few dozen bins of equal width.

    Args:
        bin_width: of ``bins``, which start at 0 and count the answers; the last bin also holds everything above.
    """

    p50: float
    p95: float
    longest: float
    n: int
    bin_width: float
    bins: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Conversations (by number) that have one thing in common: a reason of failing, a class of error."""

    name: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class TagSummary:
    passed: int
    failed: int


@dataclass(frozen=True, kw_only=True)
class GateVerdict:
    """Whether a figure keeps its limit; ``ok`` None = that cannot be told. ``by`` as in ``Gate``."""

    name: str
    ok: bool | None
    value: float | None
    low: float | None
    high: float | None
    n: int
    at_least: float | None
    at_most: float | None
    by: Literal["point", "interval"]
    reason: str
    applies: bool = True
    """False: it decides nothing, for the reason that is told."""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Dollars by who spent them; None where a price is not known. ``other`` is what the turns do not account for:
    judging and repeated attempts."""

    total: float | None
    simulator: float | None
    assistant: float | None
    other: float | None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """This run against the one before.

    Args:
        change: ``higher`` or ``lower`` only if the interval of the difference does not contain 0.
        sentence: the result in words, with the interval.
        caveats: what else differs between the runs.
    """

    previous_run: str
    previous_success: Proportion | None
    difference: Difference | None
    change: Change
    sentence: str
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """Everything about a run but its conversations; ``latency`` None = no answer was timed, ``gates`` None = it has no
    suite."""

    run_id: str
    profile: str
    suite: str | None
    assistant: str
    variant: str
    simulator: SimulatorName
    seed: int
    state: RunState
    planned: int
    duration_s: float | None
    stamps: Mapping[str, str]
    notes: tuple[str, ...]
    note: str | None
    totals: Totals
    success: Proportion | None
    metrics: Mapping[str, MetricSummary]
    latency: ResponseTimes | None
    conversation_times: ResponseTimes | None
    tokens: Tokens
    costs: Costs
    by_tag: Mapping[str, TagSummary]
    confusion: Mapping[str, Mapping[str, int]] | None
    failures: tuple[Group, ...]
    doubts: tuple[Group, ...]
    errors: tuple[Group, ...]
    comparison: Comparison | None
    gates: tuple[GateVerdict, ...] | None = None
    rules: Mapping[str, RuleSummary] | None = None
    """By the rule's name; None = the run has no rules, or is not over."""
    trust: JudgeTrust | None = None
    """How far the judge agrees with people; None = there was no judge."""
    personas: Mapping[str, PersonaSummary] = field(default_factory=dict[str, PersonaSummary])
    styles: Mapping[str, StyleSummary] = field(default_factory=dict[str, StyleSummary])
    drop_off: DropOff | None = None
    rules_tokens: Tokens = Tokens()
    rules_cost_usd: float | None = 0.0
    """Of what a judge was asked for the rules; part of ``tokens`` and ``costs``."""
    rubrics: Mapping[str, str] = field(default_factory=dict[str, str])
    """The questions of the profile's own rubrics, by their names among the metrics."""

    @property
    def judged(self) -> frozenset[str]:
        """The metrics that a judge grades."""
        return frozenset((*(rubric.name for rubric in RUBRICS), *self.rubrics))

    def agreement_words(self, metric: str) -> str | None:
        """What stands beside a metric of a judge; None beside all others."""
        return self.trust.words(metric) if self.trust and metric in self.judged else None


def summarise(run: Run, conversations: Sequence[Conversation], previous: RunSummary | None = None) -> RunSummary:
    """The figures of a run from what was played so far, compared with an earlier run when one is given."""
    totals = count_outcomes(conversations)
    played = [each for each in conversations if each.verdict.outcome in JUDGED]
    rubrics = {rubric.name: rubric.question for each in conversations for rubric in each.scenario.rubrics}
    metrics = _metrics(played, rubrics)
    success = wilson_interval(totals.passed, totals.passed + totals.failed)
    return RunSummary(
        run_id=run.id,
        profile=run.profile,
        suite=run.suite,
        assistant=run.assistant,
        variant=run.variant,
        simulator=run.simulator,
        seed=run.seed,
        state=run.state,
        planned=run.planned,
        duration_s=(run.finished_at - run.started_at).total_seconds() if run.finished_at and run.started_at else None,
        stamps=dict(run.stamps),
        notes=run.notes,
        note=run.note,
        totals=totals,
        success=success,
        metrics=metrics,
        latency=response_times([time for each in conversations for time in answer_times(each)]),
        conversation_times=response_times([sum(times) for each in conversations if (times := answer_times(each))]),
        tokens=sum((each.tokens for each in conversations), Tokens()),
        costs=_costs(conversations),
        by_tag=_by_tag(conversations),
        confusion=_confusion(conversations),
        failures=_groups(conversations, {"failed"}, lambda each: each.verdict.reasons),
        doubts=_groups(conversations, {"inconclusive"}, lambda each: each.verdict.reasons),
        errors=_groups(conversations, frozenset[Outcome]({"void"}) | ERRORS, lambda each: (error_class(each),)),
        comparison=_compare(run, success, previous) if previous else None,
        personas=by_persona(conversations, played, metrics, partial(_mean, rubrics)),
        styles=styles(played),
        drop_off=drop_off(played),
        rubrics=rubrics,
    )


def with_rules_cost(summary: RunSummary, tokens: Tokens, cost_usd: float | None) -> RunSummary:
    """The summary with what a judge was asked for its rules among its costs."""
    costs = summary.costs
    total, other = _sum((costs.total, cost_usd)), _sum((costs.other, cost_usd))
    return replace(
        summary,
        tokens=summary.tokens + tokens,
        costs=replace(costs, total=total, other=other),
        rules_tokens=tokens,
        rules_cost_usd=cost_usd,
    )


def count_outcomes(conversations: Iterable[Conversation]) -> Totals:
    by_outcome = Counter(each.verdict.outcome for each in conversations)
    return Totals(
        conversations=by_outcome.total(),
        passed=by_outcome["passed"],
        failed=by_outcome["failed"],
        inconclusive=by_outcome["inconclusive"],
        skipped=by_outcome["skipped"],
        void=by_outcome["void"],
        errors=sum(by_outcome[outcome] for outcome in ERRORS),
        cancelled=by_outcome["cancelled"],
    )


def answer_times(conversation: Conversation) -> list[float]:
    """Response times of the assistant's turns, in milliseconds."""
    return [turn.latency_ms for turn in conversation.transcript.turns if turn.latency_ms is not None]


def output_values(conversation: Conversation) -> dict[str, SlotValue | None]:
    """Everything the profile wanted read out of the conversation; None where it was not stated."""
    return {output.name: None for output in conversation.scenario.outputs} | dict(conversation.assessment.outputs)


def response_times(times: Sequence[float]) -> ResponseTimes | None:
    """Percentiles and histogram; None without times. The histogram ends a little above p95, so that one outlier does
    not press everything else into one bin."""
    p50, p95 = percentile(times, 0.5), percentile(times, 0.95)
    if p50 is None or p95 is None:
        return None
    bins = max(8, min(24, len(times) // 2))
    end = min(max(times), max(p95 * 1.25, p50 * 2))
    width = end / bins or 1.0
    counts = Counter(min(int(time / width), bins - 1) for time in times)
    return ResponseTimes(
        p50=p50,
        p95=p95,
        longest=max(times),
        n=len(times),
        bin_width=width,
        bins=tuple(counts[place] for place in range(bins)),
    )


def error_class(conversation: Conversation) -> str:
    """What kind of error ended a conversation, in words."""
    return (conversation.verdict.reasons or (conversation.transcript.ended_by.replace("_", " "),))[0]


def _metrics(played: Sequence[Conversation], rubrics: Collection[str]) -> dict[str, MetricSummary]:
    """Every metric of the shelf, in its order, then those that only the stored scores know."""
    names = dict.fromkeys([*METRICS, *(name for each in played for name in each.scores)])
    return {name: _metric(name, played, rubrics) for name in names}


def _metric(name: str, played: Sequence[Conversation], rubrics: Collection[str]) -> MetricSummary:
    scores = [each.scores[name].value for each in played if name in each.scores]
    values = [value for value in scores if value is not None]
    unit = METRICS[name].unit if name in METRICS else "share" if name in rubrics else None
    return MetricSummary(mean=_mean(rubrics, name, values), unscored=len(played) - len(values), unit=unit)


def _mean(rubrics: Collection[str], name: str, values: Sequence[float]) -> MeanInterval | None:
    """The mean with its t interval; where every value is all or nothing, with Wilson's instead, since twenty times 0
    do not prove that it is always 0."""
    metric = METRICS.get(name)
    is_share = name in rubrics or (metric is not None and metric.unit == "share")
    if is_share and values and set(values) <= {0.0, 1.0}:
        rate = wilson_interval(round(sum(values)), len(values))
        return MeanInterval(value=rate.value, low=rate.low, high=rate.high, n=rate.n) if rate else None
    upper = metric.upper if metric else 1.0 if name in rubrics else None
    return mean_interval(values, lower=0.0 if metric or name in rubrics else None, upper=upper)


def _costs(conversations: Sequence[Conversation]) -> Costs:
    total = _sum(each.cost_usd for each in conversations)
    turns = [turn for each in conversations for turn in each.transcript.turns]
    simulator = _sum(turn.cost_usd for turn in turns if turn.speaker == "user")
    assistant = _sum(turn.cost_usd for turn in turns if turn.speaker == "assistant")
    other = None
    if total is not None and simulator is not None and assistant is not None:
        # adding up cents in another order leaves a rest of 1e-17, which is nobody's cost
        other = round(max(0.0, total - simulator - assistant), 9)
    return Costs(total=total, simulator=simulator, assistant=assistant, other=other)


def _sum(costs: Iterable[float | None]) -> float | None:
    """The sum, unknown as soon as one part is."""
    total = 0.0
    for cost in costs:
        if cost is None:
            return None
        total += cost
    return total


def _by_tag(conversations: Sequence[Conversation]) -> dict[str, TagSummary]:
    counts = Counter((tag, each.verdict.outcome) for each in conversations for tag in dict.fromkeys(each.scenario.tags))
    tags = sorted({tag for tag, _ in counts})
    return {tag: TagSummary(passed=counts[tag, "passed"], failed=counts[tag, "failed"]) for tag in tags}


def _confusion(conversations: Sequence[Conversation]) -> dict[str, dict[str, int]] | None:
    """What the customer meant against what the assistant took it for; None where either never says.

    Beside test cases simulated customers do not count: they call what they do by names of their own.
    """
    pairs: Counter[tuple[str, str]] = Counter()
    cases = [each for each in conversations if each.scenario.case]
    for each in cases or conversations:
        turns = each.transcript.turns
        for said, answered in pairwise(turns):
            if said.speaker == "user" and answered.speaker == "assistant" and said.intent and answered.intent:
                pairs[said.intent, answered.intent] += 1
        for understood in each.assessment.understood:  # by a judge, of answers that do not say it themselves
            meant = turns[understood.turn - 1].intent
            if meant and understood.intent:
                pairs[meant, understood.intent] += 1
    table: dict[str, dict[str, int]] = {}
    for (meant, taken_for), times in sorted(pairs.items()):
        table.setdefault(meant, {})[taken_for] = times
    return table or None


def _groups(
    conversations: Sequence[Conversation], outcomes: Iterable[Outcome], names: Callable[[Conversation], Iterable[str]]
) -> tuple[Group, ...]:
    """Conversations of these outcomes under each of their names, the largest group first; case and spaces do not
    make a group of its own."""
    wanted = frozenset(outcomes)
    shown: dict[str, str] = {}
    numbers: dict[str, list[int]] = {}
    for each in sorted(conversations, key=lambda conversation: conversation.number):
        if each.verdict.outcome not in wanted:
            continue
        for key, name in {name.casefold().rstrip("."): name for name in map(_one_line, names(each))}.items():
            shown.setdefault(key, name)
            numbers.setdefault(key, []).append(each.number)
    largest_first = sorted(numbers, key=lambda key: -len(numbers[key]))
    return tuple(Group(name=shown[key], numbers=tuple(numbers[key])) for key in largest_first)


def _one_line(name: str) -> str:
    """The name without secrets and line ends: it goes onto cards, charts and pages as it is."""
    return " ".join(redact(name).split())


# --- this run and the one before --------------------------------------------------------------------------------------


def _compare(run: Run, success: Proportion | None, previous: RunSummary) -> Comparison:
    before = previous.success
    enough = success and before and min(success.n, before.n) >= FEWEST_TO_COMPARE
    difference = rate_difference(before, success) if success and before else None
    change = _change(difference) if enough and difference else "not_enough_data"
    return Comparison(
        previous_run=previous.run_id,
        previous_success=before,
        difference=difference,
        change=change,
        sentence=_comparison_sentence(change, success, before, difference),
        caveats=tuple(_caveats(run, previous)),
    )


def _change(difference: Difference) -> Change:
    if difference.low > 0:
        return "higher"
    return "lower" if difference.high < 0 else "no_difference_shown"


def _comparison_sentence(
    change: Change, success: Proportion | None, before: Proportion | None, difference: Difference | None
) -> str:
    if success is None or before is None or difference is None:
        return "cannot be compared with the last run: one of the two has no passed or failed conversation"
    was = f"the last run had {before.value:.0%} of {before.n}"
    if change == "not_enough_data":
        return f"{was}; not enough data to compare (each run needs {FEWEST_TO_COMPARE} passed or failed conversations)"
    value, low, high = (f"{100 * share:+.0f}" for share in (difference.value, difference.low, difference.high))
    points = f"{value} points, 95 % interval {low} to {high}"
    if change == "no_difference_shown":
        return f"{was}; no difference shown ({points})"
    return f"{was}; {change} now ({points})"


def _caveats(run: Run, previous: RunSummary) -> Iterable[str]:
    if run.profile != previous.profile:
        yield f"the last run played the profile {previous.profile!r}"
    if (run.assistant, run.variant) != (previous.assistant, previous.variant):
        yield f"the last run tested {previous.assistant}@{previous.variant}"
    if run.simulator != previous.simulator:
        yield f"the last run used the {previous.simulator} simulator"
    stamps = {**previous.stamps, **run.stamps}
    changed = sorted(name for name in stamps if previous.stamps.get(name) != run.stamps.get(name))
    if changed:
        yield f"changed since: {', '.join(changed)}"


# --- stored with the run ----------------------------------------------------------------------------------------------


@cache
def _adapter() -> TypeAdapter[RunSummary]:
    return TypeAdapter(RunSummary)


def dump_summary(summary: RunSummary) -> dict[str, Any]:
    """The summary as JSON values, to be stored with its run."""
    return _adapter().dump_python(summary, mode="json")


def load_summary(stored: Mapping[str, Any]) -> RunSummary | None:
    """The summary that ``dump_summary`` made; None when another version of convotest stored it in another shape."""
    try:
        return _adapter().validate_python(stored)
    except ValidationError as error:
        logger.warning("a stored summary cannot be read (%d problems); it is left out", error.error_count())
        return None
