"""The page for people who use no mouse, read with a screen reader, or prefer it dark."""

import re
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tests.e2e.local_page import Demo, Person, at_the_page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

STOPS = 80
FOCUSED = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const ring = (node) => {
    const style = getComputedStyle(node);
    return style.outlineStyle !== "none" || style.boxShadow !== "none";
  };
  return {
    role: at.getAttribute("role") || at.tagName.toLowerCase(),
    name: at.getAttribute("aria-label") || at.labels?.[0]?.innerText || at.innerText.trim().slice(0, 60),
    isRinged: ring(at) || ring(at.parentElement),
    isInDialog: !!at.closest("dialog"),
  };
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played(demo: Demo, browser: Browser) -> AsyncGenerator[str]:
    """A workspace in which something was said: the address of the thread of a run with failures."""
    async with at_the_page(browser, demo.url) as ada:
        card = await ada.run("/convotest run pizza n=2 seed=7 assistant=pizza@faulty")
        thread = await ada.open_thread(card)
        await thread.get_by_text("@Ada, your run of 'pizza'").wait_for()
        await ada.say("/convotest help")
        await ada.whispers.wait_for()
        await ada.say("a plain message :tada: with `code`, a <https://example.com|link> and @ben")
        await card.hover()
        await card.get_by_role("button", name="React with +1").click()
        await card.get_by_role("button", name=":+1:, 1, take back").wait_for()
        yield await ada.page.evaluate("location.hash")


async def _open(person: Person, what: str) -> None:
    match what:
        case "picker":
            await person.say("/convotest")
            await person.dialog.wait_for()
        case "transcript":
            await person.thread.get_by_role("button", name="Whole transcript").first.click()
            await person.dialog.wait_for()
        case "faults":
            await person.page.get_by_role("button", name="Faults").click()
            await person.dialog.wait_for()
        case "confirm":
            card = await person.run("/convotest run pizza n=1 seed=1 assistant=pizza@slow")
            await card.get_by_role("button", name="Cancel").click()
            await person.dialog.wait_for()
        case "emoji":
            message = person.page.locator("article", has_text="a plain message")
            await message.hover()
            await message.get_by_role("button", name="Another reaction").click()
        case "completions":
            await person.composer.press_sequentially("/convotest ")
            await person.page.get_by_role("listbox").wait_for()
        case "thread":
            await person.thread.get_by_role("button", name="Whole transcript").first.wait_for()
        case "home" | "empty":
            await person.page.locator(f".{what}").wait_for()
        case _:
            await person.page.get_by_text("a plain message").wait_for()


async def _close(person: Person, what: str) -> None:
    if what in ("picker", "transcript", "faults"):
        await person.page.keyboard.press("Escape")
        await expect(person.dialog).to_have_count(0)
    if what in ("emoji", "completions"):
        await person.page.keyboard.press("Escape")
        await person.composer.fill("")
    if what == "confirm":
        await person.dialog.get_by_role("button", name="Stop it").click()
        await expect(person.cards.last.get_by_role("heading")).to_have_text(re.compile("^Cancelled"))


EVERYWHERE = (
    "channel", "thread", "home", "empty", "picker", "transcript", "faults", "confirm", "emoji", "completions",
)  # fmt: skip


@pytest.mark.parametrize(
    ("width", "dark", "places"),
    [
        pytest.param(1380, False, EVERYWHERE, id="light"),
        pytest.param(1380, True, EVERYWHERE, id="dark"),
        pytest.param(360, False, ("channel", "thread", "home", "picker"), id="phone"),
    ],
)
async def test_axe_finds_nothing_serious_anywhere(
    played: str, demo: Demo, browser: Browser, width: int, dark: bool, places: tuple[str, ...]
) -> None:
    address = {"thread": played, "transcript": played, "home": "#/home", "empty": "#/C0RANDOM"}
    found: dict[str, list[str]] = {}
    async with at_the_page(browser, demo.url, width=width, dark=dark) as ada:
        for what in places:
            await ada.page.evaluate("address => { location.hash = address }", address.get(what, "#/C0QUALITY"))
            await _open(ada, what)
            found |= {what: serious} if (serious := await _serious(ada.page)) else {}
            await _close(ada, what)

    assert found == {}


async def _serious(page: Page) -> list[str]:
    """What axe-core calls serious or critical, with the elements."""
    axe: Any = Axe()  # its types are half given
    results: dict[str, Any] = (await axe.run(page)).response
    return [
        f"{violation['id']}: {violation['help']}: {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
        for violation in results["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"][:4]
    ]


