"""One demo and one browser for the tests of a module that use the page."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.e2e.local_page import CHROMIUM, NO_CHROMIUM, Demo, running_browser, running_demo
from tests.e2e.process import make_home

SLOW_MS = 3000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncGenerator[Browser]:
    if CHROMIUM is None:
        pytest.skip(NO_CHROMIUM)
    async with running_browser() as browser:
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Demo]:
    """The real demo with quick assistants, and with one that takes its time."""
    variants = {"slow": {"latency_ms": SLOW_MS}, "calm": {"latency_ms": 120}}
    async with running_demo(make_home(tmp_path_factory.mktemp("demo"), variants=variants, latency_ms=20)) as demo:
        yield demo
