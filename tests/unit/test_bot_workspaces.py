"""One bot in two workspaces that installed it by OAuth, with the same names and ids in both: nobody sees the other."""

import re
import sqlite3
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from pydantic import SecretStr
from slack_sdk.oauth.installation_store import Bot, Installation
from slack_sdk.web.async_client import AsyncWebClient

from bot.commands import COMMANDS
from bot.installations import Seal, open_many_workspaces
from bot.oauth import OAuthPages
from bot.outbox import Pace
from bot.poster import Refused
from bot.wiring import serving
from bot.workspace import LOCAL, OTHER, LocalWorkspace
from bot.workspace.methods import oauth as oauth_methods
from bot.workspace.methods.oauth import granted
from jobs.bundle import Ports
from jobs.clock import SystemClock
from jobs.dispatcher import Dispatcher
from jobs.errors import ConfigurationError
from jobs.model import WorkspaceId
from jobs.settings import Settings
from jobs.store import open_store
from jobs.testing import InlineEngine, testing_ports

QUICK = Pace(message_s=0.0, burst=100, edit_s=0.05, edit_per_run_s=0.0, poll_s=0.05)
KEY = "0123456789abcdef" * 4
CHANNEL, ADA = "C0QUALITY", "U0ADA"
TEAMS = (LOCAL, OTHER)
STARTING = {"run", "ask", "cancel", "digest", "history", "feedback"}
"""Verbs that answer in the channel; what they start and show has tests of its own."""
READING = (
    "show all", "show last", "ab list", "ab show last", "status", "profiles", "assistants", "help", "audit",
    "actions", "baseline", "rollout", "schedule list",
)  # fmt: skip

pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated")  # slack_sdk still uses it


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A workspace of two teams, and the bot that serves it."""

    workspace: LocalWorkspace
    ports: Ports
    url: str

    async def install(self, team: str, *, cookie: str | None = None, state: str | None = None) -> tuple[int, str]:
        """Install the app as a browser would; status and page of the last step."""
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            first = await browser.get(f"{self.url}/slack/install")
            [asked] = re.findall(r'href="([^"]+/oauth/v2/authorize[^"]+)"', await first.text())
            query = parse_qs(urlsplit(str(asked).replace("&amp;", "&")).query)
            await browser.get(self.workspace.authorize_url, params={name: each[0] for name, each in query.items()})
            form = {"state": query["state"][0], "team": team, "answer": "allow"}
            answer = await browser.post(
                self.workspace.authorize_url,
                data={**form, "redirect_uri": f"{self.url}/slack/oauth_redirect"},
                allow_redirects=False,
            )
            location = answer.headers["Location"]
            if state is not None:
                location = location.replace(query["state"][0], state)
            sent = cookie or "; ".join(f"{name}={each.value}" for name, each in first.cookies.items())
            done = await browser.get(location, headers={"Cookie": sent})
            return done.status, await done.text()

    async def installed(self, *teams: str) -> None:
        for team in teams:
            status, page = await self.install(team)
            assert status == 200, page

    def texts(self, team: str) -> list[str]:
        """Everything that stands in the channel of a team, threads included."""
        found: list[str] = []
        for message in self.workspace.messages(CHANNEL, team=team):
            if message.get("metadata"):
                found += [each["text"] for each in self.workspace.messages(CHANNEL, message["ts"], team=team)]
        return found

    async def finished(self, team: str, runs: int = 1) -> list[str]:
        def done() -> list[str]:
            texts = self.texts(team)
            return texts if sum("is finished" in text for text in texts) == runs else []

        return await self.workspace.wait_for(done, 20)

    async def settled(self) -> tuple[int, set[str]]:
        """What is unsent to the first team, and the states of the other's runs, once both have come to rest."""
        left, states = -1, set[str]()
        for _ in range(200):
            left = (await self.ports.store.outbox.backlog(WorkspaceId(LOCAL))).waiting
            states = {run.state for run in await self.ports.store.runs.recent(WorkspaceId(OTHER), limit=9)}
            if left == 0 and states <= {"cancelled", "finished"}:
                break
            await self.ports.bell.wait(at_most_s=0.05)
        return left, states

    async def told(self, team: str, text: str) -> str:
        """What only the member who types a command is told."""
        before = len(self.workspace.ephemerals(ADA, team=team))
        await self.workspace.type_command(CHANNEL, ADA, text, team=team)
        shown = await self.workspace.wait_for(lambda: self.workspace.ephemerals(ADA, team=team)[before:])
        return str(shown[0])


