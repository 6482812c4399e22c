"""Takes the pictures of the digests in a month with a planted fault: ``python -m tests.e2e.digest_pictures``.

The month is that of `tests.e2e.month`, with its alerts; each picture is a message as a phone shows it, or a chart
as it was sent.
"""

# pyright: reportPrivateUsage=false
import asyncio
import io
import tempfile
from dataclasses import replace
from pathlib import Path

from PIL import Image
from playwright.async_api import async_playwright

from bot.gallery.page import render_page
from bot.gallery.pictures import SWITCHES, _chromium
from bot.gallery.samples import Sample
from bot.memory_poster import MemoryPoster, Posted
from bot.outbox import Sender
from jobs.alerts.watch import Watch
from jobs.dispatcher import Dispatcher
from jobs.schedule.keeper import Scheduler
from jobs.testing import InlineEngine, MovableClock, testing_ports
from tests.e2e import month
from tests.e2e.process import ROOT

PICTURES = ROOT / "docs" / "pictures"
MESSAGES = {12: "digest-quiet", month.PLANTED: "digest-phone", month.MENDED: "digest-mended"}
CHARTS = {month.PLANTED: "night", month.MENDED + 3: "trend"}
PHONE = 360


async def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        clock = MovableClock(month.BEGINS)
        async with testing_ports(Path(directory), clock=clock) as opened:
            shop = month.Nights(opened.connectors["demo"], seed=1)
            ports = replace(opened, connectors={**opened.connectors, "demo": shop})
            poster, watch = MemoryPoster(), Watch(ports)
            sender = Sender(workspace_id=month.WORKSPACE, ports=ports, poster=poster, pace=month.QUICKLY)
            dispatcher, scheduler = Dispatcher(InlineEngine(), ports), Scheduler(ports)
            await dispatcher.start()
            try:
                await month._set_up(ports)
                for number in range(1, max(CHARTS) + 1):
                    before = len(poster.posted), set(poster.uploads)
                    night = await month._night(number, shop, ports, scheduler, sender, poster)
                    await watch.look()
                    await month._show(ports, sender)
                    print(f"night {number}: {night.regression.verdict}: {night.digest[:200]}")
                    await _keep(number, poster.posted[before[0] :], poster, before[1])
            finally:
                await scheduler.stop()
                await dispatcher.stop()
        for posted in poster.posted:
            if (posted.key or "").startswith("alert:"):
                print("alert:", *(version.text for version in posted.versions), sep="\n  ")


async def _keep(number: int, posted: list[Posted], poster: MemoryPoster, known: set[str]) -> None:
    """Save the pictures of this night, if it is one of those that are shown."""
    digests = [each for each in posted if (each.key or "").startswith("digest:") and each.thread_ts is None]
    if number in MESSAGES and digests:
        page = render_page([Sample(kind="", data="", content=digests[0].versions[-1])])
        _save(await _picture(page), MESSAGES[number])
    if number in CHARTS:
        charts = [upload for name, upload in poster.uploads.items() if name not in known]
        wanted = next((each for each in charts if each.filename.startswith(_prefix(number))), None)
        if wanted is not None:
            (PICTURES / f"{CHARTS[number]}.png").write_bytes(wanted.content)


def _prefix(number: int) -> str:
    return "night-" if CHARTS[number] == "night" else "trends-"


async def _picture(page: str) -> bytes:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=_chromium(), args=list(SWITCHES))
        opened = await browser.new_page(viewport={"width": PHONE, "height": 740}, device_scale_factor=2)
        await opened.set_content(page)
        taken = await opened.locator("article").screenshot()
        await browser.close()
        return taken


def _save(taken: bytes, name: str) -> None:
    with Image.open(io.BytesIO(taken)) as image:
        small = image.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        small.save(PICTURES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    asyncio.run(main())
