"""The use case behind every door: the feedback of a period, computed in the helper; a model reads its words if any."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.bundle import Ports
from jobs.feedback.by_model import add_by_model
from jobs.feedback.csat import NpsMapping
from jobs.feedback.report import FeedbackReport, report_feedback
from jobs.feedback.scope import Dimension, Scope
from jobs.model import WorkspaceId


@dataclass(frozen=True, kw_only=True)
class ReportRequest:
    """What is asked for; None means all.

    Args:
        back: how far to look back from now.
        assistant: ``NAME`` or ``NAME@VARIANT``.
    """

    workspace_id: WorkspaceId | None = None
    back: timedelta | None = None
    assistant: str | None = None
    profile: str | None = None
    by: Dimension | None = None
    nps: NpsMapping = "usual"

    def scope(self, now: datetime) -> Scope:
        assistant, _, variant = (self.assistant or "").partition("@")
        return Scope(
            workspace_id=self.workspace_id,
            since=now - self.back if self.back else None,
            until=now if self.back else None,
            assistant=assistant or None,
            variant=variant or None,
            profile=self.profile,
        )


async def feedback_report(request: ReportRequest, ports: Ports, *, now: datetime | None = None) -> FeedbackReport:
    """The report as of ``now``."""
    scope = request.scope(now or ports.clock.now())
    url = ports.store.database_url
    report = await ports.helper.call(report_feedback, url, scope, by=request.by, nps=request.nps)
    return await add_by_model(report, ports)
