"""Pictures of the gallery by a headless browser: light, dark and as narrow as a phone."""

import re
import shutil
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SWITCHES = ("--no-sandbox", "--disable-gpu")
"""The page is our own and has no scripts; as root, in a container, there is no sandbox."""
SIZES = {"light": ("light", 1200), "dark": ("dark", 1200), "narrow": ("light", 360)}


class NoBrowser(Exception):
    """There is no browser to take pictures with; the text says what to install."""


async def take_pictures(page: Path, directory: Path) -> list[Path]:
    """One picture of each kind of message in each of the three looks, in a directory that exists.

    Raises:
        NoBrowser: Playwright or its Chromium is not installed.
    """
    try:
        from playwright.async_api import Error, async_playwright
    except ImportError as error:
        raise NoBrowser("for pictures: pip install playwright && playwright install chromium") from error
    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(executable_path=_chromium(), args=list(SWITCHES))
        except Error as error:
            raise NoBrowser("for pictures: playwright install chromium") from error
        try:
            return [path for look in SIZES for path in await _pictures_of(browser, page, directory, look)]
        finally:
            await browser.close()


def _chromium() -> str | None:
    """The browser of this machine; None = Playwright's own."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


async def _pictures_of(browser: Any, page: Path, directory: Path, look: str) -> list[Path]:
    scheme, width = SIZES[look]
    opened = await browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
    await opened.goto(page.as_uri())
    taken: list[Path] = []
    for section in await opened.locator("section.kind").all():
        name = re.sub(r"\W+", "-", await section.locator("h2").inner_text()).strip("-").lower()
        taken.append(directory / f"{name}-{look}.png")
        await section.screenshot(path=str(taken[-1]))
    await opened.close()
    return taken
