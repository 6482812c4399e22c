"""How people mend an assistant in a thread of the page: the steps that tests and pictures share."""

import re

from playwright.async_api import Locator, expect

from tests.e2e.local_page import Person

SOON_MS = 120_000
"""A verification plays more than a hundred conversations."""


async def failed_run(ada: Person) -> Locator:
    """The thread of a run of the faulty shop, which is in force, with what was proposed in it."""
    await ada.say("/convotest assistants use pizza@faulty")
    await expect(ada.whispers.last).to_contain_text("is in force now")
    card = await ada.run("/convotest run pizza n=10 seed=7")
    await expect(card.get_by_role("heading")).to_have_text("0 of 10 passed", timeout=SOON_MS)
    thread = await ada.open_thread(card)
    await expect(thread.get_by_text("@Ada, your run of")).to_be_visible(timeout=SOON_MS)
    return thread


def message(ada: Person, heading: str | re.Pattern[str]) -> Locator:
    """The last message of the thread with that heading."""
    return ada.thread.locator("article:not(.ephemeral)", has=ada.page.get_by_role("heading", name=heading)).last


async def press(ada: Person, shown: Locator, button: str) -> None:
    """Press a button and say yes to what it asks."""
    await shown.get_by_role("button", name=re.compile(f"^{button}")).click()
    await ada.dialog.get_by_role("button", name=re.compile("Approve|Roll out|Widen|Roll back")).click()


async def approved(ada: Person, title: str) -> Locator:
    """The card of an action that Ada approves, once its verification has passed."""
    await press(ada, message(ada, f"💡 Proposed: {title}"), "Approve")
    card = message(ada, f"✅ Verified: {title}")
    await card.wait_for(timeout=SOON_MS)
    return card


async def rolled_out(ada: Person, card: Locator, variant: str) -> Locator:
    """The card of a rollout to everybody, with simulated customers on the way."""
    await press(ada, card, "Roll out")
    for share in ("10 %", "50 %"):
        rollout = message(ada, f"🚦 Rollout at {share}: pizza@{variant}")
        await rollout.wait_for(timeout=SOON_MS)
        await rollout.get_by_role("button", name="Send 40 simulated customers").click()
        await expect(rollout).to_contain_text(re.compile(r"new \d+ % \(.*n=\d+\)"), timeout=SOON_MS)
        await press(ada, rollout, "Widen")
    everybody = message(ada, f"🚀 In force: pizza@{variant}")
    await everybody.wait_for(timeout=SOON_MS)
    return everybody
