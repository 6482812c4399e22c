"""What is due for a person's look: suites nobody plays, baselines that have aged, decisions that were put off."""

from datetime import datetime, timedelta

from jobs.announce import action_card_key
from jobs.bundle import Ports
from jobs.digest._digest import DigestPart, Line
from jobs.digest._section import DigestScope, DigestSection
from jobs.digest.regressions import latest_of_each

BASELINE_AGE = timedelta(days=60)
"""Older baselines compare with an assistant that nobody remembers."""
ACTION_AGE = timedelta(days=5)
QUIET_SUITE = timedelta(days=14)
MOST_LINES = 4
LOOKED_BACK = timedelta(days=120)


async def build(scope: DigestScope, ports: Ports) -> DigestPart | None:
    lines = [*await _suites(scope, ports), *await _baselines(scope, ports), *await _actions(scope, ports)]
    if not lines:
        return None
    return DigestPart(
        name=SECTION.name,
        title=SECTION.title,
        lines=tuple(lines[:MOST_LINES]),
        details=tuple(lines) if len(lines) > MOST_LINES else (),
        is_news=True,
        verdict=f"{len(lines)} thing{' is' if len(lines) == 1 else 's are'} due for a look",
        brief=None,
    )


async def _suites(scope: DigestScope, ports: Ports) -> list[Line]:
    """Suites that were played regularly and are not any more, and those that stay inconclusive."""
    since = scope.until - LOOKED_BACK
    latest = latest_of_each(
        await ports.store.regressions.recent(scope.workspace_id, since=since, before=scope.until, limit=500)
    )
    lines: list[Line] = []
    for each in latest:
        name = f"suite {each.suite} with {each.assistant}"
        if scope.until - each.created_at > QUIET_SUITE:
            lines.append(Line(text=f"{name} was last played {_ago(each.created_at, scope)}", tone="unsure"))
        elif each.baseline is None:
            lines.append(Line(text=f"{name} has no baseline to be held against", tone="unsure"))
        elif each.summary and each.summary.flaky:
            lines.append(Line(text=f"{name} has {len(each.summary.flaky)} flaky cases", tone="unsure"))
    return lines


async def _baselines(scope: DigestScope, ports: Ports) -> list[Line]:
    return [
        Line(
            text=f"the baseline of {each.suite} with {each.assistant} was set {_ago(each.set_at, scope)}", tone="unsure"
        )
        for each in await ports.store.baselines.all_current(scope.workspace_id)
        if scope.until - each.set_at > BASELINE_AGE
    ]


async def _actions(scope: DigestScope, ports: Ports) -> list[Line]:
    return [
        Line(
            text=f"nobody has decided {each.content.title!r} since {each.created_at:%d %b}",
            tone="unsure",
            key=action_card_key(each.id),
        )
        for each in await ports.store.actions.waiting(scope.workspace_id)
        if scope.until - each.created_at > ACTION_AGE
    ]


def _ago(then: datetime, scope: DigestScope) -> str:
    days = (scope.until - then).days
    return f"{days} days ago ({then:%d %b})"


SECTION = DigestSection(name="review", title="Due for a look", build=build, kinds=("weekly", "review"))
