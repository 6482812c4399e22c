"""A run with its conversations and figures, and the exit code that follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jobs.feedback.agreement import JudgeTrust
from jobs.model import Conversation, Run
from jobs.report.gates import gate_verdicts
from jobs.report.summary import RunSummary, summarise


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """Everything that is known about a run; the conversations are in the order of their numbers."""

    run: Run
    conversations: tuple[Conversation, ...]
    summary: RunSummary


def build_report(
    run: Run,
    conversations: Sequence[Conversation],
    previous: RunSummary | None = None,
    trust: JudgeTrust | None = None,
) -> RunReport:
    """The report of a run, finished or not; ``previous`` is the summary of the run to compare with, ``trust`` how far
    its judge agrees with people."""
    summary = replace(summarise(run, conversations, previous), trust=trust)
    if run.suite is not None:
        summary = replace(summary, gates=gate_verdicts(run.gates, summary, conversations))
    return RunReport(run=run, conversations=tuple(sorted(conversations, key=lambda each: each.number)), summary=summary)


def exit_code(report: RunReport) -> int:
    """0 fine, 1 something failed or a gate or rule broke, 3 nothing but errors, 4 inconclusive or cancelled."""
    totals = report.summary.totals
    gates = [gate.ok for gate in report.summary.gates or () if gate.applies]
    gates += [rule.ok for rule in (report.summary.rules or {}).values()]
    if report.run.state == "cancelled":
        return 4
    if totals.errors and totals.errors == totals.conversations - totals.skipped:
        return 3
    if totals.failed or False in gates:
        return 1
    return 4 if totals.inconclusive or not totals.passed or None in gates else 0
