"""Where the app is installed: in the one workspace of a bot token, or in every workspace that installed it by OAuth.

Tokens lie encrypted in our database and are read, and renewed when they run out, each time they are used.
"""

import asyncio
import base64
import hashlib
import logging
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from logging import Logger
from typing import Any, Protocol

import aiohttp
from slack_bolt.async_app import AsyncBoltContext
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackTokenRotationError
from slack_sdk.oauth.installation_store import Bot, Installation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.installation_store.sqlalchemy import AsyncSQLAlchemyInstallationStore
from slack_sdk.oauth.state_store.sqlalchemy import AsyncSQLAlchemyOAuthStateStore
from slack_sdk.oauth.token_rotation.async_rotator import AsyncTokenRotator
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.deliveries import workspace_of
from bot.poster import NotSent, Refused
from jobs.errors import ConfigurationError
from jobs.model import WorkspaceId
from jobs.store.database import create_async_writer, create_reader, parse_database_url

logger = logging.getLogger(__name__)

TOKENS = ("bot_token", "bot_refresh_token", "user_token", "user_refresh_token")
STATE_LIFETIME_S = 600
RENEWED_BEFORE_S = 2 * 3600
SHORTEST_KEY = 32


class Installed(Protocol):
    """The workspaces in which the app is."""

    async def workspaces(self) -> frozenset[WorkspaceId]: ...

    async def authorize(self, context: AsyncBoltContext) -> AuthorizeResult | None:
        """Whose bot a request is for; None if the app is not in its workspace."""
        ...

    async def token(self, workspace_id: WorkspaceId) -> str:
        """A bot token that is good now; raises PostError."""
        ...

    async def forget(self, workspace_id: WorkspaceId) -> None:
        """The app was removed from the workspace."""
        ...


class OneWorkspace:
    """The workspace of the configured bot token."""

    def __init__(self, installation: AuthorizeResult) -> None:
        self._installation = installation
        self._is_removed = False

    @property
    def workspace_id(self) -> WorkspaceId:
        return WorkspaceId(self._installation.team_id or self._installation.enterprise_id or "")

    async def workspaces(self) -> frozenset[WorkspaceId]:
        return frozenset() if self._is_removed else frozenset({self.workspace_id})

    async def authorize(self, context: AsyncBoltContext) -> AuthorizeResult | None:
        known = {self._installation.team_id, self._installation.enterprise_id} - {None}
        return self._installation if known & {context.team_id, context.enterprise_id} else None

    async def token(self, workspace_id: WorkspaceId) -> str:
        if workspace_id != self.workspace_id or self._is_removed:
            raise Refused("account_inactive")
        return self._installation.bot_token or ""

    async def forget(self, workspace_id: WorkspaceId) -> None:
        if workspace_id == self.workspace_id:
            logger.warning("the app was removed from %s; nothing is sent until the next start", workspace_id)
            self._is_removed = True


class SeveralTokens:
    """Workspaces whose tokens are at hand already, such as those of the demo.

    Args:
        bots: by workspace, looked up each time: one may be added at any moment.
    """

    def __init__(self, bots: Callable[[], Mapping[str, AuthorizeResult]]) -> None:
        self._bots = bots
        self._removed: set[str] = set()

    def _present(self) -> dict[str, AuthorizeResult]:
        return {team: bot for team, bot in self._bots().items() if team not in self._removed}

    async def workspaces(self) -> frozenset[WorkspaceId]:
        return frozenset(map(WorkspaceId, self._present()))

    async def authorize(self, context: AsyncBoltContext) -> AuthorizeResult | None:
        return self._present().get(context.team_id or "")

    async def token(self, workspace_id: WorkspaceId) -> str:
        bot = self._present().get(workspace_id)
        if bot is None:
            raise Refused("account_inactive")
        return bot.bot_token or ""

    async def forget(self, workspace_id: WorkspaceId) -> None:
        self._removed.add(workspace_id)


