"""The process that test_engine.py starts, and kills: one shard through the real engine."""

import asyncio
import sys
from datetime import timedelta

import jobs.engine
from jobs.clock import SystemClock
from jobs.engine import DbosEngine
from jobs.errors import ConfigurationError
from jobs.model import RunId
from jobs.store import open_store

RUN = RunId("run-1")


async def main(database_url: str, how: str) -> int:
    jobs.engine.SILENT_AFTER = timedelta(seconds=0.1)
    jobs.engine.HEARTBEAT = timedelta(seconds=0.05)
    finished = asyncio.Event()

    async def play(run_id: RunId, shard: int) -> None:
        print("playing", flush=True)
        if how == "hang":
            await asyncio.Event().wait()
        print("finished", flush=True)
        finished.set()

    clock = SystemClock()
    async with open_store(database_url, clock) as store:
        engine = DbosEngine(database_url, workers=store.workers, clock=clock)
        try:
            await engine.start(play)
        except ConfigurationError as error:
            print(error, file=sys.stderr)
            return error.exit_code
        if how == "hang":
            await engine.submit(RUN, 1, generation=0)
            await engine.submit(RUN, 1, generation=0)
        while not finished.is_set():
            await engine.keep()
            await asyncio.sleep(0.05)
        while await engine.open_shards(RUN):  # noqa: ASYNC110  (the engine tells by its own tables only)
            await asyncio.sleep(0.05)
        await engine.stop()
    return 0


sys.exit(asyncio.run(main(*sys.argv[1:])))
