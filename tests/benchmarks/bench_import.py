"""How long importing recorded conversations takes, and how it grows: ``python -m tests.benchmarks.bench_import``."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from jobs.clock import SystemClock
from jobs.importing.keep import Imported, import_conversations, imported_set
from jobs.model import LOCAL_WORKSPACE
from jobs.store import Store, open_store

TURNS = 12
SIZES = (1_250, 2_500, 5_000, 10_000)


def a_recording(number: int) -> str:
    said = "".join(
        f"- User: 'Could I have a pizza with {turn + 1} toppings, please? It is for number {number}.'\n"
        f"- Assistant: 'Of course. With {turn + 1} toppings it costs {8 + turn}.50$ and takes {20 + turn} minutes.'\n"
        for turn in range(TURNS)
    )
    times = "".join(f"- {1 + turn / 10}\n" for turn in range(TURNS))
    return (
        f"serial: 2025-07-07-12-12-{number}\nlanguage: English\ncontext:\n- your name is Jon Doe\n"
        f"ask_about:\n- a {{{{size}}}} pizza with {{{{toppings}}}}\n- size: small\n- toppings:\n  - corn\n  - ham\n"
        f"conversation:\n- number: {number}\n- goal_style:\n    steps: {TURNS}\n"
        f"data_output:\n- price: {number % 20}.50$\n- time: null\nerrors: []\n---\n"
        f"conversation time: 27.5\nassistant response time:\n{times}---\ninteraction:\n{said}"
    )


async def measure(size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        recorded = Path(folder) / "recorded"
        recorded.mkdir()
        for number in range(size):
            (recorded / f"{number}.yml").write_text(a_recording(number))
        (recorded / "bad.yml").write_text("a: [")
        async with open_store(f"sqlite:///{folder}/store.db", SystemClock()) as store:
            once, first = await _import(recorded, store)
            again, second = await _import(recorded, store)
            assert (once.new, again.new, again.known, len(again.unread)) == (size, 0, size, 1)
            started = time.perf_counter()
            assert len(await imported_set("recorded", store=store, workspace_id=LOCAL_WORKSPACE)) == size
            figures = (first, second, time.perf_counter() - started)
            print(f"| {size:,} | {' | '.join(f'{figure:.1f} s' for figure in figures)} |", flush=True)


async def _import(folder: Path, store: Store) -> tuple[Imported, float]:
    started = time.perf_counter()
    done = await import_conversations(folder, "sensei", into=None, store=store, workspace_id=LOCAL_WORKSPACE)
    return done, time.perf_counter() - started


def main() -> None:
    print(f"Files of {len(a_recording(1)):,} characters, {2 * TURNS} messages each.\n")
    print("| files | imported | again | read from the store |\n|---|---|---|---|")
    for size in [int(each) for each in sys.argv[1:]] or SIZES:
        asyncio.run(measure(size))


if __name__ == "__main__":
    main()
