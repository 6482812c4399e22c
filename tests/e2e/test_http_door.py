"""What reaches the bot over HTTP without being Slack's, or broken: refused, and the bot goes on."""

import hashlib
import hmac
import io
import json
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from urllib.parse import urlencode

import aiohttp
import pytest
import pytest_asyncio

from bot.workspace import LocalWorkspace
from tests.e2e.process import Bot, make_home, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMMAND = urlencode(
    {
        "command": "/convotest", "text": "run pizza n=1", "team_id": "T0LOCAL", "channel_id": "C0QUALITY",
        "user_id": "U0ADA", "trigger_id": "1.2.abc",
    }
)  # fmt: skip
FORM = "application/x-www-form-urlencoded"
GARBAGE = [b"", b"{", b"\xff\xfe\x00", b"payload=%7B", b"payload=[1]", b"null", b"[[[[", b'{"type": "event_callback"}']


@dataclass(frozen=True, kw_only=True)
class Door:
    """A serving bot, and a way to knock as anybody."""

    workspace: LocalWorkspace
    bot: Bot
    session: aiohttp.ClientSession

    async def post(self, body: bytes | str, headers: dict[str, str], *, content_type: str = FORM) -> int:
        data = body.encode() if isinstance(body, str) else body
        async with self.session.post(
            f"{self.bot.url}/slack/events", data=io.BytesIO(data), headers={"Content-Type": content_type, **headers}
        ) as response:
            text = await response.text()
            assert "Traceback" not in text
            return response.status

    def signed(self, body: bytes | str, *, secret: str | None = None, age_s: float = 0) -> dict[str, str]:
        timestamp = str(int(time.time() - age_s))
        data = body.encode() if isinstance(body, str) else body
        key = (secret or self.workspace.signing_secret).encode()
        digest = hmac.new(key, f"v0:{timestamp}:".encode() + data, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={digest}"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Door]:
    home = make_home(tmp_path_factory.mktemp("door"))
    async with (
        LocalWorkspace() as workspace,
        serving(home, workspace) as bot,
        aiohttp.ClientSession() as session,
    ):
        yield Door(workspace=workspace, bot=bot, session=session)


async def test_a_request_signed_by_slack_is_taken(door: Door) -> None:
    body = COMMAND.replace("run+pizza+n%3D1", "help")

    assert await door.post(body, door.signed(body)) == 200


@pytest.mark.parametrize("age_s", [301, -301, 86_400])
async def test_a_stale_or_future_signature_is_refused(door: Door, age_s: float) -> None:
    assert await door.post(COMMAND, door.signed(COMMAND, age_s=age_s)) == 401


async def test_a_signature_with_another_secret_is_refused(door: Door) -> None:
    assert await door.post(COMMAND, door.signed(COMMAND, secret="guessed")) == 401


async def test_a_body_changed_after_signing_is_refused(door: Door) -> None:
    assert await door.post(COMMAND + "&text=run+pizza+n%3D1000", door.signed(COMMAND)) == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Slack-Signature": "v0=", "X-Slack-Request-Timestamp": ""},
        {"X-Slack-Signature": "v0=é", "X-Slack-Request-Timestamp": "9" * 40},
        {"X-Slack-Signature": "none", "X-Slack-Request-Timestamp": "NaN"},
    ],
)
async def test_an_unsigned_request_is_refused(door: Door, headers: dict[str, str]) -> None:
    assert await door.post(COMMAND, headers) == 401


@pytest.mark.parametrize("body", GARBAGE)
@pytest.mark.parametrize("content_type", [FORM, "application/json", "text/html"])
async def test_unsigned_garbage_is_refused(door: Door, body: bytes, content_type: str) -> None:
    assert await door.post(body, {}, content_type=content_type) in (400, 401)


@pytest.mark.parametrize("body", GARBAGE)
@pytest.mark.parametrize("content_type", [FORM, "application/json"])
async def test_signed_garbage_is_an_error_of_its_sender(door: Door, body: bytes, content_type: str) -> None:
    assert await door.post(body, door.signed(body), content_type=content_type) < 500


async def test_a_body_over_one_megabyte_is_refused(door: Door) -> None:
    body = "text=" + "x" * 1_100_000

    assert await door.post(body, door.signed(body)) == 413


async def test_slacks_own_check_of_the_address_is_answered_only_when_signed(door: Door) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c0ffee"})

    assert await door.post(body, {}, content_type="application/json") == 401
    assert await door.post(body, door.signed(body), content_type="application/json") == 200


async def test_of_all_that_was_refused_nothing_was_started(door: Door) -> None:
    await door.workspace.type_command("C0QUALITY", "U0ADA", "/convotest run pizza n=1 seed=1")

    def finished() -> bool:
        return any("1 of 1 passed" in message["text"] for message in door.workspace.messages("C0QUALITY"))

    await door.workspace.wait_for(finished, 20)
    assert len(door.workspace.messages("C0QUALITY")) == 1


async def test_who_only_sends_forgeries_is_slowed_down_and_slack_is_not(door: Door) -> None:
    refused = [await door.post(COMMAND, {}) for _ in range(80)]
    body = COMMAND.replace("run+pizza+n%3D1", "status").replace("1.2.abc", "1.2.def")

    assert set(refused) <= {401, 429} and refused[-1] == 429
    assert await door.post(body, door.signed(body)) == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_health_needs_no_signature(door: Door, path: str) -> None:
    async with door.session.get(f"{door.bot.url}{path}") as response:
        assert response.status == 200
        assert (await response.json())["ok"] is True


async def test_slacks_address_takes_posts_only(door: Door) -> None:
    async with door.session.get(f"{door.bot.url}/slack/events") as response:
        assert response.status == 405
