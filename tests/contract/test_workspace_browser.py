"""People use the page in a real browser: commands, buttons, modals, reactions, threads, files."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import OTHER, LocalWorkspace
from tests.e2e.local_page import CHROMIUM, NO_CHROMIUM, at_the_page, running_browser

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
ADA, BEN, QUALITY = "U0ADA", "U0BEN", "C0QUALITY"


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def button(text: str, **changes: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": text.lower(), "text": plain(text), **changes}


MODAL: dict[str, Any] = {
    "type": "modal",
    "title": plain("Why?"),
    "submit": plain("Send"),
    "blocks": [
        {
            "type": "input",
            "block_id": "reason",
            "label": plain("Reason"),
            "element": {"type": "plain_text_input", "action_id": "text"},
        }
    ],
}


@pytest_asyncio.fixture(loop_scope="module")
async def workspace() -> AsyncIterator[LocalWorkspace]:
    commands = [{"command": "/convotest", "verbs": [{"name": "run", "usage_hint": "TARGET", "description": "Run"}]}]
    async with LocalWorkspace(commands=commands, rate_limits=False) as workspace:
        yield workspace


@pytest.fixture
def client(workspace: LocalWorkspace) -> Any:
    return AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip(NO_CHROMIUM)
    async with running_browser() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def page(workspace: LocalWorkspace, browser: Browser) -> AsyncIterator[Page]:
    """The opened page; anything the browser complains about fails the test."""
    async with at_the_page(browser, workspace.url) as person:
        yield person.page


async def test_a_command_is_completed_typed_and_answered(workspace: LocalWorkspace, page: Page) -> None:
    composer = page.get_by_role("combobox", name="Message #assistant-quality")
    await composer.fill("/con")
    await composer.press("Tab")
    await composer.type("ru")
    await composer.press("Enter")
    await expect(composer).to_have_value("/convotest run ")
    await composer.press("Enter")

    await expect(page.get_by_text("dispatch_failed")).to_be_visible()
    await expect(page.get_by_text("Only visible to you")).to_be_visible()


async def test_a_button_asks_first_and_a_modal_shows_what_is_missing(
    workspace: LocalWorkspace, client: Any, page: Page
) -> None:
    confirm = {"title": plain("Sure?"), "text": plain("Really"), "confirm": plain("Do it"), "deny": plain("No")}
    blocks = [{"type": "actions", "elements": [button("Rate", confirm=confirm, value="v")]}]
    await client.chat_postMessage(channel=QUALITY, text="card", blocks=blocks)
    workspace.request_url = "http://127.0.0.1:9/"  # nobody listens: the payload is what counts
    await page.get_by_role("button", name="Rate").click()
    await page.get_by_role("button", name="Do it").click()
    await workspace.wait_for(lambda: workspace.attempts)
    payload = workspace.attempts[0].payload
    await client.views_open(trigger_id=payload["trigger_id"], view=MODAL)
    await page.get_by_role("dialog").get_by_role("button", name="Send").click()
    await expect(page.get_by_text("This is a required field")).to_be_visible()
    await page.get_by_label("Reason").fill("too slow")
    await page.get_by_role("dialog").get_by_role("button", name="Send").click()
    await workspace.wait_for(lambda: len(workspace.attempts) == 2)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog", name="Why?")).to_have_count(0)

    assert payload["actions"][0]["value"] == "v"
    assert workspace.attempts[1].payload["view"]["state"]["values"]["reason"]["text"]["value"] == "too slow"
    assert workspace.views(ADA) == []


async def test_messages_edits_reactions_and_threads_appear_live(
    workspace: LocalWorkspace, client: Any, page: Page
) -> None:
    root = await client.chat_postMessage(channel=QUALITY, text="run started")
    await expect(page.get_by_text("run started")).to_be_visible()
    await client.chat_update(channel=QUALITY, ts=root["ts"], text="run *done*")
    await expect(page.locator("article strong", has_text="done")).to_be_visible()
    await page.locator("article").hover()
    await page.get_by_role("button", name="React with +1").click()
    await expect(page.get_by_role("button", name=":+1:, 1, take back")).to_be_visible()
    await page.locator("article").hover()
    await page.get_by_role("link", name="Reply in thread").click()
    reply = page.get_by_role("combobox", name="Reply…")
    await reply.fill("thanks")
    await reply.press("Enter")
    await expect(page.get_by_role("complementary").get_by_text("thanks")).to_be_visible()

    assert workspace.messages(QUALITY)[0]["reactions"] == [{"name": "+1", "users": [ADA], "count": 1}]
    assert workspace.messages(QUALITY, root["ts"])[1]["text"] == "thanks"


async def test_an_edited_card_keeps_its_elements(client: Any, page: Page) -> None:
    def card(done: int) -> list[dict[str, Any]]:
        text = {"type": "section", "text": {"type": "mrkdwn", "text": f"*{done}/30*"}}
        return [text, {"type": "actions", "elements": [button("Cancel")]}]

    posted = await client.chat_postMessage(channel=QUALITY, text="card", blocks=card(1))
    shown = await page.get_by_role("button", name="Cancel").element_handle()
    assert shown is not None
    await shown.focus()
    await client.chat_update(channel=QUALITY, ts=posted["ts"], text="card", blocks=card(2))
    await expect(page.get_by_text("2/30")).to_be_visible()

    assert await shown.evaluate("(node) => node.isConnected && node === document.activeElement")


async def test_the_page_fits_a_small_phone(workspace: LocalWorkspace, client: Any, page: Page) -> None:
    rows = [[{"type": "raw_text", "text": "a long cell of a table"}] * 8] * 3
    wide = [{"type": "table", "rows": rows}, {"type": "header", "text": plain("W" * 150)}]
    await client.chat_postMessage(channel=QUALITY, text="wide", blocks=wide)
    await page.set_viewport_size({"width": 360, "height": 640})
    await page.get_by_role("button", name="Channels", exact=True).click()
    await page.get_by_role("link", name="general").click()
    await expect(page.get_by_role("heading", name="general", exact=True)).to_be_visible()
    await page.goto(f"{workspace.url}/#/{QUALITY}")
    await expect(page.get_by_role("table")).to_be_visible()

    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    assert (
        await page.evaluate("(() => { const log = document.querySelector('.log'); return log.scrollWidth })()") == 360
    )


async def test_hostile_text_stays_text(client: Any, page: Page) -> None:
    hostile = "<img src=x onerror=alert(1)> <javascript:alert(1)|click> *<b>bold</b>*"
    await client.chat_postMessage(channel=QUALITY, text=hostile)
    await client.chat_postMessage(
        channel=QUALITY, text="md", blocks=[{"type": "markdown", "text": "[x](javascript:alert(1)) <script>1</script>"}]
    )
    await expect(page.locator("article")).to_have_count(2)

    assert await page.locator("article img[src=x], article script, article b, article a[href^=javascript]").count() == 0


async def test_the_page_follows_a_restarted_workspace(browser: Browser, tmp_path: Path) -> None:
    data = tmp_path / "workspace.db"
    async with LocalWorkspace(data=data) as first:
        port = int(first.url.rpartition(":")[2])
        await first.post_as_member(BEN, QUALITY, "before")
        page = await browser.new_page()
        await page.goto(first.url)
        await expect(page.get_by_text("before")).to_be_visible()
    await expect(page.get_by_text("Connection lost")).to_be_visible()
    async with LocalWorkspace(port, data=data) as second:
        await second.post_as_member(BEN, QUALITY, "after")
        await expect(page.get_by_text("after")).to_be_visible(timeout=15_000)
        await expect(page.get_by_text("before")).to_be_visible()
    await page.close()


async def test_a_permalink_opens_the_thread_at_its_message(workspace: LocalWorkspace, client: Any, page: Page) -> None:
    root = await client.chat_postMessage(channel=QUALITY, text="root")
    replies = [
        await client.chat_postMessage(channel=QUALITY, text=f"reply {n}", thread_ts=root["ts"]) for n in range(60)
    ]
    link = (await client.chat_getPermalink(channel=QUALITY, message_ts=replies[5]["ts"]))["permalink"]
    await page.goto(link)

    await expect(page.get_by_text("reply 5", exact=True)).to_be_in_viewport()


async def test_the_other_person_does_not_see_what_is_only_for_one(client: Any, page: Page) -> None:
    await client.chat_postEphemeral(channel=QUALITY, user=ADA, text="for Ada alone")
    await expect(page.get_by_text("for Ada alone")).to_be_visible()
    await page.get_by_label("You are").select_option(BEN)

    await expect(page.get_by_text("for Ada alone")).to_have_count(0)


async def test_a_second_workspace_is_added_and_keeps_to_itself(workspace: LocalWorkspace, page: Page) -> None:
    await page.get_by_role("button", name="Faults").click()
    await page.get_by_role("button", name="Add a second workspace").click()
    await expect(page.get_by_role("button", name="Add a second workspace")).to_be_disabled()
    await page.keyboard.press("Escape")
    await page.get_by_role("navigation").get_by_role("combobox", name="Workspace").select_option(OTHER)
    await expect(page.get_by_text("Other local workspace")).to_have_count(2)  # the name above, and the choice
    composer = page.get_by_role("combobox", name="Message #assistant-quality")
    await composer.fill("said over there")
    await composer.press("Enter")
    await expect(page.locator("article", has_text="said over there")).to_be_visible()

    assert workspace.messages(QUALITY) == []
    assert [message["text"] for message in workspace.messages(QUALITY, team=OTHER)] == ["said over there"]


async def test_a_page_that_remembers_a_workspace_of_yesterday_opens_the_one_of_today(
    workspace: LocalWorkspace, browser: Browser
) -> None:
    async with at_the_page(browser, workspace.url, expected="400") as ada:
        await ada.page.evaluate("localStorage.setItem('team', 'T0GONE'); localStorage.setItem('member', 'U0GONE')")
        await ada.page.reload()

        await expect(ada.page.get_by_role("heading", name="assistant-quality", exact=True)).to_be_visible()


async def test_a_command_of_the_welcome_is_put_into_the_message_box(browser: Browser) -> None:
    pinned = "Type `/convotest run pizza` below."
    async with LocalWorkspace(pinned=pinned) as workspace, at_the_page(browser, workspace.url) as ada:
        await ada.page.get_by_role("button", name="/convotest run pizza").click()

        await expect(ada.composer).to_be_focused()
        await expect(ada.composer).to_have_value("/convotest run pizza")


async def test_an_empty_home_and_an_empty_channel_say_what_to_do(page: Page) -> None:
    await page.get_by_role("link", name="Home tab").click()
    await expect(page.get_by_text("convotest is not connected, so its Home tab is empty.")).to_be_visible()
    await page.get_by_role("link", name="#assistant-quality").click()
    await expect(page.get_by_text("Nothing was said here yet.")).to_be_visible()
    await page.get_by_role("link", name="without-bot").click()
    await expect(page.get_by_text("convotest is not in this channel. Type /invite @convotest")).to_be_visible()
