"""A/B tests for the gallery: two arms and several, being played and answered."""

from dataclasses import replace
from datetime import datetime

from bot.blocks import Json, Message
from bot.blocks.experiment import ShownTest, ab_card, ab_finished, ab_list, ab_report, ab_shown, computed_modal
from jobs.experiments.experiment import (
    ArmProgress,
    ArmResult,
    Contrast,
    Disagreement,
    Experiment,
    ExperimentId,
    ExperimentProgress,
    ExperimentSummary,
    MetricLine,
)
from jobs.model import Place, WorkspaceId

LINK = "https://slack.com/archives/C0/p1"


def a_test(name: str, reason: str, count: int, when: datetime) -> Experiment:
    """An A/B test that is over, named and noted as the data say."""
    workspace_id = WorkspaceId("T0LOCAL")
    return Experiment(
        id=ExperimentId("0199aaaa-0000-7000-8000-00005678abcd"),
        workspace_id=workspace_id,
        state="finished",
        target=name or "pizza",
        a=f"{name}@now",
        b=f"{name}@shorter",
        seed=7,
        planned=10 * count,
        power="60 pairs can show a difference of 19 points or more at 80% power",
        estimated_cost_usd=0.42 if count else None,
        stamps={"profile": "3f9a21bc87d1", "judge": "87d1c02e3f9a"},
        notes=(reason,) * min(count, 3),
        started_by="U0ADA",
        place=Place(workspace_id=workspace_id, channel_id="C0QUALITY"),
        created_at=when,
    )


def a_summary(name: str, asked: str, answered: str, reason: str, count: int) -> ExperimentSummary:
    return ExperimentSummary(
        verdict="b_better" if count else "not_enough_data",
        decision="INCONCLUSIVE" if count else None,
        sentence=f"Take {name}@shorter: success is 72% with {name}@now and 90% with it (+18 points). {reason}",
        pairs=10 * count,
        metrics=_metrics() if count else (),
        gates=("success at least 95% of the baseline's: pass (125% of it in 60 pairs)", reason),
        a=_result(7 * count, 3 * count),
        b=_result(9 * count, count),
        personas=(),
        only_a=count,
        only_b=3 * count,
        disagreements=(_disagreement(asked, answered, reason),) * min(count, 3),
        flaky=(f"flaky with {name}@now: {asked[:60]} (1 of 2 passed)",) * min(count, 1),
        notes=(reason,) * min(count, 7),
        methods=("success: McNemar mid-p, interval by bootstrap of the scenarios",),
        document={},
    )


def _metrics() -> tuple[MetricLine, ...]:
    success = MetricLine(
        name="success", a="72%", b="90%", change="+18 points", interval="+6 to +30 points", p="0.004",
        verdict="b_better", value=0.18, low=0.06, high=0.3,
    )  # fmt: skip
    latency = replace(
        success, name="latency", a="410 ms", b="398 ms", change="-2.9%", interval="-11 to +6%", p="0.512",
        verdict="no_difference_shown",
    )  # fmt: skip
    return success, latency


def _result(passed: int, failed: int) -> ArmResult:
    return ArmResult(
        passed=passed, failed=failed, errors=failed // 4, unclear=0, cost_usd=0.2, p50_ms=410.0, p95_ms=980.0
    )


def _disagreement(asked: str, answered: str, reason: str) -> Disagreement:
    return Disagreement(
        number=3, wanted=asked, passed="b", reasons=(reason,), said=answered, of_a="r1:3", of_candidate="r2:3"
    )


def with_candidates(
    experiment: Experiment, summary: ExperimentSummary, name: str
) -> tuple[Experiment, ExperimentSummary]:
    """The same test with two further candidates, one of which is worse."""
    of_b = summary.contrasts[0]
    worse = tuple(replace(each, verdict="b_worse", value=-0.2) for each in of_b.metrics)
    contrast: Contrast = replace(of_b, verdict="b_worse", decision="REJECT", metrics=worse)
    others = (replace(contrast, arm="c"), replace(of_b, arm="d"))
    return (
        replace(experiment, more=(f"{name}@friendly", f"{name}@cheap")),
        replace(summary, others=others if of_b.metrics else ()),
    )


def card(experiment: Experiment, summary: ExperimentSummary, *, is_over: bool) -> Message:
    shown = experiment if is_over else replace(experiment, state="running")
    return ab_card(shown, _progress(shown, is_over=is_over), summary if is_over else None)


def _progress(experiment: Experiment, *, is_over: bool) -> ExperimentProgress:
    done = experiment.planned if is_over else experiment.planned // 3
    arm = ArmProgress(done=done, passed=done // 2, failed=done - done // 2)
    return ExperimentProgress(planned=experiment.planned, a=arm, b=arm, more=(arm,) * len(experiment.more))


def listed(experiment: Experiment, summary: ExperimentSummary, count: int) -> Message:
    return ab_list([_shown(experiment, summary)] * min(count, 15))


def shown(experiment: Experiment, summary: ExperimentSummary) -> Message:
    return ab_shown(_shown(experiment, summary))


def _shown(experiment: Experiment, summary: ExperimentSummary) -> ShownTest:
    return ShownTest(experiment=experiment, progress=_progress(experiment, is_over=True), summary=summary, link=LINK)


report, finished = ab_report, ab_finished


def computed(experiment: Experiment, summary: ExperimentSummary) -> Json:
    return computed_modal(experiment, summary)
