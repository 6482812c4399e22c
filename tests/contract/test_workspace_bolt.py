"""The real slack_bolt, over signed HTTP and over Socket Mode, is served as by Slack."""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_sdk.oauth.installation_store import FileInstallationStore
from slack_sdk.oauth.state_store import FileOAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import LocalWorkspace

logging.getLogger("slack_bolt").setLevel(logging.CRITICAL)
ADA, BEN, QUALITY = "U0ADA", "U0BEN", "C0QUALITY"
Serve = Callable[[LocalWorkspace, Any], AbstractAsyncContextManager[None]]


def bolt_app(workspace: LocalWorkspace) -> Any:
    client: Any = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)
    return AsyncApp(client=client, signing_secret=workspace.signing_secret)


@asynccontextmanager
async def over_http(workspace: LocalWorkspace, app: Any) -> AsyncGenerator[None, None]:
    server = app.server(port=0, path="/slack/events")
    runner = web.AppRunner(server.web_app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    workspace.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        yield
    finally:
        workspace.request_url = None
        await runner.cleanup()


@asynccontextmanager
async def over_sockets(workspace: LocalWorkspace, app: Any) -> AsyncGenerator[None, None]:
    handler = AsyncSocketModeHandler(app, workspace.app_token, web_client=app.client)
    await handler.connect_async()
    await workspace.wait_for(lambda: workspace.sockets.connected == 1)
    yield
    await handler.close_async()


@pytest.fixture(params=[over_http, over_sockets], ids=["http", "socket"])
def serve(request: pytest.FixtureRequest) -> Serve:
    return request.param


@pytest.fixture
async def workspace() -> AsyncIterator[LocalWorkspace]:
    async with LocalWorkspace() as workspace:
        yield workspace


async def test_a_command_is_answered_by_ack_by_response_url_and_in_the_channel(
    workspace: LocalWorkspace, serve: Serve
) -> None:
    app: Any = bolt_app(workspace)
    seen: list[dict[str, Any]] = []

    @app.command("/convotest")
    async def handle(ack: Any, command: dict[str, Any], respond: Any, say: Any) -> None:
        seen.append(command)
        await ack("working on it")
        await respond("only you")
        await say(text="run started")

    async with serve(workspace, app):
        result = await workspace.type_command(QUALITY, ADA, "/convotest run pizza & @ben in #general")
        await workspace.wait_for(lambda: workspace.messages(QUALITY))

    assert result.acknowledged and result.shown[0]["text"] == "working on it"
    assert {m["text"] for m in workspace.ephemerals(ADA)} == {"working on it", "only you"}
    assert workspace.messages(QUALITY)[0]["text"] == "run started"
    assert seen[0]["text"] == "run pizza &amp; <@U0BEN|ben> in <#C0GENERAL|general>"
    assert (seen[0]["channel_id"], seen[0]["user_id"], seen[0]["team_id"]) == (QUALITY, ADA, "T0LOCAL")


async def test_a_button_opens_a_modal_whose_errors_and_result_come_back(
    workspace: LocalWorkspace, serve: Serve
) -> None:
    app: Any = bolt_app(workspace)
    modal = {
        "type": "modal",
        "callback_id": "why",
        "title": {"type": "plain_text", "text": "Why?"},
        "submit": {"type": "plain_text", "text": "Send"},
        "blocks": [
            {
                "type": "input",
                "block_id": "reason",
                "label": {"type": "plain_text", "text": "Reason"},
                "element": {"type": "plain_text_input", "action_id": "text", "min_length": 3},
            }
        ],
    }

    @app.action("rate")
    async def rate(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        assert body["message"]["ts"] == body["container"]["message_ts"] and body["actions"][0]["value"] == "down"
        await client.views_open(trigger_id=body["trigger_id"], view=modal)

    @app.view("why")
    async def submitted(ack: Any, view: dict[str, Any], client: Any, body: dict[str, Any]) -> None:
        text = view["state"]["values"]["reason"]["text"]["value"]
        if text == "bad":
            await ack(response_action="errors", errors={"reason": "say more"})
            return
        await ack()
        await client.chat_postMessage(channel=QUALITY, text=f"{body['user']['id']}: {text}")

    button = {"type": "button", "action_id": "rate", "text": {"type": "plain_text", "text": "No"}, "value": "down"}
    async with serve(workspace, app):
        posted = await app.client.chat_postMessage(
            channel=QUALITY, text="turn", blocks=[{"type": "actions", "elements": [button]}]
        )
        await workspace.click(BEN, QUALITY, posted["ts"], "rate")
        view = (await workspace.wait_for(lambda: workspace.views(BEN)))[-1]
        too_short = await workspace.submit_view(BEN, view["id"], {"reason": "x"})
        refused = await workspace.submit_view(BEN, view["id"], {"reason": "bad"})
        accepted = await workspace.submit_view(BEN, view["id"], {"reason": "wrong price"})
        await workspace.wait_for(lambda: len(workspace.messages(QUALITY)) == 2)

    assert too_short.errors == {"reason": "Please use at least 3 characters"}
    assert refused.errors == {"reason": "say more"}
    assert accepted.acknowledged and not workspace.views(BEN)
    assert workspace.messages(QUALITY)[1]["text"] == "U0BEN: wrong price"


async def test_reactions_mentions_and_direct_messages_arrive_as_events(workspace: LocalWorkspace, serve: Serve) -> None:
    app: Any = bolt_app(workspace)
    seen: list[dict[str, Any]] = []
    done = asyncio.Event()

    async def remember(event: dict[str, Any]) -> None:
        seen.append(event)
        if len(seen) == 5:
            done.set()

    for name in ("reaction_added", "reaction_removed", "app_mention", "message", "app_home_opened"):
        app.event(name)(remember)

    async with serve(workspace, app):
        posted = await app.client.chat_postMessage(channel=QUALITY, text="turn")
        await workspace.react(ADA, QUALITY, posted["ts"], "+1")
        await workspace.unreact(ADA, QUALITY, posted["ts"], "+1")
        await workspace.post_as_member(BEN, QUALITY, "@convotest more?", thread_ts=posted["ts"])
        await workspace.post_as_member(BEN, "U0BEN", "hello bot")
        await workspace.open_home(BEN)
        await asyncio.wait_for(done.wait(), 5)
        await workspace.delivery.idle()

    by_type = {event["type"]: event for event in seen}
    assert by_type["reaction_added"]["item"] == {"type": "message", "channel": QUALITY, "ts": posted["ts"]}
    assert by_type["reaction_removed"]["reaction"] == "+1"
    assert by_type["app_mention"]["thread_ts"] == posted["ts"] and "<@U0BOT>" in by_type["app_mention"]["text"]
    assert by_type["message"]["channel_type"] == "im"
    assert by_type["app_home_opened"]["tab"] == "home"


async def test_views_are_pushed_updated_and_cleared_by_answers(workspace: LocalWorkspace, serve: Serve) -> None:
    app: Any = bolt_app(workspace)
    answers = ["push", "update", "clear"]

    def modal(title: str) -> dict[str, Any]:
        words = {"type": "plain_text", "text": title}
        blocks = [{"type": "section", "text": words}]
        return {"type": "modal", "callback_id": "v", "title": words, "submit": words, "blocks": blocks}

    @app.shortcut("start")
    async def start(ack: Any, shortcut: dict[str, Any], client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=shortcut["trigger_id"], view=modal("first"))

    @app.view("v")
    async def submitted(ack: Any) -> None:
        answer = answers.pop(0)
        await ack(response_action=answer, **({} if answer == "clear" else {"view": modal(answer)}))

    titles: list[list[str]] = []
    async with serve(workspace, app):
        await workspace.shortcut(ADA, "start")
        await workspace.wait_for(lambda: workspace.views(ADA))
        while views := workspace.views(ADA):
            titles.append([view["title"]["text"] for view in views])
            await workspace.submit_view(ADA, views[-1]["id"])

    assert titles == [["first"], ["first", "push"], ["first", "update"]]


async def test_the_bots_own_reaction_comes_back_and_bolt_drops_it(workspace: LocalWorkspace, serve: Serve) -> None:
    app: Any = bolt_app(workspace)
    seen: list[str] = []

    @app.event("reaction_added")
    async def added(event: dict[str, Any]) -> None:
        seen.append(event["user"])

    async with serve(workspace, app):
        posted = await app.client.chat_postMessage(channel=QUALITY, text="turn")
        await app.client.reactions_add(channel=QUALITY, timestamp=posted["ts"], name="+1")
        await workspace.react(BEN, QUALITY, posted["ts"], "+1")
        await workspace.delivery.idle()

    assert seen == [BEN]  # Bolt drops what the bot did itself


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated")  # slack_sdk 3.47 still uses it with aiohttp 3.14
async def test_bolt_is_installed_by_oauth_and_renews_its_token(tmp_path: Path) -> None:
    async with LocalWorkspace(token_rotation=True) as workspace:
        store = FileInstallationStore(base_dir=str(tmp_path))
        settings = AsyncOAuthSettings(
            client_id="local-client-id",
            client_secret="local-client-secret",
            scopes=["commands", "chat:write"],
            authorization_url=workspace.authorize_url,
            installation_store=store,
            state_store=FileOAuthStateStore(expiration_seconds=60, base_dir=str(tmp_path)),
            token_rotation_expiration_minutes=13 * 60,  # more than a token's life: each is renewed at its first use
        )
        client: Any = AsyncWebClient(base_url=workspace.api_url)
        rotating: Any = settings.authorize
        rotating.token_rotator.client = client  # Bolt renews tokens at slack.com, whatever client it was given
        flow = AsyncOAuthFlow(client=client, settings=settings)
        app: Any = AsyncApp(client=client, signing_secret=workspace.signing_secret, oauth_flow=flow)

        @app.command("/convotest")
        async def handle(ack: Any, say: Any) -> None:
            await ack()
            await say("with a renewed token")

        async with over_http(workspace, app):
            await install(workspace)
            granted = await store.async_find_installation(enterprise_id=None, team_id="T0LOCAL")
            await workspace.type_command(QUALITY, ADA, "/convotest help")
            await workspace.wait_for(lambda: workspace.messages(QUALITY))
        renewed = await store.async_find_installation(enterprise_id=None, team_id="T0LOCAL")

    assert granted is not None and renewed is not None
    assert granted.bot_token and renewed.bot_token and granted.bot_token != renewed.bot_token
    assert granted.bot_refresh_token != renewed.bot_refresh_token


async def install(workspace: LocalWorkspace) -> None:
    """Follow Bolt's install page through the workspace's question back to Bolt, as a browser does."""
    assert workspace.request_url is not None
    app_url = workspace.request_url.removesuffix("/slack/events")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        page = await (await browser.get(f"{app_url}/slack/install")).text()
        [asked] = re.findall(r'href="([^"]+/oauth/v2/authorize[^"]+)"', page)
        query = dict(parse_qsl(urlsplit(str(asked).replace("&amp;", "&")).query))
        await browser.get(workspace.authorize_url, params=query)
        form = {"state": query["state"], "team": "T0LOCAL", "answer": "allow"}
        answer = await browser.post(
            workspace.authorize_url,
            data={**form, "redirect_uri": f"{app_url}/slack/oauth_redirect"},
            allow_redirects=False,
        )
        state = {"slack-app-oauth-state": form["state"]}  # Bolt marks its cookie as one for https
        done = await browser.get(answer.headers["Location"], cookies=state)
        assert done.status == 200, await done.text()
