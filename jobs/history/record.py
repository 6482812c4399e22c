"""Writes the history: when a run closes, and later for runs whose process died before it could."""

import logging
from datetime import datetime

from jobs.bundle import Ports
from jobs.history.figures import figures_of, tallies_of
from jobs.history.point import Figure, Night, Tally
from jobs.model import Run, WorkspaceId
from jobs.report import RunReport

log = logging.getLogger(__name__)


async def record_run(report: RunReport, ports: Ports) -> bool:
    """Save the figures of a finished run, once.

    False if that was done before, or if only failed cases were played again, which says nothing of the whole.
    """
    run = report.run
    origin = await ports.store.history.origin(run.id)
    if run.state != "finished" or origin == "again":
        return False
    night = Night(
        run_id=run.id,
        workspace_id=run.workspace_id,
        subject=run.profile,
        assistant=run.assistant,
        variant=run.variant,
        scheduled=origin == "night",
        at=_at(run),
    )
    figures, tallies = await ports.helper.call(read_figures, report)
    return await ports.store.history.record(night, figures, tallies)


async def record_closed(report: RunReport, ports: Ports) -> None:
    """`record_run` for whoever closes runs: whatever breaks in it, `catch_up` finds the run later."""
    try:
        await record_run(report, ports)
    except Exception:
        log.exception("run %s is not in the history yet; it is added when that is read", report.run.id)


def read_figures(report: RunReport) -> tuple[tuple[Figure, ...], tuple[Tally, ...]]:
    return figures_of(report), tallies_of(report)


async def catch_up(workspace_id: WorkspaceId, since: datetime, ports: Ports) -> int:
    """Record the runs that finished since then and are not recorded; how many there were."""
    from jobs.runs import run_report  # it records runs itself when it closes them

    recorded = 0
    for run_id in await ports.store.history.not_recorded(workspace_id, since):
        run = await ports.store.runs.get(run_id)
        if run is not None:
            recorded += await record_run(await run_report(run, ports), ports)
    if recorded:
        log.info("%d runs were added to the history after they had closed", recorded)
    return recorded


def _at(run: Run) -> datetime:
    """A run belongs to the night in which it was started."""
    return run.created_at
