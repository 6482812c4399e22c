"""``convotest ab``: A/B tests in the terminal."""

import asyncio
import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs.at_terminal import as_json_option, on_interrupt, prepare

if TYPE_CHECKING:
    from jobs.bundle import Ports
    from jobs.experiments.experiment import Experiment, ExperimentProgress, ExperimentRequest, ExperimentSummary
    from jobs.experiments.recorded import SessionResult
    from jobs.experiments.results import Results
    from jobs.settings import Settings

EXIT = {"b_better": 0, "b_worse": 1}
NEITHER, MISSING, INTERRUPTED = 4, 3, 130
AT_ONCE = 20


@click.group()
def ab() -> None:
    """Compare variants, and say what the results do and do not show."""


# --- played by convotest --------------------------------------------------------------------------------------------


@ab.command()
@click.argument("target")
@click.option("--a", required=True, metavar="NAME@VARIANT", help="The baseline.")
@click.option("--b", required=True, metavar="NAME@VARIANT", help="The candidate.")
@click.option("--c", metavar="NAME@VARIANT", help="A further candidate; each is compared with A. Also --d, --e, --f.")
@click.option("--d", metavar="NAME@VARIANT", hidden=True)
@click.option("--e", metavar="NAME@VARIANT", hidden=True)
@click.option("--f", metavar="NAME@VARIANT", hidden=True)
@click.option("-n", default="auto", metavar="N|auto", help="Pairs; auto: as many as show --difference.")
@click.option(
    "--difference", type=click.FloatRange(1, 100), default=20, show_default=True, help="In points of success."
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="The same seed plays the same customers.")
@click.option("--metric", default="success", show_default=True, help="The one that decides, declared beforehand.")
@click.option("--early-stop", is_flag=True, help="Look every few pairs; stop as soon as a winner is certain.")
@as_json_option
def run(target: str, n: str, difference: float, as_json: bool, **options: Any) -> int:
    """Let variants meet the same customers, and say which one is better.

    The arms are played at the same time, with the same scenarios and seeds. Before it starts you are told what the
    size can show and what it will cost. Ctrl-C stops it; there is no verdict then.

    \b
    Exit codes: 0 a candidate is better, 1 every one is worse, 4 neither was shown, 2 bad input, 3 nothing but errors,
    130 interrupted.

    \b
    Examples:
      convotest ab run pizza --a pizza@good --b pizza@faulty
      convotest ab run pizza --a pizza@now --b pizza@shorter --c pizza@friendlier
      convotest ab run pizza --a pizza@good --b pizza@faulty -n 100 --seed 7 --early-stop
    """
    from jobs.experiments.experiment import ExperimentRequest

    more = tuple(each for each in (options.pop(name) for name in "cdef") if each)
    request = ExperimentRequest(
        target=target, n=pairs_from(n), difference=difference / 100, more=more, started_by="terminal", **options
    )
    experiment, progress, summary, interrupted = asyncio.run(_play(request, prepare()))
    _show(experiment, progress, summary, as_json=as_json)
    if interrupted:
        return INTERRUPTED
    if summary is None or summary.overall is None:
        return NEITHER
    played = sum(arm.passed + arm.failed + arm.unclear for arm in summary.results)
    return EXIT.get(summary.overall, NEITHER) if played else MISSING


def pairs_from(text: str) -> int | None:
    """A number of pairs; None for ``auto``. Raises RequestError."""
    from jobs.errors import RequestError

    word = text.strip().lower()
    if word == "auto":
        return None
    if not (word.isascii() and word.isdecimal()) or len(word) > 9 or int(word) < 1:
        raise RequestError(f"n={text[:40]!r} is no number of pairs; write n=40 or n=auto")
    return int(word)


@ab.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=AT_ONCE, show_default=True, help="Newest first.")
@as_json_option
def list_tests(limit: int, as_json: bool) -> None:
    """List the latest A/B tests of this terminal."""
    from jobs.experiments.lifecycle import experiment_progress
    from jobs.experiments.shown import print_experiments, to_json
    from jobs.model import LOCAL_WORKSPACE

    async def listed(ports: "Ports") -> "list[tuple[Experiment, ExperimentProgress]]":
        found = await ports.store.experiments.recent(LOCAL_WORKSPACE, limit=limit)
        return [(each, await experiment_progress(each, ports)) for each in found]

    found = asyncio.run(_with_ports(listed))
    if as_json:
        _print_json([to_json(each, progress, None) for each, progress in found])
    else:
        print_experiments([each for each, _ in found])


