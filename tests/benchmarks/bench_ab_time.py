"""How much longer an A/B test takes than the same conversations as two plain runs: ``python -m
tests.benchmarks.bench_ab_time [PAIRS] [REPETITIONS]``. At most 1.1 times is wanted.

Both are played by the real engine from an SQLite file, by one process after the other, in turn.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from jobs.bundle import Ports
from jobs.experiments.experiment import ExperimentRequest
from jobs.experiments.lifecycle import follow_experiment, start_experiment
from jobs.model import RunId, RunRequest
from jobs.runs import follow_run, start_run
from jobs.settings import Settings
from jobs.wiring import open_ports
from tests.benchmarks.measure import machine
from tests.e2e.process import make_home

LATENCY_MS = 50


@asynccontextmanager
async def playing(folder: Path) -> AsyncGenerator[Ports]:
    home = make_home(folder, latency_ms=LATENCY_MS)
    settings = Settings(convotest_database_url=home.database_url, convotest_profiles=folder / "profiles")
    async with open_ports(settings, role="player") as ports:
        yield ports


async def two_runs(pairs: int, seed: int, ports: Ports) -> float:
    """Both at the same time, as the arms are."""
    started = time.perf_counter()
    runs = [
        await start_run(RunRequest(target="pizza", assistant=f"pizza@{variant}", n=pairs, seed=seed), ports)
        for variant in ("good", "faulty")
    ]
    await asyncio.gather(*(_followed(run.id, ports) for run in runs))
    return time.perf_counter() - started


async def _followed(run_id: RunId, ports: Ports) -> None:
    async for _ in follow_run(run_id, ports):
        pass


async def ab_test(pairs: int, seed: int, ports: Ports) -> float:
    started = time.perf_counter()
    request = ExperimentRequest(target="pizza", a="pizza@good", b="pizza@faulty", n=pairs, seed=seed)
    experiment = await start_experiment(request, ports)
    async for _ in follow_experiment(experiment.id, ports):
        pass
    return time.perf_counter() - started


async def main(pairs: int, repetitions: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with playing(Path(folder)) as ports:
            await two_runs(pairs, 0, ports)  # what is imported and cached at first is not what is compared
            await ab_test(pairs, 0, ports)
            runs: list[float] = []
            tests: list[float] = []
            for seed in range(1, repetitions + 1):
                runs.append(await two_runs(pairs, seed, ports))
                tests.append(await ab_test(pairs, seed, ports))
    ratio = statistics.median(tests) / statistics.median(runs)
    print(
        f"{pairs} pairs, median of {repetitions}: two runs {statistics.median(runs):.2f} s, "
        f"A/B test {statistics.median(tests):.2f} s, ratio {ratio:.2f} (at most 1.1); {machine()}"
    )


if __name__ == "__main__":
    asyncio.run(main(*(int(each) for each in (*sys.argv[1:], *("200", "5")[len(sys.argv) - 1 :]))))
