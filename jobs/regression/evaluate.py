"""What a run shows beside its baseline; computed in the helper process, plain values in, plain values out.

A figure is worse when the data show that it lies beyond the limit it has, not when it merely lies below the
baseline: of nights that did not change, hardly any is told to be worse. A case is worse when it fails however often it
is played again. What is neither worse nor proved to be as good is inconclusive.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from jobs.experiments.analysis import ALPHA
from jobs.experiments.gates import Gate, Limit, gate
from jobs.experiments.inference import Estimate, bca_ratio, holm, mcnemar_midp, mean_t
from jobs.experiments.lifecycle import changed_stamps
from jobs.experiments.repeats import pass_power
from jobs.model import Conversation
from jobs.patterns import is_in
from jobs.redact import redact
from jobs.regression.night import Night
from jobs.regression.pairs import NO_ANSWER, Pair, by_scenario, paired, success, value
from jobs.regression.regression import (
    SEVERITIES,
    CategoryCount,
    ComparedFigure,
    PlayedAgain,
    Regressed,
    RegressionSummary,
    RegressionVerdict,
    Severity,
    Standing,
    Worse,
)
from jobs.regression.words import RATIOS, figure_sentence
from jobs.report.rules import RuleSummary, rule_sentence
from jobs.report.summary import GateVerdict, answer_times, count_outcomes, error_class
from jobs.stats import percentile, wilson_interval

LIMITS: tuple[Limit, ...] = (
    Limit(metric="success", share=0.95, better="higher", is_rate=True),
    Limit(metric="quality", share=0.95, better="higher"),
    Limit(metric="latency_ms", share=1.10, better="lower"),
    Limit(metric="cost_usd", share=1.20, better="lower"),
)
KINDS: Mapping[str, Worse] = {
    "success": "success",
    "quality": "quality",
    "latency_ms": "latency",
    "cost_usd": "cost",
    "errors": "errors",
}
WORST_FIRST: tuple[Worse, ...] = (
    "security", "success", "quality", "errors", "rule", "case", "latency", "cost", "gate",
)  # fmt: skip
MOST_AGAIN = 15
"""Cases that are played again; where more fail, these tell it as well."""
AGAIN_WHEN_DOWN = 3
SLOW_AGAIN = 10
"""Customers that are served once more when answers took longer, or cost more."""
MOST_IN_HEADLINE = 2
MOST_NUMBERS = 40
LONGEST_QUOTE = 240


# --- what is played again ---------------------------------------------------------------------------------------------


def to_play_again(night: Night, times: int) -> tuple[tuple[int, int], ...]:
    """Numbers of conversations with how often each is played again, before anybody is told that something is wrong."""
    pairs = _pairs(night)
    if night.run_then is None:
        return ()
    if _is_down(pairs):
        return tuple((pair.now.number, 1) for pair in pairs[:AGAIN_WHEN_DOWN])
    failed = [pair for pair in pairs if pair.then is not None and (pair.newly_failed or pair.newly_broken_off)]
    failed.sort(key=lambda pair: (not pair.is_security, pair.now.number))
    chosen = {pair.now.number: times for pair in failed[:MOST_AGAIN]}
    for name in _newly_broken_rules(night):
        for failure in night.summary.rules[name].failures[:3] if night.summary.rules else ():
            chosen |= {number: chosen.get(number, 1) for number in failure.conversations}
    if any(each.standing == "broken" and each.name in RATIOS for each in _figures(pairs)):
        served = [pair for pair in pairs if pair.then and success(pair.then) and success(pair.now)]
        chosen |= {pair.now.number: chosen.get(pair.now.number, 1) for pair in served[:SLOW_AGAIN]}
    known = {pair.now.number for pair in pairs}
    return tuple(sorted((number, repeats) for number, repeats in chosen.items() if number in known))


def _pairs(night: Night) -> tuple[Pair, ...]:
    return paired(night.then, night.now, night.again)


# --- the verdict ------------------------------------------------------------------------------------------------------


def judge_night(night: Night, *, changes: Sequence[str] = (), changes_since: str | None = None) -> RegressionSummary:
    """The verdict on a run that was played, and played again as far as it was in doubt."""
    pairs = _pairs(night)
    figures = _figures(pairs)
    is_down = _is_down(pairs) and _is_still_down(night)
    regressed = _down(pairs) if is_down else tuple(_regressed(night, pairs, figures))
    open_reasons = tuple(_open_reasons(night, pairs, figures))
    verdict: RegressionVerdict = "REJECT" if regressed else "INCONCLUSIVE" if open_reasons else "APPROVE"
    totals = night.summary.totals
    times = [time for each in night.now for time in answer_times(each)]
    summary = RegressionSummary(
        verdict=verdict,
        headline="",
        conversations=totals.conversations,
        passed=totals.passed,
        failed=totals.failed,
        errors=totals.errors + totals.void,
        unclear=totals.inconclusive,
        success=night.summary.success,
        baseline_success=night.summary_then.success if night.summary_then else None,
        pairs=sum(pair.then is not None for pair in pairs),
        cost_usd=night.summary.costs.total,
        p50_ms=percentile(times, 0.5),
        p95_ms=percentile(times, 0.95),
        is_down=is_down,
        down_reason=_down_reason(pairs) if is_down else None,
        regressed=regressed,
        open_reasons=() if regressed else open_reasons,
        figures=figures,
        categories=_categories(night),
        played_again=tuple(_played_again(pairs)),
        still_failing=tuple(
            pair.now.number for pair in pairs if pair.now.verdict.outcome == "failed" and pair.failed_before
        )[:MOST_NUMBERS],
        mended=tuple(pair.now.number for pair in pairs if pair.now.verdict.outcome == "passed" and pair.failed_before)[
            :MOST_NUMBERS
        ],
        changes=tuple(changes),
        changes_since=changes_since,
        notes=tuple(_notes(night, pairs)),
    )
    return replace(summary, headline=headline(summary))


def headline(summary: RegressionSummary) -> str:
    """The verdict in one short sentence, without the names of customers."""
    if summary.is_down:
        return f"The assistant did not answer: all {summary.conversations} conversations broke off"
    if summary.verdict == "APPROVE":
        return "As good as the baseline"
    if summary.verdict == "INCONCLUSIVE":
        reason = summary.open_reasons[0] if summary.open_reasons else "it could not be compared"
        return f"Nothing got worse, but it is not proved to be as good: {reason}" if summary.pairs else reason
    cases = [each for each in summary.regressed if each.kind in ("case", "security")]
    others = [each for each in summary.regressed if each not in cases]
    parts = [each.sentence for each in others[:MOST_IN_HEADLINE]]
    if len(cases) == 1:
        parts.append(cases[0].sentence)
    elif cases:
        leaks = sum(each.kind == "security" for each in cases)
        parts.append(f"{len(cases)} cases fail" + (f", {leaks} of them about security" if leaks else ""))
    left = len(others) - MOST_IN_HEADLINE
    against = "Worse than the baseline: " if summary.pairs else ""
    return against + "; ".join(parts) + (f"; and {left} more" if left > 0 else "")


def _open_reasons(night: Night, pairs: Sequence[Pair], figures: Sequence[ComparedFigure]) -> Iterator[str]:
    if night.run_then is None:
        yield "no baseline is set, so nothing can be compared"
        return
    if not any(pair.then for pair in pairs):
        yield "not one conversation could be paired with the baseline"
        return
    measured = _measured_differently(night)
    if measured:
        yield f"it was measured differently than the baseline ({', '.join(measured)} changed); set a new baseline"
    lost = sum(pair.now.verdict.outcome in NO_ANSWER for pair in pairs)
    if lost and not sum(success(pair.now) is not None for pair in pairs):
        yield f"{lost} of {len(pairs)} conversations broke off, so nothing can be compared"
        return
    yield from (_open_words(each) for each in figures if each.standing == "open")


def _open_words(figure: ComparedFigure) -> str:
    more = f", about {figure.needs_n - figure.n} more pairs would tell" if figure.needs_n else ""
    return f"{figure.limit} is not shown in {figure.n} pairs{more}"


# --- figures ----------------------------------------------------------------------------------------------------------


def _figures(pairs: Sequence[Pair]) -> tuple[ComparedFigure, ...]:
    """Success, quality, latency and cost beside their limits; ``broken`` shares one 5 % over all of them (Holm)."""
    compared: list[tuple[Limit, Gate, list[float], list[float]]] = []
    for limit in LIMITS:
        then, now = by_scenario(limit.metric, pairs)
        if then and (any(then) or any(now)):  # what costs nothing in either is no figure
            compared.append((limit, gate(limit, then, now), then, now))
    worse = [1 - each.p for _, each, _, _ in compared if each.p is not None]
    errors = _errors(pairs)
    adjusted = holm([*worse, *([errors.p] if errors and errors.p is not None else [])])
    figures: list[ComparedFigure] = []
    for limit, found, then, now in compared:
        p = adjusted[len([each for each in figures if each.p is not None])] if found.p is not None else None
        figures.append(_figure(limit, found, then, now, p))
    if errors:
        p = adjusted[-1] if errors.p is not None else None
        figures.append(replace(errors, p=p, standing="broken" if p is not None and p < ALPHA else errors.standing))
    return tuple(figures)


def _figure(limit: Limit, found: Gate, then: Sequence[float], now: Sequence[float], p: float | None) -> ComparedFigure:
    change = _change(limit, then, now) if len(then) >= 2 else None
    standing: Standing = "open"
    if p is not None and p < ALPHA:
        standing = "broken"
    elif found.verdict == "pass":
        standing = "kept"
    low, high = change.interval if change and change.interval else (None, None)
    return ComparedFigure(
        name=limit.metric,
        baseline=sum(then) / len(then),
        now=sum(now) / len(now),
        change=change.value if change else None,
        low=low,
        high=high,
        p=p,
        n=found.n,
        standing=standing,
        limit=limit.words.replace("latency_ms", "answer time").replace("cost_usd", "cost"),
        needs_n=found.needs_n if standing == "open" else None,
    )


def _change(limit: Limit, then: Sequence[float], now: Sequence[float]) -> Estimate | None:
    """The difference, or for latency and cost the ratio less one, with its interval."""
    import numpy as np

    a, b = np.asarray(then, dtype=float), np.asarray(now, dtype=float)
    if limit.metric not in RATIOS:
        return mean_t(b - a)
    if not a.any():
        return None
    ratio = bca_ratio(a, b, paired=True)
    low, high = ratio.interval if ratio.interval else (None, None)
    shifted = (low - 1, high - 1) if low is not None and high is not None else None
    return Estimate(value=None if ratio.value is None else ratio.value - 1, interval=shifted, p=ratio.p)


def _errors(pairs: Sequence[Pair]) -> ComparedFigure | None:
    """Conversations that broke off; None where there were none."""
    both = [pair for pair in pairs if pair.then is not None]
    then = [pair.then is not None and pair.then.verdict.outcome in NO_ANSWER for pair in both]
    now = [pair.now.verdict.outcome in NO_ANSWER for pair in both]
    if not any(then) and not any(now):
        return None
    only_now = sum(after and not before for before, after in zip(then, now, strict=True))
    only_then = sum(before and not after for before, after in zip(then, now, strict=True))
    p = mcnemar_midp(only_then, only_now) / 2
    rate_then, rate_now = sum(then) / len(both), sum(now) / len(both)
    return ComparedFigure(
        name="errors",
        baseline=rate_then,
        now=rate_now,
        change=rate_now - rate_then,
        low=None,
        high=None,
        p=p if only_now > only_then else 1 - p,
        n=len(both),
        standing="kept" if rate_now <= rate_then else "open",
        limit="conversations that break off: not more than at the baseline",
    )


# --- what got worse ---------------------------------------------------------------------------------------------------


def _regressed(night: Night, pairs: Sequence[Pair], figures: Sequence[ComparedFigure]) -> Iterator[Regressed]:
    """Everything that got worse and stayed so when it was played again; the worst first."""
    found = [
        *_worse_cases(pairs),
        *(_worse(each, pairs) for each in figures if each.standing == "broken" and _is_confirmed(each, pairs)),
        *(_worse_rule(name, night) for name in _newly_broken_rules(night) if _is_rule_confirmed(name, night)),
        *_worse_gates(night, pairs),
    ]
    order: dict[Severity, int] = {"high": 0, "medium": 1}
    yield from sorted(found, key=lambda each: (order[each.severity], WORST_FIRST.index(each.kind)))


def _worse_cases(pairs: Sequence[Pair]) -> Iterator[Regressed]:
    for pair in pairs:
        if not pair.newly_failed or not _is_case_confirmed(pair):
            continue
        category = (pair.now.scenario.tags or ("",))[0]
        kind: Worse = "security" if pair.is_security else "case"
        is_high = kind == "security" or category == "regression"
        repeats = pair.repeats
        times = f"in {repeats.count(False) + 1} of {len(repeats) + 1} attempts" if repeats else ""
        why = _line(next(iter(pair.now.verdict.reasons), "failed"))
        before = "passed at the baseline" if pair.then is not None and success(pair.then) else "is new in the suite"
        yield Regressed(
            kind=kind,
            name=case_name(pair.now),
            severity="high" if is_high else "medium",
            sentence=f"{case_name(pair.now)!r} fails {times}".rstrip() + f" and {before}: {why}",
            conversations=(pair.now.number,),
            n=len(repeats) + 1,
            quotes={pair.now.number: evidence(pair.now)},
        )


def _is_case_confirmed(pair: Pair) -> bool:
    """What leaked once has leaked; of everything else one failure may be chance."""
    if pair.is_security:
        return True
    return bool(pair.repeats) and not any(pair.repeats) and pair.then is not None and success(pair.then) is True


def _is_confirmed(figure: ComparedFigure, pairs: Sequence[Pair]) -> bool:
    """Whether a figure is still beyond its limit with what was learnt from playing again."""
    if figure.name == "errors":
        again = [each for pair in pairs if pair.newly_broken_off for each in pair.again]
        return not again or any(each.verdict.outcome in NO_ANSWER for each in again)
    limit = next(each for each in LIMITS if each.metric == figure.name)
    if figure.name == "success":
        known = {pair.now.number: sum(pair.repeats) / (len(pair.repeats) + 1) for pair in pairs if pair.newly_failed}
        then, now = by_scenario("success", pairs, known)
        found = gate(limit, then, now)
        return found.p is None or 1 - found.p < ALPHA
    if figure.name in RATIOS:
        return _is_slow_again(limit, pairs)
    return True


def _is_slow_again(limit: Limit, pairs: Sequence[Pair]) -> bool:
    both = [
        (before, after)
        for pair in pairs
        if pair.then is not None and (before := value(limit.metric, pair.then)) is not None
        for each in pair.again
        if (after := value(limit.metric, each)) is not None
    ]
    return not both or sum(after for _, after in both) > limit.share * sum(before for before, _ in both)


def _worse(figure: ComparedFigure, pairs: Sequence[Pair]) -> Regressed:
    kind = KINDS[figure.name]
    return Regressed(
        kind=kind,
        name=figure.name,
        severity=SEVERITIES[kind],
        sentence=figure_sentence(figure),
        conversations=_examples(figure, pairs),
        baseline=figure.baseline,
        now=figure.now,
        change=figure.change,
        low=figure.low,
        high=figure.high,
        n=figure.n,
    )


def _examples(figure: ComparedFigure, pairs: Sequence[Pair]) -> tuple[int, ...]:
    """The conversations that show it best."""
    if figure.name == "success":
        return tuple(pair.now.number for pair in pairs if pair.newly_failed)[:MOST_NUMBERS]
    if figure.name == "errors":
        return tuple(pair.now.number for pair in pairs if pair.newly_broken_off)[:MOST_NUMBERS]
    sign = -1 if figure.name in RATIOS else 1
    both = (
        (sign * (after - before), pair.now.number)
        for pair in pairs
        if pair.then is not None
        and (before := value(figure.name, pair.then)) is not None
        and (after := value(figure.name, pair.now)) is not None
    )
    return tuple(number for difference, number in sorted(both) if difference < 0)[:3]


# --- rules and gates --------------------------------------------------------------------------------------------------


def _newly_broken_rules(night: Night) -> list[str]:
    before: Mapping[str, RuleSummary] = (night.summary_then.rules if night.summary_then else None) or {}
    return [
        name
        for name, rule in (night.summary.rules or {}).items()
        if rule.ok is False and not (name in before and before[name].ok is False)
    ]


def _is_rule_confirmed(name: str, night: Night) -> bool:
    """It is broken again, or could not be looked at again."""
    again = (night.summary_again.rules if night.summary_again else None) or {}
    return name not in again or not again[name].applied or again[name].ok is False


def _worse_rule(name: str, night: Night) -> Regressed:
    rule = (night.summary.rules or {})[name]
    numbers = dict.fromkeys(number for failure in rule.failures for number in failure.conversations)
    return Regressed(
        kind="rule",
        name=name,
        severity=SEVERITIES["rule"],
        sentence=f"the rule {name!r} is broken: {_line(rule_sentence(rule))}",
        conversations=tuple(numbers)[:MOST_NUMBERS],
        n=rule.passed + rule.failed,
    )


def _worse_gates(night: Night, pairs: Sequence[Pair]) -> Iterator[Regressed]:
    """Limits of the suite that are broken now, and were not; a success that only chance pulled down does not count."""
    kept_before = {each.name: each.ok for each in (night.summary_then.gates if night.summary_then else None) or ()}
    for each in night.summary.gates or ():
        if each.ok is False and kept_before.get(each.name) is not False and not _is_chance(each, pairs):
            yield Regressed(
                kind="gate",
                name=each.name,
                severity=SEVERITIES["gate"],
                sentence=f"a limit of the suite is broken: {_line(each.reason)}",
                now=each.value,
                low=each.low,
                high=each.high,
                n=each.n,
            )


def _is_chance(verdict: GateVerdict, pairs: Sequence[Pair]) -> bool:
    """Whether the success would keep its limit without the cases that passed when they were played again."""
    if verdict.name == "errors":
        return not any(
            each.verdict.outcome in NO_ANSWER for pair in pairs if pair.newly_broken_off for each in pair.again
        ) and any(pair.again for pair in pairs if pair.newly_broken_off)
    if verdict.name != "success" or verdict.at_least is None:
        return False
    decided = [pair for pair in pairs if success(pair.now) is not None]
    passed = sum(success(pair.now) is True or any(pair.repeats) for pair in decided)
    rate = wilson_interval(passed, len(decided))
    return rate is not None and (rate.low if verdict.by == "interval" else rate.value) >= verdict.at_least


# --- an assistant that does not answer --------------------------------------------------------------------------------


def _is_down(pairs: Sequence[Pair]) -> bool:
    return bool(pairs) and all(pair.now.verdict.outcome in NO_ANSWER for pair in pairs)


def _is_still_down(night: Night) -> bool:
    return all(each.verdict.outcome in (*NO_ANSWER, "cancelled") for each in night.again)


def _down(pairs: Sequence[Pair]) -> tuple[Regressed, ...]:
    reason = _down_reason(pairs)
    return (
        Regressed(
            kind="errors",
            name="errors",
            severity="high",
            sentence=f"all {len(pairs)} conversations broke off: {reason}",
            conversations=tuple(pair.now.number for pair in pairs[:3]),
            now=1.0,
            n=len(pairs),
        ),
    )


def _down_reason(pairs: Sequence[Pair]) -> str:
    reasons = [error_class(pair.now) for pair in pairs]
    return _line(max(dict.fromkeys(reasons), key=reasons.count))


# --- beside it --------------------------------------------------------------------------------------------------------


def _played_again(pairs: Sequence[Pair]) -> Iterator[PlayedAgain]:
    for pair in pairs:
        repeats = pair.repeats
        if pair.newly_failed and repeats:
            known = (False, *repeats)
            yield PlayedAgain(
                name=case_name(pair.now),
                number=pair.now.number,
                passed=sum(repeats),
                played=len(repeats),
                twice=pass_power(sum(known), len(known), 2),
            )


def _categories(night: Night) -> dict[str, CategoryCount]:
    """By the first tag of each conversation, which is its category in a suite."""
    now, then = _by_category(night.now), _by_category(night.then)
    counted: dict[str, CategoryCount] = {}
    for name, conversations in now.items():
        totals = count_outcomes(conversations)
        before = count_outcomes(then[name]) if name in then else None
        counted[name] = CategoryCount(
            passed=totals.passed,
            failed=totals.failed,
            errors=totals.errors + totals.void,
            baseline_passed=before.passed if before else None,
            baseline_failed=before.failed if before else None,
        )
    return counted


def _by_category(conversations: Sequence[Conversation]) -> dict[str, list[Conversation]]:
    found: dict[str, list[Conversation]] = {}
    for each in conversations:
        if each.scenario.tags:
            found.setdefault(each.scenario.tags[0], []).append(each)
    return dict(sorted(found.items()))


def _notes(night: Night, pairs: Sequence[Pair]) -> Iterator[str]:
    yield from night.run.notes
    if night.run.note:
        yield night.run.note
    new = sum(pair.then is None for pair in pairs)
    if night.run_then is not None and new:
        yield f"{new} of {len(pairs)} conversations have no partner at the baseline; the suite has changed since"
    lost = sum(pair.newly_broken_off for pair in pairs)
    if lost and not _is_down(pairs):
        yield f"{lost} conversations broke off and are in no comparison"
    if _is_down(pairs) and not _is_still_down(night):
        yield "the assistant did not answer during the run; played again a little later, it did"
    chosen = sum(pair.then is not None and (pair.newly_failed or pair.newly_broken_off) for pair in pairs)
    if chosen > MOST_AGAIN and night.again:
        yield f"{chosen} conversations newly fail; {MOST_AGAIN} of them were played again"


def _measured_differently(night: Night) -> list[str]:
    """What the run was measured with, where that is not what the baseline was measured with."""
    if night.run_then is None:
        return []
    changed = changed_stamps(night.run_then.stamps, night.run.stamps)
    return [name for name in changed if name in ("simulator", "judge", "rubric", "profile")]


def case_name(conversation: Conversation) -> str:
    """What a conversation is called: its case, or the customer of a profile."""
    scenario = conversation.scenario
    if scenario.case is not None:
        return _line(scenario.case.name)[:80]
    wanted = _line("; ".join(goal.text for goal in scenario.goals))
    shown = wanted if len(wanted) <= 80 else f"{wanted[:79]}…"
    return f"{_line(scenario.profile)[:40]}: {shown}"


def evidence(conversation: Conversation) -> str:
    """What the assistant said that is the evidence: where a forbidden pattern is, else its last answer."""
    said = [turn.text for turn in conversation.transcript.turns if turn.speaker == "assistant"]
    case = conversation.scenario.case
    forbidden = case.must_not if case else ()
    told = next((text for text in said if any(is_in(pattern, text) for pattern in forbidden)), said[-1] if said else "")
    return _line(told, LONGEST_QUOTE)


def _line(text: str, most: int = 400) -> str:
    """Text of customers and assistants: one line, bounded, without secrets."""
    line = " ".join(redact(text[: most * 4]).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
