"""The use case behind every door: the history of a figure, looked up by its name."""

from dataclasses import dataclass
from datetime import timedelta

from jobs.bundle import Ports
from jobs.errors import RequestError
from jobs.history.feedback import report_feedback_days
from jobs.history.figures import OF_FEEDBACK, known_metrics
from jobs.history.point import HistoryScope
from jobs.history.record import catch_up
from jobs.history.report import HistoryReport, report_runs
from jobs.model import WorkspaceId
from jobs.shelf import unknown
from jobs.store.votes import Scope

USUAL_WINDOW = timedelta(days=90)
LONGEST_WINDOW = timedelta(days=3660)
OTHER_NAMES = {"cost": "cost_usd", "errors": "error_rate", "success_rate": "success", "response_time": "latency_p95_ms"}


@dataclass(frozen=True, kw_only=True)
class HistoryRequest:
    """What somebody wants to see; ``subject`` is a suite or profile, ``part`` e.g. ``persona:novice``."""

    metric: str
    workspace_id: WorkspaceId
    back: timedelta = USUAL_WINDOW
    subject: str | None = None
    assistant: str | None = None
    variant: str | None = None
    part: str = ""


async def look_up_history(request: HistoryRequest, ports: Ports) -> HistoryReport:
    """The history of the figure up to now.

    Raises:
        RequestError: there is no such figure; the nearest is offered.
    """
    metric = find_metric(request.metric)
    now = ports.clock.now()
    since = now - min(request.back, LONGEST_WINDOW)
    if metric in OF_FEEDBACK:
        scope = Scope(
            workspace_id=request.workspace_id, since=since, assistant=request.assistant, variant=request.variant
        )
        return await ports.helper.call(report_feedback_days, ports.store.database_url, metric, scope, until=now)
    await catch_up(request.workspace_id, since, ports)
    settings = await ports.store.workspaces.settings(request.workspace_id)
    points = await ports.store.history.points(
        HistoryScope(
            workspace_id=request.workspace_id,
            since=since,
            until=now + timedelta(seconds=1),
            metric=metric,
            part=request.part,
            subject=request.subject,
            assistant=request.assistant,
            variant=request.variant,
        )
    )
    return await ports.helper.call(
        report_runs, metric, points, zone=settings.time_zone or "UTC", since=since, until=now
    )


def find_metric(name: str) -> str:
    """The figure of that name; raises RequestError with the nearest one."""
    wanted = name.strip().lower().replace("-", "_").replace(" ", "_")
    known = known_metrics()
    wanted = OTHER_NAMES.get(wanted, wanted)
    if wanted in known:
        return wanted
    raise RequestError(unknown("figure", name[:80], known))
