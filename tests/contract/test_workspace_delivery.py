"""Requests to the bot are signed, waited for, retried and answered as Slack does it."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.workspace import LocalWorkspace, ManualClock

ADA, BEN, QUALITY = "U0ADA", "U0BEN", "C0QUALITY"
Handler = Callable[[web.Request], Awaitable[web.Response]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def workspace(clock: ManualClock) -> AsyncIterator[LocalWorkspace]:
    async with LocalWorkspace(clock=clock) as workspace:
        yield workspace


class Bot:
    """An HTTP bot that remembers what it got and answers with the next of its statuses."""

    def __init__(self, *statuses: int, headers: dict[str, str] | None = None) -> None:
        self.statuses, self.headers = list(statuses), headers
        self.requests: list[tuple[dict[str, str], str]] = []
        self.silent = False
        self.arrived = asyncio.Event()

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append(({name.lower(): value for name, value in request.headers.items()}, await request.text()))
        self.arrived.set()
        if self.silent:
            await asyncio.Event().wait()
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200, headers=self.headers)

    @asynccontextmanager
    async def serving(self, workspace: LocalWorkspace) -> AsyncGenerator["Bot", None]:
        app = web.Application()
        app.router.add_post("/slack/events", self.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.01)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        workspace.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
        yield self
        workspace.request_url = None
        await runner.cleanup()


async def test_requests_carry_a_signature_that_slack_sdk_accepts(workspace: LocalWorkspace, clock: ManualClock) -> None:
    async with Bot().serving(workspace) as bot:
        await workspace.type_command(QUALITY, ADA, "/convotest help")
        headers, body = bot.requests[0]

    class Now:
        def now(self) -> float:
            return clock.now().timestamp()

    assert SignatureVerifier(workspace.signing_secret, clock=Now()).is_valid_request(body, headers)  # pyright: ignore[reportArgumentType] - the SDK's clock class has only this method
    assert not SignatureVerifier("another", clock=Now()).is_valid_request(body, headers)  # pyright: ignore[reportArgumentType]
    assert parse_qs(body)["text"] == ["help"]


async def test_a_command_without_answer_in_three_seconds_times_out_for_the_person(
    workspace: LocalWorkspace, clock: ManualClock
) -> None:
    async with Bot().serving(workspace) as bot:
        bot.silent = True
        typed = asyncio.create_task(workspace.type_command(QUALITY, ADA, "/convotest run"))
        await bot.arrived.wait()
        await clock.advance(3)
        result = await typed

    assert (result.acknowledged, result.error) == (False, "operation_timeout")
    assert "operation_timeout" in workspace.ephemerals(ADA)[0]["text"]


async def test_a_command_that_reaches_nobody_says_dispatch_failed(workspace: LocalWorkspace) -> None:
    result = await workspace.type_command(QUALITY, ADA, "/convotest run")

    assert result.error == "dispatch_failed"


async def test_an_unacknowledged_event_comes_again_at_once_after_a_minute_and_after_five(
    workspace: LocalWorkspace, clock: ManualClock
) -> None:
    async with Bot(500, 503, 500, 500).serving(workspace) as bot:
        await workspace.post_as_member(ADA, QUALITY, "@convotest hi")
        await workspace.wait_for(lambda: len(bot.requests) == 2 and len(workspace.attempts) == 2)
        await clock.advance(60)
        await workspace.wait_for(lambda: len(workspace.attempts) == 3)
        await clock.advance(299)
        assert len(workspace.attempts) == 3
        await clock.advance(1)
        await workspace.delivery.idle()

    retries = [(h.get("x-slack-retry-num"), h.get("x-slack-retry-reason")) for h, _ in bot.requests]
    assert retries == [(None, None), ("1", "http_error"), ("2", "http_error"), ("3", "http_error")]
    assert len({json.loads(body)["event_id"] for _, body in bot.requests}) == 1


async def test_a_bot_may_ask_for_no_retry(workspace: LocalWorkspace) -> None:
    async with Bot(500, headers={"x-slack-no-retry": "1"}).serving(workspace) as bot:
        await workspace.post_as_member(ADA, QUALITY, "@convotest hi")
        await workspace.delivery.idle()

    assert len(bot.requests) == 1


async def test_only_subscribed_messages_become_events(workspace: LocalWorkspace) -> None:
    async with Bot().serving(workspace) as bot:
        await workspace.post_as_member(ADA, QUALITY, "nothing for the bot")
        await workspace.post_as_member(ADA, "C0RANDOM", "@convotest is not in here")
        await workspace.delivery.idle()

    assert bot.requests == []


async def test_an_invited_bot_may_post(workspace: LocalWorkspace) -> None:
    await workspace.type_command("C0RANDOM", ADA, "/invite @convotest")
    client: Any = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)

    assert (await client.chat_postMessage(channel="C0RANDOM", text="hello"))["ok"]


async def response_url(workspace: LocalWorkspace) -> str:
    await workspace.type_command(QUALITY, ADA, "/convotest help")
    return str(workspace.attempts[-1].payload["response_url"])


async def test_a_response_url_serves_five_times_and_half_an_hour(workspace: LocalWorkspace, clock: ManualClock) -> None:
    async with Bot().serving(workspace):
        hook: Any = AsyncWebhookClient(await response_url(workspace))
        statuses = [(await hook.send(text=str(number))).status_code for number in range(6)]
        late: Any = AsyncWebhookClient(await response_url(workspace))
        await clock.advance(30 * 60 + 1)
        expired = await late.send(text="late")

    assert statuses == [200] * 5 + [404]
    assert json.loads(expired.body)["error"] == "expired_url"
    assert [m["text"] for m in workspace.ephemerals(ADA)] == ["0", "1", "2", "3", "4"]


async def test_a_clicked_message_is_replaced_and_deleted_through_its_response_url(workspace: LocalWorkspace) -> None:
    button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
    client: Any = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)
    blocks = [{"type": "actions", "elements": [button]}]
    await client.chat_postMessage(channel=QUALITY, text="card", blocks=blocks)
    await client.chat_postEphemeral(channel=QUALITY, user=ADA, text="yours", blocks=blocks)
    async with Bot().serving(workspace):
        await workspace.click(ADA, QUALITY, workspace.messages(QUALITY)[0]["ts"], "go")
        await workspace.click(ADA, QUALITY, workspace.ephemerals(ADA)[0]["ts"], "go")
        on_card, on_ephemeral = (AsyncWebhookClient(a.payload["response_url"]) for a in workspace.attempts)
        await on_card.send(text="replaced", replace_original=True)
        await on_ephemeral.send(delete_original=True)

    assert [(m["text"], "blocks" in m) for m in workspace.messages(QUALITY)] == [("replaced", False)]
    assert workspace.ephemerals(ADA) == []


# --- Socket Mode --------------------------------------------------------------------------------------------------


class SocketBot:
    """A Socket Mode bot of slack_sdk that remembers requests and acknowledges them when told to."""

    def __init__(self, workspace: LocalWorkspace) -> None:
        web_client = AsyncWebClient(base_url=workspace.api_url)
        self.client = SocketModeClient(app_token=workspace.app_token, web_client=web_client, ping_interval=0.05)
        self.requests: list[Any] = []
        self.answers = True
        self.arrived = asyncio.Event()
        self.client.socket_mode_request_listeners.append(self.listen)  # pyright: ignore[reportArgumentType] - a bound method serves as listener

    async def listen(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        self.requests.append(request)
        self.arrived.set()
        if self.answers:
            await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))


@asynccontextmanager
async def socket_bots(workspace: LocalWorkspace, count: int) -> AsyncGenerator[list[SocketBot], None]:
    bots = [SocketBot(workspace) for _ in range(count)]
    for bot in bots:
        await bot.client.connect()
    await workspace.wait_for(lambda: workspace.sockets.connected == count)
    yield bots
    for bot in bots:
        await bot.client.close()


async def test_each_event_goes_to_one_of_the_sockets(workspace: LocalWorkspace) -> None:
    async with socket_bots(workspace, 2) as bots:
        for number in range(4):
            await workspace.post_as_member(ADA, QUALITY, f"@convotest {number}")
        await workspace.delivery.idle()

    assert [len(bot.requests) for bot in bots] == [2, 2]


async def test_an_event_that_a_socket_leaves_unanswered_is_marked_as_a_retry(
    workspace: LocalWorkspace, clock: ManualClock
) -> None:
    async with socket_bots(workspace, 1) as [bot]:
        bot.answers = False
        await workspace.post_as_member(ADA, QUALITY, "@convotest hi")
        await bot.arrived.wait()
        bot.answers = True
        await clock.advance(3)
        await workspace.delivery.idle()

    first, again = bot.requests
    assert (first.retry_attempt, again.retry_attempt, again.retry_reason) == (0, 1, "timeout")
    assert first.payload["event_id"] == again.payload["event_id"]


@pytest.mark.parametrize("how", ["drop", "refresh"])
async def test_the_sdk_comes_back_after_a_cut_and_after_a_refresh(workspace: LocalWorkspace, how: str) -> None:
    async with socket_bots(workspace, 1) as [bot]:
        before = bot.client.wss_uri
        if how == "drop":
            workspace.drop_sockets()
        else:
            await workspace.sockets.refresh()
        await workspace.wait_for(lambda: workspace.sockets.connected == 1 and bot.client.wss_uri != before)
        result = await workspace.type_command(QUALITY, ADA, "/convotest help")

    assert result.acknowledged


async def test_the_eleventh_socket_is_refused(workspace: LocalWorkspace) -> None:
    async with aiohttp.ClientSession() as session:
        sockets = [await session.ws_connect(workspace.sockets.new_url(workspace.url)) for _ in range(11)]
        greetings: list[dict[str, Any]] = [await socket.receive_json() for socket in sockets]
        used = await session.get(str(sockets[0]._response.url))  # pyright: ignore[reportPrivateUsage] - the address it came from
        for socket in sockets:
            await socket.close()

    assert [greeting["type"] for greeting in greetings] == ["hello"] * 10 + ["disconnect"]
    assert greetings[10]["reason"] == "too_many_websockets"
    assert used.status == 403
