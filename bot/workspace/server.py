"""The local workspace as one object: started, used as a person would, and stopped."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from . import responses
from .authorize import Authorize
from .clock import Clock, SystemClock
from .core import Core, Token
from .delivery import Attempt, Delivery
from .elements import Value
from .errors import SlackError
from .faults import Faults
from .guard import LOOPBACK, loopback_only
from .journal import Journal
from .limits import RateLimiter
from .methods import METHODS
from .methods.files import MAX_FILE_BYTES
from .page import Page
from .people import ActionResult, CommandResult, People, named_values
from .seed import seed
from .socket_mode import SocketHub
from .state import Json, Team
from .storage import Storage
from .web_api import WebApi

T = TypeVar("T")
LOCAL, OTHER = "T0LOCAL", "T0OTHER"


class LocalWorkspace:
    """A Slack workspace on this machine for one app.

    Args:
        port: 0 lets the system pick one.
        host: a loopback address; nothing else is accepted.
        data: SQLite file that keeps everything over restarts; `None` keeps it in memory.
        bot_token: the bot's token in `T0LOCAL`; in `T0OTHER` it is `bot_tokens["T0OTHER"]`.
        clock: replaceable, see `ManualClock`.
        command: the slash command that goes to the bot.
        commands: what the composer completes: `{command, usage_hint, description, verbs}`, each verb
            `{name, usage_hint, description}`.
        shortcuts: what the page's menus offer, as in an app manifest: `{name, type, callback_id, description}`, the
            type being `global` or `message`.
        pinned: a welcome message on top of the first channel.
        rate_limits: whether Slack's rate limits are enforced.
        other_workspace: adds a second team, `T0OTHER`, with the same people and channels.
        token_rotation: tokens from OAuth end after 12 hours and come with a refresh token.
        seed: of the random generator behind `faults`.
    """

    def __init__(
        self,
        port: int = 0,
        host: str = "127.0.0.1",
        *,
        data: Path | None = None,
        signing_secret: str = "local-signing-secret",  # noqa: S107 - these four guard nothing beyond this machine
        bot_token: str = "xoxb-local",  # noqa: S107
        app_token: str = "xapp-local",  # noqa: S107
        clock: Clock | None = None,
        command: str = "/convotest",
        commands: Sequence[Mapping[str, Any]] = (),
        shortcuts: Sequence[Mapping[str, Any]] = (),
        pinned: str | None = None,
        rate_limits: bool = True,
        other_workspace: bool = False,
        client_id: str = "local-client-id",
        client_secret: str = "local-client-secret",  # noqa: S107
        token_rotation: bool = False,
        seed: int = 0,
    ) -> None:
        if host not in LOOPBACK:
            raise ValueError(f"the local workspace binds to loopback only, not to {host!r}")
        self._host, self._port = host, port
        self.signing_secret, self.bot_token, self.app_token = signing_secret, bot_token, app_token
        clock = clock or SystemClock()
        journal, storage = Journal(), Storage(data)
        self._core = Core(
            clock=clock,
            journal=journal,
            storage=storage,
            teams={},
            limits=RateLimiter(clock, enabled=rate_limits),
            faults=Faults(seed=seed),
            signing_secret=signing_secret,
            command=command,
            commands=commands,
            shortcuts=shortcuts,
            pinned=pinned,
            client_id=client_id,
            client_secret=client_secret,
            token_rotation=token_rotation,
        )
        self.sockets = SocketHub(clock)
        self.delivery = Delivery(self._core, self.sockets)
        self.people = People(self._core, self.delivery)
        self._api = WebApi(self._core, self.delivery, self.sockets, METHODS)
        self._page = Page(self._core, self.delivery, self.sockets, self.people, self.add_other_workspace)
        self.sockets.on_change = self._announce_connection
        self._runner: web.AppRunner | None = None
        self._add_team(LOCAL, "Local workspace")
        if other_workspace or any(storage.load("member", OTHER)):
            self._add_team(OTHER, "Other local workspace")
        self._core.load_tokens()
        self._core.tokens[self.app_token] = Token(kind="app", team=LOCAL)

    def _add_team(self, id: str, name: str) -> None:
        """Load what was kept of a team, add what a new one has, and make the bot's token good."""
        core = self._core
        team = Team(id=id, name=name, journal=core.journal, storage=core.storage, clock=core.clock)
        team.base_url = core.base_url
        team.load()
        seed(team)
        core.teams[id] = team
        core.save_token(self.bot_tokens[id], Token(kind="bot", team=id))

    def add_other_workspace(self) -> None:
        """Have a second team from now on, if there is none."""
        if OTHER not in self._core.teams:
            self._add_team(OTHER, "Other local workspace")
            self._core.announce_teams()

    # --- life -----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen; from here on `url` is known.

        Raises:
            OSError: the port is taken; everything is closed again.
        """
        app = web.Application(middlewares=[loopback_only], client_max_size=MAX_FILE_BYTES + 1_000_000)
        self._page.add_routes(app)
        authorize = Authorize(self._core, self._page.guard)
        app.router.add_route("*", "/api/{method}", self._api.handle)
        app.router.add_get("/_socket", self.sockets.accept)
        app.router.add_post("/response/{team}/{key}", self._response)
        app.router.add_post("/upload/{team}/{file}", self._upload)
        app.router.add_get("/oauth/v2/authorize", authorize.ask)
        app.router.add_post("/oauth/v2/authorize", authorize.answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        try:
            await site.start()
        except OSError:
            await self.stop()
            raise
        self._port = self._runner.addresses[0][1]
        shown_host = f"[{self._host}]" if ":" in self._host else self._host
        self._core.base_url = f"http://{shown_host}:{self._port}"
        for team in self._core.teams.values():
            team.base_url = self._core.base_url
        await self.delivery.start()

    async def stop(self) -> None:
        self._core.closing = True
        self._core.journal.wake()
        await self.delivery.stop()
        await self.sockets.close()
        if self._runner is not None:
            await self._runner.cleanup()
        self._core.storage.close()

    async def __aenter__(self) -> "LocalWorkspace":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Where people open the page."""
        return self._core.base_url

    @property
    def api_url(self) -> str:
        """What `SLACK_API_URL` and slack_sdk's `base_url` want."""
        return f"{self._core.base_url}/api/"

    @property
    def authorize_url(self) -> str:
        return f"{self._core.base_url}/oauth/v2/authorize"

    @property
    def bot_tokens(self) -> dict[str, str]:
        """The given bot token of each team."""
        return {id: self.bot_token if id == LOCAL else f"{self.bot_token}-other" for id in self._core.teams}

    @property
    def request_url(self) -> str | None:
        """Where signed requests go; `None` sends everything through the open sockets."""
        return self.delivery.request_url

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self.delivery.request_url = url
        self._announce_connection()

    @property
    def faults(self) -> Faults:
        return self._core.faults

    @property
    def attempts(self) -> list[Attempt]:
        """Every delivery to the bot so far, with how it ended."""
        return list(self.delivery.attempts)

    def team(self, id: str = LOCAL) -> Team:
        return self._core.teams[id]

    def drop_sockets(self) -> None:
        """Cut all sockets of the bot without a goodbye."""
        self.faults.counters["sockets_dropped"] += self.sockets.drop()

    # --- acting as a person ---------------------------------------------------------------------------------------

    async def type_command(self, channel: str, member: str, text: str, *, team: str = LOCAL) -> CommandResult:
        """Type `/command words` in a channel; what came back at once."""
        home = self.team(team)
        return await self.people.command(home, home.channel(channel), member, text)

    async def post_as_member(
        self, member: str, channel: str, text: str, thread_ts: str | None = None, *, team: str = LOCAL
    ) -> Json:
        """Say something; `@convotest` mentions the bot."""
        home = self.team(team)
        return await self.people.post(home, home.channel(channel), member, text, thread_ts)

    async def share_file(self, member: str, channel: str, name: str, content: bytes, *, team: str = LOCAL) -> Json:
        """Send a file."""
        home = self.team(team)
        return await self.people.share_file(home, home.channel(channel), member, name, content)

    async def click(
        self,
        member: str,
        channel: str,
        message_ts: str,
        action_id: str,
        value: Value = None,
        *,
        block_id: str | None = None,
        team: str = LOCAL,
    ) -> ActionResult:
        """Use an element of a message; `value` picks an option, or one of several buttons with the same action id."""
        home = self.team(team)
        return await self.people.click(
            home, home.channel(channel), member, message_ts, action_id, value, block_id=block_id
        )

    async def click_in_view(
        self,
        member: str,
        view_id: str,
        action_id: str,
        value: Value = None,
        *,
        block_id: str | None = None,
        team: str = LOCAL,
    ) -> ActionResult:
        """Use an element of an open modal or of the App Home."""
        return await self.people.click_in_view(self.team(team), member, view_id, action_id, value, block_id=block_id)

    async def submit_view(
        self, member: str, view_id: str, values: Mapping[str, Value] | None = None, *, team: str = LOCAL
    ) -> ActionResult:
        """Submit a modal; `values` are by block id or action id, what is not given keeps its initial value."""
        view = self.team(team).views.get(view_id)
        if view is None:
            raise SlackError("view_not_found")
        pairs = named_values(view.body["blocks"], values or {})
        return await self.people.submit_view(self.team(team), member, view_id, pairs)

    async def close_view(self, member: str, view_id: str, *, team: str = LOCAL) -> None:
        await self.people.close_view(self.team(team), member, view_id)

    async def react(self, member: str, channel: str, ts: str, name: str, *, team: str = LOCAL) -> None:
        home = self.team(team)
        await self.people.react(home, home.channel(channel), member, ts, name)

    async def unreact(self, member: str, channel: str, ts: str, name: str, *, team: str = LOCAL) -> None:
        home = self.team(team)
        await self.people.unreact(home, home.channel(channel), member, ts, name)

    async def open_home(self, member: str, *, team: str = LOCAL) -> None:
        await self.people.open_home(self.team(team), member)

    async def start_assistant_thread(self, member: str, *, team: str = LOCAL) -> Json:
        return await self.people.start_assistant_thread(self.team(team), member)

    async def shortcut(
        self, member: str, callback_id: str, *, channel: str | None = None, ts: str | None = None, team: str = LOCAL
    ) -> ActionResult:
        """A global shortcut, or with channel and ts a message shortcut."""
        home = self.team(team)
        return await self.people.shortcut(home, member, callback_id, home.channel(channel) if channel else None, ts)

    def archive(self, channel: str, *, team: str = LOCAL) -> None:
        """Close a channel for posting."""
        home = self.team(team)
        archived = home.channel(channel)
        archived.is_archived = True
        home.save_channel(archived)

    async def uninstall(self, *, team: str = LOCAL) -> None:
        await self.people.uninstall(self.team(team))

    # --- looking --------------------------------------------------------------------------------------------------

    def messages(self, channel: str, thread_ts: str | None = None, *, team: str = LOCAL) -> list[Json]:
        """The channel's messages at top level, or a thread with its parent; oldest first, with metadata."""
        home = self.team(team)
        found = home.thread(home.channel(channel), thread_ts) if thread_ts else home.history(home.channel(channel))
        return [home.present(message, with_metadata=True) for message in found]

    def ephemerals(self, member: str, *, team: str = LOCAL) -> list[Json]:
        """What only this person sees, oldest first."""
        return [dict(message) for message in self.team(team).ephemerals if message["to"] == member]

    def views(self, member: str, *, team: str = LOCAL) -> list[Json]:
        """The person's open modals, the top one last."""
        return self.team(team).open_views(member)

    def home(self, member: str, *, team: str = LOCAL) -> Json | None:
        return self.team(team).homes.get(member)

    def files(self, *, team: str = LOCAL) -> list[Json]:
        """The files that were completely uploaded, as files.info returns them."""
        home = self.team(team)
        return [home.present_file(file) for file in home.files.values() if file.complete]

    def content(self, file_id: str, *, team: str = LOCAL) -> bytes:
        home = self.team(team)
        return home.content(home.file(file_id))

    async def wait_for(self, predicate: Callable[[], T], timeout: float = 5.0) -> T:
        """The first truthy result of `predicate`, asked again after every change and delivery.

        Raises:
            TimeoutError: it stayed falsy (in real seconds).
        """
        return await self._core.journal.wait_for(predicate, timeout)

    # --- small routes ---------------------------------------------------------------------------------------------

    async def _response(self, request: web.Request) -> web.Response:
        return await responses.handle(self._core, request)

    async def _upload(self, request: web.Request) -> web.Response:
        """The second step of an upload: the bytes, raw or as a form's file."""
        team = self._core.teams.get(request.match_info["team"])
        file = team.files.get(request.match_info["file"]) if team else None
        if team is None or file is None or file.complete:
            raise web.HTTPNotFound(text="no such upload")
        content = await request.read()
        if request.content_type == "multipart/form-data":
            parts = [part.file.read() for part in (await request.post()).values() if isinstance(part, web.FileField)]
            content = parts[0] if parts else b""
        if len(content) != file.size:
            raise web.HTTPBadRequest(text=f"expected {file.size} bytes, got {len(content)}")
        team.save_content(file, content)
        return web.Response(text=f"OK - {len(content)}")

    def _announce_connection(self) -> None:
        self._core.journal.record({"type": "bot", "team": "*", "audience": None, "connected": self.delivery.reachable})
