"""Alerts that were raised or that are over, and those that still stand."""

from jobs.alerts.incident import Incident, alert_key
from jobs.bundle import Ports
from jobs.digest._digest import DigestPart, Line
from jobs.digest._section import DigestScope, DigestSection

MOST_LINES = 4


async def build(scope: DigestScope, ports: Ports) -> DigestPart | None:
    incidents = await ports.store.incidents.told_between(scope.workspace_id, scope.since, scope.until)
    if not incidents:
        return None
    standing = [each for each in incidents if each.state == "open"]
    new = [each for each in standing if each.opened_at and each.opened_at >= scope.since]
    cleared = [each for each in incidents if each.state == "cleared"]
    lines = [*(_line(each) for each in standing), *(_line(each) for each in cleared)]
    serious = any(each.finding.severity == "high" for each in standing)
    return DigestPart(
        name=SECTION.name,
        title=SECTION.title,
        lines=tuple(lines[:MOST_LINES]),
        details=tuple(lines),
        is_news=bool(new or cleared),
        verdict=f"{len(standing)} alert{'' if len(standing) == 1 else 's'} open" if standing else None,
        tone="bad" if serious else "unsure" if standing else "plain",
        brief=f"{len(standing)} open alert{'' if len(standing) == 1 else 's'}" if standing else None,
    )


def _line(incident: Incident) -> Line:
    finding, key = incident.finding, alert_key(incident.id)
    if incident.state == "cleared" and incident.cleared_at:
        return Line(text=f"over since {incident.cleared_at:%d %b %H:%M} UTC: {finding.sentence}", tone="good", key=key)
    told = incident.opened_at or incident.since
    return Line(text=f"open since {told:%d %b %H:%M} UTC: {finding.sentence}", tone="bad", key=key)


SECTION = DigestSection(name="alerts", title="Alerts", build=build)
