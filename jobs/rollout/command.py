"""``convotest assistants use|rollout|rollback``: which variant serves, in the terminal."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import click

from jobs.at_terminal import as_json_option, into_workspace, parse_period, prepare

if TYPE_CHECKING:
    from jobs.bundle import Ports
    from jobs.model import WorkspaceId
    from jobs.rollout.rollout import Rollout

WHO = "terminal"


@click.command("use")
@click.argument("variant", metavar="NAME@VARIANT")
@click.option("--reason", default="chosen by hand", metavar="TEXT")
@into_workspace
@as_json_option
def use(variant: str, reason: str, workspace: str, as_json: bool) -> None:
    """Put a variant in force: it serves whenever nobody names one."""

    async def work(ports: "Ports", workspace_id: "WorkspaceId") -> str:
        from jobs.errors import RequestError
        from jobs.variants import find_variant, put_in_force

        if "@" not in variant:
            raise RequestError("which variant? For example: assistants use pizza@good")
        found = await find_variant(variant, workspace_id=workspace_id, ports=ports)
        await put_in_force(found, by=WHO, reason=reason, workspace_id=workspace_id, ports=ports)
        return found.label

    label = _with_ports(work, workspace)
    click.echo(json.dumps({"in_force": label}) if as_json else f"{label} is in force")


@click.command("rollout")
@click.argument("named", metavar="NAME[@VARIANT]")
@click.option("--widen", is_flag=True, help="Begin the next stage of the rollout under way.")
@click.option("--customers", type=click.IntRange(1, 500), metavar="N", help="Send N simulated customers.")
@click.option("--target", metavar="PROFILE", help="The profile that simulated customers are drawn from.")
@click.option("--window", metavar="PERIOD", help="Go on by itself after so long a stage, e.g. 24h.")
@into_workspace
@as_json_option
def rollout(
    named: str,
    widen: bool,
    customers: int | None,
    target: str | None,
    window: str | None,
    workspace: str,
    as_json: bool,
) -> None:
    """Let a variant serve a growing share of live customers (10, 50, 100 %), or show how that goes.

    \b
    Examples:
      convotest assistants rollout pizza@faulty-1
      convotest assistants rollout pizza --widen
      convotest assistants rollout pizza --json
    """

    async def work(ports: "Ports", workspace_id: "WorkspaceId") -> "Rollout":
        from uuid6 import uuid7

        from jobs.rollout.lifecycle import advance_rollout, begin_rollout, existing_rollout, find_rollout
        from jobs.rollout.traffic import send_customers
        from jobs.variants import find_variant

        if "@" in named:
            candidate = await find_variant(named, workspace_id=workspace_id, ports=ports)
            period = parse_period(window) if window else None
            found = await begin_rollout(
                candidate, by=WHO, workspace_id=workspace_id, ports=ports, target=target, window=period
            )
        else:
            found = await find_rollout(named, workspace_id, ports)
        if widen:
            found = await advance_rollout(found, by=WHO, ports=ports)
        if customers:
            await send_customers(found, customers, by=WHO, key=str(uuid7()), ports=ports, target=target)
        return await existing_rollout(found.id, workspace_id, ports)

    _print(_with_ports(work, workspace), as_json=as_json)


@click.command("rollback")
@click.argument("named", metavar="NAME", default="last")
@click.option("--reason", default="rolled back by hand", metavar="TEXT")
@into_workspace
@as_json_option
def rollback(named: str, reason: str, workspace: str, as_json: bool) -> None:
    """Take a rollout back: the variant before it serves everybody again, at once."""

    async def work(ports: "Ports", workspace_id: "WorkspaceId") -> "Rollout":
        from jobs.rollout.lifecycle import find_rollout, roll_back

        return await roll_back(await find_rollout(named, workspace_id, ports), by=WHO, reason=reason, ports=ports)

    _print(_with_ports(work, workspace), as_json=as_json)


def _with_ports(work: "Callable[[Ports, WorkspaceId], Awaitable[Any]]", workspace: str) -> Any:
    from jobs.model import WorkspaceId
    from jobs.wiring import open_ports

    async def run() -> Any:
        async with open_ports(prepare(), role="reader") as ports:
            return await work(ports, WorkspaceId(workspace))

    return asyncio.run(run())


def _print(found: "Rollout", *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(to_json(found), indent=2))
        return
    from jobs.model import short_id

    click.echo(
        f"rollout {short_id(found.id)}: {found.candidate.label} {found.share:.0%}, {found.baseline.label} the rest"
    )
    for each in found.look.measures:
        b, c = each.baseline, each.candidate
        click.echo(f"  {each.crowd} {each.name}: old {b.n - b.bad} of {b.n} content, new {c.n - c.bad} of {c.n}")
    if found.note:
        click.echo(f"  {found.note}")


def to_json(found: "Rollout") -> dict[str, Any]:
    """A rollout as one JSON value; a figure without customers has n 0."""
    return {
        "id": found.id,
        "assistant": found.assistant,
        "state": found.state,
        "share": found.share,
        "stage": found.stage,
        "baseline": found.baseline.name,
        "candidate": found.candidate.name,
        "action": found.action_id,
        "window_s": found.window_s,
        "note": found.note,
        "stages": [{"share": each.share, "at": each.at.isoformat(), "by": each.by} for each in found.stages],
        "measures": [
            {
                "crowd": each.crowd,
                "name": each.name,
                "baseline": {"bad": each.baseline.bad, "n": each.baseline.n},
                "candidate": {"bad": each.candidate.bad, "n": each.candidate.n},
                "evidence_of_harm": each.evidence,
            }
            for each in found.look.measures
        ],
        "splits": [
            {
                "crowd": each.crowd,
                "stage": each.stage,
                "share": each.share,
                "baseline": each.baseline,
                "candidate": each.candidate,
                "p": each.p,
            }
            for each in found.look.splits
        ],
    }
