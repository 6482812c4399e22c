"""A regression as a page in the terminal."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from jobs.model import short_id
from jobs.redact import redact
from jobs.regression.regression import Regression, RegressionSummary, RegressionVerdict, Standing
from jobs.regression.words import CATEGORY_NAMES, figure_cells
from jobs.report.as_text import printable
from jobs.report.words import percent
from jobs.terminal import stdout_console

STYLES: dict[RegressionVerdict, str] = {"APPROVE": "bold green", "REJECT": "bold red", "INCONCLUSIVE": "bold yellow"}
STANDINGS: dict[Standing, Text] = {
    "kept": Text("kept", style="green"),
    "broken": Text("broken", style="red"),
    "open": Text("open", style="yellow"),
}


def print_regression(regression: Regression) -> None:
    """The verdict, what got worse, the figures, and what is different."""
    console, summary = stdout_console(), regression.summary
    subject = f"{regression.suite} × {regression.assistant}@{regression.variant}"
    console.print(Text(f"{_safe(subject)}   run {short_id(regression.run_id)}", style="bold"))
    if summary is None:
        console.print(Text(_safe(regression.note or f"{regression.state}, no verdict"), style="bold yellow"))
        return
    console.print(Text(f"{summary.verdict}  ", style=STYLES[summary.verdict]) + Text(_safe(summary.headline)))
    _print_regressed(console, summary)
    if summary.figures:
        console.print(_figures(summary))
    if summary.categories:
        console.print(_categories(summary))
    for line in _remarks(regression, summary):
        console.print(Text(_safe(line), style="dim"), soft_wrap=True)


def _print_regressed(console: Console, summary: RegressionSummary) -> None:
    for each in summary.regressed:
        style = "red" if each.severity == "high" else "yellow"
        console.print(Text(f"  {each.severity:<7}", style=style) + Text(_safe(each.sentence)), soft_wrap=True)
        for number, quote in each.quotes.items():
            if quote:
                console.print(Text(f"          #{number} said: {_safe(quote)}", style="dim"), soft_wrap=True)
        if len(each.conversations) > 1:
            numbers = ", ".join(f"#{number}" for number in each.conversations[:12])
            console.print(Text(f"          {numbers}", style="dim"))


def _figures(summary: RegressionSummary) -> Table:
    headings = ("figure", "baseline", "now", "change", "95% interval", "pairs", "limit")
    table = Table(*(Column(each, overflow="fold") for each in headings), box=None, padding=(0, 1))
    for figure in summary.figures:
        table.add_row(*figure_cells(figure), STANDINGS[figure.standing])
    return table


def _categories(summary: RegressionSummary) -> Table:
    table = Table("category", "passed", "failed", "broke off", "baseline", box=None, padding=(0, 1))
    for name, each in summary.categories.items():
        before = "–"
        if each.baseline_passed is not None and each.baseline_failed is not None:
            before = f"{each.baseline_passed} of {each.baseline_passed + each.baseline_failed}"
        cells = (str(each.passed), str(each.failed), str(each.errors or ""), before)
        table.add_row(_safe(CATEGORY_NAMES.get(name, name)), *cells)
    return table


def _remarks(regression: Regression, summary: RegressionSummary) -> Iterator[str]:
    for each in summary.flaky:
        yield (
            f"flaky, not counted: {each.name!r} (#{each.number}) failed once and passed {each.passed} of {each.played} "
            f"times when it was played again; two in a row pass in {percent(each.twice)}"
        )
    if summary.still_failing:
        yield f"{len(summary.still_failing)} conversations fail as they did at the baseline"
    if summary.mended:
        yield f"{len(summary.mended)} conversations pass that failed at the baseline"
    if summary.changes:
        yield f"different since {summary.changes_since}: {'; '.join(summary.changes)}"
    elif summary.changes_since:
        yield f"nothing is known to be different since {summary.changes_since}"
    yield from (f"open: {reason}" for reason in summary.open_reasons)
    yield from summary.notes
    if regression.baseline is None:
        yield f"to compare with this run from now on: convotest baseline set {regression.suite} " + short_id(
            regression.run_id
        )


def _safe(text: str) -> str:
    return printable(redact(text)).replace("\n", " ")