def settings_for(workspace: LocalWorkspace, directory: Path, **changes: Any) -> Settings:
    return Settings(
        convotest_database_url=f"sqlite:///{directory / 'convotest.db'}",
        slack_api_url=workspace.api_url,
        slack_signing_secret=SecretStr(workspace.signing_secret),
        slack_client_id="local-client-id",
        slack_client_secret=SecretStr("local-client-secret"),
        convotest_secret_key=SecretStr(KEY),
        convotest_port=0,
    ).model_copy(update=changes)


@asynccontextmanager
async def staged(directory: Path, **options: Any) -> AsyncGenerator[Stage]:
    async with LocalWorkspace(rate_limits=False, other_workspace=True, **options) as workspace:
        settings = settings_for(workspace, directory)
        async with testing_ports(directory, clock=SystemClock(), settings=settings) as ports:
            dispatcher = Dispatcher(InlineEngine(), ports)
            await dispatcher.start()
            try:
                async with serving(ports, pace=QUICK) as bot:
                    url = f"http://127.0.0.1:{bot.port}"
                    workspace.request_url = f"{url}/slack/events"
                    yield Stage(workspace=workspace, ports=ports, url=url)
            finally:
                await dispatcher.stop()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with staged(tmp_path, token_rotation=True) as stage:
        yield stage


async def test_both_workspaces_work_and_neither_sees_the_other(stage: Stage) -> None:
    await stage.installed(*TEAMS)
    seeds = {LOCAL: 7, OTHER: 8}
    for team in TEAMS:
        await stage.workspace.type_command(CHANNEL, ADA, f"/convotest run pizza n=1 seed={seeds[team]}", team=team)
    for team in TEAMS:
        assert (await stage.finished(team))[0].startswith(("0 of 1", "1 of 1"))
    runs = {team: (await stage.ports.store.runs.recent(WorkspaceId(team), limit=9))[0] for team in TEAMS}

    for team, stranger in (TEAMS, TEAMS[::-1]):
        mine, theirs = runs[team].id[-8:], runs[stranger].id[-8:]
        assert mine in await stage.told(team, "/convotest show all")
        assert mine in await stage.told(team, "/convotest show last")
        for line in READING:
            assert theirs not in await stage.told(team, f"/convotest {line}"), line
        for verb in ("show", "cancel"):
            assert "no run" in await stage.told(team, f"/convotest {verb} {theirs}")
        assert not any(theirs in text for text in stage.texts(team))
    files = [len(stage.workspace.files(team=team)) for team in TEAMS]
    assert files == [1, 1]


async def test_an_ab_test_of_one_workspace_is_none_of_the_others(stage: Stage) -> None:
    await stage.installed(*TEAMS)
    command = "/convotest ab pizza a=pizza@good b=pizza@faulty n=2 seed=7"
    for team in TEAMS:
        await stage.workspace.type_command(CHANNEL, ADA, command, team=team)
    for team in TEAMS:
        await stage.finished(team)
    tests = {team: (await stage.ports.store.experiments.recent(WorkspaceId(team), limit=9)) for team in TEAMS}

    assert [len(each) for each in tests.values()] == [1, 1]
    for team, stranger in (TEAMS, TEAMS[::-1]):
        mine, theirs = tests[team][0].id[-8:], tests[stranger][0].id[-8:]
        assert mine in await stage.told(team, "/convotest ab list")
        assert mine in await stage.told(team, "/convotest ab show last")
        for line in READING:
            assert theirs not in await stage.told(team, f"/convotest {line}"), line
        for verb in ("show", "cancel", "extend"):
            assert "no A/B test" in await stage.told(team, f"/convotest ab {verb} {theirs}")


def test_every_verb_is_tried_from_both_workspaces() -> None:
    assert {line.split()[0] for line in READING} == set(COMMANDS) - STARTING


async def test_a_button_of_another_workspaces_run_does_nothing(stage: Stage) -> None:
    await stage.installed(*TEAMS)
    await stage.workspace.type_command(CHANNEL, ADA, "/convotest run pizza n=1 seed=7", team=OTHER)
    await stage.finished(OTHER)
    await stage.workspace.type_command(CHANNEL, ADA, "/convotest run pizza n=1 seed=7")
    await stage.finished(LOCAL)
    (theirs,) = await stage.ports.store.runs.recent(WorkspaceId(OTHER), limit=9)
    local = stage.workspace.team()
    [card] = [each for each in stage.workspace.messages(CHANNEL) if each.get("metadata")]
    forged = [{**block, "elements": [{**each, "value": theirs.id} for each in block["elements"]]}
              if block["type"] == "actions" else block for block in card["blocks"]]  # fmt: skip
    local.change_message(local.channel(CHANNEL), local.message(local.channel(CHANNEL), card["ts"]), blocks=forged)

    await stage.workspace.click(ADA, CHANNEL, card["ts"], "run_rerun")
    told = await stage.workspace.wait_for(lambda: stage.workspace.ephemerals(ADA))

    assert "not known here" in told[0]["text"]
    for team in TEAMS:
        assert len(await stage.ports.store.runs.recent(WorkspaceId(team), limit=9)) == 1


