"""Regressions as values: a run of a suite that is held against its baseline, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NewType

from jobs.model import LOCAL_WORKSPACE, Place, RunId, WorkspaceId, short_id
from jobs.stats import Proportion

RegressionId = NewType("RegressionId", str)
RegressionState = Literal["running", "confirming", "finished", "cancelled"]
"""``confirming``: what failed is played again before anybody is told."""
RegressionVerdict = Literal["APPROVE", "REJECT", "INCONCLUSIVE"]
Severity = Literal["high", "medium"]
Worse = Literal["success", "quality", "latency", "cost", "errors", "rule", "gate", "case", "security"]
"""What got worse: a figure of the run, a rule or gate of its suite, or a single case."""
Standing = Literal["kept", "broken", "open"]
"""Of a limit: the data show that it is kept, that it is broken, or neither, which is not kept."""
SEVERITIES: Mapping[Worse, Severity] = {
    "security": "high",
    "success": "high",
    "quality": "high",
    "errors": "high",
    "rule": "high",
    "case": "high",
    "gate": "medium",
    "latency": "medium",
    "cost": "medium",
}
OVER: tuple[RegressionState, ...] = ("finished", "cancelled")


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The run that the nights of a suite are compared with; of a suite and assistant the latest counts."""

    workspace_id: WorkspaceId
    suite: str
    assistant: str
    number: int
    run_id: RunId
    set_by: str
    reason: str
    set_at: datetime


@dataclass(frozen=True, kw_only=True)
class RegressionRequest:
    """What a member, a terminal or a schedule asked for.

    Args:
        again: how often each case that newly fails is played again.
        key: the same key is the same regression, however often it is asked for.
    """

    suite: str
    assistant: str | None = None
    again: int | None = None
    started_by: str = ""
    workspace_id: WorkspaceId = LOCAL_WORKSPACE
    place: Place | None = None
    schedule_id: str | None = None
    slot: str | None = None
    key: str | None = None


@dataclass(frozen=True, kw_only=True)
class Regressed:
    """One thing that got worse, confirmed as far as it can be.

    Args:
        name: of the figure, rule, gate or case; ``kind`` and ``name`` together are the same from night to night.
        sentence: what happened, with its figures, in words for people.
        conversations: numbers of the conversations of this run that show it.
        baseline, now: the figure then and now; ``change`` is relative for latency and cost, else absolute, with its
            95 % interval ``low`` to ``high``; None where there is none.
        n: pairs that it was compared in; for a case how often it was played.
        quotes: by conversation, what the assistant said that is the evidence.
    """

    kind: Worse
    name: str
    severity: Severity
    sentence: str
    conversations: tuple[int, ...] = ()
    baseline: float | None = None
    now: float | None = None
    change: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    quotes: Mapping[int, str] = field(default_factory=dict[int, str])


@dataclass(frozen=True, kw_only=True)
class ComparedFigure:
    """A figure of this run beside the baseline's.

    Args:
        change: relative for latency and cost, else absolute; ``low`` and ``high`` are its 95 % interval.
        p: that it is worse than its limit allows, adjusted over the figures (Holm).
        standing: of its limit; ``limit`` says it in words.
        needs_n: about how many pairs would tell, while it is open.
    """

    name: str
    baseline: float | None
    now: float | None
    change: float | None
    low: float | None
    high: float | None
    p: float | None
    n: int
    standing: Standing
    limit: str
    needs_n: int | None = None


@dataclass(frozen=True, kw_only=True)
class PlayedAgain:
    """A case that newly failed and was played again.

    Args:
        number: its conversation in this run.
        passed, played: of the repeats alone.
        twice: the chance that two in a row pass (pass^2), estimated from all attempts, the first one included.
    """

    name: str
    number: int
    passed: int
    played: int
    twice: float

    @property
    def is_flaky(self) -> bool:
        """It sometimes passes: shown apart, and nobody is woken up for it."""
        return self.passed > 0


@dataclass(frozen=True, kw_only=True)
class CategoryCount:
    """Conversations of one category: now, and at the baseline (None = there is none)."""

    passed: int
    failed: int
    errors: int = 0
    baseline_passed: int | None = None
    baseline_failed: int | None = None


@dataclass(frozen=True, kw_only=True)
class RegressionSummary:
    """What came of it; small enough to be stored.

    Args:
        headline: the verdict in one short sentence.
        success: passed of passed or failed; None = nothing was decided.
        is_down: not one conversation reached the assistant; ``down_reason`` is what it was.
        regressed: the worst first.
        open_reasons: why a run without regressions is not approved.
        played_again: newly failed cases, flaky or confirmed.
        still_failing, mended: numbers of conversations that failed at the baseline as well, or only then.
        changes: what is different since ``changes_since``, the last good run (else the baseline).
    """

    verdict: RegressionVerdict
    headline: str
    conversations: int
    passed: int
    failed: int
    errors: int
    unclear: int
    success: Proportion | None
    baseline_success: Proportion | None
    pairs: int
    cost_usd: float | None
    p50_ms: float | None
    p95_ms: float | None
    is_down: bool = False
    down_reason: str | None = None
    regressed: tuple[Regressed, ...] = ()
    open_reasons: tuple[str, ...] = ()
    figures: tuple[ComparedFigure, ...] = ()
    categories: Mapping[str, CategoryCount] = field(default_factory=dict[str, CategoryCount])
    played_again: tuple[PlayedAgain, ...] = ()
    still_failing: tuple[int, ...] = ()
    mended: tuple[int, ...] = ()
    changes: tuple[str, ...] = ()
    changes_since: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def severity(self) -> Severity | None:
        """The worst of it; None when nothing got worse."""
        found = {each.severity for each in self.regressed}
        return "high" if "high" in found else "medium" if found else None

    @property
    def flaky(self) -> tuple[PlayedAgain, ...]:
        return tuple(each for each in self.played_again if each.is_flaky)


@dataclass(frozen=True, kw_only=True)
class Regression:
    """A run of a suite that is held against the baseline.

    Args:
        suite: the stem of its file.
        baseline: the number of the baseline at the time; None = there was none, and nothing can be compared.
        confirming_run_id: the run in which newly failing cases are played again.
        schedule_id, slot: the schedule and its local date, for what came by itself.
        summary: there as soon as it is over.
    """

    id: RegressionId
    workspace_id: WorkspaceId
    suite: str
    assistant: str
    variant: str
    baseline: int | None
    baseline_run_id: RunId | None
    run_id: RunId
    confirming_run_id: RunId | None = None
    schedule_id: str | None = None
    slot: str | None = None
    state: RegressionState = "running"
    place: Place | None = None
    started_by: str = ""
    note: str | None = None
    created_at: datetime
    finished_at: datetime | None = None
    summary: RegressionSummary | None = None

    @property
    def short_id(self) -> str:
        return short_id(self.id)

    @property
    def verdict(self) -> RegressionVerdict | None:
        return self.summary.verdict if self.summary else None