async def test_the_keyboard_alone_reaches_everything_and_shows_where_it_is(
    played: str, demo: Demo, browser: Browser
) -> None:
    async with at_the_page(browser, demo.url, path="/" + played) as ada:
        await ada.thread.wait_for()
        stops = await _tab_through(ada.page, STOPS)
        reached = [f"{stop['role']} {stop['name']}" for stop in stops]

        wanted = (
            "a assistant-quality", "a general", "a Home tab", "select You are", "button Faults", "button Light or dark",
            "log Messages in #assistant-quality", "button Re-run", "button CSV", "button :+1:", "button Dismiss",
            "button React with +1", "button /convotest run pizza",
            "combobox Message #assistant-quality", "button Close thread", "log Thread", "button Whole transcript",
            "a Download", "button Enlarge", "combobox Reply",
        )  # fmt: skip
        assert [each for each in wanted if not any(name.startswith(each) for name in reached)] == []
        assert [stop for stop in stops if not stop["isRinged"]] == []


async def test_a_run_is_started_followed_and_read_without_a_mouse(demo: Demo, browser: Browser) -> None:
    async with at_the_page(browser, demo.url) as ada:
        known = await ada.cards.count()
        keyboard = ada.page.keyboard
        await _tab_to(ada.page, "combobox Message")
        await keyboard.type("/con")
        await ada.page.get_by_role("option", name="/convotest").wait_for()
        await keyboard.press("Tab")
        await keyboard.type("run pizza n=1 seed=2")
        await keyboard.press("Enter")
        card = ada.cards.nth(known)
        await expect(card.get_by_role("heading")).to_have_text("1 of 1 passed")
        await card.locator(".thread-summary").focus()
        await keyboard.press("Enter")
        await expect(ada.page.get_by_role("combobox", name="Reply…")).to_be_focused()
        await _tab_to(ada.page, "button Whole transcript", backwards=True)
        await keyboard.press("Enter")
        await ada.dialog.wait_for()
        inside = await _tab_through(ada.page, 12)
        await keyboard.press("Escape")
        await expect(ada.thread.get_by_role("button", name="Whole transcript")).to_be_focused()
        await keyboard.press("Escape")
        await expect(ada.thread).to_have_count(0)

        assert inside and all(stop["isInDialog"] and stop["isRinged"] for stop in inside)
        await expect(card.locator(".thread-summary")).to_be_focused()


async def test_a_form_is_filled_in_without_a_mouse(demo: Demo, browser: Browser) -> None:
    async with at_the_page(browser, demo.url) as ada:
        known = await ada.cards.count()
        keyboard = ada.page.keyboard
        await ada.say("/convotest")
        await ada.dialog.wait_for()
        await expect(ada.dialog.get_by_label("Profile")).to_be_focused()
        await _tab_to(ada.page, "input Conversations")
        await keyboard.type("abc")
        await keyboard.press("Enter")
        await expect(ada.dialog.get_by_role("alert")).to_contain_text("whole number")
        await expect(ada.dialog.get_by_label("Conversations")).to_be_focused()
        await keyboard.press("Control+a")
        await keyboard.type("1")
        await keyboard.press("Enter")

        await expect(ada.cards.nth(known).get_by_role("heading")).to_have_text(re.compile("of 1 passed$"))
        await expect(ada.composer).to_be_focused()


async def test_a_reaction_is_picked_without_a_mouse(played: str, demo: Demo, browser: Browser) -> None:
    async with at_the_page(browser, demo.url) as ada:
        message = ada.page.locator("article", has_text="a plain message")
        await message.locator(".time").focus()
        await _tab_to(ada.page, "button React with +1")
        for key in ("ArrowLeft",) * 4:  # past the link, the copy and the menu
            await ada.page.keyboard.press(key)
        await expect(message.get_by_role("button", name="Another reaction")).to_be_focused()
        await ada.page.keyboard.press("Enter")
        await expect(ada.page.get_by_label("Find an emoji")).to_be_focused()
        await ada.page.keyboard.type("rocket")
        await ada.page.keyboard.press("Enter")
        await expect(message.get_by_role("button", name=":rocket:, 1, take back")).to_be_visible()

        await expect(message.get_by_role("button", name="Another reaction")).to_be_focused()


async def _tab_through(page: Page, presses: int) -> list[dict[str, Any]]:
    """What has the focus after each press of Tab."""
    stops: list[dict[str, Any] | None] = []
    for _ in range(presses):
        await page.keyboard.press("Tab")
        stops.append(await page.evaluate(FOCUSED))
    return [stop for stop in stops if stop]


async def _tab_to(page: Page, what: str, *, backwards: bool = False) -> None:
    """Press Tab until an element has the focus whose role and name begin so."""
    for _ in range(STOPS):
        await page.keyboard.press("Shift+Tab" if backwards else "Tab")
        stop = await page.evaluate(FOCUSED)
        if stop and f"{stop['role']} {stop['name']}".startswith(what):
            return
    raise AssertionError(f"Tab does not reach {what!r}")
