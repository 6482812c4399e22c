"""How an A/B test looks: its card, its answer with the table of figures, and its last message."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.blocks._parts import (
    Json,
    Message,
    actions,
    bullets,
    button,
    context,
    counted,
    date,
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
    OVER,
    ArmName,
    ArmProgress,
    Contrast,
    Disagreement,
    Experiment,
    ExperimentProgress,
    ExperimentSummary,
    Verdict,
)
from jobs.model import short_id
from jobs.stats import wilson_interval

AB_CANCEL, AB_EXTEND, AB_COMPUTED, AB_ADOPT = "ab_cancel", "ab_extend", "ab_computed", "ab_adopt"
AB_TRANSCRIPT, AB_OTHER_TRANSCRIPT = "ab_transcript", "ab_other_transcript"
"""Two buttons of one block need two names."""
VERDICTS: dict[Verdict | None, str] = {
    "b_better": "✅ {} is better",
    "b_worse": "❌ {} is worse",
    "no_difference_shown": "no difference shown",
    "not_enough_data": "not enough data",
    None: "–",
}
DECISIONS = {"APPROVE": "✅ APPROVE", "REJECT": "❌ REJECT", "INCONCLUSIVE": "❔ INCONCLUSIVE", None: ""}
HEADLINES: dict[Verdict | None, str] = {
    "b_better": "{} is better",
    "b_worse": "{} is worse",
    "no_difference_shown": "No difference shown",
    "not_enough_data": "Not enough data for a verdict",
    None: "No verdict",
}
MOST_NOTES = 8
MOST_REMARKS = 4
MOST_ROWS = 26
EXTENSION = 20


# --- the card -------------------------------------------------------------------------------------------------------


def ab_card(experiment: Experiment, progress: ExperimentProgress, summary: ExperimentSummary | None) -> Message:
    """The message at top level; ``summary`` is there as soon as it is over."""
    headline = _headline(experiment, summary)
    arms = zip(experiment.arms, progress.arms, strict=True)
    rows = [row for arm, each in arms for row in _arm(experiment, arm, each, progress.planned)]
    blocks: list[Json] = [header(headline), rich_text(line(words(_subject(experiment), bold=True)), *rows)]
    if summary is None:
        blocks.append(context(plain(f"No verdict before all pairs are played. {experiment.power}.", 600)))
    elif decided := [each for each in summary.contrasts if each.decision]:
        gates = ", ".join(f"{_letter(experiment, each)}{DECISIONS[each.decision]}" for each in decided)
        blocks.append(context(plain(f"Gates: {gates}", 300)))
    blocks.append(_facts(experiment))
    blocks += _notes(experiment)
    buttons = _buttons(experiment, progress)
    if buttons:
        blocks.append(buttons)
    done = min(each.done for each in progress.arms)
    what = f"{headline}: {_subject(experiment)}, {done}/{progress.planned} pairs"
    return Message(text=fallback(escape(what)), blocks=tuple(blocks))


def _headline(experiment: Experiment, summary: ExperimentSummary | None) -> str:
    match experiment.state:
        case "finished":
            early = " (stopped early)" if experiment.early_winner else ""
            return f"{_verdict(summary)}{early}"
        case "cancelled":
            return "Cancelled: no verdict"
        case "cancelling" | "stopping":
            return "Stopping…"
        case "running":
            return "A/B test running…"


def _letter(experiment: Experiment, contrast: Contrast) -> str:
    """Which candidate it is, where there is more than one."""
    return f"{contrast.arm.upper()} " if experiment.more else ""


def _verdict(summary: ExperimentSummary | None) -> str:
    """E.g. ``C is better``."""
    if summary is None:
        return HEADLINES[None]
    leading = summary.leading
    if summary.others and leading.verdict == "b_worse":
        return "Every candidate is worse"
    return HEADLINES[leading.verdict].format(leading.arm.upper())


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
    arms = "all arms" if experiment.more else "both arms"
    parts = [
        f"Started by {mention(experiment.started_by)}",
        f"{counted(experiment.planned, 'pair')}, the same customers in {arms}",
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
        return actions(_extend(experiment))
    if experiment.state in (*OVER, "stopping"):
        return None
    left = progress.planned - min(each.done for each in progress.arms)
    question = f"{counted(left, 'pair')} will not be played, and there will be no verdict. What is finished is kept."
    confirm = ("Stop this A/B test?", question, "Stop it")
    return actions(button("Cancel", AB_CANCEL, experiment.id, style="danger", confirm=confirm))


# --- the answer -----------------------------------------------------------------------------------------------------


def ab_report(experiment: Experiment, summary: ExperimentSummary) -> Message:
    """Verdict, gates, table, where the arms disagree; how it was computed opens by a button."""
    blocks: list[Json] = [
        header(_verdict(summary)),
        rich_text(line(words(one_line(summary.sentence, 1_200)))),
    ]
    blocks += _gates(summary)
    if summary.metrics:
        blocks.append(_table(experiment, summary))
    blocks.append(_efforts(experiment, summary))
    blocks += _disagreements(summary.leading)
    remarks = [*summary.flaky, *summary.notes]
    if remarks:
        left = len(remarks) - MOST_REMARKS
        more = (plain(f"… and {counted(left, 'more note', 'more notes')}: How it was computed", 200),) * (left > 0)
        blocks.append(context(*(plain(f"Note: {one_line(each, 300)}", 400) for each in remarks[:MOST_REMARKS]), *more))
    blocks.append(actions(button("How it was computed", AB_COMPUTED, experiment.id)))
    figures = "; ".join(
        f"{_letter(experiment, each)}{metric.name}: A {metric.a}, {each.arm.upper()} {metric.b}, {metric.change}"
        for each in summary.contrasts
        for metric in each.metrics
    )
    return Message(text=fallback(escape(f"{summary.sentence} {figures}")), blocks=tuple(blocks))


def _gates(summary: ExperimentSummary) -> Iterator[Json]:
    """Of the leading candidate in full, of the others the decision."""
    leading = summary.leading
    if leading.decision is None:
        return
    others = [each for each in summary.contrasts if each.arm != leading.arm and each.decision]
    told = ", ".join(f"{each.arm.upper()} {DECISIONS[each.decision]}" for each in others)
    yield rich_text(
        line(words(f"May {leading.arm.upper()} replace A? "), words(DECISIONS[leading.decision], bold=True)),
        bullets(line(words(one_line(each, 300))) for each in leading.gates[:6]),
        *([line(words(f"The others: {told}"))] if told else []),
    )


def _table(experiment: Experiment, summary: ExperimentSummary) -> Json:
    """Three columns, so that a phone can show it; what belongs together stands in one cell. Slack takes one table a
    message, so that all candidates stand in it."""
    titles = ("Metric\nA → B", "B vs. A\n95 %", "Verdict\nadj. p")
    if experiment.more:
        titles = ("Metric\nA → candidate", "vs. A\n95 %", "Verdict\nadj. p")
    rows = [[_cell(text, bold=True) for text in titles]]
    for contrast in summary.contrasts:
        letter = contrast.arm.upper()
        for each in contrast.metrics:
            p = f"p {each.p}" if each.p.startswith("<") else f"p = {each.p}"
            verdict = VERDICTS[each.verdict].format(letter)
            metric = one_line(each.name, 40)
            name = f"{letter}: {metric}" if experiment.more else metric.capitalize()
            rows.append(
                [
                    _cell(f"{name}\n{each.a} → {each.b}"),
                    _cell(each.change if each.low is None else f"{each.change}\n{each.interval}"),
                    _cell(verdict if each.p == "–" else f"{verdict}\n{p}"),
                ]
            )
    return {"type": "table", "rows": rows[:MOST_ROWS], "column_settings": [{"is_wrapped": True}] * 3}


def _cell(text: str, *, bold: bool = False) -> Json:
    return rich_text(line(words(text, bold=bold)))


def _efforts(experiment: Experiment, summary: ExperimentSummary) -> Json:
    """Cost, time and what is missing, arm by arm."""
    parts: list[str] = []
    for arm, result in zip(experiment.arms, summary.results, strict=True):
        facts = [f"{result.passed} passed, {result.failed} failed"]
        lost = result.errors + result.unclear
        if lost:
            facts.append(f"{lost} could not be counted")
        if result.p50_ms is not None and result.p95_ms is not None:
            facts.append(f"answers in {result.p50_ms:.0f} ms (p95 {result.p95_ms:.0f} ms)")
        facts.append(f"cost {dollars(result.cost_usd)}")
        parts.append(f"{arm.upper()}: {', '.join(facts)}")
    return context(*(plain(part, 300) for part in parts))


def _disagreements(contrast: Contrast) -> Iterator[Json]:
    """A few customers whom only one of the arms served well, side by side, each with both conversations."""
    if not contrast.disagreements:
        return
    letter = contrast.arm.upper()
    yield rich_text(
        line(words("Where they disagree" if letter == "B" else f"Where A and {letter} disagree", bold=True)),
        line(
            words(
                f"Only A passed: {counted(contrast.only_a, 'pair')} · "
                f"only {letter} passed: {counted(contrast.only_candidate, 'pair')}"
            )
        ),
    )
    for each in contrast.disagreements:
        yield rich_text(*_disagreement(each))
        if each.of_a and each.of_candidate:
            yield actions(
                button("A's conversation", AB_TRANSCRIPT, each.of_a),
                button(f"{letter}'s conversation", AB_OTHER_TRANSCRIPT, each.of_candidate),
            )


def _disagreement(each: Disagreement) -> Iterator[Json]:
    passed, lost = each.passed.upper(), each.failed.upper()
    yield line(words(f"Customer {each.number}: ", bold=True), words(one_line(each.wanted, 220)))
    parts = [words(f"{passed} ✅ passed"), words(f"\n{lost} ❌ {one_line('; '.join(each.reasons) or 'failed', 300)}")]
    if each.said:
        parts.append(words(f"\n{lost} said at the end: {one_line(each.said, 200)}", italic=True))
    yield quote(*parts)


# --- how it was computed --------------------------------------------------------------------------------------------


def computed_modal(experiment: Experiment, summary: ExperimentSummary) -> Json:
    """Design, tests, gates and every note; Slack cannot fold parts of a message."""
    arms = [f"{arm.upper()}: {experiment.name_of(arm)}" for arm in experiment.arms]
    design = [
        *arms,
        f"{counted(summary.pairs, 'pair')} of {experiment.planned} compared, seed {experiment.seed}",
        f"declared before the start: {experiment.metric.replace('_', ' ')}",
        experiment.power,
        *(f"{name}: {stamp[:12]}" for name, stamp in experiment.stamps.items()),
    ]
    parts: list[tuple[str, Sequence[str]]] = [("Design", design), ("Tests and intervals", summary.methods)]
    parts += [
        (f"Gates for {each.arm.upper()}: {each.decision}", each.gates) for each in summary.contrasts if each.decision
    ]
    parts += [("Repeated scenarios", summary.flaky), ("Notes", summary.notes)]
    blocks = [
        rich_text(
            line(words(title, bold=True)), bullets(line(words(one_line(each, 500))) for each in lines[:20] if each)
        )
        for title, lines in parts
        if lines
    ]
    return {
        "type": "modal",
        "callback_id": "ab_computed_view",
        "title": plain("How it was computed", 24),
        "close": plain("Close", 24),
        "blocks": blocks,
    }


def ab_finished(experiment: Experiment, summary: ExperimentSummary) -> Message:
    """Tells who started it what came of it."""
    kind = "A/A test" if experiment.is_aa else "A/B test"
    ended = "was cancelled" if experiment.state == "cancelled" else "is finished"
    sentence = f", your {kind} of {one_line(experiment.target, 80)!r} {ended}. {one_line(summary.sentence, 500)}"
    blocks: list[Json] = [rich_text(line(member(experiment.started_by), words(sentence)))]
    blocks.append(actions(*_next_steps(experiment, summary)))
    return Message(text=fallback(mention(experiment.started_by) + escape(sentence)), blocks=tuple(blocks))


def _next_steps(experiment: Experiment, summary: ExperimentSummary) -> Iterator[Json]:
    leading = summary.leading
    if experiment.state == "finished" and not experiment.is_aa and leading.verdict == "b_better":
        yield _adopt(experiment, leading)
    if experiment.state == "finished" and not experiment.early_winner:
        yield _extend(experiment)
    yield button("How it was computed", AB_COMPUTED, experiment.id)


def _extend(experiment: Experiment) -> Json:
    return button(f"Add {EXTENSION} pairs", AB_EXTEND, experiment.id)


def _adopt(experiment: Experiment, leading: Contrast) -> Json:
    """For approvers, whose right is looked up when it is pressed."""
    name = one_line(experiment.name_of(leading.arm), 80)
    gates = "The gates approve it." if leading.decision == "APPROVE" else f"The gates say: {leading.decision}."
    question = f"{name} will serve wherever no variant is named. {gates} It can be changed back."
    confirm = (f"Make {leading.arm.upper()} the baseline?", one_line(question, 300), "Make it the baseline")
    value = f"{experiment.id}:{leading.arm}"
    return button(f"Make {leading.arm.upper()} the baseline", AB_ADOPT, value, style="primary", confirm=confirm)


# --- for whoever asks -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ShownTest:
    """An A/B test as a list has it, with the address of its card."""

    experiment: Experiment
    progress: ExperimentProgress
    summary: ExperimentSummary | None
    link: str | None


def ab_list(tests: Sequence[ShownTest]) -> Message:
    """The latest A/B tests, newest first, each with what came of it and a link to its card."""
    lines = [_listed(each) for each in tests]
    example = line(
        words("There are no A/B tests here yet. Start one with "),
        words("/convotest ab pizza a=pizza@good b=pizza@faulty", code=True),
    )
    parts = [line(words("A/B tests", bold=True)), bullets(lines) if lines else example]
    said = "; ".join(f"{short_id(each.experiment.id)} {_state(each)}" for each in tests) or "none yet"
    return Message(text=fallback(escape(f"A/B tests: {said}")), blocks=(rich_text(*parts),))


def _listed(shown: ShownTest) -> Json:
    experiment = shown.experiment
    candidates = ", ".join((experiment.b, *experiment.more))
    link = [words("  "), {"type": "link", "url": shown.link, "text": "open"}] if shown.link else []
    return line(
        words(short_id(experiment.id), code=True),
        words(f"  {_state(shown)}  ", bold=True),
        words(one_line(f"{experiment.target}: {experiment.a} against {candidates}", 160)),
        words("  "),
        date(experiment.created_at),
        *link,
    )


def _state(shown: ShownTest) -> str:
    if shown.experiment.state in OVER:
        return _headline(shown.experiment, shown.summary)
    done = min(each.done for each in shown.progress.arms)
    return f"{done} of {shown.progress.planned} pairs"


def ab_shown(shown: ShownTest) -> Message:
    """One A/B test for whoever asks: its answer, or how far it is; with a link to its thread."""
    experiment, summary = shown.experiment, shown.summary
    if summary is not None and experiment.state in OVER:
        message = ab_report(experiment, summary)
    else:
        card = ab_card(experiment, shown.progress, summary)
        message = Message(text=card.text, blocks=tuple(each for each in card.blocks if each["type"] != "actions"))
    parts = [words(f"test {short_id(experiment.id)}  ")]
    if shown.link:
        parts.append({"type": "link", "url": shown.link, "text": "its thread"})
    return Message(text=message.text, blocks=(*message.blocks, rich_text(line(*parts))))
