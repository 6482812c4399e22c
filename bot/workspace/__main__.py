"""Starts a local workspace on its own: `python -m bot.workspace --port 8700`."""

import argparse
import asyncio
from pathlib import Path

import click

from .server import LocalWorkspace


async def serve(options: argparse.Namespace) -> None:
    """Run until interrupted."""
    workspace = LocalWorkspace(options.port, data=options.data, other_workspace=options.other_workspace)
    async with workspace:
        workspace.request_url = options.request_url
        click.echo(f"Local workspace: {workspace.url}")
        click.echo(f"SLACK_API_URL={workspace.api_url}")
        click.echo(f"SLACK_BOT_TOKEN={workspace.bot_token} SLACK_APP_TOKEN={workspace.app_token}")
        click.echo(f"SLACK_SIGNING_SECRET={workspace.signing_secret}")
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bot.workspace", description=__doc__)
    parser.add_argument("--port", type=int, default=8700)
    parser.add_argument("--data", type=Path, help="SQLite file that keeps the workspace over restarts")
    parser.add_argument("--request-url", help="deliver signed HTTP requests here instead of Socket Mode")
    parser.add_argument("--other-workspace", action="store_true", help="add a second workspace, T0OTHER")
    try:
        asyncio.run(serve(parser.parse_args()))
    except KeyboardInterrupt:
        click.echo("stopped")


if __name__ == "__main__":
    main()