async def test_after_one_is_removed_the_other_goes_on_in_the_background_too(stage: Stage, tmp_path: Path) -> None:
    await stage.installed(*TEAMS)
    for team in TEAMS:
        await stage.workspace.type_command(CHANNEL, ADA, "/convotest run pizza n=12 seed=7", team=team)
    await stage.workspace.wait_for(lambda: stage.texts(OTHER), 20)

    await stage.workspace.uninstall(team=OTHER)
    await stage.finished(LOCAL)
    await stage.workspace.type_command(CHANNEL, ADA, "/convotest run pizza n=1 seed=8")
    await stage.finished(LOCAL, runs=2)

    assert await stage.settled() == (0, {"cancelled"})
    assert teams_in(tmp_path) == {LOCAL}
    refused = await stage.workspace.type_command(CHANNEL, ADA, "/convotest help", team=OTHER)
    assert "not installed" in str(refused.shown)


def teams_in(directory: Path) -> set[str]:
    with sqlite3.connect(directory / "convotest.db") as database:
        rows = database.execute("select team_id from slack_bots union select team_id from slack_installations")
        found = {str(row[0]) for row in rows}
    database.close()
    return found


async def test_a_late_word_of_a_removal_does_not_undo_a_new_installation(stage: Stage, tmp_path: Path) -> None:
    await stage.installed(LOCAL)
    await stage.workspace.uninstall()
    while teams_in(tmp_path):
        await stage.ports.bell.wait(at_most_s=0.05)
    await stage.installed(LOCAL)

    stage.workspace.delivery.event(stage.workspace.team(), {"type": "app_uninstalled"})
    await stage.workspace.delivery.idle()
    await stage.workspace.type_command(CHANNEL, ADA, "/convotest run pizza n=1 seed=7")

    assert await stage.finished(LOCAL)
    assert teams_in(tmp_path) == {LOCAL}


async def test_no_token_stands_readable_in_the_database(stage: Stage, tmp_path: Path) -> None:
    await stage.installed(LOCAL)

    content = b"".join(path.read_bytes() for path in tmp_path.glob("convotest.db*"))

    assert b"slack_bots" in content
    for token in (b"xoxb", b"xoxe", b"local-client-secret", KEY.encode()):
        assert token not in content


async def test_a_token_that_runs_out_is_renewed_before_it_is_used(stage: Stage, tmp_path: Path) -> None:
    await stage.installed(LOCAL)
    granted = bot_in(tmp_path)
    run_out(tmp_path, in_s=60)

    await stage.workspace.type_command(CHANNEL, ADA, "/convotest run pizza n=1 seed=7")
    await stage.finished(LOCAL)

    renewed = bot_in(tmp_path)
    assert renewed.bot_token != granted.bot_token and renewed.bot_refresh_token != granted.bot_refresh_token
    assert (renewed.bot_token_expires_at or 0) > time.time() + 11 * 3600


async def test_two_processes_that_renew_at_once_end_with_one_good_token(stage: Stage, tmp_path: Path) -> None:
    await stage.installed(LOCAL)
    run_out(tmp_path, in_s=-60)
    async with another_process(stage) as second, another_process(stage) as third:
        one, two = await second.token(WorkspaceId(LOCAL)), await third.token(WorkspaceId(LOCAL))

    assert one == two == bot_in(tmp_path).bot_token


async def test_without_any_good_token_the_reason_is_said(stage: Stage, tmp_path: Path) -> None:
    await stage.installed(LOCAL)
    run_out(tmp_path, in_s=-60)
    await stage.workspace.uninstall()
    async with another_process(stage) as other:
        with pytest.raises(Refused, match=r"ran out|removed"):
            await other.token(WorkspaceId(LOCAL))
        with pytest.raises(Refused, match="removed"):
            await other.token(WorkspaceId("T9"))


@asynccontextmanager
async def another_process(stage: Stage) -> AsyncGenerator[Any]:
    async with open_many_workspaces(
        stage.ports.store.database_url,
        client_id="local-client-id",
        client_secret="local-client-secret",
        key=KEY,
        client=AsyncWebClient(base_url=stage.workspace.api_url),
    ) as installed:
        yield installed


def bot_in(directory: Path) -> Bot:
    with sqlite3.connect(directory / "convotest.db") as database:
        database.row_factory = sqlite3.Row
        row: dict[str, Any] = dict(database.execute("select * from slack_bots where team_id = ?", (LOCAL,)).fetchone())
    database.close()
    seal = Seal(KEY)
    row |= {name: seal.open(row[name]) for name in ("bot_token", "bot_refresh_token")}
    del row["id"], row["client_id"]
    return Bot(**row)


