"""The pictures of a digest, drawn from the store as it was when the digest was made."""

from jobs.bundle import Ports
from jobs.digest import Digest, DigestScope
from jobs.digest.trends import trend_series
from jobs.history.report import Series
from jobs.model import RunId
from jobs.report import RunReport, RunSummary
from jobs.runs import run_report, run_summary

SLOW_MS = 3000.0
"""The answer time that counts as slow in the picture of a night, unless the alerts say otherwise."""


async def trend_picture(digest: Digest, ports: Ports, *, dark: bool = False) -> bytes | None:
    """The trends as a PNG; None when there is nothing to draw."""
    scope = DigestScope(
        kind=digest.kind,
        workspace_id=digest.workspace_id,
        day=digest.day,
        zone=digest.zone,
        since=digest.since,
        until=digest.until,
    )
    series = await trend_series(scope, ports)
    if not series:
        return None
    baselines = await _baselines(digest, ports)
    return await ports.helper.call(draw_trends, series, baselines, dark=dark)


async def night_picture(digest: Digest, run_id: str, ports: Ports, *, dark: bool = False) -> bytes | None:
    """A night as a PNG, beside its baseline where it has one; None when the run is gone."""
    run = await ports.store.runs.get(RunId(run_id))
    if run is None or run.workspace_id != digest.workspace_id:
        return None
    regression = await ports.store.regressions.of_run(run.id)
    baseline_run_id = regression.baseline_run_id if regression else None
    baseline = await ports.store.runs.get(baseline_run_id) if baseline_run_id else None
    before = await run_summary(baseline, ports) if baseline else None
    return await ports.helper.call(draw_night, await run_report(run, ports), before, dark=dark)


def draw_trends(series: list[Series], baselines: dict[str, float], *, dark: bool = False) -> bytes:
    from jobs.charts import TrendLine, trend_chart  # in the helper process only: matplotlib is large

    lines = [
        TrendLine(
            series=each,
            baseline=baselines.get(each.name) if each.metric == "success" else None,
            limit=SLOW_MS if each.metric == "latency_p95_ms" else None,
        )
        for each in series
    ]
    return trend_chart(lines, dark=dark)


def draw_night(report: RunReport, baseline: RunSummary | None, *, dark: bool = False) -> bytes:
    from jobs.charts import night_chart, picture_of

    return night_chart(picture_of(report, baseline=baseline, limit_ms=SLOW_MS), dark=dark)


async def _baselines(digest: Digest, ports: Ports) -> dict[str, float]:
    """The baseline's success by the name of the series."""
    rates: dict[str, float] = {}
    for each in await ports.store.baselines.all_current(digest.workspace_id):
        run = await ports.store.runs.get(each.run_id)
        summary = await run_summary(run, ports) if run else None
        if summary and summary.success:
            rates[f"{each.suite} → {each.assistant}"] = summary.success.value
    return rates
