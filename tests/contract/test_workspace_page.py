"""The page's server side: only its own page may act, everybody sees only what is theirs, and nothing is missed."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import LocalWorkspace
from bot.workspace.delivery import Reply

ADA, BEN, GUEST, QUALITY = "U0ADA", "U0BEN", "U0GUEST", "C0QUALITY"


@pytest.fixture
async def workspace() -> AsyncIterator[LocalWorkspace]:
    async with LocalWorkspace(commands=[{"command": "/convotest", "verbs": ["run"]}], pinned="Welcome") as workspace:
        yield workspace


@pytest.fixture
async def browser(workspace: LocalWorkspace) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that opened the page and so has its cookie."""
    async with aiohttp.ClientSession(workspace.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        await session.get("/")
        yield session


async def snapshot(browser: aiohttp.ClientSession, member: str = ADA) -> dict[str, Any]:
    return await (await browser.get("/_page/snapshot", params={"member": member})).json()


async def test_a_foreign_host_name_is_refused(workspace: LocalWorkspace) -> None:
    async with aiohttp.ClientSession() as session:
        rebound = await session.get(workspace.url, headers={"Host": "evil.example"})
        named = await session.get(workspace.url.replace("127.0.0.1", "localhost"))

    assert (rebound.status, named.status) == (403, 200)


async def test_only_the_page_itself_may_act(workspace: LocalWorkspace, browser: aiohttp.ClientSession) -> None:
    said = json.dumps({"member": ADA, "channel": QUALITY, "text": "hello"})
    async with aiohttp.ClientSession() as stranger:
        without_cookie = await stranger.post(f"{workspace.url}/_page/say", data=said)
    other_site = await browser.post("/_page/say", data=said, headers={"Origin": "http://evil.example"})
    own = await browser.post("/_page/say", data=said, headers={"Origin": workspace.url})

    assert (without_cookie.status, other_site.status, own.status) == (403, 403, 200)
    assert [m["text"] for m in workspace.messages(QUALITY)] == ["hello"]


async def test_the_page_forbids_everything_from_elsewhere(browser: aiohttp.ClientSession) -> None:
    page = await browser.get("/")

    assert page.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert (await browser.get("/static/../server.py")).status == 404
    assert (await browser.get("/static/%2e%2e/server.py")).status == 404


async def test_an_uploaded_page_is_downloaded_not_shown(
    workspace: LocalWorkspace, browser: aiohttp.ClientSession
) -> None:
    client: Any = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)
    await client.files_upload_v2(channel=QUALITY, filename="x.html", content="<script>alert(1)</script>")
    served = await browser.get(workspace.files()[0]["url_private"])

    assert served.headers["Content-Disposition"] == "attachment"
    assert "sandbox" in served.headers["Content-Security-Policy"]


async def test_people_see_only_their_own_channels_ephemerals_and_views(
    workspace: LocalWorkspace, browser: aiohttp.ClientSession
) -> None:
    client: Any = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)
    await client.chat_postEphemeral(channel=QUALITY, user=ADA, text="for Ada")
    ada, guest = await snapshot(browser), await snapshot(browser, GUEST)
    private = await browser.get("/_page/history", params={"member": GUEST, "channel": "G0WITHOUT"})

    assert [m["text"] for m in ada["ephemerals"]] == ["for Ada"] and guest["ephemerals"] == []
    assert {"G0WITHOUT", "D0ADA"} <= {c["id"] for c in ada["channels"]}
    assert not {"G0WITHOUT", "D0ADA"} & {c["id"] for c in guest["channels"]}
    assert private.status == 404
    assert (ada["pinned"], ada["commands"][0]["verbs"], ada["first_channel"]) == ("Welcome", ["run"], QUALITY)


async def next_event(stream: aiohttp.ClientResponse) -> tuple[str, dict[str, Any]]:
    fields: dict[str, str] = {}
    async for raw in stream.content:
        name, _, value = raw.decode().rstrip("\n").partition(": ")
        if not name and "data" in fields:
            return fields.get("id", fields.get("event", "")), json.loads(fields["data"])
        fields[name] = value
    raise AssertionError("the stream ended")


