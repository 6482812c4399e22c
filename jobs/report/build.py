"""A run with its conversations and figures, and the exit code that follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.model import Conversation, Run
from jobs.report.summary import RunSummary, summarise


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """Everything that is known about a run; the conversations are in the order of their numbers."""

    run: Run
    conversations: tuple[Conversation, ...]
    summary: RunSummary


def build_report(run: Run, conversations: Sequence[Conversation], previous: RunSummary | None = None) -> RunReport:
    """The report of a run, finished or not; ``previous`` is the summary of the run to compare with."""
    return RunReport(
        run=run,
        conversations=tuple(sorted(conversations, key=lambda each: each.number)),
        summary=summarise(run, conversations, previous),
    )


def exit_code(report: RunReport) -> int:
    """0 fine, 1 something failed, 3 nothing but errors, 4 inconclusive or cancelled."""
    totals = report.summary.totals
    if report.run.state == "cancelled":
        return 4
    if totals.conversations and totals.errors == totals.conversations:
        return 3
    if totals.failed:
        return 1
    return 4 if totals.inconclusive or not totals.passed else 0
