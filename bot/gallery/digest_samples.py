"""What the gallery shows of digests, alerts and histories."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from bot.blocks import Message
from bot.blocks.alert import alert_message, alert_reminder
from bot.blocks.digest import conversation_key, digest_message, digest_part
from bot.blocks.history import history_message
from jobs.alerts.incident import Finding, Incident, IncidentId, IncidentState
from jobs.digest import ConversationLink, Digest, DigestPart, Line
from jobs.digest.satisfaction import satisfaction_part
from jobs.feedback.csat import Figures
from jobs.history.point import Figure, HistoryPoint, Night
from jobs.history.report import HistoryReport, report_runs
from jobs.model import RunId, WorkspaceId
from jobs.stats import wilson_interval

if TYPE_CHECKING:
    from bot.gallery.samples import Data

WORKSPACE = WorkspaceId("T0LOCAL")
WHEN = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)
RUN = "0199aaaa-0000-7000-8000-00001234abcd"


def _parts(data: "Data") -> tuple[DigestPart, ...]:
    links = tuple(ConversationLink(run_id=RUN, number=number + 1) for number in range(min(3, data.count)))
    name = data.name or "a suite"
    regressed = tuple(
        Line(text=f"high: success fell from 95% to {70 - number}% in 40 pairs; {data.reason}", tone="bad", links=links)
        for number in range(data.count // 3)
    )
    suites = DigestPart(
        name="regressions",
        title="Suites",
        lines=(
            Line(text=f"{name} → pizza@faulty: regressed, success 70% (n=40)", tone="bad"),
            *regressed,
        ),
        details=(
            *regressed,
            Line(text=data.answered),
            Line(text="changed since the last night: good → faulty"),
        ),
        is_news=bool(data.count),
        verdict=f"1 of 3 suites regressed: {name} (high)",
        tone="bad" if data.count else "good",
        brief="3 suites as good as their baseline",
    )
    figures = Figures(stars={5: 8 * data.count, 4: 3 * data.count, 2: data.count, 1: 4 * data.count}, up=12, down=3)
    before = Figures(stars={5: 11 * data.count, 4: 4 * data.count, 1: data.count})
    trends = DigestPart(
        name="trends",
        title="Trends, 30 days",
        lines=(Line(text=f"{data.name or 'a suite'} → pizza: ▇▇▆▇▇▆▇▅▂▁▂▁ 70% (n=40)"),),
        details=(Line(text=data.reason or "no shift in 30 nights"),),
    )
    actions = DigestPart(
        name="actions",
        title=f"{data.count} actions wait for a decision",
        lines=tuple(
            Line(text=data.reason or "Say the size back", key=f"action:{n}:card") for n in range(min(3, data.count))
        )[:3],
        brief=f"{data.count} actions wait",
    )
    cost = DigestPart(name="cost", title="Cost", lines=(Line(text="$1.20 for 3 runs; $14.80 this month of $50.00"),))
    return (suites, satisfaction_part(figures, before), trends, cost, actions)


def _digest(data: "Data") -> Digest:
    return Digest(
        kind="daily",
        workspace_id=WORKSPACE,
        day=date(2026, 3, 2),
        zone="Europe/Berlin",
        since=WHEN - timedelta(days=1),
        until=WHEN,
        parts=_parts(data),
        charted=(RUN,),
    )


LINKS = {
    conversation_key(RUN, 1): "https://acme.slack.com/archives/C0QUALITY/p1700000000000100",
    "action:0:card": "https://acme.slack.com/archives/C0QUALITY/p1700000000000200",
}


def _message(data: "Data") -> Message:
    return digest_message(_digest(data), LINKS)


def _quiet(data: "Data") -> Message:
    digest = _digest(data)
    return digest_message(replace(digest, parts=tuple(replace(part, is_news=False) for part in digest.parts)), LINKS)


def _details(data: "Data") -> Message:
    return digest_part(_parts(data)[0], LINKS)


def _incident(data: "Data", state: IncidentState, *, snoozed: bool = False) -> Incident:
    finding = Finding(
        rule=data.name or "slow-answers",
        subject=f"{data.name or 'pizza'} → pizza",
        severity="high",
        metric="latency_p95_ms",
        sentence=data.reason or "answer time p95 4.2 s (n=320), 3 nights in a row; the limit is at most 3.0 s",
        value=4200.0,
        limit=3000.0,
        n=320,
    )
    return Incident(
        id=IncidentId("0199bbbb-0000-7000-8000-00001234abcd"),
        workspace_id=WORKSPACE,
        state=state,
        finding=finding,
        since=WHEN - timedelta(days=3),
        worst=5100.0,
        opened_at=WHEN - timedelta(days=2),
        cleared_at=WHEN if state == "cleared" else None,
        snoozed_until=WHEN + timedelta(hours=8) if snoozed else None,
        snoozed_by="U0ADA" if snoozed else None,
    )


def _history(data: "Data") -> HistoryReport:
    points = [
        HistoryPoint(night=_night(data, number), figure=_figure(36 - number % 3 if number < 14 else 26 - number % 4))
        for number in range(min(20, data.count * 4))
    ]
    since = WHEN - timedelta(days=20)
    return report_runs("success", points, zone="Europe/Berlin", since=since, until=WHEN)


def _night(data: "Data", number: int) -> Night:
    return Night(
        run_id=RunId(f"run-{number}"),
        workspace_id=WORKSPACE,
        subject=data.name or "pizza-nightly",
        assistant="pizza",
        variant="good" if number < 14 else "faulty",
        scheduled=True,
        at=WHEN - timedelta(days=20 - number),
    )


def _figure(passed: int) -> Figure:
    rate = wilson_interval(passed, 40)
    assert rate is not None, "40 is not 0"
    return Figure(metric="success", value=rate.value, low=rate.low, high=rate.high, n=rate.n)


DIGEST_KINDS: Mapping[str, Callable[["Data"], Message]] = {
    "Digest": _message,
    "Digest without news": _quiet,
    "Digest, details of a section": _details,
    "Alert": lambda data: alert_message(_incident(data, "open")),
    "Alert, snoozed": lambda data: alert_message(_incident(data, "open", snoozed=True)),
    "Alert, over": lambda data: alert_message(_incident(data, "cleared")),
    "Alert, still so after its snooze": lambda data: alert_reminder(_incident(data, "open")),
    "History of a figure": lambda data: history_message(_history(data)),
}
