"""Takes the pictures of docs/nightly.md from a real demo: ``python -m tests.e2e.pictures_nightly``."""

import asyncio
import tempfile
from pathlib import Path

from playwright.async_api import Browser, expect

from tests.e2e.local_page import Demo, Person, at_the_page, running_browser, running_demo
from tests.e2e.pictures import PICTURES, take
from tests.e2e.process import make_home

SUITE = "pizza-nightly"
ADD = f"/convotest schedule nightly suite={SUITE} at 02:00 tz=Europe/Berlin"
WORSE = f"{ADD} assistant=pizza@faulty name=faulty"
DONE_MS = 120_000


async def main() -> None:
    """A baseline, a night that is as good, and one that is worse."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        home = make_home(Path(directory), latency_ms=60)
        async with running_demo(home) as demo, running_browser() as browser:
            thread = await _play(demo, browser)
            await _look_back(demo, browser, thread)


async def _play(demo: Demo, browser: Browser) -> str:
    """Everything that is typed; the address of the thread of the worse night."""
    async with at_the_page(browser, demo.url) as ada:
        card = await ada.run(f"/convotest run {SUITE}")
        await expect(card.get_by_role("heading")).to_contain_text("passed", timeout=DONE_MS)
        for command in (f"/convotest baseline set {SUITE} last", ADD, WORSE):
            answers = await ada.whispers.count()
            await ada.say(command)
            await ada.whispers.nth(answers).wait_for()
        await _now(ada, f"nightly-{SUITE}", "As good as the baseline")
        await _now(ada, "faulty", "Worse than the baseline")
        await ada.say("/convotest schedule list")
        await expect(ada.whispers.last).to_contain_text("Europe/Berlin")
        await take(ada, "nightly-schedules")
        await ada.open_thread(ada.cards.last)
        await expect(ada.thread.get_by_text("@Ada, pizza-nightly")).to_be_visible(timeout=DONE_MS)
        await ada.thread.get_by_role("heading").last.scroll_into_view_if_needed()
        await take(ada, "nightly-worse")
        return await ada.page.evaluate("location.hash")


async def _now(ada: Person, name: str, headline: str) -> None:
    await ada.say(f"/convotest schedule now {name}")
    await expect(ada.cards.last.get_by_role("heading")).to_contain_text(headline, timeout=DONE_MS)


async def _look_back(demo: Demo, browser: Browser, thread: str) -> None:
    """The same in the dark and on a phone."""
    async with at_the_page(browser, demo.url, path="/" + thread, dark=True) as ada:
        await expect(ada.thread.get_by_text("@Ada, pizza-nightly")).to_be_visible(timeout=DONE_MS)
        await ada.thread.get_by_role("heading").last.scroll_into_view_if_needed()
        await take(ada, "nightly-dark")
    async with at_the_page(browser, demo.url, width=360, height=740) as ada:
        await ada.cards.last.get_by_role("heading").scroll_into_view_if_needed()
        await take(ada, "nightly-phone")


if __name__ == "__main__":
    asyncio.run(main())
