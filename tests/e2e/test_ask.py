"""Talking with an assistant in the browser: ask, continue, end, rate; a kill in between loses and doubles nothing."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.e2e.local_page import BEN, Demo, Person, at_the_page, running_demo
from tests.e2e.process import make_home

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
DIRECT = "/#/D0ADA"
LOST = "ERR_|403"
ANSWER = re.compile("pizza · ")
"""Below each answer stands who gave it and how long it took."""


async def begin_thread(person: Person, text: str) -> Locator:
    """Mention the bot in the channel and open the thread that follows."""
    await person.say(f"@convotest assistant=pizza {text}")
    message = person.page.get_by_role("main").locator("article", has_text=text).last
    await message.locator(".thread-summary").click()
    await person.thread.wait_for()
    return person.thread


def answers(place: Locator) -> Locator:
    return place.locator("article", has_text=ANSWER)


async def write(person: Person, text: str) -> None:
    composer = person.thread.get_by_role("combobox")
    await composer.fill(text)
    await composer.press("Enter")


async def test_a_thread_is_asked_continued_ended_and_rated(demo: Demo, browser: Browser) -> None:
    async with at_the_page(browser, demo.url) as ada:
        thread = await begin_thread(ada, "a large pizza with mushrooms, please")
        await expect(answers(thread)).to_have_count(1)
        await write(ada, "@convotest two cans of cola")
        await expect(answers(thread)).to_have_count(2)

        await answers(thread).last.get_by_role("button", name="Reply").click()
        await ada.dialog.get_by_role("textbox").fill("yes, that is right")
        await ada.dialog.get_by_role("button", name="Send").click()
        await expect(thread.locator("article", has_text="asks pizza:")).to_contain_text("yes, that is right")
        await expect(answers(thread)).to_have_count(3)

        await answers(thread).last.get_by_role("button", name="Done").click()
        end = thread.locator("article", has_text="How satisfied are you with pizza?")
        await end.get_by_role("button", name="4 of 5, satisfied").click()
        thanks = thread.locator("article", has_text="Thank you. You gave pizza ★★★★☆")
        await expect(thanks).to_be_visible()
        await expect(thanks.get_by_role("button", name="of 5")).to_have_count(0)


async def test_a_second_person_in_the_thread_has_a_conversation_of_their_own(demo: Demo, browser: Browser) -> None:
    async with at_the_page(browser, demo.url) as ada, at_the_page(browser, demo.url, member=BEN) as ben:
        thread = await begin_thread(ada, "a small pizza with ham please")
        await expect(answers(thread)).to_have_count(1)
        await ben.page.goto(ada.page.url)
        await ben.thread.wait_for()
        await write(ben, "@convotest what is on my order?")

        await expect(answers(thread)).to_have_count(2)
        await expect(answers(thread).last).not_to_contain_text("ham")
        await expect(answers(thread).first.locator(".context, .block-context")).to_contain_text("Ada")
        await expect(answers(thread).last.locator(".context, .block-context")).to_contain_text("Ben")


async def test_direct_messages_and_the_pane_go_on_without_mentions(demo: Demo, browser: Browser) -> None:
    async with at_the_page(browser, demo.url, path=DIRECT) as ada:
        main = ada.page.get_by_role("main")
        before = await answers(main).count()
        await ada.say("assistant=pizza a large pizza with mushrooms, please")
        await expect(answers(main)).to_have_count(before + 1)
        await ada.say("what is on my order?")
        await expect(answers(main)).to_have_count(before + 2)
        await expect(answers(main).last).to_contain_text("mushrooms")
        await ada.say("thanks, done")
        await main.get_by_role("button", name="5 of 5, very satisfied").last.click()
        await expect(main.get_by_text("You gave pizza ★★★★★").last).to_be_visible()

        await ada.page.get_by_role("button", name="New chat").click()
        await expect(ada.thread.get_by_text("You are talking to pizza.")).to_be_visible()
        await ada.thread.get_by_role("button", name="What is on the menu?").click()
        await expect(answers(ada.thread)).to_have_count(1)
        await expect(ada.thread.get_by_role("heading", name="What is on the menu?")).to_be_visible()


async def test_a_demo_killed_while_the_assistant_thinks_answers_once_after_its_restart(
    browser: Browser, tmp_path: Path
) -> None:
    home = make_home(tmp_path, latency_ms=1500)
    async with running_demo(home) as demo, at_the_page(browser, demo.url, expected=LOST) as ada:
        await ada.say("@convotest assistant=pizza a large pizza with mushrooms, please")
        message = ada.page.get_by_role("main").locator("article", has_text="mushrooms").first
        await expect(message).to_be_visible()
        await demo.kill()
        await expect(ada.page.get_by_text("Connection lost")).to_be_visible()
        await demo.start(fresh=False)
        await message.locator(".thread-summary").click()
        await expect(answers(ada.thread)).to_have_count(1)

        await write(ada, "@convotest what is on my order?")
        await expect(answers(ada.thread)).to_have_count(2)
        await expect(answers(ada.thread).last).to_contain_text("mushrooms")
        await expect(ada.thread.locator("article", has_text="could not answer")).to_have_count(0)
