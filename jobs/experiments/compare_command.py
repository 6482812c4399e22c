"""``convotest compare``: two runs that were played at different times."""

import asyncio
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from jobs.at_terminal import as_json_option, prepare

if TYPE_CHECKING:
    from jobs.experiments.analysis import Comparison
    from jobs.model import Conversation, Run


@click.command()
@click.argument("baseline", metavar="RUN")
@click.argument("candidate", metavar="RUN")
@click.option("--anyway", is_flag=True, help="Even if more differs between them than the assistant.")
@as_json_option
def compare(baseline: str, candidate: str, anyway: bool, as_json: bool) -> int:
    """Compare two runs; the first one is A, the baseline.

    Conversations with the same customer (profile, seed and number) are compared in pairs. If anything but the
    assistant has changed between the runs, that is said, and needs --anyway.

    \b
    Exit codes: 0 the second is better, 1 it is worse in something, 4 neither was shown, 2 bad input.

    \b
    Examples:
      convotest run pizza -n 40 --seed 7
      convotest run pizza -n 40 --seed 7 --assistant pizza@faulty
      convotest runs
      convotest compare 3f9a21bc 87d1c02e
    """
    from jobs.experiments.as_json import to_json

    a, b = asyncio.run(_find(baseline, candidate))
    compared = _compare(a, b, anyway=anyway)
    if as_json:
        document = {"runs": [a[0].id, b[0].id], **to_json([compared])}
        click.echo(json.dumps(document, indent=2, allow_nan=False))
    else:
        from jobs.experiments.table import print_comparisons

        print_comparisons([compared])
    if any(each.verdict == "b_worse" for each in compared.metrics.values()):
        return 1
    return 0 if compared.verdict == "b_better" else 4


async def _find(*texts: str) -> "list[tuple[Run, Sequence[Conversation]]]":
    from jobs.model import LOCAL_WORKSPACE
    from jobs.runs import find_run
    from jobs.wiring import open_ports

    async with open_ports(prepare(), role="reader") as ports:
        runs = [await find_run(text, LOCAL_WORKSPACE, ports) for text in texts]
        return [(run, await ports.store.runs.conversations(run.id)) for run in runs]


def _compare(
    a: "tuple[Run, Sequence[Conversation]]", b: "tuple[Run, Sequence[Conversation]]", *, anyway: bool
) -> "Comparison":
    """Raises RequestError if more than the assistant differs, and nobody said that it may."""
    from dataclasses import replace

    from jobs.errors import RequestError
    from jobs.experiments.analysis import analyze
    from jobs.experiments.experiment import Experiment, ExperimentId
    from jobs.experiments.lifecycle import changed_stamps
    from jobs.experiments.verdict import Played, results_of

    (run_a, played_a), (run_b, played_b) = a, b
    changed = changed_stamps(run_a.stamps, run_b.stamps)
    if changed and not anyway:
        raise RequestError(
            f"these runs differ in more than the assistant: {', '.join(changed)}; --anyway compares them nevertheless"
        )
    labels = [f"{run.assistant}@{run.variant}" for run in (run_a, run_b)]
    as_experiment = Experiment(
        id=ExperimentId(run_a.id),
        workspace_id=run_a.workspace_id,
        target=run_a.target,
        a=labels[0],
        b=labels[1],
        is_aa=run_a.stamps.get("assistant") == run_b.stamps.get("assistant"),
        created_at=run_a.created_at,
    )
    rows = [[Played(round=1, conversation=each) for each in played] for played in (played_a, played_b)]
    [compared] = analyze(results_of(as_experiment, *rows))
    notes = (f"more than the assistant differs: {', '.join(changed)}",) if changed else ()
    return replace(compared, notes=(*compared.notes, *notes))
