"""What came of a finished conversation: its verdict from goals and checks, and its scores from the shelf of metrics."""

import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from statistics import fmean

from jobs.metrics import METRICS, Grader, Metric, ScoringContext, metric_of
from jobs.model import Assessment, Blame, Check, EndedBy, GoalProgress, Outcome, Scenario, Score, Transcript, Verdict

logger = logging.getLogger(__name__)

MOST_REASONS = 5

NOT_PLAYED_TO_ITS_END: Mapping[EndedBy, tuple[Outcome, Blame | None, str]] = {
    "simulator_error": ("void", "simulator", "the simulated customer misbehaved"),
    "assistant_error": ("assistant_error", "assistant", "the assistant could not be reached"),
    "timeout": ("assistant_error", "assistant", "the assistant did not answer in time"),
    "harness_error": ("harness_error", "harness", "convotest itself failed"),
    "cancelled": ("cancelled", None, "the run was cancelled"),
    "skipped": ("skipped", None, "the case is to be skipped"),
    "budget": ("inconclusive", None, "stopped: the budget is used up"),
}
"""Endings that decide the outcome whatever was found out until then."""

QUALITIES = ("accuracy", "relevance", "helpfulness", "coherence", "completeness", "efficiency", "safety")
"""The metrics whose mean is the quality of a conversation."""

STUCK = {
    "fallback_loop": "the assistant kept answering that it did not understand",
    "goodbye_loop": "the assistant ended the conversation before everything was answered",
}


def decide_verdict(transcript: Transcript, assessment: Assessment) -> Verdict:
    """The outcome of one conversation, with its most important reasons first.

    A conversation that was not played to its end is judged by why it stopped; one stopped by the budget is
    ``inconclusive`` rather than ``cancelled``, since nobody decided against it. Otherwise, in this order:

    - ``failed``: a check does not hold, a goal that was asked was not answered, or the assistant got stuck in a
      loop with goals open. A goodbye loop leaves a goal open only if it is known to be unanswered or was never asked;
      after a fallback loop one that cannot be checked is open too.
    - ``inconclusive``: a goal or check cannot be told, there is nothing to check, or the turns were used up before a
      goal was asked, which is not the assistant's failure, but no success either.
    - ``passed``: every goal was answered and every check holds. A pass needs no reasons.
    """
    if transcript.ended_by in NOT_PLAYED_TO_ITS_END:
        outcome, blame, usual_reason = NOT_PLAYED_TO_ITS_END[transcript.ended_by]
        return Verdict(outcome=outcome, blame=blame, reasons=(transcript.error or usual_reason,))
    if failures := _first_reasons(_failures(transcript, assessment)):
        return Verdict(outcome="failed", blame="assistant", reasons=failures)
    if doubts := _first_reasons(_doubts(assessment)):
        return Verdict(outcome="inconclusive", reasons=doubts)
    return Verdict(outcome="passed")


async def score_transcript(
    transcript: Transcript, scenario: Scenario, assessment: Assessment, *, judge: Grader | None = None
) -> dict[str, Score]:
    """Every metric of the shelf and every rubric of the scenario by name; one that breaks is logged and unscored, and
    the others go on."""
    context = ScoringContext(transcript=transcript, scenario=scenario, assessment=assessment, judge=judge)
    asked = [*METRICS.values(), *(metric_of(rubric) for rubric in scenario.rubrics)]
    return {metric.name: await _score(metric, context) for metric in asked}


def mean_quality(scores: Mapping[str, Score]) -> Score:
    """The mean of the quality metrics that are scored, 0..1; the reason names the lowest of them."""
    known = {name: value for name in QUALITIES if name in scores and (value := scores[name].value) is not None}
    if not known:
        return Score.unscored("no quality metric is scored")
    return Score(value=fmean(known.values()), reason=f"lowest: {min(known, key=lambda name: known[name])}")


def with_quality(assessment: Assessment, scenario: Scenario, scores: Mapping[str, Score]) -> Assessment:
    """The assessment with the check of a test case's mean quality; that of others as it is."""
    if scenario.case is None:
        return assessment
    wanted, quality = scenario.case.quality, mean_quality(scores)
    ok = None if quality.value is None else quality.value >= wanted
    below = f"the mean quality is below {wanted:g} ({quality.reason})"
    reason = "" if ok else quality.reason if ok is None else below
    check = Check(name="quality", ok=ok, reason=reason, value=quality.value)
    return replace(assessment, checks=(*assessment.checks, check))


async def _score(metric: Metric, context: ScoringContext) -> Score:
    try:
        score = await metric.score(context)
    except Exception as error:  # one broken metric must not cost the conversation its other scores
        logger.exception("metric %r failed", metric.name)
        return Score.unscored(f"the metric failed with {type(error).__name__}; the log has the details")
    if score.value is not None and not math.isfinite(score.value):
        logger.error("metric %r is not finite: %r", metric.name, score)
        return Score.unscored("the metric did not give a number; the log has the details")
    return score


def _failures(transcript: Transcript, assessment: Assessment) -> Iterator[str]:
    yield from (
        check.reason or f"the check {check.name!r} does not hold" for check in assessment.checks if check.ok is False
    )
    if transcript.ended_by in STUCK and any(_is_open(goal, transcript.ended_by) for goal in assessment.goals):
        yield STUCK[transcript.ended_by]
    for goal in assessment.goals:
        if goal.asked and goal.answered is False:
            yield goal.reason or f"not answered: {goal.text}"


def _is_open(goal: GoalProgress, ended_by: EndedBy) -> bool:
    if ended_by == "goodbye_loop" and goal.asked:
        return goal.answered is False
    return goal.answered is not True


def _doubts(assessment: Assessment) -> Iterator[str]:
    if not assessment.goals and not assessment.checks:
        yield "nothing could be checked: there are no goals and no checks"
    for check in assessment.checks:
        if check.ok is None:
            yield check.reason or f"the check {check.name!r} could not be decided"
    for goal in assessment.goals:
        if goal.asked and goal.answered is None:
            yield goal.reason or f"could not be checked: {goal.text}"
    if any(not goal.asked and goal.answered is not True for goal in assessment.goals):
        yield "the conversation ended before every goal was asked"


def _first_reasons(reasons: Iterator[str]) -> tuple[str, ...]:
    """The first different reasons, at most ``MOST_REASONS``."""
    return tuple(dict.fromkeys(reasons))[:MOST_REASONS]