@ab.command()
@click.argument("test", default="last")
@as_json_option
def show(test: str, as_json: bool) -> None:
    """Show an A/B test: the verdict, or how far it is.

    TEST is its id as 'ab list' shows it, the name of one recorded by hand, or 'last'.
    """
    experiment, progress, summary, results = asyncio.run(_with_ports(partial(_looked_up, test)))
    if results is not None:
        _compare(results, lower=_lower(), as_json=as_json)
    else:
        _show(experiment, progress, summary, as_json=as_json)


@ab.command()
@click.argument("test")
@as_json_option
def cancel(test: str, as_json: bool) -> None:
    """Stop an A/B test; what is finished is kept, without a verdict."""
    from jobs.experiments.lifecycle import cancel_experiment, existing_experiment

    async def stop(ports: "Ports") -> "tuple[Experiment, bool]":
        experiment = await _find(test, ports)
        asked = await cancel_experiment(experiment, ports, by="the terminal")
        return await existing_experiment(experiment.id, ports), asked

    experiment, asked = asyncio.run(_with_ports(stop))
    if as_json:
        _print_json({"experiment": experiment.id, "state": experiment.state})
    else:
        click.echo(f"{test}: {experiment.state}" + ("" if asked else "; nothing was changed"))


@ab.command()
@click.argument("test")
@click.argument("pairs", type=click.IntRange(min=1), default=AT_ONCE)
@as_json_option
def extend(test: str, pairs: int, as_json: bool) -> int:
    """Add PAIRS (20) to a finished A/B test, with new customers of the same seed.

    It is judged again at the end. A second verdict has to be clearer than the first, since two chances to be lucky
    would be one too many; the answer says so.
    """
    experiment, progress, summary, interrupted = asyncio.run(_play_on(test, pairs, prepare()))
    _show(experiment, progress, summary, as_json=as_json)
    return INTERRUPTED if interrupted else EXIT.get((summary and summary.overall) or "", NEITHER)


@ab.command()
@click.argument("test")
@as_json_option
def delete(test: str, as_json: bool) -> None:
    """Forget an A/B test and results recorded by hand; the runs of its arms stay."""
    from jobs.experiments.lifecycle import delete_experiment

    async def forget(ports: "Ports") -> str:
        experiment = await _find(test, ports)
        await delete_experiment(experiment, ports)
        return experiment.id

    deleted = asyncio.run(_with_ports(forget))
    if as_json:
        _print_json({"experiment": deleted, "deleted": True})
    else:
        click.echo(f"{test} is deleted")


# --- recorded by hand -----------------------------------------------------------------------------------------------


@ab.command()
@click.argument("name")
@click.option("--a", default="cold", show_default=True, metavar="TYPE", help="The session type of the baseline.")
@click.option("--b", default="warm", show_default=True, metavar="TYPE", help="The session type of the candidate.")
@as_json_option
def create(name: str, a: str, b: str, as_json: bool) -> None:
    """Create an A/B test whose sessions are recorded by hand.

    \b
    Examples:
      convotest ab create onboarding
      convotest ab add-result onboarding sessions.json
      convotest ab analyze onboarding
    """
    from jobs.experiments.recorded import create_test
    from jobs.model import LOCAL_WORKSPACE

    async def made(ports: "Ports") -> "Experiment":
        return await create_test(name, a, b, ports.store, ports.clock, LOCAL_WORKSPACE)

    test = asyncio.run(_with_ports(made))
    if as_json:
        _print_json({"experiment": test.id, "target": test.target, "a": test.a, "b": test.b})
    else:
        click.echo(f"{name}: A is {a!r}, B is {b!r}; add sessions with: convotest ab add-result {name} FILE")


