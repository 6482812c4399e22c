"""From the conversations of both arms to the answer; computed in the helper process."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np

from jobs.experiments.analysis import ALPHA, FEWEST, Comparison, MetricResult, analyze
from jobs.experiments.as_json import to_json
from jobs.experiments.experiment import (
    ArmName,
    ArmResult,
    Contrast,
    Disagreement,
    Experiment,
    ExperimentSummary,
    GroupResult,
    MetricLine,
    Verdict,
    merit,
    scenario_key,
)
from jobs.experiments.gates import DEFAULT_LIMITS, Gate, GateVerdict, Limit, approval, gate, unpaired_gate
from jobs.experiments.inference import Floats
from jobs.experiments.looks import early_winner, log_e_value
from jobs.experiments.repeats import flaky_scenarios, reliability
from jobs.experiments.results import Design, Results, sample_of
from jobs.experiments.wording import (
    advice_notes,
    change,
    figure,
    interval,
    methods,
    metric_name,
    p_value,
    recommendation,
    variant_name,
)
from jobs.model import Conversation
from jobs.redact import redact
from jobs.report.summary import JUDGED, answer_times, count_outcomes
from jobs.report.words import percent
from jobs.stats import percentile

COMPARED = ("success", "latency_ms", "cost_usd", "user_turns")
"""Besides the declared metric; more would make each of them harder to show."""
OTHERS: dict[Verdict | None, str] = {
    "b_better": "is better than the baseline too",
    "b_worse": "is worse than the baseline",
    "no_difference_shown": "shows no difference from the baseline",
    "not_enough_data": "has not enough data",
    None: "has no verdict",
}
SHOWN_DISAGREEMENTS = 3
WORTH_A_LINE = 5
"""Repeated scenarios from which their reliability is told even if none is flaky."""
SHOWN_TURNS = 12
SHOWN_FLAKY = 5
NOBODY = "nobody in particular"
LONGEST_TEXT = 300


@dataclass(frozen=True, kw_only=True)
class Played:
    """A conversation of an arm, and the round it belongs to."""

    round: int
    conversation: Conversation


def judge_experiment(
    experiment: Experiment,
    a: Sequence[Played],
    b: Sequence[Played],
    *more: Sequence[Played],
    objection: str | None = None,
) -> ExperimentSummary:
    """What the conversations show so far; no verdict unless everything was played, or a winner was found early.

    ``objection``: why the declared metric approves nothing.
    """
    results = results_of(experiment, a, b, *more)
    compared = list(analyze(results, primary=experiment.metric, looks=experiment.looks + 1))
    if experiment.early_stop:
        compared = [_always_valid(compared[0], experiment, _pairs(a, b))]
    candidates = list(zip(experiment.arms[1:], compared, (b, *more), strict=True))
    contrasts = [_contrast(experiment, arm, each, results, a, played, objection) for arm, each, played in candidates]
    first, *others = contrasts
    notes = dict.fromkeys(
        (*(note for each in compared for note in advice_notes(each)), *_notes(experiment, (a, b, *more)))
    )
    return ExperimentSummary(
        verdict=first.verdict,
        decision=first.decision,
        sentence=_overall(experiment, contrasts),
        pairs=first.pairs,
        metrics=first.metrics,
        gates=first.gates,
        a=_arm_result(a),
        b=first.result,
        personas=_personas(a, b, *more),
        only_a=first.only_a,
        only_b=first.only_candidate,
        disagreements=first.disagreements,
        flaky=tuple(_flaky(experiment, (a, b, *more))),
        notes=tuple(_safe(note) for note in notes),
        methods=tuple(_methods(compared, experiment)),
        document=to_json(compared),
        others=tuple(others),
    )


def _contrast(
    experiment: Experiment,
    arm: ArmName,
    comparison: Comparison,
    results: Results,
    a: Sequence[Played],
    candidate: Sequence[Played],
    objection: str | None,
) -> Contrast:
    """One candidate against the baseline."""
    may_judge = experiment.state != "cancelled"
    place = experiment.arms.index(arm)
    gates = _gates(results, place, comparison.design) if may_judge and not experiment.is_aa else ()
    regressions = _rules(a, candidate)
    decision = (
        approval(gates, primary=comparison.verdict, regressions=regressions, objection=objection) if gates else None
    )
    disagreements = _disagreements(a, candidate)
    winners = [winner for winner, _, _ in disagreements]
    return Contrast(
        arm=arm,
        verdict=comparison.verdict if may_judge else None,
        decision=decision.decision if decision else None,
        sentence=_sentence(comparison, experiment),
        pairs=comparison.pairs,
        metrics=tuple(_line(each, may_judge=may_judge) for each in comparison.metrics.values()),
        gates=decision.reasons if decision else (),
        result=_arm_result(candidate),
        only_a=winners.count("a"),
        only_candidate=len(winners) - winners.count("a"),
        disagreements=tuple(_disagreement(arm, *each) for each in disagreements[:SHOWN_DISAGREEMENTS]),
    )


def _overall(experiment: Experiment, contrasts: Sequence[Contrast]) -> str:
    """The one sentence; of several candidates that of the leading one, with what became of the others."""
    if len(contrasts) == 1 or experiment.state == "cancelled":
        return contrasts[0].sentence
    leading = max(contrasts, key=merit)
    others = (
        f"{variant_name(experiment.name_of(each.arm))} {OTHERS[each.verdict]}"
        for each in contrasts
        if each is not leading
    )
    return f"{leading.sentence} Of the other candidates: {'; '.join(others)}."


# --- results --------------------------------------------------------------------------------------------------------


def results_of(experiment: Experiment, *arms: Sequence[Played]) -> Results:
    """One row a conversation that was played; the unit is what the customer wants, however often it was drawn."""
    played = [(arm, each) for arm, rows in enumerate(arms) for each in rows if _counts(each)]
    meetings: dict[tuple[int, int, int], int] = {}
    scenarios: dict[str, int] = {}
    names = list(dict.fromkeys((experiment.metric, *COMPARED)))
    table = {name: np.array([_value(name, each.conversation) for _, each in played], dtype=float) for name in names}
    return Results(
        variants=(experiment.a, experiment.b, *experiment.more),
        variant=np.array([arm for arm, _ in played], dtype=np.int64),
        meeting=np.array([meetings.setdefault(_meeting(each), len(meetings)) for _, each in played], dtype=np.int64),
        scenario=np.array(
            [scenarios.setdefault(scenario_key(each.conversation.scenario), len(scenarios)) for _, each in played],
            dtype=np.int64,
        ),
        metrics={
            name: values for name, values in table.items() if name == experiment.metric or _says_something(values)
        },
        is_aa=experiment.is_aa,
    )


def _counts(each: Played) -> bool:
    return each.conversation.verdict.outcome not in ("cancelled", "skipped")


def _meeting(each: Played) -> tuple[int, int, int]:
    """The same for both arms, if they met the same customer."""
    return each.round, each.conversation.number, each.conversation.scenario.seed


def _says_something(values: Floats) -> bool:
    """A column without a value, or with zeros only (costs of what is free), is no metric."""
    known = values[np.isfinite(values)]
    return bool(len(known)) and bool(known.any())


def _value(name: str, conversation: Conversation) -> float:
    """NaN where it is not known; conversations that broke off have a success nobody knows."""
    if conversation.verdict.outcome not in JUDGED:
        return math.nan
    match name:
        case "success":
            return {"passed": 1.0, "failed": 0.0}.get(conversation.verdict.outcome, math.nan)
        case "latency_ms":
            times = answer_times(conversation)
            return fmean(times) if times else math.nan
        case "cost_usd":
            return math.nan if conversation.cost_usd is None else conversation.cost_usd
        case _:
            score = conversation.scores.get(name)
            return math.nan if score is None or score.value is None else score.value


# --- the verdict ----------------------------------------------------------------------------------------------------


def _always_valid(comparison: Comparison, experiment: Experiment, pairs: Sequence[tuple[Played, Played]]) -> Comparison:
    """The verdict on success by the test that may be looked at after every pair, since it was."""
    result = comparison.metrics["success"]
    only_a, only_b = discordant(pairs)
    winner = experiment.early_winner or early_winner(only_a, only_b)
    p = min(1.0 if winner is None else ALPHA, math.exp(-log_e_value(only_a, only_b)))
    verdict: Verdict = "not_enough_data" if result.units < FEWEST else "no_difference_shown"
    if winner:
        verdict = "b_better" if winner == "b" else "b_worse"
    method = "e-value over the pairs in which only one variant passed, at most 0.05 however often one looks"
    changed = replace(result, p=p, p_adjusted=p, verdict=verdict, method=method)
    return replace(comparison, metrics={**comparison.metrics, "success": changed})


def discordant(pairs: Sequence[tuple[Played, Played]]) -> tuple[int, int]:
    """In how many scenarios only A, and only B, passed; of a repeated one its first pair counts."""
    first: dict[str, tuple[Played, Played]] = {}
    for pair in pairs:
        first.setdefault(scenario_key(pair[0].conversation.scenario), pair)
    won = [_winner(*pair) for pair in first.values()]
    return won.count("a"), won.count("b")


def _pairs(a: Sequence[Played], b: Sequence[Played]) -> list[tuple[Played, Played]]:
    of_b = {_meeting(each): each for each in b}
    return [(each, of_b[_meeting(each)]) for each in a if _meeting(each) in of_b]


def _winner(a: Played, b: Played) -> ArmName | None:
    match a.conversation.verdict.outcome, b.conversation.verdict.outcome:
        case "passed", "failed":
            return "a"
        case "failed", "passed":
            return "b"
        case _:
            return None


def _sentence(comparison: Comparison, experiment: Experiment) -> str:
    if experiment.state == "cancelled":
        done = f"{comparison.pairs} of {experiment.planned} pairs were played"
        return f"Cancelled: {done}. No verdict, since the size that was planned was not reached."
    if experiment.early_winner:
        name = variant_name(experiment.a if experiment.early_winner == "a" else experiment.b)
        why = f"the winner was certain after {comparison.pairs} of {experiment.planned} pairs"
        return f"Stopped early in favour of {name}: {why}. {recommendation(comparison)}"
    return recommendation(comparison)


def _notes(experiment: Experiment, arms: Sequence[Sequence[Played]]) -> Iterator[str]:
    """What a reader must know: missing data, a lopsided split, an A/A test, looks, why it ended."""
    yield from experiment.notes
    if experiment.note:
        yield experiment.note
    yield from dict.fromkeys(
        each.run.note for each in experiment.runs if each.run.note and each.run.note != experiment.note
    )
    for arm, played in zip(experiment.arms, arms, strict=True):
        name = f"{arm.upper()} ({variant_name(experiment.name_of(arm))})"
        totals = count_outcomes(each.conversation for each in played)
        lost = totals.errors + totals.void + totals.inconclusive
        if lost:
            yield f"{lost} of {totals.conversations} conversations of {name} neither passed nor failed"
    if experiment.looks and not experiment.early_stop:
        factor = 2**experiment.looks
        yield (
            f"this is verdict number {experiment.looks + 1} of this experiment, so its p-values are multiplied by "
            f"{factor}; all verdicts together mislead in at most 10 of 100 experiments without a difference"
        )
    if all(each.conversation.cost_usd == 0 for played in arms for each in played):
        yield f"{'both' if len(arms) == 2 else 'all'} arms cost $0, so cost was not compared"


def _methods(compared: Sequence[Comparison], experiment: Experiment) -> Iterator[str]:
    lines = dict.fromkeys(line for each in compared for line in methods(each))
    by_metric = [line for line in lines if not line.startswith("p-values")]
    yield from by_metric
    if by_metric:
        declared = metric_name(experiment.metric)
        shared = "among the candidates" if experiment.more else "on its own"
        adjusted = f"tested {shared}, adjusted by Holm's method" if experiment.more else f"tested {shared}"
        yield f"{declared} was declared before the start and {adjusted}; the others share one 5% (Holm)"
    yield "pairs are customers with the same wishes, dice and position; a scenario that came up repeatedly counts once"


# --- gates ----------------------------------------------------------------------------------------------------------


def _gates(results: Results, candidate: int, design: Design) -> tuple[Gate, ...]:
    """The limits of a replacement, each on the pairs in which its metric is known; with too few pairs on all results
    of both arms."""
    known = [limit for limit in DEFAULT_LIMITS if limit.metric in results.metrics]
    return tuple(_gate(limit, results, candidate, design) for limit in known)


def _gate(limit: Limit, results: Results, candidate: int, design: Design) -> Gate:
    sample = sample_of(results.metrics[limit.metric], results, 0, candidate, design)
    return gate(limit, sample.a, sample.b) if design == "paired" else unpaired_gate(limit, sample.a, sample.b)


def _rules(a: Sequence[Played], b: Sequence[Played]) -> dict[str, GateVerdict]:
    """Each rule that was checked: failed if the candidate breaks it where the baseline kept it."""
    found: dict[str, GateVerdict] = {}
    for of_a, of_b in _pairs(a, b):
        for name, verdict in of_b.conversation.rules.items():
            broke = verdict == "fail" and of_a.conversation.rules.get(name) == "pass"
            found[name] = "fail" if broke or found.get(name) == "fail" else "pass"
    return found


# --- what is shown --------------------------------------------------------------------------------------------------


def _line(result: MetricResult, *, may_judge: bool) -> MetricLine:
    is_ratio = result.measure.scale in ("latency", "cost")
    value, low, high = (_towards_b(x, result, is_ratio) for x in (result.difference, result.low, result.high))
    if low is not None and high is not None:
        low, high = min(low, high), max(low, high)
    return MetricLine(
        name=metric_name(result.measure.name),
        a=figure(result.a, result),
        b=figure(result.b, result),
        change=change(result.difference, result),
        interval=interval(result),
        p=p_value(result.p_adjusted if may_judge else None),
        verdict=result.verdict if may_judge else None,
        value=value,
        low=low,
        high=high,
    )


def _towards_b(value: float | None, result: MetricResult, is_ratio: bool) -> float | None:
    """The difference on a scale on which above zero is better for B."""
    if value is None or (is_ratio and value <= 0):
        return None
    shown = math.log(value) if is_ratio else value
    return shown if result.measure.better == "higher" else -shown


def _arm_result(played: Sequence[Played]) -> ArmResult:
    conversations = [each.conversation for each in played if _counts(each)]
    totals = count_outcomes(conversations)
    costs = [each.cost_usd for each in conversations]
    times = [time for each in conversations for time in answer_times(each)]
    turns = [_user_turns(each) for each in conversations if each.verdict.outcome == "passed"]
    return ArmResult(
        passed=totals.passed,
        failed=totals.failed,
        errors=totals.errors + totals.void,
        unclear=totals.inconclusive,
        cost_usd=None if None in costs else math.fsum(cost or 0.0 for cost in costs),
        p50_ms=percentile(times, 0.5),
        p95_ms=percentile(times, 0.95),
        passed_by_turn=tuple(sum(each <= turn for each in turns) for turn in range(1, SHOWN_TURNS + 1)),
    )


def _user_turns(conversation: Conversation) -> int:
    return sum(turn.speaker == "user" for turn in conversation.transcript.turns)


def _personas(*arms: Sequence[Played]) -> tuple[GroupResult, ...]:
    """Success by persona, where there is more than one."""
    names = sorted({each.conversation.scenario.persona or NOBODY for played in arms for each in played})
    if len(names) < 2:
        return ()
    return tuple(_group(name, [_passed(played, name) for played in arms]) for name in names)


def _group(name: str, arms: Sequence[tuple[int, int]]) -> GroupResult:
    a, b, *more = arms
    return GroupResult(name=_safe(name), a=a, b=b, more=tuple(more))


def _passed(played: Sequence[Played], persona: str) -> tuple[int, int]:
    mine = [
        each.conversation.verdict.outcome
        for each in played
        if (each.conversation.scenario.persona or NOBODY) == persona
    ]
    return mine.count("passed"), mine.count("passed") + mine.count("failed")


def _disagreements(a: Sequence[Played], b: Sequence[Played]) -> list[tuple[ArmName, Played, Played]]:
    """The pairs in which only one arm passed, with that arm."""
    return [(winner, *pair) for pair in _pairs(a, b) if (winner := _winner(*pair))]


def _disagreement(arm: ArmName, winner: ArmName, a: Played, candidate: Played) -> Disagreement:
    lost = (candidate if winner == "a" else a).conversation
    said = [turn.text for turn in lost.transcript.turns if turn.speaker == "assistant"]
    return Disagreement(
        number=lost.scenario.number,
        wanted=_safe("; ".join(goal.text for goal in lost.scenario.goals) or lost.scenario.profile),
        passed="a" if winner == "a" else arm,
        reasons=tuple(_safe(reason) for reason in lost.verdict.reasons[:3]),
        said=_safe(said[-1]) if said else "",
        candidate=arm,
        of_a=_reference(a),
        of_candidate=_reference(candidate),
    )


def _reference(played: Played) -> str:
    return f"{played.conversation.run_id}:{played.conversation.number}"


def _flaky(experiment: Experiment, arms: Sequence[Sequence[Played]]) -> Iterator[str]:
    """How reliable repeated scenarios are in each arm (pass^k), and which are flaky; none of them is left out."""
    for arm, played in zip(experiment.arms, arms, strict=True):
        repeats, titles = _repeats_of(played)
        most = max((sum(each is not None for each in known) for known in repeats.values()), default=0)
        twice, flaky = reliability(repeats, 2), flaky_scenarios(repeats)
        if twice.value is None or not (flaky or twice.scenarios >= WORTH_A_LINE):
            continue
        all_of_them = reliability(repeats, most) if most > 2 else None
        always = (
            f", {most} in a row in {percent(all_of_them.value)} of {all_of_them.scenarios}"
            if all_of_them and all_of_them.value is not None and all_of_them.scenarios >= WORTH_A_LINE
            else ""
        )
        yield (
            f"{variant_name(experiment.name_of(arm))}: {twice.scenarios} scenarios came up more than once; two in a "
            f"row pass in {percent(twice.value)}{always}, {len(flaky)} sometimes pass and sometimes do not"
        )
        if flaky:
            shown = [
                f"{titles[each.scenario]} ({round(each.passed.value * each.passed.n)} of {each.passed.n} passed)"
                for each in flaky[:SHOWN_FLAKY]
            ]
            more = f" and {len(flaky) - SHOWN_FLAKY} more" if len(flaky) > SHOWN_FLAKY else ""
            yield _safe(f"flaky with {variant_name(experiment.name_of(arm))}: {'; '.join(shown)}{more}")


def _repeats_of(played: Sequence[Played]) -> tuple[dict[str, list[bool | None]], dict[str, str]]:
    """Success of each repeat by scenario, and what a scenario is called: its test case or first goal."""
    repeats: dict[str, list[bool | None]] = {}
    titles: dict[str, str] = {}
    for each in played:
        if _counts(each):
            scenario = each.conversation.scenario
            success = {"passed": True, "failed": False}.get(each.conversation.verdict.outcome)
            repeats.setdefault(scenario_key(scenario), []).append(success)
            title = scenario.goals[0].text if scenario.goals and not scenario.case else scenario.profile
            titles.setdefault(scenario_key(scenario), _safe(title)[:60])
    return repeats, titles


def _safe(text: str) -> str:
    """Text of customers and assistants: one line, bounded, without secrets."""
    line = " ".join(redact(text[: LONGEST_TEXT * 4]).split())
    return line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"
