"""``convotest history``: a figure night by night, in the terminal."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs.at_terminal import as_json_option, into_workspace, parse_period, prepare

if TYPE_CHECKING:
    from jobs.history.lookup import HistoryRequest
    from jobs.history.report import HistoryReport


@click.command()
@click.argument("metric")
@click.argument("period", required=False, metavar="[PERIOD]")
@click.option("--days", type=click.IntRange(1, 3660), help="The same as a period of so many days.")
@click.option("--suite", "subject", metavar="NAME", help="Only runs of this suite or profile.")
@click.option("--assistant", metavar="NAME[@VARIANT]")
@click.option("--part", metavar="KIND:NAME", default="", help="Of a part of the runs, e.g. persona:novice.")
@click.option(
    "--chart",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Draw it as a PNG.",
)
@into_workspace
@as_json_option
def history(
    metric: str,
    period: str | None,
    days: int | None,
    subject: str | None,
    assistant: str | None,
    part: str,
    chart: Path | None,
    workspace: str,
    as_json: bool,
) -> None:
    """Show a figure night by night.

    It says since when it is better or worse, and where it is heading.

    METRIC is success, quality, error_rate, latency_p95_ms, cost_usd, csat, nps, satisfaction or any metric of a run;
    a wrong name is answered with the nearest. PERIOD is how far to look back, such as 90d; without it, 90 days.

    \b
    Examples:
      convotest history success 90d
      convotest history quality --suite pizza-nightly --chart quality.png
      convotest history csat --days 30 --json
    """
    from jobs.errors import RequestError
    from jobs.history.lookup import USUAL_WINDOW, HistoryRequest
    from jobs.model import WorkspaceId

    if period and days:
        raise RequestError("give a period or --days, not both")
    name, _, variant = (assistant or "").partition("@")
    request = HistoryRequest(
        metric=metric,
        workspace_id=WorkspaceId(workspace),
        back=parse_period(period or f"{days}d") if period or days else USUAL_WINDOW,
        subject=subject,
        assistant=name or None,
        variant=variant or None,
        part=part,
    )
    report = asyncio.run(_look_up(request, chart))
    if as_json:
        from jobs.history.report import to_json

        click.echo(json.dumps(to_json(report), indent=2, allow_nan=False))
        return
    from jobs.history.as_text import history_page
    from jobs.terminal import stdout_console

    stdout_console().print(history_page(report))


async def _look_up(request: "HistoryRequest", chart: Path | None) -> "HistoryReport":
    from jobs.history.lookup import look_up_history
    from jobs.wiring import open_ports

    async with open_ports(prepare(), role="reader") as ports:
        report = await look_up_history(request, ports)
        if chart is not None:
            chart.write_bytes(await ports.helper.call(draw_history, report))  # noqa: ASYNC240  (nothing else runs)
    return report


def draw_history(report: "HistoryReport", *, dark: bool = False) -> bytes:
    from jobs.charts import TrendLine, trend_chart  # in the helper process only: matplotlib is large

    return trend_chart([TrendLine(series=series) for series in report.series], dark=dark)
