"""Watches the figures of every workspace, and sends the digests that a workspace has set an hour for.

Everything is found in the store and goes by unique keys, so it makes no difference how many processes watch.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from jobs.alerts.evaluate import RunRules, find_in_feedback, find_in_runs
from jobs.alerts.incident import Finding
from jobs.alerts.lifecycle import settle_findings, wake_snoozed
from jobs.alerts.rules import AlertRule, load_rules
from jobs.bundle import Ports
from jobs.errors import ConvotestError
from jobs.feedback.headline import headline_figures
from jobs.history.figures import EXECUTIONS
from jobs.history.point import HistoryPoint, HistoryScope
from jobs.history.record import catch_up
from jobs.model import Place, WorkspaceId, WorkspaceSettings
from jobs.store.votes import Scope

log = logging.getLogger(__name__)

LOOK_EVERY_S = 30.0
FEEDBACK_EVERY = timedelta(minutes=10)
WINDOW = timedelta(days=60)
"""Nights that a rule looks at."""
CATCH_UP = timedelta(days=2)
DIGEST_UP_TO = timedelta(hours=12)
"""A digest that is later than this is left out; the next one reaches back."""


class Watch:
    """Runs in each process that plays."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._seen: dict[WorkspaceId, float] = {}
        self._heard: dict[WorkspaceId, datetime] = {}
        self._rules: tuple[AlertRule, ...] = ()
        self._complaint: str | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._serve(), name="watch")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _serve(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("the figures could not be looked after; it is tried again")
            await self._ports.clock.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Look at what is new, now."""
        await self._read_rules()
        settings = await self._ports.store.workspaces.all_settings()
        for workspace_id in await self._ports.store.history.workspaces() | set(settings):
            await self._watch_runs(workspace_id)
            await self._watch_feedback(workspace_id)
            await wake_snoozed(workspace_id, self._ports)
        for workspace_id, each in settings.items():
            await send_digest_if_due(workspace_id, each, self._ports)

    async def _read_rules(self) -> None:
        """As the file is now; while it cannot be read, the rules that were read last are kept."""
        try:
            rules = await asyncio.to_thread(load_rules, self._ports.profiles_dir)
        except ConvotestError as error:
            if str(error) != self._complaint:
                log.error("%s; the alerts go on by the rules as they were", error)
            self._complaint = str(error)
            return
        self._complaint = None
        if rules != self._rules:
            self._rules = rules
            self._seen.clear()
            self._heard.clear()

    async def _watch_runs(self, workspace_id: WorkspaceId) -> None:
        """Only after another run has come into the history: nothing else changes what its rules find."""
        ports, now = self._ports, self._ports.clock.now()
        await catch_up(workspace_id, now - CATCH_UP, ports)
        played = await ports.store.history.counted(workspace_id, EXECUTIONS)
        if self._seen.get(workspace_id) == played:
            return
        rules = tuple(rule for rule in self._rules if not rule.is_of_feedback)
        settings = await ports.store.workspaces.settings(workspace_id)
        given = RunRules(rules=rules, points=await self._points(workspace_id, rules), zone=settings.time_zone or "UTC")
        findings = await ports.helper.call(find_in_runs, given)
        gone = await self._rules_that_are_gone(workspace_id)
        await settle_findings(workspace_id, findings, ports, looked_at={rule.name for rule in rules} | gone)
        self._seen[workspace_id] = played

    async def _points(self, workspace_id: WorkspaceId, rules: tuple[AlertRule, ...]) -> tuple[HistoryPoint, ...]:
        now, points = self._ports.clock.now(), list[HistoryPoint]()
        for metric in dict.fromkeys(rule.metric for rule in rules):
            scope = HistoryScope(
                workspace_id=workspace_id, since=now - WINDOW, until=now + timedelta(seconds=1), metric=metric
            )
            points += await self._ports.store.history.points(scope)
        return tuple(points)

    async def _watch_feedback(self, workspace_id: WorkspaceId) -> None:
        ports, now = self._ports, self._ports.clock.now()
        rules = [rule for rule in self._rules if rule.is_of_feedback]
        if not rules or now - self._heard.get(workspace_id, now - FEEDBACK_EVERY) < FEEDBACK_EVERY:
            return
        self._heard[workspace_id] = now
        findings: list[Finding] = []
        for rule in rules:
            scope = Scope(workspace_id=workspace_id, since=now - rule.over, until=now)
            figures = await ports.helper.call(headline_figures, ports.store.database_url, scope)
            findings += [found for found in (find_in_feedback(rule, figures),) if found]
        await settle_findings(
            workspace_id,
            findings,
            ports,
            looked_at={rule.name for rule in rules},
            lasting={rule.name: rule.lasting for rule in rules},
        )

    async def _rules_that_are_gone(self, workspace_id: WorkspaceId) -> set[str]:
        """Rules of the file that had incidents and are not in it any more; others raise incidents by other means."""
        known = {rule.name for rule in self._rules}
        live = await self._ports.store.incidents.live(workspace_id)
        return {each.finding.rule for each in live if each.finding.metric and each.finding.rule not in known}


async def send_digest_if_due(workspace_id: WorkspaceId, settings: WorkspaceSettings, ports: Ports) -> bool:
    """Send the digest of the hour that the workspace has set, once a local date; on Mondays it is the week's."""
    if settings.digest_hour is None or settings.channel_id is None:
        return False
    zone = settings.time_zone or "UTC"
    local = ports.clock.now().astimezone(ZoneInfo(zone))
    late = timedelta(hours=local.hour - settings.digest_hour, minutes=local.minute)
    if not timedelta() <= late < DIGEST_UP_TO:
        return False
    from jobs.digest._build import send_digest  # the digest reads alerts, so that it cannot be known from here earlier

    place = Place(workspace_id=workspace_id, channel_id=settings.channel_id)
    kind = "weekly" if local.weekday() == 0 else "daily"
    return await send_digest(kind, place, ports, day=local.date(), zone=zone)
