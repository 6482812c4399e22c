"""How results look in a terminal: progress on stderr while a person watches, tables on stdout."""

import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from jobs import model
from jobs.metrics import METRICS
from jobs.profiles import FileCheck
from jobs.redact import redact
from jobs.report import GateVerdict, Group, MetricSummary, RunReport, RunSummary, exit_code
from jobs.report.as_text import printable
from jobs.report.rules import BrokenRule, RuleSummary, rule_sentence
from jobs.scoring import QUALITIES

WIDTH_OF_A_FILE = 120
"""Columns when stdout is no terminal, so that what is piped does not depend on who pipes it."""
MOST_IN_A_CELL = 120
OUTCOME_STYLES: dict[model.Outcome, str] = {"passed": "green", "failed": "red", "inconclusive": "yellow"}
VERDICTS = {0: ("passed", "green"), 1: ("failed", "red"), 3: ("only errors", "red"), 4: ("inconclusive", "yellow")}


class _Stdout(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # Rich would end the process with the code that says that the assistant failed


def stdout_console() -> Console:
    return _Stdout(file=sys.stdout, width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE, highlight=False)


@contextmanager
def progress_bar(title: str, planned: int) -> Generator[Callable[[model.Progress], None]]:
    """A bar on stderr to be told about progress; shown only if stderr is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(file=sys.stderr)
    with Progress(
        *columns, TextColumn("{task.fields[counts]}"), console=console, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task(title, total=planned, counts="")

        def show(progress: model.Progress) -> None:
            counts = ", ".join(f"{count} {_words(outcome)}" for outcome, count in progress.by_outcome.items() if count)
            bar.update(task, total=progress.planned, completed=progress.done, counts=counts)

        yield show


def print_report(report: RunReport, *, short_id: str, with_conversations: bool = False) -> None:
    """A run as a page: verdict, figures, why conversations failed, what differs from the run before."""
    console, summary = stdout_console(), report.summary
    console.print(_title(report, short_id), _verdict(report), sep="\n")
    if any(metric.mean for metric in summary.metrics.values()):
        console.print(_metrics(summary), *_agreement(summary), sep="\n")
    _print_gates(console, summary.gates or ())
    _print_rules(console, summary.rules or {})
    if len(summary.personas) > 1:
        console.print(_personas(summary))
    if summary.styles:
        console.print(_styles(summary))
    for heading, groups in (("Failed", summary.failures), ("Unclear", summary.doubts), ("Errors", summary.errors)):
        _print_groups(console, heading, groups)
    if with_conversations:
        console.print(_conversations(report))
    for line in _remarks(summary):
        console.print(Text(line, style="dim"))


def print_runs(runs: Sequence[model.Run], *, short_id: Callable[[str], str]) -> None:
    """One line a run, newest first."""
    table = Table("run", "started", "profile", "assistant", "planned", "state", "by", box=None)
    for run in runs:
        started = run.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
        label = f"{run.assistant}@{run.variant}"
        cells = (short_id(run.id), started, run.profile, label, str(run.planned), run.state, run.started_by)
        table.add_row(*(Text(cell) for cell in cells))
    stdout_console().print(table if runs else "no runs yet; start one with: convotest run pizza")


def print_checks(checks: Sequence[FileCheck]) -> None:
    """One line a file, and below it everything that is wrong with it."""
    console = stdout_console()
    for check in checks:
        mark = Text("ok   ", style="green") if check.ok else Text("bad  ", style="red")
        console.print(mark + Text(f"{check.path}{_extent(check)}"), soft_wrap=True)
        for problem in check.problems:
            place = f"{check.path}:{problem.place.line}:{problem.place.column}" if problem.place else check.path
            field = f"{problem.field}: " if problem.field else ""
            console.print(Text(_safe(f"     {place}: {field}{problem.message}; {problem.fix}")), soft_wrap=True)
        for warning in check.warnings:
            console.print(Text(_safe(f"     note: {warning}"), style="yellow"), soft_wrap=True)


def _title(report: RunReport, short_id: str) -> Text:
    summary = report.summary
    parts = (
        summary.profile,
        f"{summary.assistant}@{summary.variant}",
        f"simulator {summary.simulator}",
        f"seed {summary.seed}",
        f"run {short_id}",
    )
    return Text(" · ".join(parts), style="bold")


def _verdict(report: RunReport) -> Text:
    totals, success, state = report.summary.totals, report.summary.success, report.run.state
    word, style = VERDICTS[exit_code(report)] if state == "finished" else (state, "yellow")
    counts = [f"{count} {name}" for name, count in _counts(report.summary) if count]
    text = Text(word, style=style) + Text(f": {', '.join(counts) or 'nothing'} of {report.summary.planned} played")
    if success:
        text += Text(
            f"; success {success.value:.0%} (95 % interval {success.low:.0%} to {success.high:.0%}, n={success.n})"
        )
    return text if totals.conversations else Text(word, style=style) + Text(": nothing was played")


def _counts(summary: RunSummary) -> list[tuple[str, int]]:
    totals = summary.totals
    return [
        ("passed", totals.passed),
        ("failed", totals.failed),
        ("inconclusive", totals.inconclusive),
        ("errors", totals.errors),
        ("void", totals.void),
        ("skipped", totals.skipped),
        ("cancelled", totals.cancelled),
    ]


def _metrics(summary: RunSummary) -> Table:
    headings = ("metric", "mean", "95 % interval", "n", "unscored", "better")
    table = Table(*(Column(each, no_wrap=True) for each in headings), box=None, padding=(0, 1))
    for name, metric in summary.metrics.items():
        if metric.mean:
            table.add_row(name.replace("_", " "), *_metric_cells(name, metric, is_rubric=name in summary.rubrics))
    if summary.latency:
        times = summary.latency
        table.add_row("answer time, median", f"{times.p50:.0f} ms", f"p95 {times.p95:.0f} ms", str(times.n))
    if summary.costs.total is None or summary.costs.total > 0:
        cost = "unknown" if summary.costs.total is None else f"${summary.costs.total:.4f}"
        table.add_row("cost", cost, f"{summary.tokens.input} + {summary.tokens.output} tokens")
    return table


def _agreement(summary: RunSummary) -> list[Text]:
    """What stands beside each metric of a judge; greyed as long as too few people rated."""
    trust = summary.trust
    if trust is None:
        return []
    judged = [name for name, metric in summary.metrics.items() if name in summary.judged and metric.mean]
    return [
        Text(
            _safe(f"  {name.replace('_', ' ')} {trust.words(name)}"), style="dim" if trust.is_shown_greyed(name) else ""
        )
        for name in judged
    ]


def _personas(summary: RunSummary) -> Table:
    """Success of each persona, and its quality as far as it is scored."""
    qualities = [name for name in QUALITIES if any(each.metrics.get(name) for each in summary.personas.values())]
    headings = ("persona", "success", "95 % interval", "n", *qualities)
    table = Table(*(Column(each, no_wrap=True) for each in headings), box=None, padding=(0, 1))
    for name, each in summary.personas.items():
        rate = each.success
        cells = (f"{rate.value:.0%}", f"{rate.low:.0%} to {rate.high:.0%}", str(rate.n)) if rate else ("–", "", "0")
        means = [each.metrics.get(quality) for quality in qualities]
        table.add_row(Text(_safe(name)), *cells, *(f"{mean.value:.0%}" if mean else "–" for mean in means))
    return table


def _styles(summary: RunSummary) -> Text:
    kept = [
        f"{name.replace('_', ' ')} {each.mean.value:.0%} (n={each.mean.n})" if each.mean else f"{name} not measured"
        for name, each in summary.styles.items()
    ]
    return Text(f"styles kept by the customers: {', '.join(kept)}")


def _metric_cells(name: str, metric: MetricSummary, *, is_rubric: bool) -> tuple[str, ...]:
    mean = metric.mean
    assert mean is not None
    unit = METRICS[name].unit if name in METRICS else "share" if is_rubric else ""
    interval = (
        "" if mean.low is None or mean.high is None else f"{_figure(mean.low, unit)} to {_figure(mean.high, unit)}"
    )
    wish = METRICS[name].better if name in METRICS else "higher" if is_rubric else ""
    return _figure(mean.value, unit), interval, str(mean.n), str(metric.unscored or ""), wish


def _figure(value: float, unit: str) -> str:
    if unit == "share":
        return f"{value:.0%}"
    return f"{value:.0f} ms" if unit == "ms" else f"{value:.1f}"


def _print_gates(console: Console, gates: Sequence[GateVerdict]) -> None:
    marks = {True: Text("  kept    ", style="green"), False: Text("  broken  ", style="red"), None: Text("  unclear ")}
    if gates:
        console.print(Text("Gates:", style="bold"))
    for gate in gates:
        mark = marks[gate.ok] if gate.applies else Text("  not used", style="dim")
        console.print(mark + Text(_safe(f" {gate.reason}" if not gate.applies else gate.reason)))


def _print_rules(console: Console, rules: Mapping[str, RuleSummary]) -> None:
    marks = {True: Text("  holds   ", style="green"), False: Text("  broken  ", style="red"), None: Text("  unclear ")}
    if rules:
        console.print(Text("Rules:", style="bold"))
    for name, rule in rules.items():
        mark = marks[rule.ok] if rule.applied or not rule.ok else Text("  –       ")
        console.print(mark + Text(_safe(f"{name}: {rule_sentence(rule)}")), soft_wrap=True)
        pair = next((each for each in rule.failures if len(each.values) == 2), None)
        if pair:
            console.print(_side_by_side(pair))


def _side_by_side(pair: BrokenRule) -> Table:
    """What a rule looked at in the two conversations of a pair."""
    first, second = pair.values
    table = Table("", *(Column(f"#{number}") for number in pair.conversations), box=None, padding=(0, 1))
    for name in dict.fromkeys((*first, *second)):
        cells = (_safe(values.get(name, "absent"))[:MOST_IN_A_CELL] for values in pair.values)
        table.add_row(Text(f"            {_safe(name)}"), *(Text(cell) for cell in cells))
    return table


def _print_groups(console: Console, heading: str, groups: Sequence[Group]) -> None:
    if groups:
        console.print(Text(f"{heading}:", style="bold"))
    for group in groups:
        numbers = ", ".join(f"#{number}" for number in group.numbers[:8]) + (", …" if len(group.numbers) > 8 else "")
        console.print(Text(_safe(f"  {len(group.numbers):>3} × {group.name}  ({numbers})")))


def _conversations(report: RunReport) -> Table:
    of_suite = report.run.suite is not None
    table = Table("#", *(["scenario"] if of_suite else []), "outcome", "turns", "why", box=None, padding=(0, 2))
    for each in report.conversations:
        outcome = Text(_words(each.verdict.outcome), style=OUTCOME_STYLES.get(each.verdict.outcome, "magenta"))
        why = Text(_safe("; ".join(each.verdict.reasons)))
        scenario = [Text(_safe(each.scenario.profile))] if of_suite else []
        table.add_row(Text(str(each.number)), *scenario, outcome, Text(str(len(each.transcript.turns))), why)
    return table


def _remarks(summary: RunSummary) -> list[str]:
    compared = summary.comparison
    remarks = [*summary.notes, *([summary.note] if summary.note else [])]
    if compared:
        remarks += [compared.sentence, *compared.caveats]
    return [_safe(remark) for remark in remarks]


def _extent(check: FileCheck) -> str:
    if check.kind == "suite" and check.conversations is not None:
        return f"  ({check.kind}: {check.conversations} conversations)"
    if check.kind != "profile" or not check.ok:
        return f"  ({check.kind})"
    combinations = f", {check.combinations} combinations" if check.combinations is not None else ""
    if check.conversations is None:
        return f"  ({check.profile}: how many conversations is known once it is run)"
    return f"  ({check.profile}: {check.conversations} conversations{combinations})"


def _words(outcome: model.Outcome) -> str:
    return outcome.replace("_", " ")


def _safe(text: str) -> str:
    """Text from outside without secrets, control characters and line breaks."""
    return printable(redact(text)).replace("\n", " ")
