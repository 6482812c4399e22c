"""Everything that a run is judged by when it is held against its baseline."""

from dataclasses import dataclass

from jobs.model import Conversation, Run
from jobs.report.summary import RunSummary


@dataclass(frozen=True, kw_only=True)
class Night:
    """A run, its baseline, and what was played again.

    Args:
        then, now, again: the conversations of the baseline, of the run, and of what was played again.
        summary_then, summary, summary_again: the figures that those runs were closed with.
    """

    run: Run
    run_then: Run | None
    now: tuple[Conversation, ...]
    then: tuple[Conversation, ...] = ()
    again: tuple[Conversation, ...] = ()
    summary: RunSummary
    summary_then: RunSummary | None = None
    summary_again: RunSummary | None = None
