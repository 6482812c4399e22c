"""What people are shown who asked for the feedback of a period: a message, and its chart in the thread."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from jobs.at_terminal import parse_period
from jobs.feedback.ask_report import ReportRequest
from jobs.feedback.csat import NpsMapping
from jobs.feedback.scope import Dimension
from jobs.model import Announcement, Place, WorkspaceId


@dataclass(frozen=True, kw_only=True)
class ReportAsked:
    """``period`` as it was typed, e.g. ``7d``."""

    period: str
    assistant: str | None = None
    profile: str | None = None
    by: Dimension | None = None
    nps: NpsMapping = "usual"

    def request(self, workspace_id: WorkspaceId) -> ReportRequest:
        return ReportRequest(
            workspace_id=workspace_id,
            back=parse_period(self.period),
            assistant=self.assistant,
            profile=self.profile,
            by=self.by,
            nps=self.nps,
        )

    @property
    def title(self) -> str:
        """E.g. ``Feedback, last 7d · pizza``."""
        units = {"h": "hours", "d": "days", "w": "weeks"}
        number, unit = self.period[:-1], units[self.period[-1]]
        last = f"last {number} {unit}" if int(number) != 1 else f"last {unit[:-1]}"
        return " · ".join(part for part in (f"Feedback, {last}", self.assistant, self.profile) if part)


def report_asked_for(asked: ReportAsked, place: Place, *, key: str, at: datetime) -> tuple[Announcement, ...]:
    """The report as of the moment that it was asked for."""
    given = {"period": asked.period, "assistant": asked.assistant, "profile": asked.profile, "by": asked.by}
    ref: dict[str, str | int] = {name: value for name, value in given.items() if value is not None}
    ref |= {"nps": asked.nps, "at": at.isoformat()}
    report_key = f"feedback:{key}"
    return (
        Announcement(key=report_key, kind="feedback_report", place=place, ref=ref),
        Announcement(
            key=f"{report_key}:chart", kind="feedback_chart", place=place, ref=ref, parent_key=report_key, last=True
        ),
    )


def asked_in(ref: Mapping[str, str | int]) -> tuple[ReportAsked, datetime]:
    """What an announcement is the answer to, and when it was asked."""
    given = {name: str(ref[name]) for name in ("assistant", "profile") if name in ref}
    asked = ReportAsked(
        period=str(ref["period"]),
        by=cast(Dimension | None, ref.get("by")),
        nps=cast(NpsMapping, ref.get("nps", "usual")),
        **given,
    )
    return asked, datetime.fromisoformat(str(ref["at"]))