def run_out(directory: Path, *, in_s: float) -> None:
    with sqlite3.connect(directory / "convotest.db", timeout=10) as database:
        end = time.strftime("%Y-%m-%d %H:%M:%S.000000", time.gmtime(time.time() + in_s))
        database.execute("update slack_bots set bot_token_expires_at = ?", (end,))
    database.close()


async def test_a_forged_state_and_a_strange_browser_install_nothing(stage: Stage, tmp_path: Path) -> None:
    strange = await stage.install(LOCAL, cookie="slack-app-oauth-state=other")
    forged = await stage.install(LOCAL, cookie="slack-app-oauth-state=made-up", state="made-up")
    async with aiohttp.ClientSession() as session:
        refused = await session.get(f"{stage.url}/slack/oauth_redirect?error=<script>alert(1)</script>")
        nothing = await session.get(f"{stage.url}/slack/oauth_redirect")
        page = await refused.text()

    assert (strange[0], forged[0], nothing.status) == (400, 401, 400)
    assert "<script>" not in page
    assert teams_in(tmp_path) == set()


async def test_an_installation_for_a_whole_organisation_is_refused_and_given_back(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def organisation_wide(core: Any, team_id: str, installer: str) -> dict[str, Any]:
        answer = granted(core, team_id, installer)
        return {**answer, "team": None, "enterprise": {"id": "E1", "name": "Org"}, "is_enterprise_install": True}

    monkeypatch.setattr(oauth_methods, "granted", organisation_wide)
    status, page = await stage.install(LOCAL)

    assert status == 400 and "workspace by workspace" in page
    assert teams_in(tmp_path) == set()
    core: Any = stage.workspace._core  # pyright: ignore[reportPrivateUsage]  # no page shows tokens that have ended
    granted_now = [token for token in core.tokens.values() if token.kind == "bot" and token.expires]
    assert granted_now and all(token.revoked for token in granted_now)


async def test_nothing_of_an_installation_is_asked_of_another_host_than_the_configured_one(
    stage: Stage, tmp_path: Path
) -> None:
    client = AsyncWebClient(base_url=stage.workspace.api_url)
    async with another_process(stage) as installed:
        pages: Any = OAuthPages(
            installed, client_id="1.2", client_secret="s", public_url=None, client=client, clock=SystemClock()
        )
        flow = pages._flow

        assert flow.client.base_url == stage.workspace.api_url
        assert flow.settings.authorize.token_rotator.client.base_url == stage.workspace.api_url


async def test_another_key_is_said_to_be_another_key() -> None:
    sealed = Seal(KEY).close("xoxb-1")

    with pytest.raises(ConfigurationError, match="another CONVOTEST_SECRET_KEY"):
        Seal("f" * 64).open(sealed)
    with pytest.raises(ConfigurationError, match="openssl rand"):
        Seal("short")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"convotest_secret_key": None}, "CONVOTEST_SECRET_KEY is not set"),
        ({"slack_client_secret": None}, "set both SLACK_CLIENT_ID and SLACK_CLIENT_SECRET"),
        ({"slack_bot_token": SecretStr("xoxb-1")}, "unset one or the others"),
        ({"slack_signing_secret": None}, "SLACK_SIGNING_SECRET"),
    ],
)
async def test_settings_that_contradict_each_other_are_named(
    tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    async with LocalWorkspace(other_workspace=True) as workspace:
        settings = settings_for(workspace, tmp_path, **changes)
        async with testing_ports(tmp_path, settings=settings) as ports:
            with pytest.raises(ConfigurationError, match=says):
                async with serving(ports):
                    pass


@pytest.mark.postgres
async def test_installations_are_kept_and_forgotten_on_postgresql_too(postgres_url: str) -> None:
    async with (
        open_store(postgres_url, SystemClock()),
        open_many_workspaces(
            postgres_url, client_id="c", client_secret="s", key=KEY, client=AsyncWebClient()
        ) as installed,
    ):
        for team in ("T1", "T2"):
            await installed.store.async_save(
                Installation(
                    app_id="A1", user_id="U1", team_id=team, bot_token=f"xoxb-{team}" + "x" * 180, bot_scopes="commands"
                )
            )
        states: Any = installed.states  # half typed
        state = await states.async_issue()
        await installed.forget(WorkspaceId("T1"))

        assert await installed.workspaces() == {"T2"}
        assert (await installed.token(WorkspaceId("T2"))).startswith("xoxb-T2")
        assert await states.async_consume(state)
        await installed.forget_old_states()
        with pytest.raises(Refused, match="removed"):
            await installed.token(WorkspaceId("T1"))
