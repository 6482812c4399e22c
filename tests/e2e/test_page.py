"""What people do on the page of the real demo, from the first command to a bot that was killed."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from bot.workspace import LocalWorkspace
from tests.e2e.local_page import ADA, BEN, Demo, Person, Wire, at_the_page, running_demo
from tests.e2e.process import make_home, serving

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

LOST = "ERR_|403"
"""What a browser says about lost connections, and about a cookie of the process before."""
MENTION = re.compile(r"@Ada, your run of 'pizza'")


async def test_a_run_is_typed_with_completion_and_its_thread_tells_everything(demo: Demo, browser: Browser) -> None:
    async with at_the_page(browser, demo.url) as ada:
        await ada.composer.fill("/con")
        await expect(ada.page.get_by_role("option", name="/convotest")).to_be_visible()
        await ada.composer.press("Tab")
        await ada.composer.press_sequentially("ru")
        await expect(ada.page.get_by_role("option", name="run")).to_be_visible()
        await ada.composer.press("Tab")
        await ada.composer.press_sequentially("pizza n=6 seed=7 assistant=pizza@calm")
        await ada.composer.press("Enter")
        card = ada.cards.last
        await expect(card.get_by_role("heading")).to_have_text("Running…")
        await expect(card).to_contain_text(re.compile("[1-5]/6"))
        await expect(card.get_by_role("heading")).to_have_text("6 of 6 passed")

        thread = await ada.open_thread(card)
        await expect(thread.get_by_role("button", name="Whole transcript")).to_have_count(6)
        chart = thread.locator(".file-image img")
        await chart.scroll_into_view_if_needed()
        await expect(chart).to_have_attribute("alt", re.compile("pass"))
        await expect(thread.get_by_text(MENTION)).to_be_visible()
        assert await chart.evaluate("image => image.decode().then(() => image.naturalWidth)") > 400


async def test_a_transcript_opens_and_escape_leads_back_to_its_button(demo: Demo, browser: Browser) -> None:
    async with at_the_page(browser, demo.url) as ada:
        card = await ada.run("/convotest run pizza n=1 seed=3 assistant=pizza@faulty")
        thread = await ada.open_thread(card)
        opener = thread.get_by_role("button", name="Whole transcript")
        await opener.click()
        await expect(ada.dialog).to_contain_text("The customer wanted")
        await expect(ada.dialog.locator("blockquote").first).to_be_visible()
        await ada.page.keyboard.press("Escape")
        await expect(ada.dialog).to_have_count(0)

        await expect(opener).to_be_focused()


async def test_a_reaction_is_given_and_taken_back(demo: Demo, browser: Browser) -> None:
    await demo.post("C0QUALITY", "what do you think?")
    async with at_the_page(browser, demo.url) as ada:
        message = ada.page.locator("article", has_text="what do you think?")
        await message.hover()
        await message.get_by_role("button", name="Another reaction").click()
        await ada.page.get_by_placeholder("Find an emoji").fill("tada")
        await ada.page.keyboard.press("Enter")
        given = message.get_by_role("button", name=":tada:, 1, take back")
        await given.click()

        await expect(given).to_have_count(0)


async def test_the_picker_says_what_is_wrong_and_then_starts_a_run(demo: Demo, browser: Browser) -> None:
    async with at_the_page(browser, demo.url) as ada:
        known = await ada.cards.count()
        await ada.say("/convotest")
        count = ada.dialog.get_by_label("Conversations")
        await count.fill("abc")
        await ada.dialog.get_by_role("button", name="Run", exact=True).click()
        await expect(ada.dialog.get_by_role("alert")).to_contain_text("whole number")
        await expect(count).to_be_focused()
        assert await ada.cards.count() == known
        await count.fill("2")
        await ada.dialog.get_by_label("Seed").fill("7")
        await ada.dialog.get_by_label("Profile").select_option("pizza")
        await ada.page.keyboard.press("Enter")

        await expect(ada.dialog).to_have_count(0)
        await expect(ada.cards.nth(known).get_by_role("heading")).to_have_text("2 of 2 passed")


async def test_cancelling_asks_first_and_keeps_what_is_finished(demo: Demo, browser: Browser) -> None:
    async with at_the_page(browser, demo.url) as ada:
        card = await ada.run("/convotest run pizza n=8 seed=1 assistant=pizza@slow")
        await card.get_by_role("button", name="Cancel").click()
        await ada.dialog.get_by_role("button", name="Keep it").click()
        await expect(card.get_by_role("heading")).to_have_text(re.compile("^(Start|Runn)ing…$"))
        await card.get_by_role("button", name="Cancel").click()
        await ada.dialog.get_by_role("button", name="Stop it").click()

        await expect(card.get_by_role("heading")).to_have_text(re.compile("^Cancelled"))
        await expect(ada.whispers.last).to_contain_text("what is finished is kept")
        await expect(card.get_by_role("button", name="Cancel")).to_have_count(0)


async def test_a_button_clicked_twice_has_one_effect(demo: Demo, browser: Browser) -> None:
    async with at_the_page(browser, demo.url) as ada:
        card = await ada.run("/convotest run pizza n=1 seed=5")
        await card.get_by_role("button", name="Re-run").wait_for()
        known = await ada.cards.count()
        await card.get_by_role("button", name="Re-run").dblclick()
        await expect(ada.cards.nth(known).get_by_role("button", name="Re-run")).to_be_visible()
        await card.get_by_role("button", name="Re-run").click()
        await expect(ada.whispers.last).to_contain_text("nothing new was started")
        assert await ada.cards.count() == known + 1

        await card.get_by_role("button", name="CSV").dblclick()
        await expect(card.locator(".thread-summary")).to_contain_text("4 replies")
        await card.get_by_role("button", name="CSV").click()
        await expect(ada.whispers.last).to_contain_text("in the run's thread already")
        await ada.cards.nth(known).get_by_role("button", name="CSV").click()  # what is sent later is not sent before
        await expect(ada.cards.nth(known).locator(".thread-summary")).to_contain_text("4 replies")
        thread = await ada.open_thread(card)
        assert await thread.get_by_role("link", name=re.compile(r"^Download .*\.csv")).count() == 1


async def test_a_page_reloaded_in_the_middle_shows_the_same(demo: Demo, browser: Browser) -> None:
    async with at_the_page(browser, demo.url) as ada:
        card = await ada.run("/convotest run pizza n=4 seed=9 assistant=pizza@calm")
        await ada.open_thread(card)
        await ada.page.reload()
        await expect(ada.thread.get_by_text(MENTION)).to_be_visible()
        await expect(ada.cards.last.get_by_role("heading")).to_have_text("4 of 4 passed")
        await ada.thread.get_by_role("button", name="Whole transcript").first.click()
        await ada.dialog.wait_for()
        before = await _seen(ada)
        await ada.page.reload()
        await ada.dialog.wait_for()

        assert await _seen(ada) == before
        await ada.page.keyboard.press("Escape")
        await expect(ada.dialog).to_have_count(0)


async def test_two_people_see_each_others_effects_and_only_their_own_whispers(demo: Demo, browser: Browser) -> None:
    async with (
        at_the_page(browser, demo.url, member=ADA) as ada,
        at_the_page(browser, demo.url, member=ADA) as second_tab,
        at_the_page(browser, demo.url, member=BEN) as ben,
    ):
        card = await ada.run("/convotest run pizza n=1 seed=11")
        await expect(ben.cards.last.get_by_role("heading")).to_have_text("1 of 1 passed")
        await ben.cards.last.hover()
        await ben.cards.last.get_by_role("button", name="React with +1").click()
        await expect(card.get_by_role("button", name=":+1:, 1, add yours")).to_be_visible()
        await card.get_by_role("button", name=":+1:, 1, add yours").click()
        await expect(ben.cards.last.get_by_role("button", name=":+1:, 2, take back")).to_be_visible()
        await ada.say("/convotest help")
        await expect(ada.whispers.last).to_contain_text("What you can type")
        await expect(second_tab.whispers.last).to_contain_text("What you can type")
        await ben.say("did you see that?")
        await expect(ada.page.get_by_text("did you see that?")).to_be_visible()

        await expect(ben.whispers).to_have_count(0)


async def test_a_dropped_event_stream_catches_up(demo: Demo, browser: Browser) -> None:
    async with Wire(demo.port) as wire, at_the_page(browser, wire.url, expected=LOST) as ada:
        await expect(ada.page.get_by_text("bot connected")).to_be_visible()
        wire.cut()
        await expect(ada.page.get_by_text("Connection lost")).to_be_visible()
        await demo.post("C0QUALITY", "said while nobody heard")
        await ada.say("kept in the box")
        await expect(ada.composer).to_have_value("kept in the box")
        wire.mend()

        await expect(ada.page.get_by_text("said while nobody heard")).to_be_visible()
        await expect(ada.page.get_by_text("Connection lost")).to_have_count(0)
        await ada.composer.press("Enter")
        await expect(ada.page.locator("article", has_text="kept in the box")).to_have_count(1)


async def test_a_demo_killed_in_the_middle_of_a_run_goes_on_after_its_restart(browser: Browser, tmp_path: Path) -> None:
    home = make_home(tmp_path, latency_ms=120)
    async with running_demo(home) as demo, at_the_page(browser, demo.url, expected=LOST) as ada:
        card = await ada.run("/convotest run pizza n=4 seed=7")
        await expect(card.get_by_role("heading")).to_have_text("Running…")
        await demo.kill()
        await expect(ada.page.get_by_text("Connection lost")).to_be_visible()
        await demo.start(fresh=False)
        await expect(ada.cards.last.get_by_role("heading")).to_have_text("4 of 4 passed", timeout=20_000)

        await expect(ada.cards).to_have_count(1)
        thread = await ada.open_thread(ada.cards.last)
        await expect(thread.get_by_text(MENTION)).to_have_count(1)
        numbers = [re.match("[1-4]/4", text) for text in await thread.locator("article .blocks").all_inner_texts()]
        assert sorted(found[0] for found in numbers if found) == [f"{number}/4" for number in range(1, 5)]


async def test_a_bot_that_is_down_is_said_to_be_and_works_again_when_it_is_back(
    browser: Browser, tmp_path: Path
) -> None:
    home = make_home(tmp_path)
    async with (
        LocalWorkspace(rate_limits=False) as workspace,
        serving(home, workspace, transport="socket") as bot,
        at_the_page(browser, workspace.url) as ada,
    ):
        await expect(ada.page.get_by_text("bot connected")).to_be_visible()
        await bot.kill()
        await expect(ada.page.get_by_text("bot not connected")).to_be_visible()
        await ada.say("/convotest help")
        await expect(ada.whispers.last).to_contain_text("dispatch_failed")
        await bot.start()
        await expect(ada.page.get_by_text("bot connected", exact=True)).to_be_visible()
        await ada.say("/convotest help")

        await expect(ada.whispers.last).to_contain_text("What you can type")


async def _seen(person: Person) -> list[str]:
    """Every text on the page that does not depend on the moment, the open dialog included."""
    return await person.page.locator("article .content, dialog .body").all_inner_texts()
