"""Takes the pictures of live threads from a real demo: ``python -m tests.e2e.pictures_ask``."""

import asyncio
import tempfile
from pathlib import Path

from playwright.async_api import Browser, Locator, expect

from tests.e2e.local_page import ADA, BEN, Demo, Person, at_the_page, running_browser, running_demo
from tests.e2e.pictures import PICTURES
from tests.e2e.process import make_home

THINKING_MS = 350
SLOW_MS = 6_000
DIRECT = "/#/D0ADA"


async def main() -> None:
    """A thread in a channel with two people, direct messages, the pane, and the same in the dark and on a phone."""
    with tempfile.TemporaryDirectory() as directory:
        home = make_home(Path(directory), latency_ms=THINKING_MS, variants={"slow": {"latency_ms": SLOW_MS}})
        async with running_demo(home) as demo, running_browser() as browser:
            thread = await _channel(demo, browser)
            await _direct(demo, browser)
            await _again(demo, browser, thread, "ask-dark", dark=True)
            await _again(demo, browser, thread, "ask-phone", width=360, height=760)


async def _channel(demo: Demo, browser: Browser) -> str:
    async with at_the_page(browser, demo.url) as ada:
        await ada.say("@convotest assistant=pizza a large pizza with mushrooms, please")
        message = ada.page.get_by_role("main").locator("article", has_text="mushrooms").last
        await message.locator(".thread-summary").click()
        await expect(_answers(ada.thread)).to_have_count(1)
        await _write(ada, "@convotest two cans of cola")
        await expect(_answers(ada.thread)).to_have_count(2)
        thread = await ada.page.evaluate("location.hash")
        async with at_the_page(browser, demo.url, member=BEN, path=f"/{thread}") as ben:
            await _write(ben, "@convotest how long does it take?")
            await expect(_answers(ben.thread)).to_have_count(3)
        await _write(ada, "@convotest done")
        await ada.thread.get_by_text("How satisfied are you with pizza?").wait_for()
        await _take(ada, "ask-thread")
        return thread


async def _direct(demo: Demo, browser: Browser) -> None:
    async with at_the_page(browser, demo.url, member=ADA, path=DIRECT) as ada:
        main = ada.page.get_by_role("main")
        await ada.say("What do you have?")
        await main.get_by_text("Which assistant do you want to speak to?").wait_for()
        await main.get_by_role("combobox").first.select_option(label="pizza")
        await expect(_answers(main)).to_have_count(1)
        await ada.say("A small pizza with ham, please")
        await expect(_answers(main)).to_have_count(2)
        await ada.say("thanks, done")
        await main.get_by_role("button", name="4 of 5, satisfied").click()
        await main.get_by_text("You gave pizza").wait_for()
        await _take(ada, "ask-direct")

        await ada.page.get_by_role("button", name="New chat").click()
        await ada.thread.get_by_text("You are talking to pizza.").wait_for()
        await ada.thread.get_by_role("button", name="What is on the menu?").wait_for()
        await _write(ada, "assistant=pizza@slow a large pizza with mushrooms, please")
        await ada.thread.locator(".status").wait_for()
        await _take(ada, "ask-pane")
        await expect(_answers(ada.thread)).to_have_count(1)


async def _again(demo: Demo, browser: Browser, thread: str, name: str, **look: int | bool) -> None:
    async with at_the_page(browser, demo.url, **look) as ada:  # type: ignore[arg-type]
        await ada.page.evaluate("hash => { location.hash = hash }", thread)
        await ada.thread.get_by_text("How satisfied are you with pizza?").wait_for()
        await _take(ada, name)


def _answers(place: Locator) -> Locator:
    return place.locator("article", has_text="pizza · ")


async def _write(person: Person, text: str) -> None:
    composer = person.thread.get_by_role("combobox", name="Reply")
    await composer.fill(text)
    await composer.press("Enter")


async def _take(person: Person, name: str) -> None:
    await person.page.wait_for_timeout(300)
    await person.page.screenshot(path=PICTURES / f"{name}.png")


if __name__ == "__main__":
    asyncio.run(main())
