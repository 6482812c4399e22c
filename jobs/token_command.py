"""``convotest token``: who may use the HTTP interface."""

import asyncio
import json
from typing import TYPE_CHECKING, Any

import click

from jobs.at_terminal import as_json_option, complain, into_workspace, of_workspace, parse_period, with_store

if TYPE_CHECKING:
    from jobs.ports import Clock
    from jobs.store import Store


@click.group()
def token() -> None:
    """Tokens of the HTTP interface."""


@token.command("create")
@click.argument("name")
@click.option(
    "--for",
    "scopes",
    type=click.Choice(["feedback", "assignment", "actions"]),
    multiple=True,
    help="Default: feedback.",
)
@click.option(
    "--expires", default="365d", show_default=True, metavar="PERIOD", help="When it ends; 'never' = not by itself."
)
@click.option("--per-minute", default=600, show_default=True, help="Requests it may make.")
@into_workspace
@as_json_option
def create(name: str, scopes: tuple[Any, ...], expires: str, per_minute: int, workspace: str, as_json: bool) -> None:
    """Make a token and show it, this once.

    \b
    Examples:
      convotest token create helpdesk --expires 90d
      curl -H "Authorization: Bearer $TOKEN" -d '{"rating": 5}' http://127.0.0.1:3000/api/v1/feedback
    """
    from jobs.model import WorkspaceId
    from jobs.tokens import create_token

    async def work(store: "Store", clock: "Clock") -> Any:
        return await create_token(
            name,
            store=store,
            clock=clock,
            workspace_id=WorkspaceId(workspace),
            scopes=scopes or ("feedback",),
            life=None if expires == "never" else parse_period(expires),
            per_minute=per_minute,
        )

    made = asyncio.run(with_store(work))
    if as_json:
        click.echo(json.dumps(_token_json(made.token, "usable") | {"token": made.text}, indent=2))
    else:
        click.echo(made.text)
        complain([f"this is the token {made.token.id}; it is not shown again"])


@token.command("list")
@of_workspace
@as_json_option
def list_(workspace: str | None, as_json: bool) -> None:
    """List the tokens; what they are stays secret."""
    from jobs.model import WorkspaceId
    from jobs.tokens import state_of

    async def work(store: "Store", clock: "Clock") -> Any:
        tokens = await store.tokens.all(WorkspaceId(workspace) if workspace else None)
        return [_token_json(each, state_of(each, clock)) for each in tokens]

    listed = asyncio.run(with_store(work))
    if as_json:
        click.echo(json.dumps(listed, indent=2))
        return
    from rich.table import Table
    from rich.text import Text

    from jobs.terminal import stdout_console

    table = Table("id", "name", "workspace", "for", "state", "expires", box=None)
    for each in listed:
        cells = [each["id"], each["name"], each["workspace"], ", ".join(each["scopes"]), each["state"]]
        table.add_row(*(Text(cell) for cell in [*cells, (each["expires_at"] or "never")[:10]]))
    stdout_console().print(table if listed else "no tokens yet; make one with: convotest token create NAME")


@token.command("revoke")
@click.argument("name", metavar="TOKEN")
@of_workspace
@as_json_option
def revoke(name: str, workspace: str | None, as_json: bool) -> None:
    """Revoke a token, by its id or name."""
    from jobs.model import WorkspaceId
    from jobs.tokens import revoke_token

    async def work(store: "Store", clock: "Clock") -> Any:
        return await revoke_token(
            name, store=store, clock=clock, workspace_id=WorkspaceId(workspace) if workspace else None
        )

    revoked = asyncio.run(with_store(work))
    click.echo(json.dumps(_token_json(revoked, "revoked"), indent=2) if as_json else f"revoked: {revoked.name}")


def _token_json(made: Any, state: str) -> dict[str, Any]:
    times = {name: getattr(made, name) for name in ("created_at", "expires_at", "revoked_at")}
    return {
        "id": made.id,
        "name": made.name,
        "workspace": made.workspace_id,
        "scopes": list(made.scopes),
        "per_minute": made.per_minute,
        "state": state,
        **{name: moment.isoformat() if moment else None for name, moment in times.items()},
    }
