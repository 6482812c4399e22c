"""The real slack_sdk meets the same answers, limits and error codes as at Slack."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import OTHER, LocalWorkspace, ManualClock

ADA, BEN, QUALITY = "U0ADA", "U0BEN", "C0QUALITY"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def workspace(clock: ManualClock) -> AsyncIterator[LocalWorkspace]:
    async with LocalWorkspace(clock=clock, other_workspace=True) as workspace:
        yield workspace


@pytest.fixture
def client(workspace: LocalWorkspace) -> Any:
    return AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url, retry_handlers=[])


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


async def refusal(client: Any, method: str, **arguments: Any) -> str:
    caught: Any
    with pytest.raises(SlackApiError) as caught:
        await client.api_call(method, json=arguments)
    return str(caught.value.response["error"])


async def test_the_bot_learns_who_it_is(client: Any) -> None:
    who = await client.auth_test()

    assert (who["team_id"], who["user_id"], who["bot_id"]) == ("T0LOCAL", "U0BOT", "B0BOT")
    assert "chat:write" in who.headers["x-oauth-scopes"]


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("no.such.method", {}, "unknown_method"),
        ("chat.postMessage", {"channel": "C404", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": "C0RANDOM", "text": "x"}, "not_in_channel"),
        ("chat.postMessage", {"channel": "G0WITHOUT", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": QUALITY}, "no_text"),
        ("chat.postMessage", {"channel": QUALITY, "text": "x" * 40_001}, "msg_too_long"),
        ("chat.postMessage", {"channel": QUALITY, "text": "x", "thread_ts": "1.2"}, "thread_not_found"),
        ("chat.postMessage", {"channel": QUALITY, "text": "x", "blocks": [section("y" * 3001)]}, "invalid_blocks"),
        (
            "chat.postMessage",
            {"channel": QUALITY, "text": "x", "blocks": [section("y" * 2500)] * 5},
            "msg_blocks_too_long",
        ),
        ("chat.postMessage", {"channel": QUALITY, "text": "x", "metadata": {"a": 1}}, "invalid_metadata_format"),
        ("chat.update", {"channel": QUALITY, "ts": "1.2", "text": "x"}, "message_not_found"),
        ("chat.postEphemeral", {"channel": QUALITY, "user": "U404", "text": "x"}, "user_not_in_channel"),
        ("users.info", {"user": "U404"}, "user_not_found"),
        ("views.open", {"trigger_id": "1.2.3", "view": {"type": "modal"}}, "invalid_arguments"),
        ("conversations.history", {"channel": QUALITY, "cursor": "%%"}, "invalid_cursor"),
        ("apps.connections.open", {}, "not_allowed_token_type"),
    ],
)
async def test_a_bad_call_is_refused_with_slacks_code(
    client: Any, method: str, arguments: dict[str, Any], error: str
) -> None:
    assert await refusal(client, method, **arguments) == error


@pytest.mark.parametrize(("token", "error"), [(None, "not_authed"), ("xoxb-wrong", "invalid_auth")])
async def test_a_call_without_a_good_token_is_refused(workspace: LocalWorkspace, token: str | None, error: str) -> None:
    assert await refusal(AsyncWebClient(token=token, base_url=workspace.api_url), "auth.test") == error


async def test_a_refused_block_is_named_by_its_pointer(client: Any) -> None:
    caught: Any
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=QUALITY, text="x", blocks=[section("ok"), {"type": "header"}])

    assert caught.value.response["response_metadata"]["messages"] == [
        "[ERROR] missing required field: text [json-pointer:/blocks/1]"
    ]


async def test_a_thread_is_posted_updated_read_and_deleted(client: Any, clock: ManualClock) -> None:
    metadata = {"event_type": "run", "event_payload": {"key": "k1"}}
    root = await client.chat_postMessage(channel=QUALITY, text="root", blocks=[section("card")], metadata=metadata)
    reply = await client.chat_postMessage(channel=QUALITY, text="1/30", thread_ts=root["ts"])
    await client.chat_update(channel=QUALITY, ts=root["ts"], text="done")

    history = (await client.conversations_history(channel=QUALITY, include_all_metadata=True))["messages"]
    thread = (await client.conversations_replies(channel=QUALITY, ts=root["ts"]))["messages"]
    link = (await client.chat_getPermalink(channel=QUALITY, message_ts=reply["ts"]))["permalink"]
    await client.chat_delete(channel=QUALITY, ts=root["ts"])
    after = (await client.conversations_replies(channel=QUALITY, ts=root["ts"]))["messages"]

    assert [m["text"] for m in history] == ["done"] and history[0]["metadata"] == metadata
    assert "blocks" not in history[0] and history[0]["reply_count"] == 1  # text alone removed the blocks
    assert [m["text"] for m in thread] == ["done", "1/30"] and "metadata" not in thread[0]
    assert link.endswith(f"#/{QUALITY}/p{reply['ts'].replace('.', '')}")
    assert [m.get("subtype") for m in after] == ["tombstone", None]


async def test_pages_of_history_are_followed_by_cursor(client: Any) -> None:
    for number in range(5):
        await client.chat_postMessage(channel=QUALITY, text=str(number))

    pages = [page["messages"] async for page in await client.conversations_history(channel=QUALITY, limit=2)]

    assert [[m["text"] for m in page] for page in pages] == [["4", "3"], ["2", "1"], ["0"]]


async def test_an_archived_channel_takes_no_posts(workspace: LocalWorkspace, client: Any) -> None:
    workspace.archive(QUALITY)

    assert await refusal(client, "chat.postMessage", channel=QUALITY, text="x") == "is_archived"


async def test_blocks_alone_keep_the_text_and_leave_no_edited_mark(client: Any) -> None:
    posted = await client.chat_postMessage(channel=QUALITY, text="fallback")
    with pytest.warns(UserWarning, match="text"):
        updated = await client.chat_update(channel=QUALITY, ts=posted["ts"], blocks=[section("card")])

    assert updated["message"]["text"] == "fallback" and "edited" not in updated["message"]


async def test_people_may_not_be_edited_by_the_bot(workspace: LocalWorkspace, client: Any) -> None:
    said = await workspace.post_as_member(ADA, QUALITY, "mine")

    assert await refusal(client, "chat.update", channel=QUALITY, ts=said["ts"], text="x") == "cant_update_message"


async def test_reactions_are_added_once_and_removed_once(client: Any) -> None:
    ts = (await client.chat_postMessage(channel=QUALITY, text="x"))["ts"]
    await client.reactions_add(channel=QUALITY, timestamp=ts, name="eyes")
    shown = (await client.reactions_get(channel=QUALITY, timestamp=ts))["message"]["reactions"]
    again = await refusal(client, "reactions.add", channel=QUALITY, timestamp=ts, name="eyes")
    await client.reactions_remove(channel=QUALITY, timestamp=ts, name="eyes")

    assert shown == [{"name": "eyes", "users": ["U0BOT"], "count": 1}]
    assert again == "already_reacted"
    assert await refusal(client, "reactions.remove", channel=QUALITY, timestamp=ts, name="eyes") == "no_reaction"


async def test_a_file_is_uploaded_in_three_steps_shared_downloaded_and_deleted(
    workspace: LocalWorkspace, client: Any
) -> None:
    root = await client.chat_postMessage(channel=QUALITY, text="run")
    uploaded = await client.files_upload_v2(
        channel=QUALITY, thread_ts=root["ts"], filename="t.csv", content="a,b", initial_comment="the data"
    )
    file = (await client.files_info(file=uploaded["file"]["id"]))["file"]
    message = workspace.messages(QUALITY, root["ts"])[-1]
    async with aiohttp.ClientSession() as session:
        refused = await session.get(file["url_private"])
        served = await session.get(file["url_private"], headers={"Authorization": f"Bearer {workspace.bot_token}"})
        body = await served.read()
    share = file["shares"]["public"][QUALITY][0]
    await client.files_delete(file=file["id"])

    assert (share["ts"], share["thread_ts"]) == (message["ts"], root["ts"])
    assert (message["text"], message["files"][0]["id"]) == ("the data", file["id"])
    assert (refused.status, body) == (403, b"a,b")
    assert await refusal(client, "files.info", file=file["id"]) == "file_not_found"


async def test_a_trigger_opens_one_view_within_three_seconds(
    workspace: LocalWorkspace, client: Any, clock: ManualClock
) -> None:
    view = {"type": "modal", "title": {"type": "plain_text", "text": "x"}, "blocks": [section("y")]}
    workspace.request_url = "http://127.0.0.1:9/"  # nobody listens: the payload is what counts
    await workspace.shortcut(ADA, "first")
    await workspace.shortcut(ADA, "second")
    first, second = (attempt.payload["trigger_id"] for attempt in workspace.attempts)

    opened = await client.views_open(trigger_id=first, view=view)
    again = await refusal(client, "views.open", trigger_id=first, view=view)
    await clock.advance(3.1)
    late = await refusal(client, "views.open", trigger_id=second, view=view)
    stale = await refusal(client, "views.update", view_id=opened["view"]["id"], view=view, hash="old")

    assert workspace.views(ADA)[0]["id"] == opened["view"]["id"]
    assert (again, late, stale) == ("exchanged_trigger_id", "expired_trigger_id", "hash_conflict")


async def test_posting_is_limited_to_a_burst_and_then_one_a_second(client: Any, clock: ManualClock) -> None:
    for number in range(5):
        await client.chat_postMessage(channel=QUALITY, text=str(number))
    caught: Any
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=QUALITY, text="too fast")
    elsewhere = await client.chat_postMessage(channel="C0GENERAL", text="another channel")
    await clock.advance(1)
    later = await client.chat_postMessage(channel=QUALITY, text="patient")

    assert caught.value.response.status_code == 429
    assert (caught.value.response["error"], caught.value.response.headers["Retry-After"]) == ("ratelimited", "1")
    assert elsewhere["ok"] and later["ok"]


async def test_updates_are_limited_to_fifty_a_minute(client: Any, clock: ManualClock) -> None:
    ts = (await client.chat_postMessage(channel=QUALITY, text="card"))["ts"]
    for number in range(50):
        await client.chat_update(channel=QUALITY, ts=ts, text=str(number))

    assert await refusal(client, "chat.update", channel=QUALITY, ts=ts, text="51") == "ratelimited"
    await clock.advance(61)
    assert (await client.chat_update(channel=QUALITY, ts=ts, text="a minute later"))["ok"]


async def test_a_requested_429_is_retried_by_the_sdks_own_handler(workspace: LocalWorkspace) -> None:
    workspace.faults.rate_limit_next, workspace.faults.retry_after = 1, 0
    retrying: Any = AsyncWebClient(
        token=workspace.bot_token, base_url=workspace.api_url, retry_handlers=[AsyncRateLimitErrorRetryHandler()]
    )

    assert (await retrying.chat_postMessage(channel=QUALITY, text="x"))["ok"]
    assert workspace.faults.counters["rate_limited"] == 1


@pytest.mark.parametrize("loss", ["close", "http_500"])
async def test_a_lost_post_looks_the_same_whether_it_was_stored_or_not(
    workspace: LocalWorkspace, client: Any, loss: Any
) -> None:
    workspace.faults.loss = loss
    workspace.faults.posts_failing = 1.0
    with pytest.raises((SlackApiError, aiohttp.ClientError)) as before:
        await client.chat_postMessage(channel=QUALITY, text="never stored")
    workspace.faults.clear()
    workspace.faults.posts_lost_after_storing = 1.0
    with pytest.raises((SlackApiError, aiohttp.ClientError)) as after:
        await client.chat_postMessage(channel=QUALITY, text="stored")

    assert before.type is after.type
    assert [m["text"] for m in workspace.messages(QUALITY)] == ["stored"]
    counters = workspace.faults.counters
    assert (counters["failed_before_storing"], counters["lost_after_storing"]) == (1, 1)


async def test_faults_repeat_with_their_seed() -> None:
    async def outcomes() -> list[bool]:
        async with LocalWorkspace(rate_limits=False, seed=7) as workspace:
            workspace.faults.posts_failing = 0.5
            return [workspace.faults.fails_before_storing() for _ in range(20)]

    assert await outcomes() == await outcomes()


async def test_workspaces_with_the_same_ids_do_not_see_each_other(workspace: LocalWorkspace) -> None:
    other: Any = AsyncWebClient(token=workspace.bot_tokens[OTHER], base_url=workspace.api_url)
    await other.chat_postMessage(channel=QUALITY, text="over there")

    assert (await other.auth_test())["team_id"] == OTHER
    assert workspace.messages(QUALITY) == []
    assert [m["text"] for m in workspace.messages(QUALITY, team=OTHER)] == ["over there"]


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated")  # slack_sdk 3.47 still uses it with aiohttp 3.14
async def test_oauth_gives_tokens_that_end_and_are_refreshed_once(clock: ManualClock) -> None:
    async with (
        LocalWorkspace(clock=clock, token_rotation=True) as workspace,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
    ):
        client: Any = AsyncWebClient(base_url=workspace.api_url)
        app = {"client_id": "local-client-id", "client_secret": "local-client-secret"}
        asked = {"client_id": app["client_id"], "state": "s", "redirect_uri": "http://127.0.0.1:1/back"}
        await session.get(workspace.authorize_url, params=asked)
        form = {**asked, "team": "T0LOCAL", "answer": "allow"}
        answer = await session.post(workspace.authorize_url, data=form, allow_redirects=False)
        code = answer.headers["Location"].partition("code=")[2].partition("&")[0]
        granted = await client.oauth_v2_access(**app, code=code)
        await clock.advance(12 * 3600 + 1)
        ended = await refusal(AsyncWebClient(token=granted["access_token"], base_url=workspace.api_url), "auth.test")
        renewal = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"]}
        renewed = await client.oauth_v2_access(**app, **renewal)
        with pytest.raises(SlackApiError, match="invalid_refresh_token"):
            await client.oauth_v2_access(**app, **renewal)
        with pytest.raises(SlackApiError, match="invalid_code"):
            await client.oauth_v2_access(**app, code=code)

        assert (granted["expires_in"], granted["team"]["id"], ended) == (43200, "T0LOCAL", "token_expired")
        fresh: Any = AsyncWebClient(token=renewed["access_token"], base_url=workspace.api_url)
        assert (await fresh.auth_test())["ok"]


async def test_a_revoked_token_is_refused(workspace: LocalWorkspace, client: Any) -> None:
    await client.auth_revoke()

    assert await refusal(client, "auth.test") == "token_revoked"


async def test_a_restarted_workspace_still_shows_threads_files_and_reactions(tmp_path: Path) -> None:
    data = tmp_path / "workspace.db"
    async with LocalWorkspace(data=data) as first:
        client: Any = AsyncWebClient(token=first.bot_token, base_url=first.api_url)
        root = await client.chat_postMessage(
            channel=QUALITY, text="root", metadata={"event_type": "e", "event_payload": {}}
        )
        await client.chat_postMessage(channel=QUALITY, text="reply", thread_ts=root["ts"])
        await client.files_upload_v2(channel=QUALITY, thread_ts=root["ts"], filename="a.txt", content="kept")
        await first.react(ADA, QUALITY, root["ts"], "+1")
    async with LocalWorkspace(data=data) as second:
        parent, reply, shared = second.messages(QUALITY, root["ts"])

        assert parent["reply_count"] == 2 and parent["reactions"][0]["users"] == [ADA]
        assert parent["metadata"]["event_type"] == "e" and reply["text"] == "reply"
        assert second.content(shared["files"][0]["id"]) == b"kept"
        assert shared["files"][0]["url_private"].startswith(second.url)


async def test_a_taken_port_is_an_error_and_leaves_nothing_open(workspace: LocalWorkspace) -> None:
    second = LocalWorkspace(int(workspace.url.rpartition(":")[2]))

    with pytest.raises(OSError, match="address already in use"):
        await second.start()


async def test_it_binds_to_loopback_only() -> None:
    with pytest.raises(ValueError, match="loopback"):
        LocalWorkspace(host="0.0.0.0")
