"""The ``convotest`` command: what the terminal can do, and what it takes to serve Slack."""

import asyncio
import json
import sys
from typing import TYPE_CHECKING

import click

from jobs.cli import Services, as_json_option, cli, run_cli

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any


def main() -> None:
    """The console script."""
    sys.exit(run_cli(cli, services=Services(slack_identity=_slack_identity)))


@cli.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8700, show_default=True, help="0 = any free one.")
@click.option("--fresh", is_flag=True, help="Forget what was said and played here before.")
def demo(port: int, fresh: bool) -> None:
    """Serve a local Slack workspace with convotest in it.

    It needs no key and no account, and nothing leaves this machine. Open the page it names and type:
    /convotest run pizza
    """
    from bot.demo import run_demo

    _serve(run_demo(port=port, fresh=fresh))


@cli.command()
def serve() -> None:
    """Serve Slack over Socket Mode or signed HTTP.

    Socket Mode if SLACK_APP_TOKEN is set, else HTTP, which needs SLACK_SIGNING_SECRET.
    """
    from bot.wiring import run_serve

    _serve(run_serve())


@cli.command()
def worker() -> None:
    """Play conversations for a bot that runs elsewhere.

    Both need the same PostgreSQL database; with SQLite the bot plays by itself.
    """
    from bot.wiring import run_worker

    _serve(run_worker())


@cli.command()
@click.option("--url", help="Where Slack reaches the bot; default: CONVOTEST_PUBLIC_URL. Without: Socket Mode.")
@as_json_option
def manifest(url: str | None, as_json: bool) -> None:
    """Print the manifest to create the Slack app from.

    Paste it at api.slack.com/apps → Create New App → From a manifest.
    """
    from bot.manifest import app_manifest
    from jobs.settings import load_settings

    described = app_manifest(url or load_settings().convotest_public_url)
    if as_json:
        click.echo(json.dumps(described, indent=2))
        return
    import yaml

    click.echo(yaml.safe_dump(described, sort_keys=False, allow_unicode=True, width=100), nl=False)


@cli.command()
@click.option("--out", type=click.Path(file_okay=False), default="gallery", show_default=True, help="Where it goes.")
def gallery(out: str) -> None:
    """Write a page with every kind of message on it.

    With Chromium and Playwright installed, also pictures: light, dark, and as narrow as a phone.
    """
    from pathlib import Path

    from bot.gallery import samples, write_gallery
    from bot.gallery.pictures import NoBrowser, take_pictures

    directory = Path(out).absolute()
    page = write_gallery(samples(), directory)
    click.echo(f"{page}")
    pictures = directory / "pictures"
    pictures.mkdir(exist_ok=True)
    try:
        taken = asyncio.run(take_pictures(page, pictures))
    except NoBrowser as error:
        click.echo(str(error), err=True)
    else:
        click.echo(f"{len(taken)} pictures in {pictures}")


def _serve(service: "Coroutine[Any, Any, None]") -> None:
    from jobs.logs import configure_logging
    from jobs.memory import share_one_arena
    from jobs.redact import register_secrets
    from jobs.settings import load_settings

    share_one_arena()
    settings = load_settings()
    register_secrets(settings)
    configure_logging(settings.convotest_log_level)
    asyncio.run(service)


async def _slack_identity(token: str, api_url: str) -> str:
    """As whom Slack knows the bot; raises UpstreamError with Slack's own word for what is wrong."""
    from slack_sdk.errors import SlackApiError
    from slack_sdk.web.async_client import AsyncWebClient

    from jobs.errors import UpstreamError

    try:
        client = AsyncWebClient(token=token, base_url=api_url, timeout=8)
        answer = await client.auth_test()  # pyright: ignore[reportUnknownMemberType] - its keywords are untyped
    except SlackApiError as error:
        raise UpstreamError(f"Slack refuses the token ({error.response['error']})", permanent=True) from error
    return f"workspace {answer['team']!r} knows us as {answer['user']!r}"


if __name__ == "__main__":
    main()
