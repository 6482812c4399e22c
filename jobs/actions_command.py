"""``convotest actions``: what was proposed to make an assistant better, in the terminal."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs.at_terminal import as_json_option, into_workspace, prepare

if TYPE_CHECKING:
    from jobs.actions._action import Action
    from jobs.bundle import Ports
    from jobs.model import WorkspaceId
    from jobs.wiring import Role

WHO = "terminal"


@click.group()
def actions() -> None:
    """Changes that were proposed to make an assistant better."""


@actions.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that are over.")
@into_workspace
@as_json_option
def list_(everything: bool, workspace: str, as_json: bool) -> None:
    """List what is open, the most important first.

    \b
    Examples:
      convotest actions list
      convotest actions list --all --json
    """

    async def work(ports: "Ports", workspace_id: "WorkspaceId") -> "list[Action]":
        from jobs.actions._action import OPEN, ranked

        found = await ports.store.actions.recent(workspace_id, limit=200)
        return list(found) if everything else ranked([each for each in found if each.state in (*OPEN, "verified")])

    found = _with_ports(work, workspace)
    if as_json:
        click.echo(json.dumps([to_json(each) for each in found], indent=2))
        return
    from rich.table import Table
    from rich.text import Text

    from jobs.model import short_id
    from jobs.terminal import stdout_console

    table = Table("action", "state", "priority", "kind", "assistant", "what", box=None)
    for each in found:
        label = f"{each.assistant}@{each.candidate or each.content.base}"
        cells = (short_id(each.id), each.state, each.content.priority, each.kind, label, each.content.title)
        table.add_row(*(Text(cell) for cell in cells))
    stdout_console().print(table if found else "nothing is open; runs that fail propose what may mend them")


@actions.command()
@click.argument("action", metavar="ACTION")
@into_workspace
@as_json_option
def show(action: str, workspace: str, as_json: bool) -> None:
    """Show an action: what is wrong, the change, what it should bring, and what became of it."""

    async def work(ports: "Ports", workspace_id: "WorkspaceId") -> "Action":
        from jobs.actions._lifecycle import find_action

        return await find_action(action, workspace_id, ports)

    _print(_with_ports(work, workspace), as_json=as_json)


@actions.command()
@click.argument("action", metavar="ACTION")
@into_workspace
@as_json_option
def approve(action: str, workspace: str, as_json: bool) -> None:
    """Approve an action: its change is made as a new variant and verified by whoever plays (serve, demo, worker).

    \b
    Examples:
      convotest actions approve 3f9a21bc
      convotest actions approve last --workspace T0123ABCD
    """

    async def work(ports: "Ports", workspace_id: "WorkspaceId") -> "Action":
        from jobs.actions._action import Shown
        from jobs.actions._lifecycle import approve, find_action

        async def may_approve(_: str) -> bool:
            return True  # what was approved in Slack was looked at there

        shown = Shown.of(await find_action(action, workspace_id, ports))
        approved, _ = await approve(shown, by=WHO, workspace_id=workspace_id, ports=ports, may_approve=may_approve)
        return approved

    _print(_with_ports(work, workspace), as_json=as_json)


@actions.command()
@click.argument("action", metavar="ACTION")
@click.option("--reason", required=True, metavar="TEXT", help="Why; everybody sees it.")
@into_workspace
@as_json_option
def reject(action: str, reason: str, workspace: str, as_json: bool) -> None:
    """Refuse an action; the same change is not proposed again."""

    async def work(ports: "Ports", workspace_id: "WorkspaceId") -> "Action":
        from jobs.actions._action import Shown
        from jobs.actions._lifecycle import find_action, reject

        shown = Shown.of(await find_action(action, workspace_id, ports))
        return await reject(shown, by=WHO, reason=reason, workspace_id=workspace_id, ports=ports)

    _print(_with_ports(work, workspace), as_json=as_json)


@actions.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--by", default=WHO, show_default=True, metavar="WHO", help="Who proposes it, and cannot approve it.")
@click.option("--channel", metavar="ID", help="The channel that shows its card.")
@into_workspace
@as_json_option
def propose(file: Path, by: str, channel: str | None, workspace: str, as_json: bool) -> None:
    """Propose a change of your own.

    FILE is YAML: title, kind (prompt, template, flow, examples, parameters), assistant (NAME@VARIANT), target (the
    profile that shows whether it helps), changes (a list of path with value or remove: true), and if you like why,
    and reason (of failed conversations, that it is to mend).
    """
    from jobs.actions._by_hand import propose_file

    written = file.read_text(encoding="utf-8")

    async def work(ports: "Ports", workspace_id: "WorkspaceId") -> "Action":
        return await propose_file(written, by, workspace_id, ports, channel_id=channel)

    _print(_with_ports(work, workspace), as_json=as_json)


@actions.command("from-feedback")
@click.argument("assistant")
@click.option("--target", required=True, metavar="PROFILE", help="The profile that shows whether it helped.")
@click.option("--channel", metavar="ID", help="The channel that shows the cards.")
@into_workspace
@as_json_option
def from_feedback(assistant: str, target: str, channel: str | None, workspace: str, as_json: bool) -> None:
    """Propose what may mend the themes of low ratings: three or more discontent people who write the same."""

    async def work(ports: "Ports", workspace_id: "WorkspaceId") -> "tuple[Action, ...]":
        from jobs.actions._propose import propose_for_feedback
        from jobs.model import Place

        place = Place(workspace_id=workspace_id, channel_id=channel) if channel else None
        return await propose_for_feedback(assistant, workspace_id, ports, target=target, place=place)

    found = _with_ports(work, workspace)
    if as_json:
        click.echo(json.dumps([to_json(each) for each in found], indent=2))
    for each in () if as_json else found:
        _print(each, as_json=False)
    if not found and not as_json:
        click.echo("nothing new: no theme of three or more low ratings that a change is known for")


@actions.command()
@click.argument("variant", metavar="NAME@VARIANT")
@click.option("--target", required=True, metavar="PROFILE", help="Whose customers show what is better.")
@click.option("--path", metavar="ENTRY", help="The text, such as system_prompt or templates.greeting.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 2), default=1, show_default=True)
@into_workspace
@as_json_option
def rewrite(variant: str, target: str, path: str | None, seed: int, workspace: str, as_json: bool) -> int:
    """Look for a better prompt with the help of a model, and propose it if it holds for customers it does not know.

    \b
    Exit codes: 0 something better is proposed, 4 nothing better was found.
    """
    from jobs.actions._rewrite import rewrite

    async def work(ports: "Ports", workspace_id: "WorkspaceId") -> Any:
        return await rewrite(variant, target, by=WHO, workspace_id=workspace_id, ports=ports, path=path, seed=seed)

    found = _with_ports(work, workspace, role="auto")
    action = to_json(found.action) if found.action else None
    if as_json:
        click.echo(json.dumps({"action": action, "tried": found.tried, "copied": found.copied, "said": found.said}))
    else:
        click.echo(found.said)
        if found.action:
            _print(found.action, as_json=False)
    return 0 if found.action else 4


def _with_ports(
    work: "Callable[[Ports, WorkspaceId], Awaitable[Any]]", workspace: str, *, role: "Role" = "reader"
) -> Any:
    from jobs.model import WorkspaceId
    from jobs.wiring import open_ports

    async def run() -> Any:
        async with open_ports(prepare(), role=role) as ports:
            return await work(ports, WorkspaceId(workspace))

    return asyncio.run(run())


def _print(action: "Action", *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(to_json(action), indent=2))
        return
    from jobs.redact import redact
    from jobs.report.as_text import printable

    content, outcome = action.content, action.progress.outcome
    lines = [
        f"{content.title}  ({action.name}, {action.state.replace('_', ' ')})",
        f"  wrong     {content.problem.text} ({content.problem.touched} of {content.problem.n} conversations)",
        f"  change    {action.kind} of {action.assistant}@{action.candidate or content.base}",
        *(f"            {each}" for each in content.diff),
        f"  priority  {content.priority}, effort {content.effort}, verified by {content.conversations} conversations",
    ]
    if content.expected:
        share = content.expected
        lines.append(
            f"  expected  up to {share.share:.0%} ({share.low:.0%} to {share.high:.0%}) of conversations mended"
        )
    if outcome:
        lines.append(f"  verified  {outcome.decision}")
        lines += [f"            {each}" for each in outcome.reasons]
    if action.progress.live:
        lines.append(f"  live      {action.progress.live}")
    if action.note:
        lines.append(f"  note      {action.note}")
    for each in lines:
        click.echo(printable(redact(each)))


def to_json(action: "Action") -> dict[str, Any]:
    """An action as one JSON value; what is not known is null."""
    from jobs.actions._action import dump_content, dump_progress

    progress = dump_progress(action.progress)
    times = {"created_at": action.created_at, "expires_at": action.expires_at, "decided_at": action.decided_at}
    return {
        "id": action.id,
        "workspace": action.workspace_id,
        "assistant": action.assistant,
        "kind": action.kind,
        "state": action.state,
        "version": action.version,
        "hash": action.hash,
        "proposer": action.proposer,
        **dump_content(action.content),
        "run": action.run_id,
        "candidate": action.candidate,
        "decided_by": action.decided_by,
        "note": action.note,
        "outcome": progress["outcome"],
        "delivery": progress["delivery"],
        "live": progress["live"] or None,
        "rollout": action.rollout_id,
        **{name: time.isoformat() if time else None for name, time in times.items()},
    }
