"""The verdicts of rules as JSON and as text."""

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from jobs.redact import redact
from jobs.report.as_text import printable
from jobs.rules.check import Counts, RulesReport
from jobs.rules.explain import Failure

SHOWN_FAILURES = 5
"""Failures of one rule that the terminal shows; ``--json`` has them all."""


def to_json(report: RulesReport) -> dict[str, Any]:
    """The document of ``rules check --json``."""
    return {
        "conversations": report.conversations,
        "rules": {name: _counts_json(counts) for name, counts in report.rules.items()},
    }


def _counts_json(counts: Counts) -> dict[str, Any]:
    return {
        "pass": counts.passed,
        "fail": counts.failed,
        "not_applicable": counts.not_applicable,
        "unscored": counts.unscored,
        "failures": [_failure_json(each) for each in counts.failures],
    }


def _failure_json(failure: Failure) -> dict[str, Any]:
    return {
        "conversations": list(failure.conversations),
        "reason": redact(failure.reason),
        "values": [{name: redact(value) for name, value in values.items()} for values in failure.values],
    }


def print_rules(report: RulesReport, console: Console) -> None:
    """A line for each rule, then what broke; the two conversations of a broken pair stand side by side."""
    headings = ("pass", "fail", "not applicable", "unscored")
    table = Table("rule", *(Column(each, justify="right") for each in headings), box=None, padding=(0, 2))
    for name, counts in report.rules.items():
        figures = (counts.passed, counts.failed, counts.not_applicable, counts.unscored)
        table.add_row(Text(_safe(name), style=_style(counts)), *(str(figure) for figure in figures))
    console.print(f"{report.conversations} conversations")
    console.print(table)
    for name, counts in report.rules.items():
        _print_failures(name, counts, console)
    if report.questions:
        console.print(Text("unscored: these rules ask what only a model can tell", style="yellow"))


def _print_failures(name: str, counts: Counts, console: Console) -> None:
    if counts.failures:
        console.print(Text(f"\n{_safe(name)}: {counts.failed} failed", style="bold"))
    for failure in counts.failures[:SHOWN_FAILURES]:
        if len(failure.conversations) == 2:
            console.print(Text(f"  {_safe(failure.reason)}"), soft_wrap=True)
            console.print(_side_by_side(failure))
        else:
            where = f"{_safe(failure.conversations[0])}: " if failure.conversations else ""
            console.print(Text(f"  {where}{_safe(failure.reason)}"), soft_wrap=True)
    if counts.failed > SHOWN_FAILURES:
        console.print(Text(f"  … and {counts.failed - SHOWN_FAILURES} more", style="dim"))


def _side_by_side(failure: Failure) -> Table:
    first, second = failure.values
    table = Table("", *(Column(Text(_safe(each))) for each in failure.conversations), box=None, padding=(0, 1))
    for name in dict.fromkeys((*first, *second)):
        table.add_row(f"    {name}", *(Text(cell) for cell in _cells(name, failure)))
    return table


def _cells(name: str, failure: Failure) -> Iterator[str]:
    for values in failure.values:
        text = _safe(values.get(name, "absent"))
        yield text if len(text) <= 120 else f"{text[:120]}…"


def _style(counts: Counts) -> str:
    if counts.failed:
        return "red"
    return "yellow" if counts.unscored else "green"


def _safe(text: str) -> str:
    """Text from outside without secrets, control characters and line breaks."""
    return printable(redact(text)).replace("\n", " ")
