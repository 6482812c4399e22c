"""What the announcements of digests and alerts look like: a digest as it was made, an incident as it is now."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

from bot.blocks import Message, note
from bot.blocks.alert import alert_message, alert_reminder
from bot.blocks.digest import digest_message, digest_part, keys_of
from bot.blocks.history import history_message
from bot.links import Link, message_link
from bot.poster import Upload
from jobs.alerts.incident import Incident, IncidentId
from jobs.bundle import Ports
from jobs.digest import KINDS, Digest, DigestPart
from jobs.digest._build import saved_digest
from jobs.digest._charts import night_picture, trend_picture
from jobs.history.command import draw_history
from jobs.history.figures import in_words
from jobs.history.lookup import HistoryRequest, look_up_history
from jobs.history.report import sentences
from jobs.model import AnnouncementKind, OutboxItem, WorkspaceId

GONE = "This digest is not kept any more."
MOST_LINKS = 60


async def _digest(item: OutboxItem, ports: Ports, link: Link) -> Message:
    digest = await _saved(item, ports)
    if digest is None:
        return note(GONE)
    return digest_message(digest, await _links(digest.parts, digest.workspace_id, ports, link))


async def _part(item: OutboxItem, ports: Ports, link: Link) -> Message:
    digest = await _saved(item, ports)
    part = digest.part(str(item.announcement.ref["part"])) if digest else None
    if digest is None or part is None:
        return note(GONE)
    return digest_part(part, await _links((part,), digest.workspace_id, ports, link))


async def _trend(item: OutboxItem, ports: Ports, link: Link) -> Message | Upload:
    digest = await _saved(item, ports)
    picture = await trend_picture(digest, ports) if digest else None
    if digest is None or picture is None:
        return note("There are no figures to draw any more.")
    told = digest.part("trends")
    return Upload(
        filename=f"trends-{digest.day.isoformat()}.png",
        title="Trends",
        content=picture,
        comment="The figures night by night",
        alt_text="; ".join(line.text for line in told.lines)[:1000] if told else "The figures night by night",
    )


async def _night(item: OutboxItem, ports: Ports, link: Link) -> Message | Upload:
    digest = await _saved(item, ports)
    picture = await night_picture(digest, str(item.announcement.ref["run_id"]), ports) if digest else None
    if digest is None or picture is None:
        return note("This run is not known here any more.")
    return Upload(
        filename=f"night-{digest.day.isoformat()}.png",
        title="The night in figures",
        content=picture,
        comment="The night in figures",
        alt_text=digest.headline[:1000],
    )


async def _alert(item: OutboxItem, ports: Ports, link: Link) -> Message:
    incident = await _incident(item, ports)
    return alert_message(incident) if incident else note("This alert is over and not kept any more.")


async def _reminder(item: OutboxItem, ports: Ports, link: Link) -> Message:
    incident = await _incident(item, ports)
    return alert_reminder(incident) if incident else note("This alert is over and not kept any more.")


async def _history(item: OutboxItem, ports: Ports, link: Link) -> Message:
    return history_message(await look_up_history(_request(item), ports))


async def _history_chart(item: OutboxItem, ports: Ports, link: Link) -> Message | Upload:
    report = await look_up_history(_request(item), ports)
    if not report.series:
        return note("There is nothing to draw yet.")
    return Upload(
        filename=f"history-{report.metric}.png",
        title="History",
        content=await ports.helper.call(draw_history, report),
        comment=f"{in_words(report.metric).capitalize()} night by night",
        alt_text="; ".join(sentences(report.series[0]))[:1000],
    )


def _request(item: OutboxItem) -> HistoryRequest:
    """What was asked for, up to the moment when it was."""
    ref = item.announcement.ref
    return HistoryRequest(
        metric=str(ref["metric"]),
        workspace_id=item.announcement.place.workspace_id,
        back=timedelta(hours=int(ref["hours"])),
        subject=str(ref["subject"]) or None,
        assistant=str(ref["assistant"]) or None,
        variant=str(ref["variant"]) or None,
        part=str(ref["part"]),
    )


async def _saved(item: OutboxItem, ports: Ports) -> Digest | None:
    ref = item.announcement.ref
    return await saved_digest(KINDS[str(ref["kind"])], str(ref["day"]), item.announcement.place, ports)


async def _incident(item: OutboxItem, ports: Ports) -> Incident | None:
    incident = await ports.store.incidents.get(IncidentId(str(item.announcement.ref["incident_id"])))
    if incident is None or incident.workspace_id != item.announcement.place.workspace_id:
        return None
    return incident


async def _links(parts: Sequence[DigestPart], workspace_id: WorkspaceId, ports: Ports, link: Link) -> Mapping[str, str]:
    """Addresses of what the lines refer to, as far as it was posted."""
    keys = list(dict.fromkeys(keys_of(parts)))[:MOST_LINKS]
    found = {key: await message_link(workspace_id, key, ports, link) for key in keys}
    return {key: url for key, url in found.items() if url}


DIGEST_RENDERERS: Mapping[AnnouncementKind, Callable[[OutboxItem, Ports, Link], Awaitable[Message | Upload]]] = {
    "digest": _digest,
    "digest_part": _part,
    "digest_trend": _trend,
    "digest_night": _night,
    "alert": _alert,
    "alert_reminder": _reminder,
    "history": _history,
    "history_chart": _history_chart,
}
