"""Takes the pictures of rating and of the report from a real demo: ``python -m tests.e2e.feedback_pictures``."""

import asyncio
import random
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.async_api import Browser, expect

from tests.e2e.local_page import Demo, at_the_page, running_browser, running_demo
from tests.e2e.pictures import DONE_MS, PICTURES, take
from tests.e2e.process import ROOT, Home, convotest, make_home

TEAM = "T0LOCAL"
SAID = {
    1: ("It forgot the drink again, and the order was wrong", "Wrong pizza, wrong order, forgot the toppings"),
    2: ("So slow, it took minutes to answer", "Waited ages for an answer, and then it asked again"),
    4: ("Quick and friendly, thank you", "Friendly and polite, the order was right"),
    5: ("Lovely, quick and polite", "Very friendly, and the pizza came quickly"),
}


async def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        home = make_home(Path(directory), latency_ms=200)
        async with running_demo(home) as demo, running_browser() as browser:
            await import_a_month(home)
            await _rate(demo, browser)
            await _look_back(demo, browser)
    for picture in sorted(PICTURES.glob("feedback-*.png")):
        print(f"{picture.relative_to(ROOT)}  {picture.stat().st_size // 1024} kB")


async def import_a_month(home: Home) -> None:
    """What a helpdesk would bring: ratings of four weeks."""
    chance, now = random.Random(4), datetime.now(UTC)
    rows = ["conversation_id,rating,feedback_text,timestamp,user_id,assistant"]
    for place in range(120):
        stars = chance.choices((1, 2, 3, 4, 5), (2, 2, 2, 5, 7))[0]
        text = chance.choice(SAID.get(stars, ("",))) if chance.random() < 0.5 else ""
        at = now - timedelta(days=chance.random() * 27)
        rows.append(f'ticket-{place},{stars},"{text}",{at.isoformat()},customer-{place},pizza')
    file = home.directory / "helpdesk.csv"
    file.write_text("\n".join(rows))
    done = await convotest(home, "feedback", "import", str(file), "--workspace", TEAM)
    assert done.code == 0, done.stderr


async def _rate(demo: Demo, browser: Browser) -> None:
    """Ask, press the thumb down, say why, and fill the form in: first wrongly, then rightly."""
    async with at_the_page(browser, demo.url) as ada:
        await ada.say("/convotest ask assistant=pizza what is on the menu?")
        main = ada.page.get_by_role("main")
        await main.locator(".thread-summary").last.click(timeout=DONE_MS)
        down = ada.thread.locator("button.feedback").nth(1)
        await down.wait_for(timeout=DONE_MS)
        await down.click()
        await ada.page.get_by_role("button", name="It was wrong").wait_for(timeout=DONE_MS)
        await take(ada, "feedback-why")
        await ada.page.get_by_role("button", name="It was wrong").click()
        await ada.page.get_by_text("Thanks, noted.").last.wait_for(timeout=DONE_MS)
        await ada.page.get_by_role("button", name="Say more…").click()
        await ada.dialog.wait_for()
        await ada.dialog.get_by_role("button", name="Save").click()
        await expect(ada.dialog.get_by_role("alert")).to_contain_text("1 to 5 stars")
        await take(ada, "feedback-form-refused")
        await ada.dialog.get_by_role("radio").nth(3).check()
        await ada.dialog.get_by_label("Comment").fill("It named no drinks at all")
        await take(ada, "feedback-form")
        await ada.dialog.get_by_role("button", name="Save").click()
        await ada.dialog.wait_for(state="hidden")
        await ada.say("/convotest feedback 30d by=week")
        report = main.locator("article", has=ada.page.get_by_role("heading", name="Feedback, last 30 days")).last
        await report.wait_for(timeout=DONE_MS)
        await report.locator(".thread-summary").wait_for(timeout=DONE_MS)
        await report.locator(".thread-summary").click()
        chart = ada.thread.locator(".file-image img")
        await chart.wait_for(timeout=DONE_MS)
        await chart.evaluate("image => { image.loading = 'eager'; return image.decode() }")
        await report.get_by_role("heading").scroll_into_view_if_needed()
        await take(ada, "feedback-report")


async def _look_back(demo: Demo, browser: Browser) -> None:
    async with at_the_page(browser, demo.url, width=360, height=1400) as ada:
        await ada.page.get_by_role("heading", name="Feedback, last 30 days").last.scroll_into_view_if_needed()
        await take(ada, "feedback-phone")
    async with at_the_page(browser, demo.url, dark=True, height=1200) as ada:
        await ada.page.get_by_role("heading", name="Feedback, last 30 days").last.scroll_into_view_if_needed()
        await take(ada, "feedback-dark")


if __name__ == "__main__":
    asyncio.run(main())
