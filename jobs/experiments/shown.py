"""An experiment as JSON and as a page in the terminal; nothing heavy is imported."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from jobs.experiments.experiment import (
    ArmName,
    ArmProgress,
    Contrast,
    Experiment,
    ExperimentProgress,
    ExperimentSummary,
    Verdict,
)
from jobs.model import short_id
from jobs.redact import redact
from jobs.report.as_text import printable
from jobs.report.words import dollars, percent
from jobs.stats import Proportion, wilson_interval
from jobs.terminal import stdout_console

VERDICTS: dict[Verdict | None, str] = {
    "b_better": "B is better",
    "b_worse": "B is worse",
    "no_difference_shown": "no difference shown",
    "not_enough_data": "not enough data",
    None: "–",
}
STYLES: dict[Verdict | None, str] = {"b_better": "green", "b_worse": "red"}


def success_of(arm: ArmProgress) -> Proportion | None:
    return wilson_interval(arm.passed, arm.passed + arm.failed)


def to_json(experiment: Experiment, progress: ExperimentProgress, summary: ExperimentSummary | None) -> dict[str, Any]:
    """Everything a script may want; the comparison is null while there is none."""
    return {
        "experiment": experiment.id,
        "kind": experiment.kind,
        "state": experiment.state,
        "target": experiment.target,
        **{arm: _arm_json(experiment, arm, each) for arm, each in zip(experiment.arms, progress.arms, strict=True)},
        "planned": experiment.planned,
        "seed": experiment.seed,
        "metric": experiment.metric,
        "early_stop": experiment.early_stop,
        "early_winner": experiment.early_winner,
        "is_aa": experiment.is_aa,
        "power": experiment.power or None,
        "estimated_cost_usd": experiment.estimated_cost_usd,
        "stamps": dict(experiment.stamps),
        "started_by": experiment.started_by,
        "created_at": experiment.created_at.isoformat(),
        "finished_at": experiment.finished_at.isoformat() if experiment.finished_at else None,
        "note": experiment.note,
        "verdict": summary.overall if summary else None,
        "decision": summary.leading.decision if summary else None,
        "gates": list(summary.leading.gates) if summary else [],
        "candidates": [_candidate_json(experiment, each) for each in summary.contrasts] if summary else [],
        "flaky": list(summary.flaky) if summary else [],
        "recommendation": summary.sentence if summary else None,
        "notes": list(summary.notes if summary else experiment.notes),
        "comparison": dict(summary.document) if summary and summary.verdict else None,
    }


def _candidate_json(experiment: Experiment, contrast: Contrast) -> dict[str, Any]:
    return {
        "arm": contrast.arm,
        "variant": experiment.name_of(contrast.arm),
        "verdict": contrast.verdict,
        "decision": contrast.decision,
        "gates": list(contrast.gates),
        "recommendation": contrast.sentence,
    }


def _arm_json(experiment: Experiment, arm: ArmName, progress: ArmProgress) -> dict[str, Any]:
    rate = success_of(progress)
    success = {"rate": rate.value, "low": rate.low, "high": rate.high, "n": rate.n} if rate else None
    return {
        "variant": experiment.name_of(arm),
        "done": progress.done,
        "passed": progress.passed,
        "failed": progress.failed,
        "success": success or {"rate": None, "low": None, "high": None, "n": 0},
        "runs": [run.id for run in experiment.runs_of(arm)],
    }


def print_experiment(experiment: Experiment, progress: ExperimentProgress, summary: ExperimentSummary | None) -> None:
    """The verdict and what it rests on; while it is being played, how far it is and no verdict."""
    console = stdout_console()
    console.print(Text(_safe(_title(experiment)), style="bold"))
    if summary is None:
        for line in progress_lines(experiment, progress):
            console.print(Text(_safe(line)))
        console.print(Text("no verdict before all pairs are played", style="dim"))
        return
    console.print(Text(_safe(summary.sentence), style=STYLES.get(summary.overall, "yellow")))
    for each in summary.contrasts:
        _print_contrast(console, experiment, each)
    costs = zip(experiment.arms, summary.results, strict=True)
    console.print(Text("cost in all: " + ", ".join(f"{arm.upper()} {dollars(each.cost_usd)}" for arm, each in costs)))
    for line in (*summary.flaky, *summary.notes, *summary.methods):
        console.print(Text(_safe(line), style="dim"))


def _print_contrast(console: Console, experiment: Experiment, contrast: Contrast) -> None:
    letter = contrast.arm.upper()
    if experiment.more:
        console.print(Text(_safe(f"{letter} {experiment.name_of(contrast.arm)}"), style="bold"))
    if contrast.decision:
        console.print(Text(_safe(f"{contrast.decision}: {'; '.join(contrast.gates)}")))
    console.print(_figures(contrast))
    for each in contrast.disagreements:
        reasons = "; ".join(each.reasons)
        told = f"pair {each.number}: only {each.passed.upper()} passed; {each.failed.upper()}: {reasons}"
        console.print(Text(_safe(told)))


def print_experiments(listed: Sequence[Experiment]) -> None:
    """One line each, newest first."""
    table = Table("test", "started", "target", "A", "B", "pairs", "state", box=None)
    for each in listed:
        started = each.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
        pairs = str(each.planned) if each.kind == "simulated" else "by hand"
        candidates = ", ".join((each.b, *each.more))
        cells = (short_id(each.id), started, each.target, each.a, candidates, pairs, each.state)
        table.add_row(*(Text(_safe(cell)) for cell in cells))
    stdout_console().print(table if listed else "no A/B tests yet; start one with: convotest ab run pizza --a X --b Y")


def progress_lines(experiment: Experiment, progress: ExperimentProgress) -> list[str]:
    """How far each arm is, with its success so far and the interval."""
    return [
        _progress(arm, experiment.name_of(arm), each, progress.planned)
        for arm, each in zip(experiment.arms, progress.arms, strict=True)
    ]


def _progress(arm: ArmName, name: str, progress: ArmProgress, planned: int) -> str:
    line = f"{arm.upper()} {name}: {progress.done}/{planned}"
    rate = success_of(progress)
    return f"{line}, success {percent(rate.value)} ({percent(rate.low)} to {percent(rate.high)})" if rate else line


def _title(experiment: Experiment) -> str:
    arms = " · ".join(f"{arm.upper()} {experiment.name_of(arm)}" for arm in experiment.arms)
    what = f"{arms} · {experiment.target}"
    return f"{what} · seed {experiment.seed} · {experiment.state} · test {short_id(experiment.id)}"


def _figures(contrast: Contrast) -> Table:
    letter = contrast.arm.upper()
    headings = ("metric", "A", letter, f"{letter} against A", "95% interval", "p adjusted", "verdict")
    table = Table(*(Column(each, overflow="fold") for each in headings), box=None, padding=(0, 1))
    for each in contrast.metrics:
        cells = (each.name, each.a, each.b, each.change, each.interval, each.p)
        verdict = Text(VERDICTS[each.verdict].replace("B", letter), style=STYLES.get(each.verdict, "yellow"))
        table.add_row(*(Text(_safe(cell)) for cell in cells), verdict)
    return table


def _safe(text: str) -> str:
    return printable(redact(text)).replace("\n", " ")
