"""A/B tests measured: how often equal variants are told apart, whether power promised is power kept, and how fast.

``python -m tests.benchmarks.bench_ab`` needs no network; the seeds are fixed.
"""

import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import numpy as np
from scipy.stats import binomtest

from jobs.experiments.analysis import Comparison, analyze
from jobs.experiments.inference import mcnemar_midp
from jobs.experiments.looks import early_winner
from jobs.experiments.power import pairs_for_rates, power_line
from jobs.experiments.results import Results

Draw = Callable[[random.Random], dict[str, tuple[float, float]]]
SEED = 7


def noisy(rng: random.Random) -> dict[str, tuple[float, float]]:
    """One variant met twice: scenarios of their own difficulty, about 32 % discordant pairs."""
    rate, base = rng.choice((0.3, 0.5, 0.8, 0.95)), rng.lognormvariate(0, 0.5)

    def twice(one: Callable[[], float]) -> tuple[float, float]:
        return one(), one()

    return {
        "success": twice(lambda: float(rng.random() < rate)),
        "score": twice(lambda: float(min(5, max(1, round(3 + base + rng.gauss(0, 1)))))),
        "latency_ms": twice(lambda: 900 * base * rng.lognormvariate(0, 0.3)),
        "cost_usd": twice(lambda: 0.01 * base * rng.lognormvariate(0, 0.5)),
    }


def better(rng: random.Random) -> dict[str, tuple[float, float]]:
    """B succeeds where A does not in 25 % of the pairs, A where B does not in 5 %."""
    draw = rng.random()
    return {"success": (1.0, 0.0) if draw < 0.05 else (0.0, 1.0) if draw < 0.30 else (1.0, 1.0)}


def experiment(pairs: int, draw: Draw, rng: random.Random, *, paired: bool = True) -> Comparison:
    drawn = [draw(rng) for _ in range(pairs)]
    places = np.arange(pairs)
    return analyze(
        Results(
            variants=("a", "b"),
            variant=np.repeat([0, 1], pairs),
            meeting=np.concatenate([places, places if paired else places + pairs]),
            scenario=np.concatenate([places, places]),
            metrics={
                name: np.array([each[name][arm] for arm in (0, 1) for each in drawn], dtype=np.float64)
                for name in drawn[0]
            },
        )
    )[0]


def interval_of(hits: int, n: int) -> str:
    exact = binomtest(hits, n).proportion_ci(method="exact")
    return f"{hits} of {n} = {hits / n:.1%}, exact 95% interval {exact.low:.1%} to {exact.high:.1%}"


def false_claims(repetitions: int, pairs: int) -> None:
    """Equal variants: claims of each test alone, and of the experiment as it is reported."""
    for paired in (True, False):
        rng, alone, reported = random.Random(SEED), dict[str, int](), 0
        for _ in range(repetitions):
            found = experiment(pairs, noisy, rng, paired=paired)
            reported += any(each.verdict in ("b_better", "b_worse") for each in found.metrics.values())
            for each in found.metrics.values():
                alone[each.test] = alone.get(each.test, 0) + (each.p is not None and each.p < 0.05)
        discordant = sum(a != b for a, b in (noisy(rng)["success"] for _ in range(10_000))) / 10_000
        click.echo(f"A/A, {pairs} {'pairs' if paired else 'an arm'}, {discordant:.0%} of pairs discordant:")
        for test, hits in alone.items():
            click.echo(f"  {test:13} {interval_of(hits, repetitions)}")
        click.echo(f"  {'any verdict':13} {interval_of(reported, repetitions)}")


def false_winners(repetitions: int, pairs: int) -> None:
    """Equal variants, looked at every five pairs: by the e-value, and by the mid-p that is not made for it."""
    rng, by_e, by_p = random.Random(SEED), 0, 0
    for _ in range(repetitions):
        only_a = only_b = 0
        stopped_e = stopped_p = False
        for done in range(1, pairs + 1):
            a, b = noisy(rng)["success"]
            only_a, only_b = only_a + (a > b), only_b + (b > a)
            if done % 5 == 0:
                stopped_e |= early_winner(only_a, only_b) is not None
                stopped_p |= mcnemar_midp(only_a, only_b) < 0.05
        by_e, by_p = by_e + stopped_e, by_p + stopped_p
    click.echo(f"A/A with a look every 5 pairs up to {pairs}:")
    click.echo(f"  {'e-value':13} {interval_of(by_e, repetitions)}")
    click.echo(f"  {'mid-p, wrong':13} {interval_of(by_p, repetitions)}")


def power_kept(repetitions: int) -> None:
    needed = pairs_for_rates(discordant=0.30, difference=0.20)
    assert needed is not None
    rng = random.Random(SEED)
    found = sum(experiment(needed, better, rng).verdict == "b_better" for _ in range(repetitions))
    click.echo(f"+20 points at the {needed} pairs planned for 80 % power: found in {interval_of(found, repetitions)}")
    click.echo(f"  ({power_line(60)})")


def rows(pairs: int) -> Iterator[str]:
    rng = random.Random(SEED)
    yield "scenario,seed,variant,success,score,latency_ms,cost_usd"
    for i in range(pairs):
        drawn = noisy(rng)
        for arm, variant in enumerate(("pizza@old", "pizza@new")):
            yield ",".join([f"pizza#{i}", str(i), variant, *(f"{values[arm]:.6g}" for values in drawn.values())])


def speed(pairs: int) -> None:
    """The whole command on a file, with the start of Python."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.csv"
        path.write_text("\n".join(rows(pairs)))
        command = [sys.executable, "-m", "bot", "ab", "analyze", str(path), "--json"]
        started = time.perf_counter()
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
        took = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    click.echo(f"{pairs:,} pairs, four metrics: {took:.1f} s, {peak:.0f} MB")


@click.command()
@click.option("--repetitions", default=200, show_default=True)
@click.option("--pairs", default=60, show_default=True)
@click.option("--large", default=100_000, show_default=True, help="Pairs in the measured file.")
def main(repetitions: int, pairs: int, large: int) -> None:
    speed(60)
    speed(large)
    false_claims(repetitions, pairs)
    false_winners(repetitions, 100)
    power_kept(repetitions)


if __name__ == "__main__":
    main()