class ManyWorkspaces:
    """The workspaces that installed the app by OAuth, in our database.

    Args:
        client: of the Web API, without a token.
    """

    def __init__(
        self, reader: AsyncEngine, writer: AsyncEngine, *, client_id: str, client_secret: str, key: str, client: Any
    ) -> None:
        seal = Seal(key)
        self._reader, self._writer = reader, writer
        self._reading = SealedStore(AsyncSQLAlchemyInstallationStore(client_id, reader), seal)
        self.store = SealedStore(AsyncSQLAlchemyInstallationStore(client_id, writer), seal)
        self.states = AsyncSQLAlchemyOAuthStateStore(STATE_LIFETIME_S, writer, logger)
        self.rotator = AsyncTokenRotator(client_id=client_id, client_secret=client_secret, client=client)
        self._renewing: defaultdict[WorkspaceId, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def workspaces(self) -> frozenset[WorkspaceId]:
        return frozenset(await self._places())

    async def authorize(self, context: AsyncBoltContext) -> AuthorizeResult | None:
        """Without a call to Slack: what is asked here has to be acknowledged at once."""
        bot = await self._find(workspace_of(context))
        if bot is None:
            return None
        return AuthorizeResult(
            enterprise_id=bot.enterprise_id,
            team_id=bot.team_id,
            bot_user_id=bot.bot_user_id,
            bot_id=bot.bot_id,
            bot_token=bot.bot_token,
        )

    async def token(self, workspace_id: WorkspaceId) -> str:
        bot = await self._find(workspace_id)
        if bot is not None and _runs_out(bot):
            async with self._renewing[workspace_id]:
                bot = await self._renewed(workspace_id)
        if bot is None:
            raise Refused("account_inactive")
        return bot.bot_token

    async def forget(self, workspace_id: WorkspaceId) -> None:
        places = await self._places()
        if workspace_id in places:
            enterprise_id, team_id = places[workspace_id]
            await self.store.async_delete_all(enterprise_id=enterprise_id, team_id=team_id)
            logger.info("the app was removed from %s; its tokens are deleted", workspace_id)

    async def forget_old_states(self) -> None:
        """Installations that were begun and never finished."""
        table = self.states.oauth_states
        async with self._writer.begin() as connection:
            await connection.execute(delete(table).where(table.c.expire_at < _utc_now()))

    async def _find(self, workspace_id: WorkspaceId) -> Bot | None:
        place = (await self._places(workspace_id)).get(workspace_id)
        if place is None:
            return None
        enterprise_id, team_id = place
        return await self._reading.async_find_bot(
            enterprise_id=enterprise_id, team_id=team_id, is_enterprise_install=team_id is None
        )

    async def _places(self, only: WorkspaceId | None = None) -> dict[WorkspaceId, tuple[str | None, str | None]]:
        """Enterprise and team of each workspace; an installation for a whole enterprise has no team."""
        column = self._reading.inner.bots.c
        query = (
            select(column.enterprise_id, column.team_id)
            .distinct()
            .where(column.client_id == self._reading.inner.client_id, column.bot_token.is_not(None))
        )
        if only is not None:
            query = query.where((column.team_id == only) | (column.team_id.is_(None) & (column.enterprise_id == only)))
        async with self._reader.connect() as connection:
            rows = (await connection.execute(query)).all()
        return {WorkspaceId(row.team_id or row.enterprise_id): (row.enterprise_id, row.team_id) for row in rows}

    async def _renewed(self, workspace_id: WorkspaceId) -> Bot | None:
        """The bot with a token that lasts; a token that still serves is better than none."""
        bot = await self._find(workspace_id)
        if bot is None or not _runs_out(bot):
            return bot
        try:
            fresh = await self.rotator.perform_bot_token_rotation(bot=bot)
        except SlackTokenRotationError as error:
            newest = await self._find(workspace_id)
            if newest is None or newest.bot_token != bot.bot_token:  # another process was quicker
                return newest
            logger.warning("the token of %s cannot be renewed: %s", workspace_id, error)
            if _is_over(bot):
                raise Refused("token_expired") from error
            return bot
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if _is_over(bot):
                raise NotSent(f"the token could not be renewed ({type(error).__name__})") from error
            return bot
        if fresh is not None:
            await self.store.async_save_bot(fresh)
        return fresh or bot


@asynccontextmanager
async def open_many_workspaces(
    database_url: str, *, client_id: str, client_secret: str, key: str, client: AsyncWebClient
) -> AsyncGenerator[ManyWorkspaces]:
    """The installations in the database that the store has migrated already."""
    url = parse_database_url(database_url)
    reader, writer = create_reader(url), create_async_writer(url)
    try:
        yield ManyWorkspaces(reader, writer, client_id=client_id, client_secret=client_secret, key=key, client=client)
    finally:
        await writer.dispose()
        await reader.dispose()


# --- what is written down -------------------------------------------------------------------------------------------


class Seal:
    """Encrypts tokens with the operator's key.

    Raises:
        ConfigurationError: the key is too short to be one.
    """

    def __init__(self, key: str) -> None:
        if len(key) < SHORTEST_KEY:
            raise ConfigurationError(
                f"CONVOTEST_SECRET_KEY needs at least {SHORTEST_KEY} characters; make one with: openssl rand -hex 32"
            )
        # Imported here: with a single workspace's bot token nothing is encrypted, and it takes several megabytes.
        from cryptography.fernet import Fernet, InvalidToken

        self._foreign_token = InvalidToken
        self._fernet = Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()))

    def close(self, token: str) -> str:
        return self._fernet.encrypt(token.encode()).decode()

    def open(self, sealed: str) -> str:
        """The token; raises ConfigurationError if it was encrypted with another key."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except self._foreign_token as error:
            raise ConfigurationError(
                "the tokens in the database were encrypted with another CONVOTEST_SECRET_KEY; set that one again, or "
                "install the app anew in each workspace"
            ) from error


class SealedStore(AsyncInstallationStore):
    """slack_sdk's store, with every token encrypted before it is written and decrypted after it is read."""

    def __init__(self, inner: AsyncSQLAlchemyInstallationStore, seal: Seal) -> None:
        self.inner = inner
        self.on_saved: Callable[[], None] | None = None
        self._seal = seal

    @property
    def logger(self) -> Logger:
        return logger

    async def async_save(self, installation: Installation) -> None:
        await self.inner.async_save(Installation(**self._changed(installation, self._seal.close)))
        if self.on_saved:
            self.on_saved()

    async def async_save_bot(self, bot: Bot) -> None:
        await self.inner.async_save_bot(Bot(**self._changed(bot, self._seal.close)))

    async def async_find_bot(
        self, *, enterprise_id: str | None, team_id: str | None, is_enterprise_install: bool | None = False
    ) -> Bot | None:
        found = await self.inner.async_find_bot(
            enterprise_id=enterprise_id, team_id=team_id, is_enterprise_install=is_enterprise_install
        )
        return Bot(**self._changed(found, self._seal.open)) if found else None

    async def async_find_installation(
        self,
        *,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None = None,
        is_enterprise_install: bool | None = False,
    ) -> Installation | None:
        found = await self.inner.async_find_installation(
            enterprise_id=enterprise_id, team_id=team_id, user_id=user_id, is_enterprise_install=is_enterprise_install
        )
        return Installation(**self._changed(found, self._seal.open)) if found else None

    async def async_delete_bot(self, *, enterprise_id: str | None, team_id: str | None) -> None:
        await self.inner.async_delete_bot(enterprise_id=enterprise_id, team_id=team_id)

    async def async_delete_installation(
        self, *, enterprise_id: str | None, team_id: str | None, user_id: str | None = None
    ) -> None:
        await self.inner.async_delete_installation(enterprise_id=enterprise_id, team_id=team_id, user_id=user_id)

    @staticmethod
    def _changed(saved: Installation | Bot, change: Callable[[str], str]) -> dict[str, Any]:
        values: dict[str, Any] = saved.to_dict_for_copying()
        return values | {name: change(values[name]) for name in TOKENS if values.get(name)}


def _runs_out(bot: Bot) -> bool:
    return bot.bot_token_expires_at is not None and bot.bot_token_expires_at < time.time() + RENEWED_BEFORE_S


def _is_over(bot: Bot) -> bool:
    return bot.bot_token_expires_at is not None and bot.bot_token_expires_at < time.time()


def _utc_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)  # as slack_sdk writes it
