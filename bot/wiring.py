"""Builds the Slack side on `jobs.wiring`: the bot that serves, and the worker."""

import asyncio
import logging
import signal
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from pydantic import SecretStr
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.app import Forget, create_app, tell_by_click
from bot.commands import COMMANDS, Edge, EdgeOf
from bot.deliveries import Ledger
from bot.http import Routes, SlackRequests, create_web_app, port_of, start_web_app
from bot.http_assignment import add_assignment_routes
from bot.http_feedback import add_feedback_routes
from bot.http_metrics import add_metrics_route
from bot.installations import Installed, OneWorkspace, open_many_workspaces
from bot.oauth import OAuthPages
from bot.outbox import Pace
from bot.poster import TIMEOUT_S, SlackPoster
from bot.senders import Senders
from jobs.bundle import Ports
from jobs.errors import ConfigurationError
from jobs.feedback.reactions import parse_reactions
from jobs.model import WorkspaceId
from jobs.runs import cancel_run
from jobs.settings import Settings, load_settings
from jobs.wiring import open_ports

logger = logging.getLogger(__name__)

SOCKETS = 2
"""Slack renews connections now and then; with two of them nothing is delivered into the void."""
DRAIN_S = 6.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, kw_only=True)
class Serving:
    """A bot at work. ``port`` is where its HTTP routes are, None without them."""

    app: AsyncApp
    port: int | None


@asynccontextmanager
async def serving(
    ports: Ports, *, pace: Pace | None = None, with_http: bool = True, installed: Installed | None = None
) -> AsyncGenerator[Serving]:
    """The Slack edge of the given work, until the block is left; then what is under way is brought to an end.

    Args:
        with_http: False leaves out the HTTP routes, in Socket Mode only.
        installed: where the app is; None = where the settings say.

    Raises:
        ConfigurationError: a setting is missing or Slack cannot be reached.
    """
    settings = ports.settings
    check_slack_settings(settings)
    async with AsyncExitStack() as stack:
        pages = None
        if installed is None:
            installed, pages = await _open_installations(stack, ports)
        edge_of = edges(ports, installed)
        ledger = Ledger(ports.store.deliveries, ports.clock, refuse=tell_by_click(edge_of))
        senders = Senders(installed, edge_of, ledger, pace or Pace())
        uses_sockets = settings.slack_app_token is not None
        needs_http = with_http or pages is not None or not uses_sockets
        app = create_app(
            edge_of=edge_of,
            ledger=ledger,
            installed=installed,
            forget=forgetting(installed, senders, edge_of),
            client=_client(settings),
            signing_secret=None if uses_sockets else _secret(settings.slack_signing_secret),
        )
        await senders.start()
        stack.push_async_callback(senders.stop)
        stack.push_async_callback(ledger.drain, at_most_s=DRAIN_S)
        if pages:
            pages.when_installed(senders.look_again)
        port = await _listen(stack, app, ports, pages, is_public=not uses_sockets) if needs_http else None
        if uses_sockets:
            await _open_sockets(stack, app, settings)
        yield Serving(app=app, port=port)


async def _open_installations(stack: AsyncExitStack, ports: Ports) -> tuple[Installed, OAuthPages | None]:
    """Where the app is installed: several workspaces if the settings say how to install it, else the token's own."""
    settings, client = ports.settings, _client(ports.settings)
    if not has_several_workspaces(settings):
        return OneWorkspace(await find_installation(settings)), None
    client_id, client_secret = settings.slack_client_id or "", _secret(settings.slack_client_secret)
    installed = await stack.enter_async_context(
        open_many_workspaces(
            ports.store.database_url,
            client_id=client_id,
            client_secret=client_secret,
            key=_secret(settings.convotest_secret_key),
            client=client,
        )
    )
    pages = OAuthPages(
        installed,
        client_id=client_id,
        client_secret=client_secret,
        public_url=settings.convotest_public_url,
        client=client,
        clock=ports.clock,
    )
    return installed, pages


def edges(ports: Ports, installed: Installed) -> EdgeOf:
    """One edge a workspace, whose poster asks for the token of that workspace before every call."""
    client, hosts = _client(ports.settings), _hosts(ports.settings)

    @cache
    def edge_of(workspace_id: WorkspaceId) -> Edge:
        poster = SlackPoster(client, token=partial(installed.token, workspace_id), response_hosts=hosts)
        return Edge(ports=ports, poster=poster, commands=COMMANDS)

    return edge_of


def forgetting(installed: Installed, senders: Senders, edge_of: EdgeOf) -> Forget:
    """What happens when the app was removed from a workspace: its tokens go, its runs stop, nothing is sent there."""

    async def forget(workspace_id: WorkspaceId) -> None:
        edge = edge_of(workspace_id)
        ports = edge.ports
        if await edge.poster.is_installed():  # Slack may repeat an event after the app was installed again
            logger.info("the app is still in %s", workspace_id)
            return
        await installed.forget(workspace_id)
        senders.look_again()
        for run in await ports.store.runs.unfinished():
            if run.workspace_id == workspace_id:
                await cancel_run(run.id, ports, by="convotest: the app was removed from the workspace")
        await ports.store.outbox.give_up(workspace_id, "the app was removed from the workspace")

    return forget


