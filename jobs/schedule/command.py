"""``convotest schedule``: what happens by itself, in the terminal."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from jobs.at_terminal import as_json_option, into_workspace, prepare

if TYPE_CHECKING:
    from jobs.bundle import Ports
    from jobs.schedule.schedule import Schedule
    from jobs.schedule.shown import ShownSchedule

T = TypeVar("T")
TERMINAL = "terminal"


@click.group()
def schedule() -> None:
    """What happens by itself at its hour.

    It does so while `convotest serve`, `worker` or `demo` runs.
    """


@schedule.command("add")
@click.argument("what")
@click.argument("options", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--at", metavar="HH:MM", help="The time of day; default: as is usual for it.")
@click.option("--on", "days", metavar="DAYS", help="mon-fri, sat,sun, weekdays, Monday …; default: as is usual for it.")
@click.option("--cron", metavar="EXPRESSION", help="Minute, hour, day, month and day of the week instead.")
@click.option("--tz", metavar="ZONE", help="Whose clock, e.g. Europe/Berlin; default: UTC.")
@click.option("--name", metavar="NAME", help="How it is called; default: after what it does.")
@click.option("--channel", metavar="ID", help="The Slack channel where it reports, with --workspace.")
@into_workspace
@as_json_option
def add(what: str, options: tuple[str, ...], workspace: str, as_json: bool, **given: str | None) -> None:
    """Let something happen by itself from now on.

    It happens at most once on each date of its zone, also when the clocks change. What was missed is caught up within
    12 hours, and reported after that.

    \b
    Examples:
      convotest schedule add nightly suite=pizza-nightly --at 02:00 --tz Europe/Berlin
      convotest schedule add nightly suite=security assistant=pizza --on mon-fri
    """
    from jobs.errors import RequestError
    from jobs.model import Place, WorkspaceId
    from jobs.schedule.lifecycle import add_schedule, show_schedule
    from jobs.schedule.schedule import ScheduleRequest
    from jobs.schedule.shelf import find_use_case
    from jobs.schedule.times import cron_of

    pairs = [each.partition("=") for each in options]
    if wrong := next((name for name, equals, text in pairs if not equals or not text), None):
        raise RequestError(f"{wrong!r} is no option; write for example suite=pizza-nightly")
    if given["cron"] and (given["at"] or given["days"]):
        raise RequestError("give --cron, or --at and --on, not both")
    use_case = find_use_case(what)
    usual = cron_of(at=given["at"], on=given["days"], usual=use_case.usual_cron)
    channel = given["channel"]
    request = ScheduleRequest(
        use_case=use_case.name,
        options={name: text for name, _, text in pairs},
        cron=given["cron"] or usual,
        tz=given["tz"],
        name=given["name"],
        place=Place(workspace_id=WorkspaceId(workspace), channel_id=channel) if channel else None,
        created_by=TERMINAL,
        workspace_id=WorkspaceId(workspace),
    )

    async def work(ports: "Ports") -> "ShownSchedule":
        added = await add_schedule(request, ports)
        await _record("schedule add", added, ports)
        return await show_schedule(added, ports)

    _print([asyncio.run(_with_ports(work))], as_json=as_json)


@schedule.command("list")
@into_workspace
@as_json_option
def list_(workspace: str, as_json: bool) -> None:
    """List the schedules with what became of them last and when they are due next."""
    from jobs.model import WorkspaceId
    from jobs.schedule.lifecycle import list_schedules

    _print(asyncio.run(_with_ports(lambda ports: list_schedules(WorkspaceId(workspace), ports))), as_json=as_json)


def _change(verb: str, what: str, done: str, otherwise: str) -> None:
    """Add a subcommand that changes one schedule."""

    @schedule.command(verb, help=what)
    @click.argument("name")
    @into_workspace
    @as_json_option
    def command(name: str, workspace: str, as_json: bool) -> None:
        changed, found = asyncio.run(_with_ports(lambda ports: _changed(verb, name, workspace, ports)))
        if as_json:
            click.echo(json.dumps({"schedule": found.name, "changed": changed}))
        else:
            click.echo(f"{found.name} {done if changed else otherwise}")


_change("pause", "Let nothing happen until it is resumed.", "is paused", "was paused already")
_change("resume", "Let it go on; what was missed meanwhile is not made up for.", "goes on", "was not paused")
_change("remove", "Forget a schedule; what came of it stays.", "is removed", "was removed already")
_change("now", "Do at once what it does at its hour.", "begins, where convotest serves", "begins already")


async def _changed(verb: str, name: str, workspace: str, ports: "Ports") -> "tuple[bool, Schedule]":
    from jobs.model import WorkspaceId
    from jobs.schedule import lifecycle

    found = await lifecycle.find_schedule(name, WorkspaceId(workspace), ports)
    match verb:
        case "pause":
            changed = await lifecycle.pause_schedule(found, ports)
        case "resume":
            changed = await lifecycle.resume_schedule(found, ports)
        case "remove":
            changed = await lifecycle.remove_schedule(found, ports)
        case _:
            changed = await lifecycle.run_now(found, ports, by=TERMINAL)
    if changed:
        await _record(f"schedule {verb}", found, ports)
    return changed, found


async def _record(verb: str, changed: "Schedule", ports: "Ports") -> None:
    from jobs.schedule.shown import words_for

    await ports.store.audit.record(
        changed.workspace_id, TERMINAL, verb, outcome="done", detail=f"{changed.name}: {words_for(changed)}"
    )


async def _with_ports(work: "Callable[[Ports], Awaitable[T]]") -> T:
    from jobs.wiring import open_ports

    async with open_ports(prepare(), role="reader") as ports:
        return await work(ports)


def _print(shown: "Sequence[ShownSchedule]", *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([_json(each) for each in shown], indent=2))
        return
    from jobs.schedule.shown import words_for

    for each in shown:
        due = f"next {each.next_due:%Y-%m-%d %H:%M} UTC" if each.next_due else each.schedule.note or "paused"
        last = f"; last {each.last.slot.partition(':')[0]}: {each.last.note or each.last.state}" if each.last else ""
        click.echo(f"{each.schedule.name}: {words_for(each.schedule)}; {due}{last}")
    if not shown:
        click.echo("none; add one with: convotest schedule add nightly suite=SUITE --at 02:00 --tz Europe/Berlin")


def _json(each: "ShownSchedule") -> dict[str, Any]:
    schedule_, last = each.schedule, each.last
    return {
        "name": schedule_.name,
        "what": schedule_.use_case,
        "options": dict(schedule_.options),
        "cron": schedule_.cron,
        "tz": schedule_.tz,
        "state": schedule_.state,
        "channel": schedule_.place.channel_id if schedule_.place else None,
        "created_by": schedule_.created_by,
        "created_at": schedule_.created_at.isoformat(),
        "note": schedule_.note,
        "next_due": each.next_due.isoformat() if each.next_due else None,
        "last": {
            "date": last.local_date.isoformat() if last.local_date else None,
            "due_at": last.due_at.isoformat(),
            "state": last.state,
            "note": last.note,
        }
        if last
        else None,
    }
