"""The HTTP door: what is not Slack's is refused, whatever it is, and never with a traceback."""

import hashlib
import hmac
import json
import logging
import time
from collections.abc import AsyncGenerator

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient, TestServer
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.http import MOST_REFUSED, RefusalLimit, SlackRequests, create_web_app
from jobs.clock import SystemClock
from jobs.testing import MovableClock

SECRET = "a-signing-secret"
FORM = "application/x-www-form-urlencoded"
GARBAGE = (
    "",
    "{",
    "null",
    "[]",
    "payload=[]",
    "payload=null",
    "payload={",
    "payload=%7B%7D",
    "command",
    "=&=&",
    "a" * 999,
    "\x00",
)


class Door:
    """A served app that counts the commands it was given."""

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.missing: str | None = None

    async def ready(self) -> str | None:
        return self.missing

    async def command(self, ack: AsyncAck, body: dict[str, str]) -> None:
        self.commands.append(body["text"])
        await ack()


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
async def client(door: Door) -> AsyncGenerator[TestClient]:  # type: ignore[type-arg]  # of no particular app
    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-1", bot_user_id="UBOT", bot_id="B1")

    app = AsyncApp(
        client=AsyncWebClient(base_url="http://127.0.0.1:9/api/"),
        authorize=authorize,
        signing_secret=SECRET,
        ssl_check_enabled=False,
    )
    app.command("/convotest")(door.command)  # pyright: ignore[reportUnknownMemberType]  # half typed
    web_app = create_web_app(door.ready, SlackRequests(app, SECRET, SystemClock()))
    async with TestClient(TestServer(web_app)) as client:
        yield client


def headers(body: bytes, *, age: int = 0, secret: str = SECRET, kind: str = FORM) -> dict[str, str]:
    timestamp = str(int(time.time()) - age)
    digest = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"content-type": kind, "x-slack-request-timestamp": timestamp, "x-slack-signature": f"v0={digest}"}


COMMAND = b"command=%2Fconvotest&text=help&team_id=T1&user_id=U1&channel_id=C1&trigger_id=t"


async def test_a_signed_command_gets_in(client: TestClient, door: Door) -> None:  # type: ignore[type-arg]
    answer = await client.post("/slack/events", data=COMMAND, headers=headers(COMMAND))

    assert (answer.status, door.commands) == (200, ["help"])


@pytest.mark.parametrize("age", [301, -301, 10**7])
async def test_stale_and_future_requests_are_refused(client: TestClient, door: Door, age: int) -> None:  # type: ignore[type-arg]
    answer = await client.post("/slack/events", data=COMMAND, headers=headers(COMMAND, age=age))

    assert (answer.status, door.commands) == (401, [])


@pytest.mark.parametrize(
    "changed",
    [
        {"x-slack-signature": "v0=" + "0" * 64},
        {"x-slack-signature": "v0=é"},
        {"x-slack-signature": ""},
        {"x-slack-request-timestamp": "soon"},
        {"x-slack-request-timestamp": "-1"},
        {"x-slack-request-timestamp": "9" * 40},
        {"x-slack-request-timestamp": "٣"},
    ],
)
async def test_forged_requests_are_refused(client: TestClient, door: Door, changed: dict[str, str]) -> None:  # type: ignore[type-arg]
    answer = await client.post("/slack/events", data=COMMAND, headers={**headers(COMMAND), **changed})

    assert (answer.status, door.commands) == (401, [])


async def test_another_secret_and_a_changed_body_are_refused(client: TestClient, door: Door) -> None:  # type: ignore[type-arg]
    other = await client.post("/slack/events", data=COMMAND, headers=headers(COMMAND, secret="other"))
    changed = await client.post("/slack/events", data=COMMAND + b"x", headers=headers(COMMAND))

    assert (other.status, changed.status, door.commands) == (401, 401, [])


@pytest.mark.parametrize("body", GARBAGE)
@pytest.mark.parametrize("kind", [FORM, "application/json", "text/plain"])
async def test_garbage_is_refused_unsigned_and_harmless_signed(
    client: TestClient,  # type: ignore[type-arg]
    door: Door,
    caplog: pytest.LogCaptureFixture,
    body: str,
    kind: str,
) -> None:
    caplog.set_level(logging.ERROR)
    unsigned = await client.post("/slack/events", data=body, headers={"content-type": kind})
    signed = await client.post("/slack/events", data=body, headers=headers(body.encode(), kind=kind))

    assert unsigned.status == 401
    assert 400 <= signed.status < 500
    assert "Traceback" not in await signed.text()
    assert (caplog.records, door.commands) == ([], [])


async def test_bytes_that_are_no_text_are_refused(client: TestClient) -> None:  # type: ignore[type-arg]
    assert (await client.post("/slack/events", data=b"\xff\xfe", headers=headers(b"\xff\xfe"))).status in (400, 401)


async def test_the_ssl_check_of_strangers_has_no_effect(client: TestClient, door: Door) -> None:  # type: ignore[type-arg]
    answer = await client.post("/slack/events", data=b"ssl_check=1&" + COMMAND, headers={"content-type": FORM})

    assert (answer.status, door.commands) == (401, [])


async def test_bodies_over_one_megabyte_are_refused(client: TestClient, door: Door) -> None:  # type: ignore[type-arg]
    body = COMMAND + b"&x=" + b"a" * 1_000_001

    answer = await client.post("/slack/events", data=body, headers=headers(body))

    assert (answer.status, door.commands) == (413, [])


async def test_an_address_that_keeps_failing_is_slowed_down_but_slack_is_not(client: TestClient, door: Door) -> None:  # type: ignore[type-arg]
    statuses = [(await client.post("/slack/events", data=b"x")).status for _ in range(MOST_REFUSED + 2)]
    good = await client.post("/slack/events", data=COMMAND, headers=headers(COMMAND))

    assert statuses == [401] * MOST_REFUSED + [429, 429]
    assert (good.status, door.commands) == (200, ["help"])


def test_the_count_of_refusals_starts_again_after_a_minute() -> None:
    clock = MovableClock()
    limit = RefusalLimit(clock)
    for _ in range(MOST_REFUSED):
        limit.count("1.2.3.4")

    assert limit.is_exceeded("1.2.3.4")
    assert not limit.is_exceeded("1.2.3.5")
    clock.move(61)
    assert not limit.is_exceeded("1.2.3.4")


async def test_slacks_url_verification_is_answered(client: TestClient) -> None:  # type: ignore[type-arg]
    body = json.dumps({"type": "url_verification", "challenge": "abc"}).encode()

    answer = await client.post("/slack/events", data=body, headers=headers(body, kind="application/json"))

    assert (answer.status, "abc" in await answer.text()) == (200, True)


async def test_health_says_whether_the_process_lives_and_can_work(client: TestClient, door: Door) -> None:  # type: ignore[type-arg]
    door.missing = "database"

    alive, ready = await client.get("/healthz"), await client.get("/readyz")

    assert (alive.status, ready.status, await ready.json()) == (200, 503, {"ok": False, "missing": "database"})


async def test_in_socket_mode_there_is_health_and_nothing_else(door: Door) -> None:
    async with TestClient(TestServer(create_web_app(door.ready))) as client:
        assert isinstance(client.session, ClientSession)
        statuses = [
            (await client.get("/healthz")).status,
            (await client.get("/readyz")).status,
            (await client.post("/slack/events", data=COMMAND, headers=headers(COMMAND))).status,
        ]

    assert statuses == [200, 200, 404]
