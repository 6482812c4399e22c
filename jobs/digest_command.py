"""``convotest digest``: what a team should know this morning, in the terminal or as a page."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from jobs.at_terminal import as_json_option, into_workspace, prepare

if TYPE_CHECKING:
    from jobs.bundle import Ports
    from jobs.digest import Digest, DigestKind
    from jobs.model import WorkspaceId


@click.command()
@click.option("--kind", type=click.Choice(["daily", "weekly", "review"]), default="daily", show_default=True)
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it as a page with charts."
)
@click.option("--tz", metavar="ZONE", help="By whose calendar, e.g. Europe/Berlin; default: the workspace's.")
@into_workspace
@as_json_option
def digest(kind: str, html: Path | None, tz: str | None, workspace: str, as_json: bool) -> None:
    """Show what a team should know this morning.

    Suites, alerts, satisfaction, themes, trends, cost, and actions that wait.

    It is made now and sent nowhere; what a channel gets by itself is set with /convotest schedule or in the Home tab.

    \b
    Examples:
      convotest digest
      convotest digest --kind weekly --html week.html
      convotest digest --workspace T0123ABC --json
    """
    from jobs.digest import digest_to_json
    from jobs.model import WorkspaceId

    made = asyncio.run(_make(cast("DigestKind", kind), WorkspaceId(workspace), tz, html))
    if as_json:
        click.echo(json.dumps(digest_to_json(made), indent=2, allow_nan=False))
        return
    from jobs.digest.as_text import digest_page
    from jobs.terminal import stdout_console

    stdout_console().print(digest_page(made))


async def _make(kind: "DigestKind", workspace_id: "WorkspaceId", tz: str | None, html: Path | None) -> "Digest":
    from jobs.digest._build import build_digest
    from jobs.wiring import open_ports

    if tz is not None:
        require_zone(tz)
    async with open_ports(prepare(), role="reader") as ports:
        made = await build_digest(kind, workspace_id, ports, zone=tz)
        if html is not None:
            page = await digest_html(made, ports)
            html.write_text(page, encoding="utf-8")  # noqa: ASYNC240  (nothing else runs)
    return made


def require_zone(name: str) -> None:
    """Raises RequestError for a zone that does not exist, with the nearest that does."""
    from zoneinfo import available_timezones

    from jobs.errors import RequestError
    from jobs.shelf import unknown

    if name not in available_timezones():
        raise RequestError(unknown("time zone", name[:80], available_timezones()))


async def digest_html(made: "Digest", ports: "Ports") -> str:
    """The digest as a page with its pictures."""
    from jobs.digest._charts import night_picture, trend_picture
    from jobs.digest.as_html import Picture, to_html

    pictures: list[Picture] = []
    light, dark = await trend_picture(made, ports), await trend_picture(made, ports, dark=True)
    if light and dark:
        pictures.append(Picture(text="The figures night by night", light=light, dark=dark))
    for run_id in made.charted:
        light = await night_picture(made, run_id, ports)
        dark = await night_picture(made, run_id, ports, dark=True)
        if light and dark:
            pictures.append(Picture(text="One night in figures", light=light, dark=dark))
    return to_html(made, pictures)
