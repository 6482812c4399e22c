"""How a run looks: its card, its failures by reason, and its last message."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.blocks._agreement import judged_lines
from bot.blocks._parts import (
    MOST_TEXT,
    Json,
    Message,
    actions,
    bullets,
    button,
    context,
    counted,
    dollars,
    escape,
    fallback,
    fields,
    header,
    line,
    marked,
    member,
    mention,
    milliseconds,
    number,
    one_line,
    percent,
    plain,
    progress_bar,
    rich_text,
    words,
)
from bot.blocks.rules import broken_rules, rules_line
from jobs.metrics import METRICS
from jobs.model import Outcome, Progress, Run, SimulatorName, short_id
from jobs.report import GateVerdict, Group, MetricSummary, RunSummary

ICONS: dict[Outcome, str] = {
    "passed": "✅",
    "failed": "❌",
    "inconclusive": "❔",
    "void": "🌀",
    "assistant_error": "⚠️",
    "harness_error": "🛠️",
    "skipped": "⏭️",
    "cancelled": "⏹️",
}
OUTCOMES: dict[Outcome, str] = {
    "passed": "passed",
    "failed": "failed",
    "inconclusive": "could not be judged",
    "void": "did not count",
    "assistant_error": "ended in an error of the assistant",
    "harness_error": "ended in an error of convotest",
    "skipped": "skipped",
    "cancelled": "cancelled",
}
SIMULATORS: dict[SimulatorName, str] = {
    "agenda": "offline (agenda), no language model",
    "llm": "played by a language model (llm)",
}
COSTS: dict[SimulatorName, str] = {
    "agenda": "$0 for the customers, the assistant's is added at the end",
    "llm": "added up at the end",
}
ON_THE_CARD = ("turns_to_goal", "completeness", "efficiency", "coherence", "safety", "fallback_share")
MOST_GROUPS = 20
MOST_NUMBERS = 12
MOST_NOTES = 5
MOST_GATES = 10
MOST_SCORES = 30

CANCEL, RERUN, CSV, ANOTHER = "run_cancel", "run_rerun", "run_csv", "run_another"
OVER = ("finished", "cancelled")


@dataclass(frozen=True, kw_only=True)
class NextStep:
    """Something worth trying after a run: why, and what to type."""

    reason: str
    command: str


# --- the card -------------------------------------------------------------------------------------------------------


def run_card(run: Run, progress: Progress, summary: RunSummary | None, next_step: NextStep | None = None) -> Message:
    """The message at top level. ``summary`` is there as soon as the run is over."""
    headline = _headline(run, progress)
    blocks: list[Json] = [
        header(headline),
        rich_text(
            line(words(_subject(run), bold=True)),
            line(words(f"{progress_bar(progress.done, progress.planned)} {progress.done}/{progress.planned}")),
            line(words(_counts(progress) or "no conversation is finished yet")),
        ),
    ]
    if run.state in OVER and summary:
        blocks += _results(summary)
    blocks.append(_facts(run))
    blocks += _notes(run)
    if next_step and run.state in OVER:
        blocks.append(_suggestion(next_step))
    blocks.append(_buttons(run, progress))
    what = f"{headline}: {_subject(run)}, {progress.done}/{progress.planned} conversations"
    return Message(text=fallback(escape(what)), blocks=tuple(blocks))


def _headline(run: Run, progress: Progress) -> str:
    passed = progress.by_outcome.get("passed", 0)
    match run.state:
        case "finished":
            return f"{passed} of {progress.planned} passed"
        case "cancelled":
            played = progress.done - progress.by_outcome.get("cancelled", 0)
            return f"Cancelled: {played} of {progress.planned} played, {passed} passed"
        case "cancelling":
            return "Stopping…"
        case "planned":
            return "Starting…"
        case _:
            return "Running…"


def _subject(run: Run) -> str:
    """What is played against what; cleaned and bounded."""
    return one_line(f"{run.suite or run.profile} → {run.assistant}@{run.variant}")


def _counts(progress: Progress) -> str:
    """Conversations by outcome, e.g. ``✅ 17 passed · ❌ 3 failed``."""
    return " · ".join(
        f"{icon} {progress.by_outcome[outcome]:,} {OUTCOMES[outcome]}"
        for outcome, icon in ICONS.items()
        if progress.by_outcome.get(outcome)
    )


def _results(summary: RunSummary) -> Iterator[Json]:
    pairs = [("Success", _success(summary)), ("Answer time (p50 / p95)", _times(summary))]
    pairs += [
        (_metric_name(name), _metric(name, summary.metrics[name])) for name in ON_THE_CARD if name in summary.metrics
    ]
    pairs.append(("Cost", dollars(summary.costs.total)))
    yield fields(pairs)
    if summary.gates:
        yield context(plain(f"Gates: {_gates(summary.gates)}", 1_000))
    if summary.rules:
        yield context(plain(f"Rules: {rules_line(summary.rules)}", 1_000))
    yield from judged_lines(summary)
    yield context(plain(f"vs last run: {_versus(summary)}", 600))


def _success(summary: RunSummary) -> str:
    rate = summary.success
    if rate is None:
        return "– (nothing could be judged)"
    return f"{percent(rate.value)} ({rate.low * 100:.0f}–{rate.high * 100:.0f} %, n = {rate.n})"


def _times(summary: RunSummary) -> str:
    times = summary.latency
    if times is None:
        return "– (no answer was timed)"
    return f"{milliseconds(times.p50)} / {milliseconds(times.p95)} (n = {times.n:,})"


def _metric_name(name: str) -> str:
    return escape(name.replace("_", " ").capitalize())


def _metric(name: str, metric: MetricSummary) -> str:
    if metric.mean is None:
        return "– (not scored)"
    return f"{_shown(name, metric.mean.value)} (n = {metric.mean.n})"


def _shown(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    unit = METRICS[name].unit if name in METRICS else "turns"
    return percent(value) if unit == "share" else milliseconds(value) if unit == "ms" else number(value)


def _versus(summary: RunSummary) -> str:
    comparison = summary.comparison
    if comparison is None:
        return "– (this is the first run of this profile with this assistant)"
    return one_line("; ".join((comparison.sentence, *comparison.caveats)), 590)


def _gates(gates: Sequence[GateVerdict]) -> str:
    marks = {True: "✅", False: "❌", None: "❔"}
    return " · ".join(
        f"{marks[gate.ok] if gate.applies else '➖'} {one_line(gate.reason, 150)}" for gate in gates[:MOST_GATES]
    )


def _facts(run: Run) -> Json:
    """Who, which customers, seed, cost so far, id."""
    parts = [
        f"Started by {mention(run.started_by)}",
        f"customers: {SIMULATORS[run.simulator]}",
        f"seed {run.seed}",
        f"{counted(run.planned, 'conversation')} planned",
    ]
    if run.state not in OVER:
        parts.append(f"cost: {COSTS[run.simulator]}")
    return context(marked(" · ".join((*parts, f"run `{short_id(run.id)}`"))))


def _notes(run: Run) -> Iterator[Json]:
    shown = [f"Note: {line}" for note in run.notes[:MOST_NOTES] if (line := one_line(note, 300))]
    if len(run.notes) > MOST_NOTES:
        shown.append(f"… and {counted(len(run.notes) - MOST_NOTES, 'more note', 'more notes')}")
    if run.note:
        shown.append(one_line(run.note, 300))
    if shown:
        yield context(*(plain(note, 400) for note in shown))


def _suggestion(step: NextStep) -> Json:
    return rich_text(
        line(
            words("Next: ", bold=True),
            words(f"{one_line(step.reason, 200)} "),
            words(one_line(step.command), code=True),
        )
    )


def _buttons(run: Run, progress: Progress) -> Json:
    if run.state in OVER:
        return actions(
            button("Re-run", RERUN, run.id, style="primary"),
            button("CSV", CSV, run.id),
        )
    left = progress.planned - progress.done
    question = f"{counted(left, 'conversation')} will not be played. What is finished is kept."
    return actions(
        button("Cancel", CANCEL, run.id, style="danger", confirm=("Stop this run?", question, "Stop it"))
    )  # fmt: skip


def scores_table(summary: RunSummary) -> Json | None:
    """Every metric with its mean, interval and how many it rests on; None where nothing was scored."""
    rows = [
        (one_line(name.replace("_", " ").capitalize(), 60), _metric_value(name, metric), _metric_n(metric))
        for name, metric in summary.metrics.items()
    ][:MOST_SCORES]
    if not rows:
        return None
    cells = [[_cell(text, bold=True) for text in ("Score", "Mean (95 %)", "n")]]
    cells += [[_cell(text) for text in row] for row in rows]
    return {"type": "table", "rows": cells, "column_settings": [{"is_wrapped": True}] * 3}


def _metric_n(metric: MetricSummary) -> str:
    return f"{metric.mean.n:,}" if metric.mean else "0"


def _metric_value(name: str, metric: MetricSummary) -> str:
    if metric.mean is None:
        return "– (not scored)"
    mean, low, high = (_shown(name, value) for value in (metric.mean.value, metric.mean.low, metric.mean.high))
    return f"{mean} ({low} to {high})"


def _cell(text: str, *, bold: bool = False) -> Json:
    return rich_text(line(words(text, bold=bold)))


# --- failures by reason ---------------------------------------------------------------------------------------------


def failures(summary: RunSummary) -> Message:
    """Why conversations did not pass, the most frequent reason first, with the numbers of the conversations."""
    named = (
        ("Failures by reason", summary.failures),
        ("Errors", summary.errors),
        ("Not judged because", summary.doubts),
    )
    blocks: list[Json] = []
    room = MOST_TEXT
    for title, groups in named:
        if groups:
            block, used = _groups(title, groups, room)
            blocks.append(block)
            room -= used
    blocks += broken_rules(summary.rules)
    if not blocks:
        blocks.append(rich_text(line(words("Nothing failed."))))
    listed = "; ".join(
        f"{len(group.numbers)}× {one_line(group.name)}" for group in (*summary.failures, *summary.errors)[:5]
    )
    return Message(text=fallback(escape(f"Failures by reason: {listed or 'none'}")), blocks=tuple(blocks))


def _groups(title: str, groups: Sequence[Group], room: int) -> tuple[Json, int]:
    """The groups as a list, and how many characters that took."""
    lines: list[Json] = []
    used = len(title)
    for shown, group in enumerate(groups):
        parts = (f"{len(group.numbers)}× ", one_line(group.name, 300), f" ({_conversations(group.numbers)})")
        size = sum(map(len, parts))
        if shown >= MOST_GROUPS or used + size > room - 200:
            lines.append(
                line(words(f"… and {counted(len(groups) - shown, 'more reason', 'more reasons')}", italic=True))
            )
            break
        used += size
        lines.append(line(words(parts[0], bold=True), words(parts[1]), words(parts[2])))
    return rich_text(line(words(title, bold=True)), bullets(lines)), used


def _conversations(numbers: Sequence[int]) -> str:
    listed = ", ".join(str(each) for each in numbers[:MOST_NUMBERS])
    more = f" and {len(numbers) - MOST_NUMBERS} more" if len(numbers) > MOST_NUMBERS else ""
    return f"{'conversation' if len(numbers) == 1 else 'conversations'} {listed}{more}"


# --- the last message -----------------------------------------------------------------------------------------------


def run_finished(run: Run, summary: RunSummary, *, more_to_show: bool) -> Message:
    """Tells who started the run what came of it, in one sentence."""
    sentence = f", {result_sentence(run, summary)}"
    blocks = [rich_text(line(member(run.started_by), words(sentence)))]
    if more_to_show:
        blocks.append(actions(button("Show another conversation", ANOTHER, run.id), button("CSV", CSV, run.id)))
    return Message(text=fallback(mention(run.started_by) + escape(sentence)), blocks=tuple(blocks))


def result_sentence(run: Run, summary: RunSummary) -> str:
    """E.g. ``your run of 'pizza' is finished: 19 of 20 conversations passed with pizza@good (95 %).``"""
    totals = summary.totals
    what = one_line(run.suite or run.profile, 80)
    ended = "was cancelled" if run.state == "cancelled" else "is finished"
    played = totals.conversations - totals.cancelled
    result = (
        f"{totals.passed} of {counted(played, 'conversation')} passed with {one_line(f'{run.assistant}@{run.variant}')}"
    )
    if not played:
        return f"your run of {what!r} {ended} before a conversation was played."
    rate = f" ({percent(summary.success.value)})" if summary.success else ""
    return f"your run of {what!r} {ended}: {result}{rate}."
