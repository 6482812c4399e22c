"""How long one waits for the terminal's help, and for the page of the demo.

``python -m tests.benchmarks.bench_start``; every figure is the median of several starts with warm file caches.
"""

import asyncio
import re
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import aiohttp
import click
from rich.console import Console
from rich.table import Table

from tests.benchmarks.measure import machine
from tests.e2e.process import Home, convotest, make_home

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


async def help_s(home: Home) -> float:
    started = time.perf_counter()
    ended = await convotest(home, "--help")
    assert ended.code == 0
    return time.perf_counter() - started


async def run_s(home: Home) -> float:
    """One conversation with an assistant that does not think: what a script pays for the rest."""
    started = time.perf_counter()
    ended = await convotest(home, "run", "pizza", "-n", "1", "--seed", "1")
    assert ended.code == 0, ended.stderr
    return time.perf_counter() - started


async def demo_s(home: Home) -> float:
    """Until the page is served to a browser; the bot is connected by then."""
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "demo", "--port", "0", "--fresh",
        cwd=home.directory, env=home.environment, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async for line in process.stdout:
            if found := ADDRESS.search(line.decode()):
                async with aiohttp.ClientSession() as session, session.get(found[0]) as response:
                    assert response.status == 200
                return time.perf_counter() - started
        raise RuntimeError("the demo ended before it named its address")
    finally:
        process.terminate()
        await process.communicate()


async def measure(rounds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="convotest-bench-") as folder:
        home = make_home(Path(folder), latency_ms=0)
        figures = {"convotest --help": help_s, "convotest demo, page reachable": demo_s, "convotest run -n 1": run_s}
        return {name: statistics.median([await each(home) for _ in range(rounds)]) for name, each in figures.items()}


@click.command()
@click.option("--rounds", default=5, show_default=True)
def main(rounds: int) -> None:
    gates = {"convotest --help": "0.5 s", "convotest demo, page reachable": "4 s"}
    table = Table("start", "median", "at most", title=f"Starting, {rounds} times each", caption=machine())
    for name, seconds in asyncio.run(measure(rounds)).items():
        table.add_row(name, f"{seconds:.2f} s", gates.get(name, ""))
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