async def test_a_page_that_lost_its_stream_gets_what_it_missed(
    workspace: LocalWorkspace, browser: aiohttp.ClientSession
) -> None:
    start = (await snapshot(browser))["position"]
    await workspace.post_as_member(BEN, QUALITY, "one")
    async with browser.get("/_page/events", params={"member": ADA, "from": start}) as stream:
        position, first = await next_event(stream)
    await workspace.post_as_member(BEN, QUALITY, "two")
    async with browser.get("/_page/events", params={"member": ADA}, headers={"Last-Event-ID": position}) as stream:
        _, second = await next_event(stream)
    async with browser.get("/_page/events", params={"member": ADA, "from": "older-process-7"}) as stream:
        kind, _ = await next_event(stream)

    assert (first["message"]["text"], second["message"]["text"], kind) == ("one", "two", "reset")


async def test_a_command_in_a_thread_is_not_supported(
    workspace: LocalWorkspace, browser: aiohttp.ClientSession
) -> None:
    parent = await workspace.post_as_member(ADA, QUALITY, "thread")
    said = {"member": ADA, "channel": QUALITY, "text": "/convotest run", "thread_ts": parent["ts"]}
    await browser.post("/_page/say", data=json.dumps(said))

    assert "not supported in threads" in workspace.ephemerals(ADA)[0]["text"]
    assert workspace.attempts == []


async def test_faults_are_set_and_counted_over_http(workspace: LocalWorkspace, browser: aiohttp.ClientSession) -> None:
    wrong = await browser.post("/_faults", data=json.dumps({"posts_failing": 2}))
    await browser.post("/_faults", data=json.dumps({"rate_limit_next": 1, "rate_limits": False}))
    headers = {"Authorization": f"Bearer {workspace.bot_token}"}
    async with aiohttp.ClientSession(workspace.url, headers=headers) as bot:
        refused = await bot.post("/api/auth.test")
        state = await (await bot.get("/_faults")).json()

    assert (wrong.status, refused.status) == (400, 429)
    assert state["counters"]["rate_limited"] == 1 and state["rate_limits"] is False


async def test_a_killed_workspace_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    data = tmp_path / "workspace.db"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.workspace", "--port", "0", "--data", str(data)),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    lines = [(await process.stdout.readline()).decode() for _ in range(2)]
    client: Any = AsyncWebClient(token="xoxb-local", base_url=lines[1].strip().partition("=")[2])
    for number in range(5):
        await client.chat_postMessage(channel=QUALITY, text=str(number))
    os.kill(process.pid, signal.SIGKILL)
    await process.communicate()

    async with LocalWorkspace(data=data) as again:
        assert [m["text"] for m in again.messages(QUALITY)] == ["0", "1", "2", "3", "4"]


async def test_the_page_offers_the_apps_shortcuts_and_tells_the_bot_which_was_used_where(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[dict[str, Any]] = []
    shortcuts = [{"name": "Turn into test case", "type": "message", "callback_id": "make_case", "description": "…"}]
    async with LocalWorkspace(shortcuts=shortcuts) as workspace:

        async def hear(payload: dict[str, Any]) -> Reply:
            told.append(payload)
            return Reply(ok=True)

        monkeypatch.setattr(workspace.delivery, "interaction", hear)
        async with aiohttp.ClientSession(workspace.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            await browser.get("/")
            offered = (await snapshot(browser))["shortcuts"]
            ts = (await workspace.post_as_member(ADA, QUALITY, "hello"))["ts"]
            for what in ({"channel": QUALITY, "ts": ts}, {}):
                act = {"member": BEN, "callback_id": "make_case", **what}
                await browser.post("/_page/shortcut", data=json.dumps(act), headers={"Origin": workspace.url})

    assert offered == shortcuts
    assert [each["type"] for each in told] == ["message_action", "shortcut"]
    assert (told[0]["message_ts"], told[0]["channel"]["id"], told[0]["user"]["id"]) == (ts, QUALITY, BEN)
