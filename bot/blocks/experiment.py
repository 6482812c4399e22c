"""How an A/B test looks: its card, its answer with the table of figures, and its last message."""

from collections.abc import Iterator, Sequence

from bot.blocks._parts import (
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
    header,
    line,
    marked,
    member,
    mention,
    one_line,
    percent,
    plain,
    progress_bar,
    quote,
    rich_text,
    words,
)
from jobs.experiments.experiment import (
    ARMS,
    OVER,
    ArmName,
    ArmProgress,
    Disagreement,
    Experiment,
    ExperimentProgress,
    ExperimentSummary,
    MetricLine,
    Verdict,
)
from jobs.model import short_id
from jobs.stats import wilson_interval

AB_CANCEL, AB_EXTEND = "ab_cancel", "ab_extend"
VERDICTS: dict[Verdict | None, str] = {
    "b_better": "✅ B is better",
    "b_worse": "❌ B is worse",
    "no_difference_shown": "no difference shown",
    "not_enough_data": "not enough data",
    None: "–",
}
DECISIONS = {"APPROVE": "✅ APPROVE", "REJECT": "❌ REJECT", "INCONCLUSIVE": "❔ INCONCLUSIVE", None: ""}
HEADLINES: dict[Verdict | None, str] = {
    "b_better": "B is better",
    "b_worse": "B is worse",
    "no_difference_shown": "No difference shown",
    "not_enough_data": "Not enough data for a verdict",
    None: "No verdict",
}
MOST_NOTES = 8
EXTENSION = 20


# --- the card -------------------------------------------------------------------------------------------------------


def ab_card(experiment: Experiment, progress: ExperimentProgress, summary: ExperimentSummary | None) -> Message:
    """The message at top level; ``summary`` is there as soon as it is over."""
    headline = _headline(experiment, summary)
    arms: dict[ArmName, ArmProgress] = {"a": progress.a, "b": progress.b}
    rows = [row for arm in ARMS for row in _arm(experiment, arm, arms[arm], progress.planned)]
    blocks: list[Json] = [header(headline), rich_text(line(words(_subject(experiment), bold=True)), *rows)]
    if summary is None:
        blocks.append(context(plain(f"No verdict before all pairs are played. {experiment.power}.", 600)))
    elif summary.decision:
        blocks.append(context(plain(f"Gates: {DECISIONS[summary.decision]}", 100)))
    blocks.append(_facts(experiment))
    blocks += _notes(experiment)
    buttons = _buttons(experiment, progress)
    if buttons:
        blocks.append(buttons)
    done = min(progress.a.done, progress.b.done)
    what = f"{headline}: {_subject(experiment)}, {done}/{progress.planned} pairs"
    return Message(text=fallback(escape(what)), blocks=tuple(blocks))


def _headline(experiment: Experiment, summary: ExperimentSummary | None) -> str:
    match experiment.state:
        case "finished":
            early = " (stopped early)" if experiment.early_winner else ""
            return f"{HEADLINES[summary.verdict if summary else None]}{early}"
        case "cancelled":
            return "Cancelled: no verdict"
        case "cancelling" | "stopping":
            return "Stopping…"
        case "running":
            return "A/B test running…"


def _subject(experiment: Experiment) -> str:
    kind = "A/A test" if experiment.is_aa else "A/B test"
    return one_line(f"{kind} of {experiment.target}")


def _arm(experiment: Experiment, arm: ArmName, progress: ArmProgress, planned: int) -> Iterator[Json]:
    rate = wilson_interval(progress.passed, progress.passed + progress.failed)
    shown = f"  {percent(rate.value)} ({rate.low * 100:.0f}–{rate.high * 100:.0f} %)" if rate else ""
    yield line(words(f"{arm.upper()}  ", bold=True), words(one_line(experiment.name_of(arm), 80)), words(shown))
    yield line(words(f"{progress_bar(progress.done, planned)} {progress.done}/{planned}"))


def _facts(experiment: Experiment) -> Json:
    """Who, how much, what it costs, id."""
    parts = [
        f"Started by {mention(experiment.started_by)}",
        f"{counted(experiment.planned, 'pair')}, the same customers in both arms",
        f"seed {experiment.seed}",
        f"decides: {escape(one_line(experiment.metric.replace('_', ' '), 60))}",
        f"estimated cost {dollars(experiment.estimated_cost_usd)}",
    ]
    if experiment.early_stop:
        parts.append("stops as soon as a winner is certain")
    return context(marked(" · ".join((*parts, f"test `{short_id(experiment.id)}`"))))


def _notes(experiment: Experiment) -> Iterator[Json]:
    notes = [*experiment.notes[:MOST_NOTES], *([experiment.note] if experiment.note else [])]
    if notes:
        yield context(*(plain(f"Note: {one_line(note, 300)}", 400) for note in notes))


def _buttons(experiment: Experiment, progress: ExperimentProgress) -> Json | None:
    if experiment.state == "finished" and not experiment.early_winner:
        return actions(button(f"Add {EXTENSION} pairs", AB_EXTEND, experiment.id))
    if experiment.state in (*OVER, "stopping"):
        return None
    left = progress.planned - min(progress.a.done, progress.b.done)
    question = f"{counted(left, 'pair')} will not be played, and there will be no verdict. What is finished is kept."
    confirm = ("Stop this A/B test?", question, "Stop it")
    return actions(button("Cancel", AB_CANCEL, experiment.id, style="danger", confirm=confirm))


