"""What the announcements of schedules and of suites beside their baselines look like now."""

from collections.abc import Awaitable, Callable, Mapping

from bot.blocks import Message, note
from bot.blocks.regression import Shown, regression_card, regression_finished, regression_report
from bot.blocks.schedule import schedule_trouble
from bot.links import Link, message_link
from jobs.bundle import Ports
from jobs.model import AnnouncementKind, OutboxItem
from jobs.regression.lifecycle import regression_progress, shown_conversations
from jobs.regression.regression import Regression, RegressionId
from jobs.schedule.schedule import ScheduleId

GONE = "This is not known here any more."


async def _card(item: OutboxItem, ports: Ports, link: Link) -> Message:
    found = await _shown(item, ports)
    return regression_card(found) if found else note(GONE)


async def _report(item: OutboxItem, ports: Ports, link: Link) -> Message:
    found = await _shown(item, ports)
    if found is None:
        return note(GONE)
    links = await _links(found.regression, ports, link)
    return regression_report(
        Shown(regression=found.regression, progress=found.progress, schedule=found.schedule, links=links)
    )


async def _finished(item: OutboxItem, ports: Ports, link: Link) -> Message:
    found = await _shown(item, ports)
    return regression_finished(found) if found else note(GONE)


async def _trouble(item: OutboxItem, ports: Ports, link: Link) -> Message:
    ref = item.announcement.ref
    schedule = await ports.store.schedules.get(ScheduleId(str(ref["schedule_id"])))
    if schedule is None or schedule.workspace_id != item.announcement.place.workspace_id:
        return note("A schedule did not run; it has been removed since.")
    occasion = await ports.store.schedules.occasion(schedule.id, str(ref["slot"]))
    return schedule_trouble(schedule, occasion, dates=int(ref["dates"]))


async def _shown(item: OutboxItem, ports: Ports) -> Shown | None:
    regression = await ports.store.regressions.get(RegressionId(str(item.announcement.ref["regression_id"])))
    if regression is None or regression.workspace_id != item.announcement.place.workspace_id:
        return None
    schedule = await ports.store.schedules.get(ScheduleId(regression.schedule_id)) if regression.schedule_id else None
    return Shown(
        regression=regression,
        progress=await regression_progress(regression, ports),
        schedule=schedule.name if schedule else None,
    )


async def _links(regression: Regression, ports: Ports, link: Link) -> dict[int, str]:
    """To the messages of the conversations that show what got worse, as far as they are posted."""
    numbers = shown_conversations(regression.summary) if regression.summary else ()
    found = {
        number: await message_link(regression.workspace_id, f"run:{regression.run_id}:c{number}", ports, link)
        for number in numbers
    }
    return {number: url for number, url in found.items() if url}


REGRESSION_RENDERERS: Mapping[AnnouncementKind, Callable[[OutboxItem, Ports, Link], Awaitable[Message]]] = {
    "schedule_trouble": _trouble,
    "regression_card": _card,
    "regression_report": _report,
    "regression_finished": _finished,
}
