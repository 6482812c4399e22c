"""How often a played A/A test claims a difference: ``python -m tests.benchmarks.bench_ab_played [EXPERIMENTS]``.

The demo shop against itself, with so much noise that a fifth of the pairs or more disagree. Everything is seeded.
"""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from scipy.stats import binomtest

from jobs.assistants.catalogue import load_catalogue
from jobs.bundle import Ports
from jobs.dispatcher import Dispatcher
from jobs.experiments.experiment import OVER, ExperimentRequest, ExperimentSummary
from jobs.experiments.lifecycle import existing_experiment, experiment_summary, start_experiment
from jobs.testing import InlineEngine, testing_ports

CLAIMS = ("b_better", "b_worse")
ASSISTANTS = """
assistants:
  pizza:
    connector: demo
    default: good
    profiles: ["pizza-shop/*"]
    variants:
      good: {shop: pizza-shop/assistant.yaml, latency_ms: 0}
      noisy: {shop: pizza-shop/assistant.yaml, latency_ms: 0, noise: 0.7}
"""
AA = ExperimentRequest(target="pizza", a="pizza@noisy", b="pizza@noisy", n=40)


async def main(experiments: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        (folder / "assistants.yaml").write_text(ASSISTANTS)
        async with testing_ports(folder) as made:
            ports = replace(made, catalogue=load_catalogue(folder))
            dispatcher = Dispatcher(InlineEngine(), ports)
            await dispatcher.start()
            try:
                _tell_false("A/A, one look at 40 pairs", await _play(AA, experiments, ports))
                _tell_false("A/A, a look every 5 pairs", await _play(replace(AA, early_stop=True), experiments, ports))
            finally:
                await dispatcher.stop()


async def _play(request: ExperimentRequest, experiments: int, ports: Ports) -> list[ExperimentSummary]:
    summaries: list[ExperimentSummary] = []
    for seed in range(experiments):
        experiment = await start_experiment(replace(request, seed=seed), ports)
        while (await existing_experiment(experiment.id, ports)).state not in OVER:
            await ports.bell.wait(at_most_s=0.05)
        summary = await experiment_summary(await existing_experiment(experiment.id, ports), ports)
        assert summary is not None
        summaries.append(summary)
    return summaries


def _tell_false(title: str, summaries: Sequence[ExperimentSummary]) -> None:
    false = sum(each.verdict in CLAIMS for each in summaries)
    disagreeing = sum(each.only_a + each.only_b for each in summaries) / sum(each.pairs for each in summaries)
    interval = binomtest(false, len(summaries)).proportion_ci(method="exact")
    print(
        f"{title}: {false} false claims in {len(summaries)} ({false / len(summaries):.1%}, exact 95% interval "
        f"{interval.low:.1%} to {interval.high:.1%}); {disagreeing:.0%} of the pairs disagree"
    )


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
