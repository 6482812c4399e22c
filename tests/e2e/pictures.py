"""Takes the pictures of the documentation from a real demo: ``python -m tests.e2e.pictures``."""

import asyncio
import io
import re
import tempfile
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, expect

from tests.e2e.local_page import Demo, Person, at_the_page, running_browser, running_demo
from tests.e2e.process import ROOT, make_home

PICTURES = ROOT / "docs" / "pictures"
THINKING_MS = 350
GOOD = "/convotest run pizza n=20 seed=7"
FAULTY = "/convotest run pizza n=20 seed=7 assistant=pizza@faulty"
DONE_MS = 60_000


async def main() -> None:
    """The story of the README, with a picture at each of its stations."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        home = make_home(Path(directory), latency_ms=THINKING_MS)
        async with running_demo(home) as demo, running_browser() as browser:
            thread = await _play(demo, browser)
            await _look_back(demo, browser, thread)
    for picture in sorted(PICTURES.glob("*.png")):
        print(f"{picture.relative_to(ROOT)}  {picture.stat().st_size // 1024} kB")


async def _play(demo: Demo, browser: Browser) -> str:
    """Two runs, a transcript and the picker; the address of the second run's thread."""
    async with at_the_page(browser, demo.url) as ada:
        card = await ada.run(GOOD)
        await expect(card).to_contain_text(re.compile(r"\b([3-9]|1\d)/20"), timeout=DONE_MS)
        await take(ada, "card-progress")
        await expect(card.get_by_role("heading")).to_have_text(re.compile("of 20 passed"), timeout=DONE_MS)

        card = await ada.run(FAULTY)
        await expect(card.get_by_role("heading")).to_have_text(re.compile("of 20 passed"), timeout=DONE_MS)
        await ada.open_thread(card)
        await _await_end(ada)
        await card.get_by_role("heading").scroll_into_view_if_needed()
        await take(ada, "thread")
        await ada.thread.locator(".file-image .picture").click()
        await ada.dialog.wait_for()
        await take(ada, "chart")
        await ada.page.keyboard.press("Escape")

        await ada.thread.get_by_role("button", name="Whole transcript").nth(3).click()
        await ada.dialog.wait_for()
        await take(ada, "transcript")
        await ada.page.keyboard.press("Escape")
        return await ada.page.evaluate("location.hash")


async def _look_back(demo: Demo, browser: Browser, thread: str) -> None:
    """The same in the dark and on a phone, and what the bot answers when it is asked for help."""
    async with at_the_page(browser, demo.url, path="/" + thread, dark=True) as ada:
        await _await_end(ada)
        await take(ada, "dark")
    async with at_the_page(browser, demo.url, width=360, height=740) as ada:
        await ada.cards.last.get_by_role("heading").scroll_into_view_if_needed()
        await take(ada, "phone")
    async with at_the_page(browser, demo.url) as ada:
        await ada.say("/convotest")
        await ada.dialog.wait_for()
        await ada.dialog.get_by_label("Profile").select_option("pizza")
        await ada.dialog.get_by_label("Conversations").fill("20")
        await take(ada, "picker")
        await ada.page.keyboard.press("Escape")
        await ada.dialog.wait_for(state="hidden")
        await ada.say("/convotest help")
        await ada.whispers.last.wait_for()
        await take(ada, "help")


async def _await_end(person: Person) -> None:
    """Wait for the last message of the thread and its chart, and bring both into view."""
    await expect(person.thread.get_by_text("@Ada, your run of")).to_be_visible(timeout=DONE_MS)
    chart = person.thread.locator(".file-image img")
    await chart.evaluate("image => { image.loading = 'eager'; return image.decode() }")
    await person.thread.get_by_role("log").evaluate("log => { log.scrollTop = log.scrollHeight }")


async def take(person: Person, name: str) -> None:
    """Save what is seen, without pointer, caret and animations, in at most 256 colours."""
    await person.page.mouse.move(0, 0)
    taken = await person.page.screenshot(animations="disabled", caret="hide")
    with Image.open(io.BytesIO(taken)) as image:
        small = image.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        small.save(PICTURES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    asyncio.run(main())
