"""The demo as a process of its own, and people who use its page in a real browser."""

import asyncio
import re
import shutil
import signal
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, async_playwright, expect
from slack_sdk.web.async_client import AsyncWebClient

from tests.e2e.process import START_S, STOP_S, BotDied, Home, close_pipes

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NO_CHROMIUM = "there is no chromium, chromium-browser or google-chrome on the path to drive"
SWITCHES = (
    "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync"
)
ADA, BEN, GUEST = "U0ADA", "U0BEN", "U0GUEST"
QUALITY = "assistant-quality"
WAIT_MS = 20_000
"""Longer than anything takes, also on a machine that is busy with something else."""
expect.set_options(timeout=WAIT_MS)


class Demo:
    """``python -m bot demo`` in a home; it may be killed and started again on the same port."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._process: Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self.port = free_port()
        self.log: deque[str] = deque(maxlen=500)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def post(self, channel: str, text: str, **content: Any) -> str:
        """Post as the bot, through the Web API; the message's ts."""
        client: Any = AsyncWebClient(token="xoxb-local", base_url=f"{self.url}/api/")
        client.proxy = None
        return (await client.chat_postMessage(channel=channel, text=text, **content))["ts"]

    async def start(self, *, fresh: bool = True) -> None:
        """Start it and wait until it says where it is.

        Raises:
            BotDied: it gave up.
        """
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "demo", "--port", str(self.port), *(["--fresh"] if fresh else []),
            cwd=self._home.directory, env=self._home.environment, stdout=PIPE, stderr=STDOUT, limit=2**20,
        )  # fmt: skip
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reading = asyncio.create_task(self._read(self._process, ready))
        await asyncio.wait_for(ready, START_S)

    async def stop(self) -> None:
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End it in the middle of whatever it does."""
        await self._end(signal.SIGKILL)

    async def _end(self, how: signal.Signals) -> None:
        assert self._process is not None and self._reading is not None, "start it first"
        if self._process.returncode is None:
            self._process.send_signal(how)
        if how == signal.SIGKILL:
            close_pipes(self._process)  # a helper process outlives it for a moment and holds the other end of the log
        await asyncio.wait_for(self._process.wait(), STOP_S)
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        close_pipes(self._process)

    async def _read(self, process: Process, ready: "asyncio.Future[None]") -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self.log.append(line.decode(errors="replace").rstrip())
            if self.url in self.log[-1] and not ready.done():
                ready.set_result(None)
        if not ready.done():
            ready.set_exception(BotDied("\n".join(self.log)))


@asynccontextmanager
async def running_demo(home: Home) -> AsyncGenerator[Demo]:
    """A demo that runs until the block is left."""
    demo = Demo(home)
    await demo.start()
    try:
        yield demo
    finally:
        await demo.stop()


def free_port() -> int:
    """A port that nobody listens on; it stays the same over restarts."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@asynccontextmanager
async def running_browser() -> AsyncGenerator[Browser]:
    """A headless Chromium; there must be one (`CHROMIUM`)."""
    assert CHROMIUM is not None, NO_CHROMIUM
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES.split())
        try:
            yield browser
        finally:
            await browser.close()


class Person:
    """Somebody in front of the page, with a browser of their own."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def context(self) -> BrowserContext:
        return self.page.context

    @property
    def composer(self) -> Locator:
        return self.page.get_by_role("combobox", name=re.compile("^Message "))

    @property
    def thread(self) -> Locator:
        return self.page.get_by_role("complementary", name="Thread")

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    @property
    def whispers(self) -> Locator:
        """What only this person sees."""
        return self.page.locator("article.ephemeral")

    @property
    def cards(self) -> Locator:
        """The runs in the channel, the newest last."""
        return self.page.get_by_role("main").locator("article:not(.ephemeral)", has=self.page.locator(".block-header"))

    async def say(self, text: str) -> None:
        await self.composer.fill(text)
        await self.composer.press("Enter")

    async def run(self, command: str) -> Locator:
        """Type a command that starts a run; its card."""
        known = await self.cards.count()
        await self.say(command)
        card = self.cards.nth(known)
        await card.wait_for()
        return card

    async def open_thread(self, card: Locator) -> Locator:
        await card.locator(".thread-summary").click()
        await self.thread.wait_for()
        return self.thread


@asynccontextmanager
async def at_the_page(
    browser: Browser,
    url: str,
    *,
    member: str = ADA,
    path: str = "",
    width: int = 1380,
    height: int = 900,
    dark: bool = False,
    expected: str = "",
) -> AsyncGenerator[Person]:
    """A person who looks at the page; what the browser complains about fails the test.

    Args:
        expected: a pattern of complaints that belong to the story, such as those about lost connections.
    """
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        storage_state={"origins": [{"origin": url, "localStorage": [{"name": "member", "value": member}]}]},
    )
    context.set_default_timeout(WAIT_MS)
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and not (expected and re.search(expected, message.text)):
            complaints.append(message.text)

    try:
        page = await context.new_page()
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(url + path)
        await page.get_by_role("main").wait_for()
        yield Person(page)
    finally:
        await context.close()
    assert complaints == []


class Wire:
    """The line between a browser and the demo, which can be cut and mended."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._is_cut = False
        self._ends: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        assert self._server is not None, "enter it first"
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> "Wire":
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await self._server.wait_closed()

    def cut(self) -> None:
        """Break every connection, and each new one."""
        self._is_cut = True
        for end in self._ends:
            end.transport.abort()

    def mend(self) -> None:
        self._is_cut = False

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        ends = {writer, far_writer}
        self._ends |= ends
        try:
            await asyncio.gather(_pour(reader, far_writer), _pour(far_reader, writer))
        finally:
            self._ends -= ends


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hand on what comes until either end is closed."""
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    except ConnectionError:
        pass  # a cut wire is what this is for
    finally:
        writer.close()
