"""Installing the app: `/slack/install` sends a browser to Slack, `/slack/oauth_redirect` takes it back."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urljoin

import aiohttp
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth.installation_store import Installation
from slack_sdk.web.async_client import AsyncWebClient

from bot.http import RefusalLimit
from bot.installations import STATE_LIFETIME_S, ManyWorkspaces
from bot.manifest import SCOPES
from jobs.ports import Clock

logger = logging.getLogger(__name__)

INSTALL, REDIRECT = "/slack/install", "/slack/oauth_redirect"
UNREACHABLE = "Slack cannot be reached just now; nothing was installed. Please go back to /slack/install in a moment."


ORGANISATION_WIDE = (
    "convotest is installed workspace by workspace, so nothing was installed for the whole organisation. Please go "
    "back to /slack/install and choose a workspace instead of the organisation."
)


class OrganisationWide(Exception):
    """Somebody installed the app for a whole Enterprise Grid organisation."""


class _Flow(AsyncOAuthFlow):
    async def store_installation(self, request: AsyncBoltRequest, installation: Installation) -> None:
        """Keep an installation for one workspace; one for a whole organisation is given back.

        Raises:
            OrganisationWide: everything here, from budgets to approvers, belongs to one workspace.
        """
        if installation.is_enterprise_install or not installation.team_id:
            with suppress(SlackApiError):  # then the token ends by being held by nobody
                client: Any = self.client  # its keywords are half typed
                await client.auth_revoke(token=installation.bot_token)
            raise OrganisationWide
        await super().store_installation(request, installation)


class OAuthPages:
    """The two pages. Each look at the first one costs a row, so there is a limit for each address."""

    def __init__(
        self,
        installed: ManyWorkspaces,
        *,
        client_id: str,
        client_secret: str,
        public_url: str | None,
        client: AsyncWebClient,
        clock: Clock,
    ) -> None:
        self._installed = installed
        self._limit = RefusalLimit(clock)
        self._flow = _Flow(
            client=client,
            settings=AsyncOAuthSettings(
                client_id=client_id,
                client_secret=client_secret,
                scopes=list(SCOPES),
                redirect_uri=f"{public_url.rstrip('/')}{REDIRECT}" if public_url else None,
                authorization_url=urljoin(client.base_url, "/oauth/v2/authorize"),
                installation_store=installed.store,
                state_store=installed.states,
                state_expiration_seconds=STATE_LIFETIME_S,
            ),
        )

        # Bolt's own way of renewing tokens would call slack.com, wherever our Web API is
        authorize: Any = self._flow.settings.authorize
        authorize.token_rotator = installed.rotator

    def when_installed(self, tell: Callable[[], None]) -> None:
        """Have somebody told of every new installation."""
        self._installed.store.on_saved = tell

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get(INSTALL, self._install)
        app.router.add_get(REDIRECT, self._redirect)

    async def _install(self, request: web.Request) -> web.Response:
        await self._installed.forget_old_states()
        return await self._answer(request, self._flow.handle_installation)

    async def _redirect(self, request: web.Request) -> web.Response:
        return await self._answer(request, self._flow.handle_callback)

    async def _answer(
        self, request: web.Request, handle: Callable[[AsyncBoltRequest], Awaitable[BoltResponse]]
    ) -> web.Response:
        address = request.remote or "?"
        if self._limit.is_exceeded(address):
            return web.Response(status=429, text="too many attempts; please wait a minute")
        self._limit.count(address)
        try:
            answer = await handle(await to_bolt_request(request))
        except OrganisationWide:
            logger.info("an installation for a whole organisation was refused")
            return web.Response(status=400, text=ORGANISATION_WIDE)
        except (aiohttp.ClientError, TimeoutError, OSError):
            logger.warning("an installation was broken off, because Slack could not be reached", exc_info=True)
            return web.Response(status=502, text=UNREACHABLE)
        return await to_aiohttp_response(answer)
