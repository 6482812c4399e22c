"""What the announcements of A/B tests look like now: read from the store when they are sent."""

from collections.abc import Awaitable, Callable, Mapping

from bot.blocks import Message, note
from bot.blocks.experiment import ab_card, ab_finished, ab_report
from bot.poster import Upload
from jobs.bundle import Ports
from jobs.experiments.experiment import Experiment, ExperimentId, ExperimentSummary
from jobs.experiments.lifecycle import experiment_progress, experiment_summary
from jobs.model import AnnouncementKind, OutboxItem, short_id

DELETED = "This A/B test was deleted."


async def _card(item: OutboxItem, ports: Ports) -> Message:
    experiment = await _experiment(item, ports)
    if experiment is None:
        return note(DELETED)
    return ab_card(
        experiment, await experiment_progress(experiment, ports), await experiment_summary(experiment, ports)
    )


async def _report(item: OutboxItem, ports: Ports) -> Message:
    experiment, summary = await _answer(item, ports)
    return ab_report(experiment, summary) if experiment and summary else note(DELETED)


async def _chart(item: OutboxItem, ports: Ports) -> Message | Upload:
    experiment, summary = await _answer(item, ports)
    if experiment is None or summary is None:
        return note(DELETED)
    return Upload(
        filename=f"ab-test-{short_id(experiment.id)}.png",
        title="Chart of the A/B test",
        content=await ports.helper.call(draw_chart, experiment, summary),
        comment="The A/B test as a chart",
        alt_text=summary.sentence[:1000],
    )


def draw_chart(experiment: Experiment, summary: ExperimentSummary) -> bytes:
    from jobs.experiments.chart import experiment_chart  # in the helper process only: matplotlib is large

    return experiment_chart(experiment, summary)


async def _finished(item: OutboxItem, ports: Ports) -> Message:
    experiment, summary = await _answer(item, ports)
    return ab_finished(experiment, summary) if experiment and summary else note(DELETED)


async def _experiment(item: OutboxItem, ports: Ports) -> Experiment | None:
    experiment = await ports.store.experiments.get(ExperimentId(str(item.announcement.ref["experiment_id"])))
    if experiment is None or experiment.workspace_id != item.announcement.place.workspace_id:
        return None
    return experiment


async def _answer(item: OutboxItem, ports: Ports) -> tuple[Experiment | None, ExperimentSummary | None]:
    experiment = await _experiment(item, ports)
    return experiment, await experiment_summary(experiment, ports) if experiment else None


EXPERIMENT_RENDERERS: Mapping[AnnouncementKind, Callable[[OutboxItem, Ports], Awaitable[Message | Upload]]] = {
    "ab_card": _card,
    "ab_report": _report,
    "ab_chart": _chart,
    "ab_finished": _finished,
}
