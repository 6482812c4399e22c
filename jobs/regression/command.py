"""``convotest regress`` and ``convotest baseline``: a suite beside its baseline, in the terminal."""

import asyncio
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from jobs.at_terminal import as_json_option, into_workspace, on_interrupt, prepare

if TYPE_CHECKING:
    from jobs.bundle import Ports
    from jobs.regression.regression import Baseline, Regression, RegressionRequest
    from jobs.settings import Settings

INTERRUPTED = 130
EXIT_CODES = {"APPROVE": 0, "REJECT": 1, "INCONCLUSIVE": 4, None: 4}
TERMINAL = "terminal"


@click.command()
@click.argument("suite")
@click.option("--assistant", metavar="NAME[@VARIANT]", help="Which assistant; default: the one made for the suite.")
@into_workspace
@as_json_option
def regress(suite: str, assistant: str | None, workspace: str, as_json: bool) -> int:
    """Play a suite and compare it with its baseline.

    The customers and their dice are those of the baseline. What newly fails is played again before it is reported.

    \b
    Exit codes: 0 as good as the baseline, 1 something got worse, 4 neither is shown, 2 bad input, 130 interrupted.

    \b
    Examples:
      convotest run pizza-nightly
      convotest baseline set pizza-nightly
      convotest regress pizza-nightly
      convotest regress pizza-nightly --assistant pizza@faulty --json
    """
    from jobs.model import WorkspaceId
    from jobs.regression.regression import RegressionRequest

    request = RegressionRequest(
        suite=suite, assistant=assistant, started_by=TERMINAL, workspace_id=WorkspaceId(workspace)
    )
    finished, interrupted = asyncio.run(_play(request, prepare()))
    if as_json:
        from jobs.regression.as_json import to_json

        click.echo(json.dumps(to_json(finished), indent=2, allow_nan=False))
    else:
        from jobs.regression.page import print_regression

        print_regression(finished)
    return INTERRUPTED if interrupted else EXIT_CODES[finished.verdict]


async def _play(request: "RegressionRequest", settings: "Settings") -> "tuple[Regression, bool]":
    """Plays it to its end, or to the first Ctrl-C; says whether it was interrupted."""
    from jobs.regression.lifecycle import existing_regression, start_regression
    from jobs.wiring import open_ports

    interrupted = on_interrupt()
    async with open_ports(settings, role="auto") as ports:
        started = await start_regression(request, ports)
        canceller = asyncio.create_task(_cancel_when(interrupted, started, ports))
        try:
            await _follow(started, ports)
        finally:
            canceller.cancel()
        return await existing_regression(started.id, ports), interrupted.is_set()


async def _follow(started: "Regression", ports: "Ports") -> None:
    from jobs.model import Progress
    from jobs.regression.lifecycle import follow_regression, regression_progress
    from jobs.terminal import progress_bar

    planned = (await regression_progress(started, ports)).planned
    with progress_bar(f"{started.suite} × {started.assistant}@{started.variant}", planned) as show_progress:
        async for _, progress in follow_regression(started.id, ports):
            show_progress(Progress(planned=planned, by_outcome=progress.by_outcome))


async def _cancel_when(interrupted: asyncio.Event, started: "Regression", ports: "Ports") -> None:
    from jobs.regression.lifecycle import cancel_regression

    await interrupted.wait()
    await cancel_regression(started, ports, by="Ctrl-C")


# --- baselines --------------------------------------------------------------------------------------------------------


@click.group()
def baseline() -> None:
    """Which runs the suites are compared with."""


@baseline.command("set")
@click.argument("suite")
@click.argument("run", default="last", metavar="[RUN]")
@click.option("--reason", default="", metavar="TEXT", help="Why, for those who ask later.")
@into_workspace
@as_json_option
def set_(suite: str, run: str, reason: str, workspace: str, as_json: bool) -> None:
    """Compare a suite with this run from now on.

    RUN is its id as 'runs' lists it; without it, the last finished run of the suite. A baseline counts for the
    assistant that the run tested.
    """
    from jobs.regression.as_json import baseline_json

    pinned, is_new = asyncio.run(_set(suite, run, reason, workspace, prepare()))
    if as_json:
        click.echo(json.dumps(baseline_json(pinned), indent=2))
        return
    from jobs.model import short_id

    was = "is the baseline now" if is_new else "is the baseline already"
    click.echo(f"run {short_id(pinned.run_id)} {was} of {pinned.suite} for {pinned.assistant} (number {pinned.number})")


@baseline.command("show")
@click.argument("suite", required=False)
@into_workspace
@as_json_option
def show(suite: str | None, workspace: str, as_json: bool) -> None:
    """Show the baselines in force, or those that a suite had."""
    from jobs.regression.as_json import baseline_json

    found = asyncio.run(_show(suite, workspace, prepare()))
    if as_json:
        click.echo(json.dumps([baseline_json(each) for each in found], indent=2))
        return
    from jobs.model import short_id

    for each in found:
        why = f", {each.reason}" if each.reason else ""
        when = f"{each.set_at:%Y-%m-%d %H:%M} UTC"
        click.echo(
            f"{each.suite} for {each.assistant}: run {short_id(each.run_id)} "
            f"(number {each.number}, set by {each.set_by} on {when}{why})"
        )
    if not found:
        click.echo("none; set one with: convotest baseline set SUITE RUN")


async def _set(suite: str, run: str, reason: str, workspace: str, settings: "Settings") -> "tuple[Baseline, bool]":
    from jobs.model import WorkspaceId
    from jobs.regression.lifecycle import find_run_of, set_baseline
    from jobs.suites import find_target
    from jobs.wiring import open_ports

    async with open_ports(settings, role="reader") as ports:
        stem = find_target(suite, profiles_dir=ports.profiles_dir).stem
        found = await find_run_of(suite, run, WorkspaceId(workspace), ports)
        pinned, is_new = await set_baseline(found, ports, by=TERMINAL, reason=reason, suite=stem)
        if is_new:
            detail = f"{pinned.suite} for {pinned.assistant}: run {found.id}"
            await ports.store.audit.record(found.workspace_id, TERMINAL, "baseline set", outcome="done", detail=detail)
        return pinned, is_new


async def _show(suite: str | None, workspace: str, settings: "Settings") -> "Sequence[Baseline]":
    from jobs.model import WorkspaceId
    from jobs.regression.lifecycle import find_baselines
    from jobs.wiring import open_ports

    async with open_ports(settings, role="reader") as ports:
        current = await find_baselines(suite, WorkspaceId(workspace), ports)
        if suite is None:
            return current
        store = ports.store.baselines
        return [each for now in current for each in await store.history(now.workspace_id, now.suite, now.assistant)]
