"""Takes the pictures of an assistant being mended from a real demo: ``python -m tests.e2e.action_pictures``."""

import asyncio
import tempfile
from pathlib import Path

from tests.e2e.action_story import approved, failed_run, message, press, rolled_out
from tests.e2e.local_page import Person, at_the_page, running_browser, running_demo
from tests.e2e.pictures import PICTURES, take
from tests.e2e.process import make_home

TITLE = "Put everything that was ordered on the order"


async def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        home = make_home(Path(directory), latency_ms=5, CONVOTEST_APPROVERS="U0ADA U0BEN")
        async with running_demo(home) as demo, running_browser() as browser:
            async with at_the_page(browser, demo.url, height=1080) as ada:
                await failed_run(ada)
                await _show(ada, f"💡 Proposed: {TITLE}", "action-proposed")
                card = await approved(ada, TITLE)
                await _show(ada, f"✅ Verified: {TITLE}", "action-verified")
                await rolled_out(ada, card, "faulty-1")
                await rolled_out(ada, await approved(ada, "Bill what was quoted"), "faulty-2")
                last = await approved(ada, "Understand when customers ask how long it takes")
                await rolled_out(ada, last, "faulty-3")
                await _show(ada, "🚀 In force: pizza@faulty-3", "action-rollout")
                address = await ada.page.evaluate("location.hash")
            async with at_the_page(browser, demo.url, path="/" + address, dark=True, height=1080) as ada:
                await _show(ada, f"✅ Verified: {TITLE}", "action-dark")
                await ada.say("/convotest rollout pizza@faulty target=pizza")
                rollout = ada.cards.filter(has_text="Rollout at 10 %: pizza@faulty").last
                await press(ada, rollout, "Widen")
                widened = ada.cards.filter(has_text="Rollout at 50 %: pizza@faulty").last
                await widened.get_by_role("button", name="Send 40 simulated customers").click()
                taken_back = ada.cards.filter(has_text="Rolled back: pizza@faulty").last
                await taken_back.wait_for(timeout=120_000)
                await taken_back.scroll_into_view_if_needed()
                await take(ada, "action-rolled-back")
            async with at_the_page(browser, demo.url, width=360, height=900) as ada:
                await ada.page.evaluate("address => { location.hash = address }", address)  # the thread hides the rest
                await _show(ada, f"✅ Verified: {TITLE}", "action-phone")


async def _show(ada: Person, heading: str, picture: str) -> None:
    shown = message(ada, heading)
    await shown.wait_for()
    await shown.get_by_role("heading").evaluate("heading => heading.scrollIntoView({block: 'start'})")
    await take(ada, picture)


if __name__ == "__main__":
    asyncio.run(main())
