"""A comparison as a page in the terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from jobs.experiments.analysis import Comparison, MetricResult, Verdict
from jobs.experiments.wording import (
    PRACTICAL,
    VERDICTS,
    advice_notes,
    change,
    figure,
    interval,
    methods,
    metric_name,
    p_value,
    recommendation,
    variant_name,
)
from jobs.terminal import stdout_console

STYLES: dict[Verdict, str] = {
    "b_better": "green",
    "b_worse": "red",
    "no_difference_shown": "yellow",
    "not_enough_data": "yellow",
}


def print_comparisons(compared: Sequence[Comparison]) -> None:
    """Each comparison: the advice, the figures, and how they came about."""
    console = stdout_console()
    for number, comparison in enumerate(compared):
        if number:
            console.print()
        _print(console, comparison)


def _print(console: Console, comparison: Comparison) -> None:
    console.print(_title(comparison))
    console.print(Text(recommendation(comparison), style=STYLES[comparison.verdict]))
    if comparison.metrics:
        console.print(_figures(comparison))
    for line in (*advice_notes(comparison), *methods(comparison)):
        console.print(Text(line, style="dim"))


def _title(comparison: Comparison) -> Text:
    a, b = (f"{variant_name(arm.variant)} ({arm.n:,} results)" for arm in (comparison.a, comparison.b))
    return Text(f"A {a} · B {b} · {comparison.design}, {comparison.pairs:,} pairs", style="bold")


def _figures(comparison: Comparison) -> Table:
    headings = ("metric", "A", "B", "B against A", "95% interval", "p adjusted", "verdict")
    table = Table(*(Column(each, overflow="fold") for each in headings), box=None, padding=(0, 1))
    for name, each in comparison.metrics.items():
        cells = (
            metric_name(name),
            figure(each.a, each),
            figure(each.b, each),
            change(each.difference, each),
            interval(each),
            p_value(each.p_adjusted),
        )
        table.add_row(*(Text(cell) for cell in cells), _verdict(each))
    return table


def _verdict(result: MetricResult) -> Text:
    return Text(VERDICTS[result.verdict] + _needed(result.needs_n), style=STYLES[result.verdict])


def _needed(needs_n: int | None) -> str:
    if needs_n is None:
        return ""
    return f" (needs about {needs_n:,})" if needs_n <= PRACTICAL else f" (needs over {PRACTICAL:,})"
