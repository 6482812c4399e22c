"""Everything that is served answers slack_sdk's own methods, the bot needs nothing else, and the document says so."""

import re
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import LocalWorkspace
from bot.workspace.methods import METHODS

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "local-workspace.md"
ADA, QUALITY = "U0ADA", "C0QUALITY"
MODAL: dict[str, Any] = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "x"},
    "blocks": [{"type": "section", "text": {"type": "plain_text", "text": "y"}}],
}


class Counting(AsyncWebClient):
    """slack_sdk's client, which remembers what it called."""

    called: set[str]

    async def api_call(self, api_method: str, **given: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride] - all arguments are handed on
        self.called.add(api_method)
        return await super().api_call(api_method, **given)  # pyright: ignore[reportUnknownMemberType] - its keywords are half typed


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated")  # slack_sdk 3.47 still uses it with aiohttp 3.14
async def test_every_served_method_answers_slack_sdk() -> None:
    Counting.called = set()
    async with LocalWorkspace(rate_limits=False) as workspace:
        client: Any = Counting(token=workspace.bot_token, base_url=workspace.api_url)
        workspace.request_url = "http://127.0.0.1:9/"  # nobody listens: triggers are taken from the payloads
        await _ask(client)
        await _converse(client)
        await _share(client)
        await _show_views(client, workspace)
        await client.apps_connections_open(app_token=workspace.app_token)
        try:
            await client.oauth_v2_access(client_id="local-client-id", client_secret="local-client-secret", code="x")
        except SlackApiError as error:
            assert error.response["error"] == "invalid_code"
        await client.auth_revoke()

    assert Counting.called == set(METHODS)


async def _ask(client: Any) -> None:
    """What there is: people, channels, the team and the bot itself."""
    bot = await client.auth_test()
    assert (await client.bots_info(bot=bot["bot_id"]))["bot"]["user_id"] == bot["user_id"]
    assert (await client.api_test())["ok"]
    assert (await client.team_info())["team"]["id"] == bot["team_id"]
    assert {person["id"] for person in (await client.users_list())["members"]} >= {ADA, bot["user_id"]}
    assert (await client.users_info(user=ADA))["user"]["real_name"] == "Ada"
    names = {channel["name"] for channel in (await client.conversations_list())["channels"]}
    assert "assistant-quality" in names and "without-bot" not in names
    assert (await client.conversations_info(channel=QUALITY))["channel"]["is_member"]
    assert ADA in (await client.conversations_members(channel=QUALITY))["members"]
    assert (await client.conversations_join(channel="C0RANDOM"))["channel"]["is_member"]
    assert (await client.conversations_open(users=ADA))["channel"]["id"] == "D0ADA"


async def _converse(client: Any) -> None:
    """A thread from its first message to its end."""
    root = await client.chat_postMessage(channel=QUALITY, text="root")
    place = {"channel": QUALITY, "ts": root["ts"]}
    reply = await client.chat_postMessage(channel=QUALITY, text="reply", thread_ts=root["ts"])
    await client.chat_update(**place, text="root, changed")
    await client.chat_postEphemeral(channel=QUALITY, user=ADA, text="for you")
    assert (
        root["ts"].replace(".", "")
        in (await client.chat_getPermalink(channel=QUALITY, message_ts=root["ts"]))["permalink"]
    )
    await client.reactions_add(channel=QUALITY, timestamp=root["ts"], name="eyes")
    found = await client.reactions_get(channel=QUALITY, timestamp=root["ts"])
    assert found["message"]["reactions"][0]["name"] == "eyes"
    await client.reactions_remove(channel=QUALITY, timestamp=root["ts"], name="eyes")
    assert [m["text"] for m in (await client.conversations_replies(**place))["messages"]] == ["root, changed", "reply"]
    assert (await client.conversations_history(channel=QUALITY))["messages"][0]["reply_count"] == 1
    thread = {"channel_id": QUALITY, "thread_ts": root["ts"]}
    await client.assistant_threads_setStatus(**thread, status="is thinking")
    await client.assistant_threads_setTitle(**thread, title="A thread")
    await client.assistant_threads_setSuggestedPrompts(**thread, prompts=[{"title": "a", "message": "b"}])
    await client.chat_delete(channel=QUALITY, ts=reply["ts"])


async def _share(client: Any) -> None:
    """A file: asked for, uploaded, shared, looked up and deleted."""
    uploaded = await client.files_upload_v2(channel=QUALITY, filename="a.txt", content="content")
    file = uploaded["file"]["id"]
    assert (await client.files_info(file=file))["file"]["size"] == len("content")
    await client.files_delete(file=file)


async def _show_views(client: Any, workspace: LocalWorkspace) -> None:
    for name in ("open", "push"):
        await workspace.shortcut(ADA, name)
    payloads = [attempt.payload for attempt in workspace.attempts]
    first, second = (payload["trigger_id"] for payload in payloads if payload["type"] == "shortcut")
    opened = (await client.views_open(trigger_id=first, view=MODAL))["view"]
    await client.views_update(view_id=opened["id"], view=MODAL)
    assert (await client.views_push(trigger_id=second, view=MODAL))["view"]["id"] == workspace.views(ADA)[-1]["id"]
    await client.views_publish(user_id=ADA, view={"type": "home", "blocks": MODAL["blocks"]})
    assert workspace.home(ADA) is not None


HOSTS = {"files.slack.com"}
"""They look like methods and are none."""


def test_the_bot_calls_only_what_is_served() -> None:
    sources = [path for path in (ROOT / "bot").rglob("*.py") if "workspace" not in path.parts]
    families = {method.partition(".")[0] for method in METHODS}
    words = {word for path in sources for word in re.findall(r'"([a-z]+\.[a-zA-Z.]+)"', path.read_text())}
    called = {word for word in words if word.partition(".")[0] in families and not word.startswith("message.")} - HOSTS

    assert {"chat.postMessage", "chat.update", "views.open", "files.completeUploadExternal"} <= called
    assert called - set(METHODS) == set()


def test_the_document_lists_what_is_served_and_what_is_not() -> None:
    section = DOCUMENT.read_text(encoding="utf-8").partition("## Web API")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    not_served = "".join(row for row in rows if "**no**" in row)
    served = [row for row in rows if "**no**" not in row]

    assert _methods_of(" ".join(served)) == set(METHODS)
    assert not {method for method in METHODS if f"`{method}`" in not_served}


def _methods_of(text: str) -> set[str]:
    """The names in backticks of a table; `.info` after `conversations.history` means `conversations.info`."""
    found: set[str] = set()
    family = ""
    for name in re.findall(r"`(\.?[a-zA-Z]+(?:\.[a-zA-Z0-9]+)*)`", text):
        full = family + name if name.startswith(".") else name
        family = full.rpartition(".")[0]
        if "." in full:
            found.add(full)
    return found - {"client.files_upload_v2"}
