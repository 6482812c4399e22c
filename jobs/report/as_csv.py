"""A report as a table: one row a conversation, in the columns that ``ab analyze`` reads."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import fmean

from jobs.metrics import METRICS
from jobs.model import Conversation, GoalProgress, Run
from jobs.report.build import RunReport
from jobs.report.redacted import redacted
from jobs.report.summary import answer_times, output_values

Cell = str | int | float | None

RUNS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""A spreadsheet takes a cell that begins like this for a formula (OWASP); the last four are full-width."""

LONGEST_CELL = 32_000
"""Excel cuts a cell at 32,767 characters, and with it the rest of the row."""

COLUMNS: Mapping[str, Callable[[Conversation, Run], Cell]] = {
    "run": lambda _, run: run.id,
    "conversation": lambda each, _: each.id,
    "position": lambda each, run: f"{each.number} of {run.planned}",
    "scenario": lambda each, _: f"{each.scenario.profile}#{each.scenario.number}",
    "seed": lambda each, _: each.scenario.seed,
    "variant": lambda _, run: f"{run.assistant}@{run.variant}",
    "persona": lambda each, _: each.scenario.persona,
    "tags": lambda each, _: ", ".join(each.scenario.tags),
    "outcome": lambda each, _: each.verdict.outcome,
    "blame": lambda each, _: each.verdict.blame,
    "ended_by": lambda each, _: each.transcript.ended_by,
    "reasons": lambda each, _: "; ".join(each.verdict.reasons),
    "goals": lambda each, _: _goals(each) if each.scenario.ending.export else None,
    "success": lambda each, _: {"passed": 1, "failed": 0}.get(each.verdict.outcome),
    "latency_ms": lambda each, _: fmean(times) if (times := answer_times(each)) else None,
    "cost_usd": lambda each, _: each.cost_usd,
    "input_tokens": lambda each, _: each.tokens.input,
    "output_tokens": lambda each, _: each.tokens.output,
}
METRIC_COLUMNS = tuple(name for name in METRICS if name != "latency")  # latency has its column already


def _goals(conversation: Conversation) -> str:
    """The goals one by one, for profiles that ask for them (``goal_style.all_answered.export``)."""
    return "; ".join(f"{goal.text}: {_progress(goal)}" for goal in conversation.assessment.goals)


def _progress(goal: GoalProgress) -> str:
    if goal.answered:
        return f"answered in turn {goal.turn + 1}" if goal.turn is not None else "answered"
    return ("asked, not answered" if goal.answered is False else "asked") if goal.asked else "not asked"


def to_csv(report: RunReport) -> bytes:
    """UTF-8 text with a header; an undefined figure is an empty cell."""
    outputs = tuple(dict.fromkeys(name for each in report.conversations for name in output_values(each)))
    metrics = (*METRIC_COLUMNS, *report.summary.rubrics)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(safe_cell(name) for name in (*COLUMNS, *metrics, *(f"output_{name}" for name in outputs)))
    for conversation in report.conversations:
        writer.writerow(safe_cell(value) for value in _row(redacted(conversation), report.run, metrics, outputs))
    return table.getvalue().encode("utf-8", errors="replace")


def _row(conversation: Conversation, run: Run, metrics: Sequence[str], outputs: Sequence[str]) -> Iterator[Cell]:
    yield from (column(conversation, run) for column in COLUMNS.values())
    scores, values = conversation.scores, output_values(conversation)
    yield from (scores[name].value if name in scores else None for name in metrics)
    yield from (values.get(name) for name in outputs)


def safe_cell(value: Cell) -> Cell:
    """Numbers as they are; text bounded, and quoted with an apostrophe where a spreadsheet would run it."""
    if not isinstance(value, str):
        return value
    text = value[:LONGEST_CELL].replace("\x00", "")
    safe = f"'{text}" if text.startswith(RUNS_A_FORMULA) else text
    # a bare carriage return would end the row for readers that follow old habits
    return safe.replace("\r\n", "\n").replace("\r", "\n")
