"""The conversations of our own runs, for those who only have the store."""

from collections.abc import Sequence

from jobs.errors import RequestError
from jobs.model import Conversation, WorkspaceId
from jobs.recorded import Recorded, recorded_from_run
from jobs.report import RunReport, build_report, load_summary
from jobs.runs import run_meant, with_rules
from jobs.store import Store


async def report_of_run(text: str, *, store: Store, workspace_id: WorkspaceId) -> RunReport:
    """The report of the run that a person means, with the verdicts of its rules.

    Raises:
        RequestError: there is none, or it has no conversation yet.
    """
    run = await run_meant(text, workspace_id, store)
    conversations = await store.runs.conversations(run.id)
    if not conversations:
        raise RequestError(f"run {text!r} has no finished conversation yet")
    saved = await store.runs.summary(run.id)
    return with_rules(build_report(run, conversations), load_summary(saved) if saved else None)


def conversations_of_run(conversations: Sequence[Conversation]) -> tuple[Recorded, ...]:
    """Those in which something was said."""
    return recorded_from_run([each for each in conversations if each.transcript.turns])
