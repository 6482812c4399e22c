"""Makes a digest from its sections, and sends it once a day and channel."""

import asyncio
import logging
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from jobs.bundle import Ports
from jobs.digest import (
    SECTIONS,
    Digest,
    DigestKind,
    DigestPart,
    DigestScope,
    DigestSection,
    Line,
    digest_from_json,
    digest_key,
    digest_to_json,
)
from jobs.digest.regressions import latest_of_each
from jobs.model import Announcement, Place, WorkspaceId

log = logging.getLogger(__name__)

SPANS: dict[DigestKind, timedelta] = {
    "daily": timedelta(days=1),
    "weekly": timedelta(days=7),
    "review": timedelta(days=7),
}
MOST_CHARTED = 2
LONGEST_GAP = timedelta(days=7)
"""A digest that could not be sent for a while reaches back to the last one, but no further than this."""


async def build_digest(
    kind: DigestKind,
    workspace_id: WorkspaceId,
    ports: Ports,
    *,
    zone: str | None = None,
    place: Place | None = None,
    day: date | None = None,
) -> Digest:
    """The digest as it is now; a section that breaks says so in its place, and the others are there.

    Args:
        zone: by whose calendar; None = the workspace's own.
        place: where it will go: it begins where that channel's last one ended.
    """
    zone = zone or (await ports.store.workspaces.settings(workspace_id)).time_zone or "UTC"
    until = ports.clock.now()
    scope = DigestScope(
        kind=kind,
        workspace_id=workspace_id,
        day=day or until.astimezone(ZoneInfo(zone)).date(),
        zone=zone,
        since=await _since(kind, place, until, ports),
        until=until,
    )
    sections = [section for section in SECTIONS.values() if kind in section.kinds]
    parts = await asyncio.gather(*(_part(section, scope, ports) for section in sections))
    return Digest(
        kind=kind,
        workspace_id=workspace_id,
        day=scope.day,
        zone=zone,
        since=scope.since,
        until=until,
        parts=tuple(part for part in parts if part is not None),
        charted=await _charted(scope, ports) if kind != "review" else (),
    )


async def send_digest(kind: DigestKind, place: Place, ports: Ports, *, day: date, zone: str | None = None) -> bool:
    """Make it and save it with its messages; False if the channel has that day's already."""
    if await ports.store.incidents.digest(kind, day.isoformat(), place) is not None:
        return False
    digest = await build_digest(kind, place.workspace_id, ports, zone=zone, place=place, day=day)
    saved = await ports.store.incidents.save_digest(
        kind, day.isoformat(), place, digest_to_json(digest), tuple(digest_announcements(digest, place))
    )
    ports.bell.ring()
    return saved


async def saved_digest(kind: DigestKind, day: str, place: Place, ports: Ports) -> Digest | None:
    """The digest as it was sent."""
    stored = await ports.store.incidents.digest(kind, day, place)
    return digest_from_json(stored) if stored else None


def digest_announcements(digest: Digest, place: Place) -> Iterator[Announcement]:
    """Its message, and in the message's thread the details of each section and the charts; a quiet one has none."""
    root = digest_key(digest.kind, digest.day, place)
    ref = {"kind": digest.kind, "day": digest.day.isoformat()}
    yield Announcement(key=root, kind="digest", place=place, ref=ref)
    if digest.is_quiet:
        return
    if digest.part("trends"):
        yield Announcement(key=f"{root}:trend", kind="digest_trend", place=place, ref=ref, parent_key=root)
    for number, run_id in enumerate(digest.charted):
        more = ref | {"run_id": run_id}
        yield Announcement(key=f"{root}:night:{number}", kind="digest_night", place=place, ref=more, parent_key=root)
    for part in digest.parts:
        if part.details:
            more = ref | {"part": part.name}
            yield Announcement(key=f"{root}:{part.name}", kind="digest_part", place=place, ref=more, parent_key=root)


async def _part(section: DigestSection, scope: DigestScope, ports: Ports) -> DigestPart | None:
    try:
        return await section.build(scope, ports)
    except Exception:
        log.exception("the digest's section %s could not be made", section.name)
        sentence = "convotest itself failed over this section; its log has the details"
        return DigestPart(
            name=section.name,
            title=section.title,
            lines=(Line(text=sentence, tone="unsure"),),
            is_news=True,
            verdict=f"{section.title} could not be made",
            tone="unsure",
        )


async def _since(kind: DigestKind, place: Place | None, until: datetime, ports: Ports) -> datetime:
    usual = until - SPANS[kind]
    if kind != "daily" or place is None:
        return usual
    last = await ports.store.incidents.last_digest_at(place.workspace_id, kind, place.channel_id)
    if last is None:
        return usual
    return max(min(last, usual), until - LONGEST_GAP)


async def _charted(scope: DigestScope, ports: Ports) -> tuple[str, ...]:
    """The runs whose night is drawn: what regressed first, then what was not certain."""
    found = await ports.store.regressions.recent(scope.workspace_id, since=scope.since, before=scope.until, limit=100)
    order = {"REJECT": 0, "INCONCLUSIVE": 1}
    over = [each for each in latest_of_each(found) if each.summary is not None and each.state == "finished"]
    telling = sorted((each for each in over if each.verdict in order), key=lambda each: order[each.verdict or ""])
    return tuple(each.run_id for each in (telling or over)[:MOST_CHARTED])