@ab.command("add-result")
@click.argument("test")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), required=False)
@click.option("--session-id", help="Names the session; the same one twice counts once.")
@click.option("--session-type", help="Which condition: the test's A or B.")
@click.option("--task-id", help="The task; the same task under both conditions is a pair.")
@click.option("--success/--failure", default=None, help="Whether the task was solved.")
@click.option("--completion-time-seconds", type=float)
@click.option("--message-count", type=int)
@click.option("--tool-calls", type=int)
@click.option("--successful-tool-calls", type=int)
@click.option("--errors", type=int)
@click.option("--user-corrections", type=int)
@click.option("--notes")
@as_json_option
def add_result(test: str, file: Path | None, as_json: bool, **fields: Any) -> None:
    """Add sessions to an A/B test recorded by hand.

    FILE is JSON: an object, a list, or one object a line, with the fields session_id, session_type, task_id,
    start_time, end_time, message_count, tool_calls, successful_tool_calls, errors, completion_time_seconds,
    user_corrections, success, notes; - reads it from stdin. Without FILE the options are one session.
    """
    from jobs.experiments.recorded import add_results

    sessions = _sessions(file, fields)

    async def add(ports: "Ports") -> int:
        return await add_results(await _find(test, ports), sessions, ports.store)

    added = asyncio.run(_with_ports(add))
    if as_json:
        _print_json({"test": test, "sessions": len(sessions), "added": added})
    else:
        known = len(sessions) - added
        click.echo(f"{added} added" + (f", {known} known already" if known else ""))


def _sessions(file: Path | None, fields: dict[str, Any]) -> "list[SessionResult]":
    from jobs.errors import RequestError
    from jobs.experiments.recorded import parse_sessions, session_from

    if file is None:
        return [session_from({name: value for name, value in fields.items() if value is not None})]
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"cannot read {str(file)!r}: {error}") from error
    return parse_sessions(text)


# --- any results ----------------------------------------------------------------------------------------------------


@ab.command()
@click.argument("file", metavar="FILE|TEST", type=click.Path(path_type=Path))
@click.option("--metric", "metrics", multiple=True, metavar="COLUMN", help="Compare only this one; may be repeated.")
@click.option("--lower", multiple=True, metavar="COLUMN", help="Less is better in this one; may be repeated.")
@as_json_option
def analyze(file: Path, metrics: tuple[str, ...], lower: tuple[str, ...], as_json: bool) -> int:
    """Compare the variants in a file of results, or in an A/B test.

    FILE is a CSV file with the columns scenario, seed, variant, success, score, latency_ms and cost_usd, or a JSON
    list of objects with these fields. Any may be empty; further columns of numbers are metrics too. A is the first
    variant in the file. Results with the same scenario and seed are compared in pairs. TEST is an A/B test as
    'ab list' shows it, or the name of one recorded by hand.

    \b
    Exit codes, by success, else the first metric: 0 B is better, 1 B is worse, 4 neither was shown, 2 bad input.

    \b
    Examples:
      convotest ab analyze results.csv
      convotest ab analyze results.csv --metric success --metric cost_usd --json
    """
    from jobs.experiments.reading import load_results

    if file.exists() or file.suffix:
        return _compare(load_results(file, only=metrics), lower=lower, as_json=as_json)
    experiment, progress, summary, results = asyncio.run(_with_ports(partial(_looked_up, str(file))))
    if results is not None:
        return _compare(results, lower=(*_lower(), *lower), as_json=as_json)
    _show(experiment, progress, summary, as_json=as_json)
    return EXIT.get((summary and summary.overall) or "", NEITHER)


def _compare(results: "Results", *, lower: tuple[str, ...], as_json: bool) -> int:
    from jobs.experiments.analysis import analyze as compare
    from jobs.experiments.as_json import to_json

    compared = compare(results, lower_is_better=lower)
    if as_json:
        _print_json(to_json(compared))
    else:
        from jobs.experiments.table import print_comparisons

        print_comparisons(compared)
    return EXIT.get(compared[0].verdict, NEITHER)


def _lower() -> tuple[str, ...]:
    from jobs.experiments.recorded import LESS_IS_BETTER

    return LESS_IS_BETTER


