"""What the gallery shows of schedules and of suites beside their baselines."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bot.blocks import Json, Message
from bot.blocks.regression import Shown, regression_card, regression_finished, regression_report
from bot.blocks.schedule import schedule_added, schedule_trouble, schedules
from jobs.model import Place, Progress, RunId, WorkspaceId
from jobs.regression import (
    CategoryCount,
    ComparedFigure,
    PlayedAgain,
    Regressed,
    Regression,
    RegressionId,
    RegressionState,
    RegressionSummary,
    RegressionVerdict,
)
from jobs.schedule.schedule import Occasion, OccasionState, Schedule, ScheduleId
from jobs.schedule.shown import ShownSchedule
from jobs.stats import wilson_interval

if TYPE_CHECKING:
    from bot.gallery.samples import Data  # it imports this module

WORKSPACE = WorkspaceId("T0LOCAL")
PLACE = Place(workspace_id=WORKSPACE, channel_id="C0QUALITY")
WHEN = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def a_summary(data: "Data", verdict: RegressionVerdict, *, is_down: bool = False) -> RegressionSummary:
    """What came of a night, with as much of everything as there is data."""
    worse = verdict == "REJECT" and not is_down
    some = tuple(range(1, data.count + 1))
    reason = data.reason or "failed"
    return RegressionSummary(
        verdict=verdict,
        headline=f"{data.name or 'nothing'}: {reason}",
        conversations=data.count,
        passed=0 if is_down else data.count // 2,
        failed=0 if is_down else data.count - data.count // 2,
        errors=data.count if is_down else 0,
        unclear=0,
        success=None if is_down else wilson_interval(data.count // 2, data.count),
        baseline_success=wilson_interval(data.count, data.count),
        pairs=data.count,
        cost_usd=0.0,
        p50_ms=None if is_down else 340.0,
        p95_ms=None if is_down else 470.0,
        is_down=is_down,
        down_reason=reason if is_down else None,
        regressed=_regressed(data, some) if worse else (),
        open_reasons=(reason,) if verdict == "INCONCLUSIVE" else (),
        figures=_figures(data, worse=worse) if data.count and not is_down else (),
        categories={} if is_down else {data.name or "functional": _count(data), "regression": _count(data)},
        played_again=(PlayedAgain(name=data.name, number=3, passed=3, played=4, twice=0.6),) if data.count else (),
        still_failing=some[:3],
        mended=some[:1],
        changes=(reason,),
        changes_since="the last good run (2026-03-01 01:00 UTC)",
        notes=(reason,),
    )


def _count(data: "Data") -> CategoryCount:
    half = data.count // 2
    return CategoryCount(passed=half, failed=data.count - half, baseline_passed=data.count, baseline_failed=0)


def _regressed(data: "Data", numbers: tuple[int, ...]) -> tuple[Regressed, ...]:
    figure = Regressed(
        kind="success",
        name="success",
        severity="high",
        sentence="success 98% → 50% (-48 points, 95% interval -61 to -35, 48 pairs)",
        conversations=numbers,
        baseline=0.98,
        now=0.5,
        change=-0.48,
        low=-0.61,
        high=-0.35,
        n=48,
    )
    cases = [
        Regressed(
            kind="case",
            name=f"{data.name} {number}",
            severity="medium",
            sentence=f"{data.name!r} fails in 5 of 5 attempts and passed at the baseline: {data.reason}",
            conversations=(number,),
            n=5,
            quotes={number: data.answered[:240]},
        )
        for number in numbers
    ]
    return (figure, *cases)


def _figures(data: "Data", *, worse: bool) -> tuple[ComparedFigure, ...]:
    success = ComparedFigure(
        name="success",
        baseline=0.98,
        now=0.5 if worse else 0.98,
        change=-0.48 if worse else 0.0,
        low=-0.61 if worse else -0.04,
        high=-0.35 if worse else 0.04,
        p=0.0001 if worse else 0.9,
        n=data.count,
        standing="broken" if worse else "kept",
        limit="success at least 95% of the baseline's",
    )
    latency = replace(
        success, name="latency_ms", baseline=340.0, now=352.0, change=0.035, low=-0.02, high=0.09, standing="open"
    )
    return success, latency


def _shown(
    data: "Data", state: RegressionState, verdict: RegressionVerdict | None = None, *, is_down: bool = False
) -> Shown:
    done = data.count if verdict else data.count // 3
    return Shown(
        regression=Regression(
            id=RegressionId("0199aaaa-0000-7000-8000-00005678ef01"),
            workspace_id=WORKSPACE,
            suite=data.name,
            assistant=data.name,
            variant="good",
            baseline=3 if data.count else None,
            baseline_run_id=RunId("0199aaaa-0000-7000-8000-00001234abcd") if data.count else None,
            run_id=RunId("0199aaaa-0000-7000-8000-00009999abcd"),
            schedule_id="s",
            slot="2026-03-02",
            state=state,
            place=PLACE,
            started_by="U0ADA",
            note=data.reason if state == "cancelled" else None,
            created_at=WHEN,
            finished_at=WHEN + timedelta(minutes=4) if verdict else None,
            summary=a_summary(data, verdict, is_down=is_down) if verdict else None,
        ),
        progress=Progress(planned=data.count, by_outcome={"passed": done}),
        schedule=data.name,
        links={1: "https://example.slack.com/archives/C0QUALITY/p1772413200000100"},
    )


def _schedule(data: "Data", *, is_paused: bool = False) -> Schedule:
    return Schedule(
        id=ScheduleId("s"),
        workspace_id=WORKSPACE,
        name=data.name,
        key="k",
        use_case="regress",
        options={"suite": data.name},
        cron="0 2 * * mon,tue,wed,thu,fri",
        tz="Europe/Berlin",
        state="paused" if is_paused else "active",
        place=PLACE,
        created_by="U0ADA",
        created_at=WHEN,
        active_since=WHEN,
        note=data.reason if is_paused else None,
    )


def _occasion(data: "Data", state: OccasionState) -> Occasion:
    return Occasion(
        schedule_id=ScheduleId("s"),
        slot="2026-03-02",
        workspace_id=WORKSPACE,
        due_at=WHEN,
        state=state,
        note=data.reason,
        created_at=WHEN,
    )


def _list(data: "Data") -> Message:
    each = ShownSchedule(schedule=_schedule(data), next_due=WHEN, last=_occasion(data, "begun"))
    paused = ShownSchedule(schedule=_schedule(data, is_paused=True), next_due=None, last=None)
    return schedules([each, paused] if data.count else [])


def _trouble(state: OccasionState, *, dates: int, is_paused: bool = False) -> "Callable[[Data], Message]":
    return lambda data: schedule_trouble(_schedule(data, is_paused=is_paused), _occasion(data, state), dates=dates)


NIGHTLY_KINDS: "Mapping[str, Callable[[Data], Message | Json]]" = {
    "Suite beside its baseline: being played": lambda data: regression_card(_shown(data, "running")),
    "Suite beside its baseline: played again": lambda data: regression_card(_shown(data, "confirming")),
    "Suite beside its baseline: as good": lambda data: regression_card(_shown(data, "finished", "APPROVE")),
    "Suite beside its baseline: worse": lambda data: regression_card(_shown(data, "finished", "REJECT")),
    "Suite beside its baseline: open": lambda data: regression_card(_shown(data, "finished", "INCONCLUSIVE")),
    "Suite beside its baseline: down": lambda data: regression_card(_shown(data, "finished", "REJECT", is_down=True)),
    "Suite beside its baseline: cancelled": lambda data: regression_card(_shown(data, "cancelled")),
    "Report of a suite: worse": lambda data: regression_report(_shown(data, "finished", "REJECT")),
    "Report of a suite: open": lambda data: regression_report(_shown(data, "finished", "INCONCLUSIVE")),
    "Last message of a suite": lambda data: regression_finished(_shown(data, "finished", "REJECT")),
    "Schedules": _list,
    "Schedule: added": lambda data: schedule_added(ShownSchedule(schedule=_schedule(data), next_due=WHEN, last=None)),
    "Schedule: did not run": _trouble("failed", dates=1),
    "Schedule: missed": _trouble("missed", dates=3),
    "Schedule: paused by itself": _trouble("begun", dates=0, is_paused=True),
}
