"""The demo: a local workspace in the browser with the bot in it, in one process."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click
from pydantic import SecretStr
from slack_bolt.authorization import AuthorizeResult
from sqlalchemy import make_url

from bot.commands import COMMANDS
from bot.installations import SeveralTokens
from bot.manifest import app_manifest
from bot.outbox import DEMO_PACE
from bot.wiring import asked_to_stop, serving
from bot.workspace import LocalWorkspace
from bot.workspace.state import BOT_ID, BOT_USER
from jobs.errors import ConfigurationError
from jobs.settings import Settings, load_settings
from jobs.wiring import open_ports

WELCOME = """Welcome! This is a Slack workspace on your own machine, with convotest in it. Nothing leaves this machine.

Type `/convotest run pizza` below: simulated customers order pizza from a demo assistant. Watch the card, and open its \
thread for the conversations.
Then try `/convotest run pizza n=20 seed=7 assistant=pizza@faulty`, and see what goes wrong; \
`/convotest help` tells the rest."""


async def run_demo(*, port: int, fresh: bool) -> None:
    """A local workspace with the bot in it, until the process is asked to stop."""
    settings = load_settings()
    data = demo_data(settings)
    if fresh:
        await asyncio.to_thread(forget_demo, settings, data)
    async with demo(settings, port=port, data=data) as workspace:
        click.echo(f"\n  Open  {workspace.url}\n  and type  /convotest run pizza\n\n  Ctrl-C stops it.\n")
        await asked_to_stop()


@asynccontextmanager
async def demo(settings: Settings, *, port: int, data: Path | None) -> AsyncGenerator[LocalWorkspace]:
    """The local workspace and the bot, in one process and connected by Socket Mode."""
    workspace = LocalWorkspace(
        port,
        data=data,
        commands=composer_help(),
        shortcuts=app_manifest(None)["features"]["shortcuts"],
        pinned=WELCOME,
        rate_limits=False,
    )
    try:
        await workspace.start()
    except OSError as error:
        raise ConfigurationError(f"cannot listen on port {port} ({error.strerror}); try --port 0") from error
    try:
        local = settings.model_copy(
            update={
                "slack_api_url": workspace.api_url,
                "slack_bot_token": SecretStr(workspace.bot_token),
                "slack_app_token": SecretStr(workspace.app_token),
                "slack_signing_secret": SecretStr(workspace.signing_secret),
                "slack_client_id": None,
                "slack_client_secret": None,
            }
        )
        installed = SeveralTokens(lambda: _demo_bots(workspace))
        async with (
            open_ports(local, role="player") as ports,
            serving(ports, pace=DEMO_PACE, with_http=False, installed=installed),
        ):
            yield workspace
    finally:
        await workspace.stop()


def _demo_bots(workspace: LocalWorkspace) -> Mapping[str, AuthorizeResult]:
    """The demo's bot is in every team of the local workspace, also in one that was added a moment ago."""
    return {
        team: AuthorizeResult(enterprise_id=None, team_id=team, bot_token=token, bot_user_id=BOT_USER, bot_id=BOT_ID)
        for team, token in workspace.bot_tokens.items()
    }


def composer_help() -> Sequence[dict[str, Any]]:
    """What the local workspace's composer offers while a command is typed."""
    verbs = [
        {"name": each.name, "usage_hint": each.usage.removeprefix(each.name).strip(), "description": each.summary}
        for each in COMMANDS.values()
    ]
    return [
        {
            "command": "/convotest",
            "usage_hint": "run pizza n=20 seed=7",
            "description": "Play simulated customers against your assistant",
            "verbs": verbs,
        }
    ]


def demo_data(settings: Settings) -> Path:
    """Where the local workspace keeps what was said: beside the bot's own file."""
    url = make_url(settings.convotest_database_url)
    own = Path(url.database or "convotest.db") if url.get_backend_name() == "sqlite" else Path("convotest.db")
    return own.with_name(f"{own.stem}-workspace.db")


def forget_demo(settings: Settings, data: Path) -> None:
    """Delete the bot's and the workspace's files.

    Raises:
        ConfigurationError: another process uses them, or the bot's data is no file.
    """
    from jobs.engine import engine_url, is_engine_in_use

    if not settings.convotest_database_url.startswith("sqlite"):
        raise ConfigurationError("--fresh deletes SQLite files only; empty the PostgreSQL database yourself")
    if is_engine_in_use(settings.convotest_database_url):
        raise ConfigurationError("another convotest process uses this data; stop it first")
    own = Path(make_url(settings.convotest_database_url).database or "convotest.db")
    engine = Path(make_url(engine_url(settings.convotest_database_url)).database or "")
    for file in (own, engine, data):
        for suffix in ("", "-wal", "-shm", "-journal"):
            file.with_name(file.name + suffix).unlink(missing_ok=True)