async def _listen(
    stack: AsyncExitStack, app: AsyncApp, ports: Ports, pages: OAuthPages | None, *, is_public: bool
) -> int:
    settings = ports.settings
    slack = SlackRequests(app, _secret(settings.slack_signing_secret), ports.clock) if is_public else None

    async def ready() -> str | None:
        try:
            await ports.store.outbox.backlog()
        except Exception:
            logger.exception("the database does not answer")
            return "database"
        return None

    more: list[Routes] = [
        partial(add_feedback_routes, ports=ports),
        partial(add_metrics_route, ports=ports),
        partial(add_assignment_routes, ports=ports),
    ]
    if pages:
        more.append(pages.add_routes)
    web_app: web.Application = create_web_app(ready, slack, *more)
    try:
        runner = await start_web_app(web_app, settings.convotest_host, settings.convotest_port)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {settings.convotest_host}:{settings.convotest_port} ({error.strerror}); "
            "set CONVOTEST_PORT to a free port"
        ) from error
    stack.push_async_callback(runner.cleanup)
    logger.info("listening on http://%s:%d", settings.convotest_host, port_of(runner))
    return port_of(runner)


async def _open_sockets(stack: AsyncExitStack, app: AsyncApp, settings: Settings) -> None:
    for _ in range(SOCKETS):
        handler = AsyncSocketModeHandler(app, _secret(settings.slack_app_token), web_client=_client(settings))
        if _is_loopback(settings):
            handler.client.proxy = None
        stack.push_async_callback(handler.close_async)
        try:
            await handler.connect_async()
        except SlackApiError as error:
            raise ConfigurationError(
                f"Slack refuses SLACK_APP_TOKEN ({error.response['error']}); it begins with xapp- and needs the scope "
                "connections:write"
            ) from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ConfigurationError(f"Slack cannot be reached at {settings.slack_api_url} ({error})") from error


# --- Slack's side of the settings -----------------------------------------------------------------------------------


def check_slack_settings(settings: Settings) -> None:
    """Raises ConfigurationError naming the setting that is missing, or cannot be read."""
    parse_reactions(settings.convotest_reactions)
    if has_several_workspaces(settings):
        _check_several(settings)
    elif settings.slack_bot_token is None:
        raise ConfigurationError(
            "SLACK_BOT_TOKEN is not set; `convotest manifest` helps to create the app, `convotest doctor` checks the "
            "settings, `convotest demo` needs none"
        )
    if settings.slack_app_token is None and settings.slack_signing_secret is None:
        raise ConfigurationError("set SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (signed HTTP)")


def has_several_workspaces(settings: Settings) -> bool:
    return settings.slack_client_id is not None or settings.slack_client_secret is not None


def _check_several(settings: Settings) -> None:
    if settings.slack_client_id is None or settings.slack_client_secret is None:
        raise ConfigurationError("set both SLACK_CLIENT_ID and SLACK_CLIENT_SECRET for several workspaces, or neither")
    if settings.slack_bot_token is not None:
        raise ConfigurationError(
            "SLACK_BOT_TOKEN is for one workspace, SLACK_CLIENT_ID and SLACK_CLIENT_SECRET are for several that "
            "install the app themselves; unset one or the others"
        )
    if settings.convotest_secret_key is None:
        raise ConfigurationError(
            "CONVOTEST_SECRET_KEY is not set; the tokens of the workspaces are encrypted with it. "
            "Make one with: openssl rand -hex 32"
        )


async def find_installation(settings: Settings) -> AuthorizeResult:
    """Whose the bot token is; raises ConfigurationError."""
    token = _secret(settings.slack_bot_token)
    try:
        answer: Any = await _client(settings, token=token).auth_test()  # pyright: ignore[reportUnknownMemberType]  # untyped keywords
    except SlackApiError as error:
        raise ConfigurationError(f"Slack refuses SLACK_BOT_TOKEN ({error.response['error']})") from error
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise ConfigurationError(f"Slack cannot be reached at {settings.slack_api_url} ({error})") from error
    return AuthorizeResult(
        enterprise_id=answer.get("enterprise_id"),
        team_id=answer.get("team_id"),
        bot_user_id=answer.get("user_id"),
        bot_id=answer.get("bot_id"),
        bot_token=token,
    )


def _client(settings: Settings, *, token: str | None = None) -> AsyncWebClient:
    """A client of the Web API that gives up after some seconds and repeats nothing by itself."""
    client = AsyncWebClient(token=token, base_url=settings.slack_api_url, timeout=TIMEOUT_S, retry_handlers=[])
    if _is_loopback(settings):
        client.proxy = None  # slack_sdk takes one from the environment, also for this machine
    return client


def _is_loopback(settings: Settings) -> bool:
    return urlsplit(settings.slack_api_url).hostname in LOOPBACK


def _hosts(settings: Settings) -> frozenset[str]:
    """Response URLs may name Slack's own hosts, and that of a configured Web API."""
    address = urlsplit(settings.slack_api_url)
    return frozenset({address.netloc}) if address.hostname != "slack.com" else frozenset()


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value else ""


# --- the services -----------------------------------------------------------------------------------------------


async def run_serve() -> None:
    """Serve Slack until the process is asked to stop: Socket Mode if there is an app token, else signed HTTP."""
    settings = load_settings()
    check_slack_settings(settings)
    async with open_ports(settings, role="player") as ports, serving(ports) as bot:
        way = "Socket Mode" if settings.slack_app_token else "signed HTTP"
        logger.info("convotest serves over %s, port %s", way, bot.port)
        await asked_to_stop()
        logger.info("stopping; what is unfinished goes on after the next start")


async def run_worker() -> None:
    """Play conversations for a bot that runs elsewhere, until the process is asked to stop."""
    async with open_ports(load_settings(), role="player"):
        logger.info("convotest plays conversations")
        await asked_to_stop()


async def asked_to_stop() -> None:
    """Return on SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    await stop.wait()