# --- shared ---------------------------------------------------------------------------------------------------------


async def _play(request: "ExperimentRequest", settings: "Settings") -> Any:
    """Plays it to its end, or to the first Ctrl-C; says whether it was interrupted."""
    from jobs.experiments.lifecycle import start_experiment
    from jobs.wiring import open_ports

    interrupted = on_interrupt()
    async with open_ports(settings, role="auto") as ports:
        started = await start_experiment(request, ports)
        cost = started.estimated_cost_usd
        estimate = "unknown" if cost is None else f"${cost:.4f}" if cost else "$0 for models"
        for line in (*started.notes, started.power, f"estimated cost: {estimate}"):
            click.echo(f"convotest: {line}", err=True)
        return await _follow(started, interrupted, ports)


async def _play_on(test: str, pairs: int, settings: "Settings") -> Any:
    from jobs.experiments.lifecycle import extend_experiment
    from jobs.wiring import open_ports

    interrupted = on_interrupt()
    async with open_ports(settings, role="auto") as ports:
        extended = await extend_experiment(await _find(test, ports), ports, by="terminal", pairs=pairs)
        return await _follow(extended, interrupted, ports)


async def _follow(started: "Experiment", interrupted: asyncio.Event, ports: "Ports") -> Any:
    from jobs.experiments.lifecycle import (
        existing_experiment,
        experiment_progress,
        experiment_summary,
        follow_experiment,
    )
    from jobs.model import Outcome, Progress
    from jobs.terminal import progress_bar

    canceller = asyncio.create_task(_cancel_when(interrupted, started, ports))
    try:
        planned = len(started.arms) * started.planned
        against = ", ".join((started.b, *started.more))
        with progress_bar(f"{started.target}: {started.a} against {against}", planned) as show_progress:
            async for each in follow_experiment(started.id, ports):
                passed, failed = sum(arm.passed for arm in each.arms), sum(arm.failed for arm in each.arms)
                counts: dict[Outcome, int] = {"passed": passed, "failed": failed}
                counts["inconclusive"] = sum(arm.done for arm in each.arms) - passed - failed
                show_progress(Progress(planned=planned, by_outcome=counts))
    finally:
        canceller.cancel()
    over = await existing_experiment(started.id, ports)
    progress, summary = await experiment_progress(over, ports), await experiment_summary(over, ports)
    return over, progress, summary, interrupted.is_set()


async def _cancel_when(interrupted: asyncio.Event, experiment: "Experiment", ports: "Ports") -> None:
    from jobs.experiments.lifecycle import cancel_experiment

    await interrupted.wait()
    await cancel_experiment(experiment, ports, by="Ctrl-C")


async def _looked_up(test: str, ports: "Ports") -> Any:
    """The test, how far it is, its answer, and the results if they were recorded by hand."""
    from jobs.experiments.lifecycle import experiment_progress, experiment_summary

    experiment = await _find(test, ports)
    progress = await experiment_progress(experiment, ports)
    if experiment.kind == "simulated":
        return experiment, progress, await experiment_summary(experiment, ports), None
    from jobs.experiments.reading import collect
    from jobs.experiments.recorded import rows_of

    return (
        experiment,
        progress,
        None,
        collect(*rows_of(experiment, await ports.store.experiments.results(experiment.id))),
    )


async def _find(test: str, ports: "Ports") -> "Experiment":
    from jobs.experiments.lifecycle import find_experiment
    from jobs.model import LOCAL_WORKSPACE

    return await find_experiment(test, LOCAL_WORKSPACE, ports)


async def _with_ports(use: Any) -> Any:
    from jobs.wiring import open_ports

    async with open_ports(prepare(), role="reader") as ports:
        return await use(ports)


def _show(
    experiment: "Experiment", progress: "ExperimentProgress", summary: "ExperimentSummary | None", *, as_json: bool
) -> None:
    from jobs.experiments.shown import print_experiment, to_json

    if as_json:
        _print_json(to_json(experiment, progress, summary))
    else:
        print_experiment(experiment, progress, summary)


def _print_json(document: Any) -> None:
    click.echo(json.dumps(document, indent=2, allow_nan=False))
