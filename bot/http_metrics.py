"""``GET /metrics``: figures for Prometheus. What grows is counted when runs close, so that reading it takes no time."""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from jobs.alerts.incident import SEVERITIES
from jobs.bundle import Ports
from jobs.feedback.csat import Figures
from jobs.history.figures import EXECUTIONS
from jobs.history.point import Tally
from jobs.spending import month_of
from jobs.store import Backlog
from jobs.store.operations import LatestFigure

log = logging.getLogger(__name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SATISFACTION_EVERY = timedelta(minutes=1)
SATISFACTION_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Everything that is shown, as it was at ``at``; None = not known."""

    at: datetime
    tallies: Sequence[Tally]
    quality: Sequence[LatestFigure]
    satisfaction: dict[str, Figures]
    backlog: Backlog
    runs_unfinished: int
    oldest_run: datetime | None
    conversations_waiting: int
    conversations_playing: int
    writer_waiting: int
    workers_alive: int
    spent_usd: float
    spent_unknown: int
    incidents: dict[str, int]
    last_runs: dict[str, datetime]
    improvements: dict[str, int]


class MetricsPage:
    """Reads the store once for each time that somebody looks; what is dear is read once a minute."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._satisfaction: dict[str, Figures] = {}
        self._asked_at: datetime | None = None
        self._counting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._counting.set_result(None)

    async def handle(self, _: web.Request) -> web.Response:
        return web.Response(body=render(await self.observe()), headers={"Content-Type": CONTENT_TYPE})

    async def observe(self) -> Observed:
        ports, store, now = self._ports, self._ports.store, self._ports.clock.now()
        seen = await store.operations.look(month_of(now), alive_since=now - timedelta(seconds=60))
        return Observed(
            at=now,
            tallies=await store.history.tallies(),
            quality=seen.quality,
            satisfaction=await self._satisfied(now),
            backlog=await store.outbox.backlog(),
            runs_unfinished=seen.runs_unfinished,
            oldest_run=seen.oldest_run,
            conversations_waiting=seen.conversations_waiting,
            conversations_playing=ports.live.conversations,
            writer_waiting=store.writer.waiting,
            workers_alive=seen.workers_alive,
            spent_usd=seen.spent_usd,
            spent_unknown=seen.spent_unknown,
            incidents=await store.incidents.open_by_severity(),
            last_runs=seen.last_runs,
            improvements=seen.improvements,
        )

    async def _satisfied(self, now: datetime) -> dict[str, Figures]:
        """Stars by assistant over the last days; after the first time they are counted while others look."""
        if self._asked_at is None:
            await self._count_stars(now)
        elif now - self._asked_at >= SATISFACTION_EVERY and self._counting.done():
            self._counting = asyncio.create_task(self._count_stars(now))
        return self._satisfaction

    async def _count_stars(self, now: datetime) -> None:
        self._asked_at = now
        try:
            self._satisfaction = await self._ports.store.operations.stars(now - timedelta(days=SATISFACTION_DAYS))
        except SQLAlchemyError:
            log.exception("satisfaction could not be counted; the page shows it as it was")


def add_metrics_route(app: web.Application, ports: Ports) -> None:
    app.router.add_get("/metrics", MetricsPage(ports).handle)


def render(observed: Observed) -> bytes:
    """The page in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Shown(observed))
    return generate_latest(registry)


class _Shown(Collector):
    def __init__(self, observed: Observed) -> None:
        self._observed = observed

    def collect(self) -> Iterable[Metric]:
        yield from _of_runs(self._observed)
        yield from _of_this_installation(self._observed)


def _of_runs(observed: Observed) -> Iterator[Metric]:
    executions = CounterMetricFamily(
        "test_executions", "Conversations played, by category and outcome.", labels=["test_type", "result"]
    )
    improvements = CounterMetricFamily(
        "optimization_improvements", "Actions that were verified to help, by type.", labels=["improvement_type"]
    )
    for each in observed.tallies:
        if each.name == EXECUTIONS:
            executions.add_metric([each.first, each.second], each.value)
    for kind, number in observed.improvements.items():
        improvements.add_metric([kind], number)
    quality = GaugeMetricFamily(
        "response_quality_score", "Mean of the latest run that was scored, 0 to 1.", labels=["metric_type"]
    )
    for figure in observed.quality:
        quality.add_metric([figure.metric], figure.value)
    satisfaction = GaugeMetricFamily(
        "user_satisfaction_score", f"Mean stars of {SATISFACTION_DAYS} days, 1 to 5.", labels=["assistant_id"]
    )
    ratings = GaugeMetricFamily(
        "user_satisfaction_ratings", f"Ratings of {SATISFACTION_DAYS} days behind the score.", labels=["assistant_id"]
    )
    for assistant, figures in observed.satisfaction.items():
        ratings.add_metric([assistant], figures.n)
        if figures.mean is not None:
            satisfaction.add_metric([assistant], figures.mean)
    yield from (executions, quality, _durations(observed.tallies), satisfaction, ratings, improvements)


def _durations(tallies: Sequence[Tally]) -> Metric:
    family = HistogramMetricFamily(
        "conversation_duration_seconds", "Time that the assistant took in a conversation.", labels=["user_type"]
    )
    buckets: dict[str, dict[str, float]] = {}
    sums: dict[str, float] = {}
    counts: dict[str, float] = {}
    for each in tallies:
        if each.name == "conversation_duration_bucket":
            buckets.setdefault(each.first, {})[each.second] = each.value
        elif each.name == "conversation_duration_sum":
            sums[each.first] = each.value
        elif each.name == "conversation_duration_count":
            counts[each.first] = each.value
    for persona, count in counts.items():
        bounds = sorted(buckets.get(persona, {}).items(), key=lambda bucket: float(bucket[0]))
        family.add_metric([persona], [*((bound, value) for bound, value in bounds), ("+Inf", count)], sums[persona])
    return family


def _of_this_installation(observed: Observed) -> Iterator[Metric]:
    now = observed.at
    simple = (
        ("convotest_runs_unfinished", "Runs that are planned or being played.", observed.runs_unfinished),
        ("convotest_oldest_run_seconds", "Age of the oldest unfinished run.", _age(observed.oldest_run, now)),
        ("convotest_conversations_waiting", "Conversations to be played.", observed.conversations_waiting),
        ("convotest_conversations_playing", "Conversations this process plays.", observed.conversations_playing),
        ("convotest_outbox_waiting", "Messages to be sent to Slack.", observed.backlog.waiting),
        ("convotest_outbox_oldest_seconds", "Age of the oldest of them.", _age(observed.backlog.oldest, now)),
        ("convotest_writer_waiting", "Writes that wait for the next commit.", observed.writer_waiting),
        ("convotest_workers_alive", "Processes that play, heard of within a minute.", observed.workers_alive),
        ("convotest_spend_month_usd", "Known cost of this month's finished runs (UTC).", observed.spent_usd),
        ("convotest_spend_month_unknown_runs", "Runs of the month at an unknown price.", observed.spent_unknown),
    )
    for name, text, value in simple:
        yield GaugeMetricFamily(name, text, value=value)
    incidents = GaugeMetricFamily("convotest_incidents_open", "Alerts that stand.", labels=["severity"])
    for severity in SEVERITIES:
        incidents.add_metric([severity], observed.incidents.get(severity, 0))
    yield incidents
    last = GaugeMetricFamily(
        "convotest_last_night_timestamp_seconds", "When a suite was last played by itself.", labels=["suite"]
    )
    for suite, at in observed.last_runs.items():
        last.add_metric([suite], at.timestamp())
    yield last


def _age(since: datetime | None, now: datetime) -> float:
    """Seconds; nothing that waits is no time."""
    return max(0.0, (now - since).total_seconds()) if since else 0.0
