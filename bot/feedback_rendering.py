"""What the feedback of a period looks like now: computed from the store when it is sent."""

from collections.abc import Awaitable, Callable, Mapping

from bot.blocks import Message
from bot.blocks.feedback_report import feedback_message
from bot.poster import Upload
from jobs.bundle import Ports
from jobs.feedback.announce import asked_in
from jobs.feedback.ask_report import feedback_report
from jobs.feedback.report import FeedbackReport, report_figures
from jobs.model import AnnouncementKind, OutboxItem
from jobs.store.votes import Scope


async def _report(item: OutboxItem, ports: Ports) -> Message:
    asked, at = asked_in(item.announcement.ref)
    report = await feedback_report(asked.request(item.announcement.place.workspace_id), ports, now=at)
    return feedback_message(report, asked.title)


async def _chart(item: OutboxItem, ports: Ports) -> Upload:
    asked, at = asked_in(item.announcement.ref)
    scope = asked.request(item.announcement.place.workspace_id).scope(at)
    content, alt_text = await ports.helper.call(draw_chart, ports.store.database_url, scope, asked.title)
    return Upload(
        filename=f"feedback-{at:%Y-%m-%d}.png",
        title="Chart of the feedback",
        content=content,
        comment="The feedback as a chart",
        alt_text=alt_text[:1000],
    )


def draw_chart(database_url: str, scope: Scope, title: str) -> tuple[bytes, str]:
    from jobs.feedback.chart import chart_alt_text, feedback_chart  # in the helper process only: matplotlib is large

    report: FeedbackReport = report_figures(database_url, scope)
    return feedback_chart(report, title), chart_alt_text(report.headline, report.weeks)


FEEDBACK_RENDERERS: Mapping[AnnouncementKind, Callable[[OutboxItem, Ports], Awaitable[Message | Upload]]] = {
    "feedback_report": _report,
    "feedback_chart": _chart,
}