# --- the answer -----------------------------------------------------------------------------------------------------


def ab_report(experiment: Experiment, summary: ExperimentSummary) -> Message:
    """Verdict, gates, table, where the arms disagree, and how it was computed."""
    blocks: list[Json] = [
        header(HEADLINES[summary.verdict]),
        rich_text(line(words(one_line(summary.sentence, 1_200)))),
    ]
    blocks += _gates(summary)
    if summary.metrics:
        blocks.append(_table(summary.metrics))
    blocks.append(_efforts(experiment, summary))
    blocks += _disagreements(summary)
    remarks = [*summary.flaky, *summary.notes]
    if remarks:
        blocks.append(
            context(*(plain(f"Note: {one_line(each, 400)}", 450) for each in remarks[:MOST_NOTES]))
        )  # fmt: skip
    if summary.methods:
        blocks.append(context(plain("How it was computed: " + one_line("; ".join(summary.methods), 1_200), 1_300)))
    figures = "; ".join(f"{each.name}: A {each.a}, B {each.b}, {each.change}" for each in summary.metrics)
    return Message(text=fallback(escape(f"{summary.sentence} {figures}")), blocks=tuple(blocks))


def _gates(summary: ExperimentSummary) -> Iterator[Json]:
    if summary.decision:
        yield rich_text(
            line(words("May B replace A? "), words(DECISIONS[summary.decision], bold=True)),
            bullets(line(words(one_line(each, 300))) for each in summary.gates),
        )


def _table(metrics: Sequence[MetricLine]) -> Json:
    """Three columns, so that a phone can show it; what belongs together stands in one cell."""
    rows = [[_cell(text, bold=True) for text in ("Metric\nA → B", "B vs. A\n95 %", "Verdict\nadj. p")]]
    for each in metrics:
        p = f"p {each.p}" if each.p.startswith("<") else f"p = {each.p}"
        rows.append(
            [
                _cell(f"{each.name.capitalize()}\n{each.a} → {each.b}"),
                _cell(each.change if each.low is None else f"{each.change}\n{each.interval}"),
                _cell(VERDICTS[each.verdict] if each.p == "–" else f"{VERDICTS[each.verdict]}\n{p}"),
            ]
        )
    return {"type": "table", "rows": rows, "column_settings": [{"is_wrapped": True}] * 3}


def _cell(text: str, *, bold: bool = False) -> Json:
    return rich_text(line(words(text, bold=bold)))


def _efforts(experiment: Experiment, summary: ExperimentSummary) -> Json:
    """Cost, time and what is missing, arm by arm."""
    parts: list[str] = []
    for arm, result in (("A", summary.a), ("B", summary.b)):
        facts = [f"{result.passed} passed, {result.failed} failed"]
        lost = result.errors + result.unclear
        if lost:
            facts.append(f"{lost} could not be counted")
        if result.p50_ms is not None and result.p95_ms is not None:
            facts.append(f"answers in {result.p50_ms:.0f} ms (p95 {result.p95_ms:.0f} ms)")
        facts.append(f"cost {dollars(result.cost_usd)}")
        parts.append(f"{arm}: {', '.join(facts)}")
    return context(*(plain(part, 300) for part in parts))


def _disagreements(summary: ExperimentSummary) -> Iterator[Json]:
    """A few customers whom only one of the arms served well, side by side."""
    if not summary.disagreements:
        return
    yield rich_text(
        line(words("Where they disagree", bold=True)),
        line(
            words(
                f"Only A passed: {counted(summary.only_a, 'pair')} · only B passed: {counted(summary.only_b, 'pair')}"
            )
        ),
        *(part for each in summary.disagreements for part in _disagreement(each)),
    )


def _disagreement(each: Disagreement) -> Iterator[Json]:
    passed, lost = each.passed.upper(), "B" if each.passed == "a" else "A"
    yield line(words(f"Customer {each.number}: ", bold=True), words(one_line(each.wanted, 220)))
    parts = [words(f"{passed} ✅ passed"), words(f"\n{lost} ❌ {one_line('; '.join(each.reasons) or 'failed', 300)}")]
    if each.said:
        parts.append(words(f"\n{lost} said at the end: {one_line(each.said, 200)}", italic=True))
    yield quote(*parts)


def ab_finished(experiment: Experiment, summary: ExperimentSummary) -> Message:
    """Tells who started it what came of it."""
    kind = "A/A test" if experiment.is_aa else "A/B test"
    ended = "was cancelled" if experiment.state == "cancelled" else "is finished"
    sentence = f", your {kind} of {one_line(experiment.target, 80)!r} {ended}. {one_line(summary.sentence, 500)}"
    blocks: list[Json] = [rich_text(line(member(experiment.started_by), words(sentence)))]
    if experiment.state == "finished" and not experiment.early_winner:
        blocks.append(actions(button(f"Add {EXTENSION} pairs", AB_EXTEND, experiment.id)))
    return Message(text=fallback(mention(experiment.started_by) + escape(sentence)), blocks=tuple(blocks))
