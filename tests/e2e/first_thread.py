"""How long a newcomer waits for the first finished thread, from a fresh clone: ``python -m tests.e2e.first_thread``."""

import argparse
import asyncio
import os
import signal
import subprocess
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, expect

from tests.e2e.local_page import at_the_page, free_port, running_browser
from tests.e2e.process import OURS, ROOT

COMMAND = "/convotest run pizza"
THREAD_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Waited:
    """Seconds until the page was there, and from the typed command to the last message of the thread."""

    page_s: float
    thread_s: float


async def main() -> None:
    """Clone, install as `make demo` does, serve the demo, play, and print the seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--working-tree", action="store_true", help="measure what is not committed yet, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        clone = Path(directory) / "convotest"
        await asyncio.to_thread(clone_tree, clone, with_changes=options.working_tree)
        install_s = await asyncio.to_thread(_install, clone)
        async with running_browser() as browser:
            first, again = await _serve_and_play(clone, browser), await _serve_and_play(clone, browser)
    print(f"| installing, once                            | {install_s:6.1f} s |")
    print(f"| command to page, the first time             | {first.page_s:6.1f} s |")
    print(f"| command to page, later                      | {again.page_s:6.1f} s |")
    print(f"| `{COMMAND}` to finished thread   | {first.thread_s:6.1f} s |")
    print(f"| all of it, from nothing                     | {install_s + first.page_s + first.thread_s:6.1f} s |")


def clone_tree(clone: Path, *, with_changes: bool) -> None:
    """A clone of the repository; on request with the files of the working tree."""
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)], check=True)
    if not with_changes:
        return
    listing = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, check=True, capture_output=True).stdout.decode().split("\0")
    for name in filter(lambda each: (ROOT / each).is_file(), names):
        copy = clone / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / name).read_bytes())


def _install(clone: Path) -> float:
    """Install as `make demo` does before it serves; the seconds it took."""
    began = time.monotonic()
    subprocess.run(["make", "--silent", ".venv/.installed"], cwd=clone, env=_environment(), check=True)
    return time.monotonic() - began


async def _serve_and_play(clone: Path, browser: Browser) -> Waited:
    url = f"http://127.0.0.1:{(port := free_port())}"
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        ".venv/bin/convotest", "demo", "--port", str(port), "--fresh",
        cwd=clone, env=_environment(), stdin=DEVNULL, stdout=PIPE,
    )  # fmt: skip
    try:
        await _until_it_says(process, url)
        page_s = time.monotonic() - began
        return Waited(page_s=page_s, thread_s=await _play(browser, url))
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


def _environment() -> dict[str, str]:
    """As a newcomer has it: without our settings, and outside of any virtual environment."""
    inside = Path(os.environ.get("VIRTUAL_ENV", "/nowhere"))
    path = [each for each in os.environ["PATH"].split(os.pathsep) if not Path(each).is_relative_to(inside)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith((*OURS, "VIRTUAL_ENV"))}
    return {**clean, "PATH": os.pathsep.join(path)}


async def _until_it_says(process: Process, words: str) -> None:
    assert process.stdout is not None
    async for line in process.stdout:
        if words in line.decode(errors="replace"):
            return
    raise RuntimeError("the demo ended before its page was there")


async def _play(browser: Browser, url: str) -> float:
    async with at_the_page(browser, url) as ada:
        began = time.monotonic()
        card = await ada.run(COMMAND)
        await ada.open_thread(card)
        await expect(ada.thread.get_by_text("@Ada, your run of")).to_be_visible(timeout=THREAD_S * 1000)
        return time.monotonic() - began


if __name__ == "__main__":
    asyncio.run(main())
