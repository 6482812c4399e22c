"""Incidents from findings: begun once, told once, edited while they last, cleared when they are over, snoozed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from uuid6 import uuid7

from jobs.alerts.incident import Finding, Incident, IncidentId, alert_key
from jobs.bundle import Ports
from jobs.model import Announcement, Place, WorkspaceId

LONGEST_SNOOZE = timedelta(days=14)


async def settle_findings(
    workspace_id: WorkspaceId,
    findings: Sequence[Finding],
    ports: Ports,
    *,
    looked_at: Collection[str],
    lasting: Mapping[str, timedelta] | None = None,
) -> None:
    """Bring the incidents of a workspace to what was found just now.

    Args:
        looked_at: rules that were evaluated: an incident of one of them that is not found again is over.
        lasting: by rule, for how long something must be so before anybody is told; others are told at once.
    """
    live = {(each.finding.rule, each.finding.subject): each for each in await ports.store.incidents.live(workspace_id)}
    for finding in findings:
        known = live.pop((finding.rule, finding.subject), None)
        wait = (lasting or {}).get(finding.rule, timedelta())
        if known is None:
            await _begin(workspace_id, finding, wait, ports)
        else:
            await _go_on(known, finding, wait, ports)
    for (rule, _), incident in live.items():
        if rule in looked_at:
            await _clear(incident, ports)
    ports.bell.ring()


async def raise_now(workspace_id: WorkspaceId, finding: Finding, place: Place | None, ports: Ports) -> None:
    """Tell of something that no rule of the file looks for; it lasts until `clear_now`."""
    live = await ports.store.incidents.live(workspace_id)
    known = next((each for each in live if _is_same(each, finding.rule, finding.subject)), None)
    if known is None:
        await _begin(workspace_id, finding, timedelta(), ports, place=place)
    else:
        await _go_on(known, finding, timedelta(), ports)
    ports.bell.ring()


async def clear_now(workspace_id: WorkspaceId, rule: str, subject: str, ports: Ports) -> None:
    """It is over; nothing happens if it is not known."""
    for each in await ports.store.incidents.live(workspace_id):
        if _is_same(each, rule, subject):
            await _clear(each, ports)
    ports.bell.ring()


async def snooze(incident: Incident, span: timedelta, ports: Ports, *, by: str) -> Incident:
    """Say nothing more of it until then, and return it as it is now: what is over stays over."""
    snoozed = replace(incident, snoozed_until=ports.clock.now() + min(span, LONGEST_SNOOZE), snoozed_by=by)
    is_changed = await ports.store.incidents.change(snoozed, was="open")
    ports.bell.ring()
    return snoozed if is_changed else await ports.store.incidents.get(incident.id) or incident


async def wake(incident: Incident, ports: Ports) -> None:
    """End a snooze before its time; the message says so, and nobody is told anew."""
    await ports.store.incidents.change(replace(incident, snoozed_until=None, snoozed_by=None), was="open")
    ports.bell.ring()


async def wake_snoozed(workspace_id: WorkspaceId, ports: Ports) -> None:
    """Tell again, in the incident's thread, what is still so when its snooze ends."""
    now = ports.clock.now()
    for each in await ports.store.incidents.live(workspace_id):
        if each.state != "open" or each.snoozed_until is None or each.snoozed_until > now:
            continue
        awake = replace(each, snoozed_until=None, snoozed_by=None, reminders=each.reminders + 1)
        told = _reminder(awake) if awake.opened_at else ()
        await ports.store.incidents.change(awake, was="open", announcements=told)
    ports.bell.ring()


# --- one incident -----------------------------------------------------------------------------------------------------


async def _begin(
    workspace_id: WorkspaceId, finding: Finding, wait: timedelta, ports: Ports, *, place: Place | None = None
) -> None:
    now = ports.clock.now()
    is_open = wait <= timedelta()
    incident = Incident(
        id=IncidentId(str(uuid7())),
        workspace_id=workspace_id,
        state="open" if is_open else "pending",
        finding=finding,
        since=now,
        worst=finding.value,
        place=place or await _place(workspace_id, finding, ports),
        opened_at=now if is_open else None,
    )
    await ports.store.incidents.begin(incident, _told(incident) if is_open else ())


async def _go_on(incident: Incident, finding: Finding, wait: timedelta, ports: Ports) -> None:
    now = ports.clock.now()
    changed = replace(incident, finding=finding, worst=_worst(incident, finding))
    if incident.state == "pending":
        if now - incident.since < wait:
            return
        opened = replace(changed, state="open", opened_at=now)
        await ports.store.incidents.change(opened, was="pending", announcements=_told(opened), edit=False)
    elif changed != incident:
        await ports.store.incidents.change(changed, was="open")


async def _clear(incident: Incident, ports: Ports) -> None:
    if incident.state == "pending":
        await ports.store.incidents.drop(incident)
        return
    cleared = replace(incident, state="cleared", cleared_at=ports.clock.now(), snoozed_until=None)
    await ports.store.incidents.change(cleared, was="open")


def _worst(incident: Incident, finding: Finding) -> float | None:
    """The value furthest beyond the limit so far."""
    if incident.worst is None or finding.value is None or finding.limit is None:
        return finding.value if finding.value is not None else incident.worst
    return max(incident.worst, finding.value, key=lambda value: abs(value - (finding.limit or 0.0)))


def _told(incident: Incident) -> tuple[Announcement, ...]:
    if incident.place is None:
        return ()
    ref = {"incident_id": incident.id}
    return (Announcement(key=alert_key(incident.id), kind="alert", place=incident.place, ref=ref),)


def _reminder(incident: Incident) -> tuple[Announcement, ...]:
    if incident.place is None:
        return ()
    key = alert_key(incident.id)
    return (
        Announcement(
            key=f"{key}:again:{incident.reminders}",
            kind="alert_reminder",
            place=incident.place,
            ref={"incident_id": incident.id},
            parent_key=key,
        ),
    )


async def _place(workspace_id: WorkspaceId, finding: Finding, ports: Ports) -> Place | None:
    """The channel of the suite in which it was seen, else the workspace's own; None = nobody can be told."""
    if finding.run_id is not None:
        regression = await ports.store.regressions.of_run(finding.run_id)
        run = await ports.store.runs.get(finding.run_id)
        place = (regression.place if regression else None) or (run.place if run else None)
        if place is not None:
            return place
    channel_id = (await ports.store.workspaces.settings(workspace_id)).channel_id
    return Place(workspace_id=workspace_id, channel_id=channel_id) if channel_id else None


def _is_same(incident: Incident, rule: str, subject: str) -> bool:
    return incident.finding.rule == rule and incident.finding.subject == subject
