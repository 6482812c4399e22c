"""Takes the pictures of A/B tests, Home and menus from a real demo: ``python -m tests.e2e.pictures_ab``."""

import asyncio
import re
import tempfile
from pathlib import Path
from typing import Any

import yaml
from playwright.async_api import Browser, Locator, expect

from tests.e2e.local_page import Demo, Person, at_the_page, running_browser, running_demo
from tests.e2e.loopback_shop import LoopbackShop, assistant
from tests.e2e.pictures import DONE_MS, PICTURES, take
from tests.e2e.process import Home, make_home

WARM_UP = ["Hello!", "Which sizes of pizza do you have?"]
GOOD_OR_FAULTY = "/convotest ab pizza a=pizza@good b=pizza@faulty n=24 seed=7"
COLD_OR_WARM = "/convotest ab pizza a=pizza@cold b=pizza@warm n=24 seed=7"
TWO_PROMPTS = "/convotest ab pizza a=modelled@short b=modelled@careful n=24 seed=7"
SEVERAL = "/convotest ab pizza a=pizza@faulty b=pizza@good c=pizza@noisy n=24 seed=7"


async def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        async with LoopbackShop().provider(delay_s=0.02) as provider:
            home = make_home(
                Path(directory),
                latency_ms=120,
                CONVOTEST_CONCURRENCY="10",  # so that there is something to see while it is played
                variants={
                    "cold": {"session": "cold", "warm_up": [*WARM_UP]},
                    "warm": {"session": "warm", "warm_up": [*WARM_UP]},
                    "noisy": {"noise": 0.6},
                },
            )
            add_assistant(home, "modelled", assistant(provider.base_url))
            async with running_demo(home) as demo, running_browser() as browser:
                await _play(demo, browser)


def add_assistant(home: Home, name: str, entry: dict[str, Any]) -> None:
    file = home.directory / "profiles" / "assistants.yaml"
    content: Any = yaml.safe_load(file.read_text())
    content["assistants"][name] = entry
    file.write_text(yaml.safe_dump(content, sort_keys=False))


async def _play(demo: Demo, browser: Browser) -> None:
    async with at_the_page(browser, demo.url, height=1000) as ada:
        card = await ada.run(GOOD_OR_FAULTY)
        await expect(card).to_contain_text(re.compile(r"\b([5-9]|1\d)/24"), timeout=DONE_MS)
        await take(ada, "ab-progress")
        await _finished(ada, card)
        await _answer(ada, "ab-answer")
        await _chart(ada, "ab-chart")
        await ada.thread.get_by_role("button", name="How it was computed").first.click()
        await ada.dialog.wait_for()
        await take(ada, "ab-computed")
        await ada.page.keyboard.press("Escape")
        thread = await ada.page.evaluate("location.hash")
        for command, name in ((COLD_OR_WARM, "ab-cold-warm"), (TWO_PROMPTS, "ab-two-prompts"), (SEVERAL, "ab-several")):
            await ada.page.goto(f"{demo.url}/#/C0QUALITY")
            card = await ada.run(command)
            await _finished(ada, card)
            await _answer(ada, name)
            await _chart(ada, f"{name}-chart")
        await ada.page.goto(f"{demo.url}/#/C0QUALITY")
        await ada.say("/convotest ab list")
        await ada.whispers.last.wait_for()
        await take(ada, "ab-list")
        await ada.page.goto(f"{demo.url}/#/home")
        await ada.page.get_by_text("Latest runs").wait_for()
        await take(ada, "home")
        await ada.page.get_by_role("button", name="Settings…").click()
        await ada.dialog.wait_for()
        await take(ada, "settings")
        await ada.page.keyboard.press("Escape")
        await ada.dialog.wait_for(state="hidden")
    for dark, width, name in ((True, 1380, "ab-dark"), (False, 360, "ab-phone")):
        async with at_the_page(browser, demo.url, dark=dark, width=width, height=1000) as ada:
            await ada.page.goto(f"{demo.url}/{thread}")
            await _answer(ada, name)
    await _menu(demo, browser)


async def _menu(demo: Demo, browser: Browser) -> None:
    """A message's own menu, and what comes of turning it into a test case."""
    async with at_the_page(browser, demo.url) as ada:
        card = await ada.run("/convotest run pizza n=3 seed=7 assistant=pizza@faulty")
        await expect(card.get_by_role("heading")).to_have_text(re.compile("of 3 passed"), timeout=DONE_MS)
        await ada.open_thread(card)
        message = ada.thread.locator("article", has_text="1/3").first
        await message.hover()
        await message.get_by_role("button", name="More actions").click()
        await ada.page.get_by_role("menuitem", name=re.compile("Turn into test case")).hover()
        await take(ada, "message-menu")
        await ada.page.get_by_role("menuitem", name=re.compile("Turn into test case")).click()
        await ada.thread.get_by_text("is kept as a suite").first.wait_for()
        await ada.thread.get_by_role("log").evaluate("log => { log.scrollTop = log.scrollHeight }")
        await take(ada, "test-case")


async def _finished(ada: Person, card: Locator) -> None:
    await expect(card.get_by_role("heading")).not_to_have_text("A/B test running…", timeout=DONE_MS)
    await ada.open_thread(card)
    await expect(ada.thread.get_by_text("@Ada, your A/")).to_be_visible(timeout=DONE_MS)


async def _answer(ada: Person, name: str) -> None:
    """The answer, from its heading on."""
    heading = ada.thread.locator("article", has=ada.page.locator("table")).get_by_role("heading").first
    await heading.evaluate("node => node.closest('.log').scrollTop += node.getBoundingClientRect().top - 120")
    await take(ada, name)


async def _chart(ada: Person, name: str) -> None:
    chart = ada.thread.locator(".file-image img")
    await chart.evaluate("image => { image.loading = 'eager'; return image.decode() }")
    await ada.thread.locator(".file-image .picture").click()
    await ada.dialog.wait_for()
    await take(ada, name)
    await ada.page.keyboard.press("Escape")


if __name__ == "__main__":
    asyncio.run(main())
