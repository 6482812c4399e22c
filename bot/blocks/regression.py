"""How a suite beside its baseline looks: its card, its report with the figures, and its last message."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bot.blocks._parts import (
    Json,
    Message,
    actions,
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
    milliseconds,
    one_line,
    percent,
    plain,
    progress_bar,
    quote,
    rich_text,
    words,
)
from jobs.model import Progress, short_id
from jobs.regression import OVER, CategoryCount, Regressed, Regression, RegressionSummary, RegressionVerdict, Severity
from jobs.regression.regression import Standing
from jobs.regression.words import CATEGORY_NAMES, figure_cells
from jobs.stats import Proportion

REGRESSION_CANCEL, MAKE_BASELINE = "regression_cancel", "make_baseline"
HEADLINES: dict[RegressionVerdict, str] = {
    "APPROVE": "✅ As good as the baseline",
    "REJECT": "❌ Worse than the baseline",
    "INCONCLUSIVE": "❔ Nothing got worse, as far as can be told",
}
SEVERITIES: dict[Severity, str] = {"high": "🔴", "medium": "🟠"}
STANDINGS: dict[Standing, str] = {"kept": "✅ kept", "broken": "❌ broken", "open": "❔ open"}
ON_THE_CARD = 4
IN_THE_REPORT = 12
MOST_LINKS = 8
MOST_NOTES = 6


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A regression with what is known beside it.

    Args:
        schedule: the name of what started it; None = somebody did.
        links: to the messages of its conversations, by number, as far as they are posted.
    """

    regression: Regression
    progress: Progress
    schedule: str | None = None
    links: Mapping[int, str] = field(default_factory=dict[int, str])


# --- the card ---------------------------------------------------------------------------------------------------------


def regression_card(shown: Shown) -> Message:
    """The message at top level, while it is played and when it is over."""
    regression, summary = shown.regression, shown.regression.summary
    headline = _headline(regression)
    blocks: list[Json] = [header(headline)]
    lines = [line(words(_subject(regression), bold=True))]
    if summary is None:
        progress = shown.progress
        lines.append(line(words(f"{progress_bar(progress.done, progress.planned)} {progress.done}/{progress.planned}")))
    else:
        lines.append(line(words(_results(summary))))
        lines += [_one(each) for each in summary.regressed[:ON_THE_CARD]]
        if len(summary.regressed) > ON_THE_CARD:
            lines.append(line(words(f"… and {len(summary.regressed) - ON_THE_CARD} more, in the thread")))
        if not summary.regressed and summary.open_reasons:
            lines.append(line(words(one_line(summary.open_reasons[0], 300))))
    blocks.append(rich_text(*lines))
    blocks.append(_facts(shown))
    if regression.note:
        blocks.append(context(plain(f"Note: {one_line(regression.note, 300)}", 400)))
    blocks += _buttons(regression)
    told = one_line(summary.headline, 300) if summary else f"{shown.progress.done}/{shown.progress.planned}"
    return Message(text=fallback(escape(f"{headline}: {_subject(regression)}. {told}")), blocks=tuple(blocks))


def _headline(regression: Regression) -> str:
    match regression.state:
        case "running":
            return "Comparing with the baseline…"
        case "confirming":
            return "Something failed; playing it again…"
        case "cancelled":
            return "No verdict"
        case "finished":
            summary = regression.summary
            if summary is None:
                return "No verdict"
            if summary.is_down:
                return "⚠️ The assistant did not answer"
            if regression.baseline is None and not summary.regressed:
                return "❔ No baseline to compare with"
            return HEADLINES[summary.verdict]


def _subject(regression: Regression) -> str:
    return one_line(f"{regression.suite} → {regression.assistant}@{regression.variant}")


def _results(summary: RegressionSummary) -> str:
    """E.g. ``71 % passed (56–83 %, n = 48), at the baseline 98 % (n = 48) · answers in 340 ms · cost $0``."""
    if summary.is_down:
        reason = one_line(summary.down_reason or "", 200)
        return f"All {summary.conversations} conversations broke off: {reason}"
    parts = [f"{_rate(summary.success)} passed" if summary.success else "nothing was decided"]
    if summary.baseline_success:
        parts[0] += f", at the baseline {_rate(summary.baseline_success)}"
    if summary.errors:
        parts.append(f"{summary.errors} broke off")
    if summary.flaky:
        parts.append(f"{len(summary.flaky)} flaky")
    if summary.p50_ms is not None and summary.p95_ms is not None:
        parts.append(f"answers in {milliseconds(summary.p50_ms)} (p95 {milliseconds(summary.p95_ms)})")
    parts.append(f"cost {dollars(summary.cost_usd)}")
    return " · ".join(parts)


def _rate(rate: Proportion) -> str:
    return f"{percent(rate.value)} ({rate.low * 100:.0f}–{rate.high * 100:.0f} %, n = {rate.n})"


def _one(each: Regressed) -> Json:
    return line(words(f"{SEVERITIES[each.severity]} "), words(one_line(each.sentence, 160)))


def _facts(shown: Shown) -> Json:
    regression = shown.regression
    by = f"by the schedule {escape(one_line(shown.schedule, 60))}" if shown.schedule else None
    parts = [by or f"started by {mention(regression.started_by)}"]
    if regression.baseline_run_id:
        parts.append(f"baseline {regression.baseline}: run `{short_id(regression.baseline_run_id)}`")
    parts.append(f"run `{short_id(regression.run_id)}`")
    return context(marked(" · ".join(parts)))


def _buttons(regression: Regression) -> Iterator[Json]:
    if regression.state not in OVER:
        confirm = ("Stop it?", "What is finished is kept, and there will be no verdict.", "Stop it")
        yield actions(button("Cancel", REGRESSION_CANCEL, regression.id, style="danger", confirm=confirm))
    elif regression.summary and regression.summary.success and not regression.summary.is_down:
        question = (
            f"From now on {one_line(regression.suite, 60)} is compared with this run, and what fails in it counts as "
            "known."
        )
        confirm = ("Make it the baseline?", question, "Make it so")
        yield actions(button("Make it the baseline", MAKE_BASELINE, regression.id, confirm=confirm))


# --- the report -------------------------------------------------------------------------------------------------------


def regression_report(shown: Shown) -> Message:
    """What got worse with the conversations that show it, the figures, the categories, and what is different."""
    regression, summary = shown.regression, shown.regression.summary
    if summary is None:
        return Message(text="There is no verdict.")
    headline = _headline(regression)
    blocks: list[Json] = [header(headline)]
    if summary.regressed:
        blocks.append(rich_text(*(part for each in summary.regressed[:IN_THE_REPORT] for part in _detail(each, shown))))
    left = len(summary.regressed) - IN_THE_REPORT
    if left > 0:
        blocks.append(context(plain(f"… and {left} more; `convotest regress` in a terminal lists them all", 200)))
    if summary.figures:
        blocks.append(_figures(summary))
    if summary.categories:
        rows = [line(words("By category", bold=True))]
        rows += [_category(name, each) for name, each in list(summary.categories.items())[:12]]
        blocks.append(rich_text(*rows))
    remarks = list(_remarks(summary))[:MOST_NOTES]
    if remarks:
        blocks.append(context(*(plain(one_line(remark, 320), 360) for remark in remarks)))
    return Message(text=fallback(escape(f"{headline}. {one_line(summary.headline, 600)}")), blocks=tuple(blocks))


def _detail(each: Regressed, shown: Shown) -> Iterator[Json]:
    found = [_conversation(number, shown) for number in each.conversations[:MOST_LINKS]]
    more = len(each.conversations) - MOST_LINKS
    parts = [words(f"{SEVERITIES[each.severity]} "), words(one_line(each.sentence, 260))]
    for link in found:
        parts += [words(" "), link]
    if more > 0:
        parts.append(words(f" and {more} more"))
    yield line(*parts)
    for text in list(each.quotes.values())[:1]:
        if text:
            yield quote(words(one_line(text, 200), italic=True))


def _conversation(number: int, shown: Shown) -> Json:
    if number in shown.links:
        return {"type": "link", "url": shown.links[number], "text": f"#{number}"}
    return words(f"#{number}")


def _figures(summary: RegressionSummary) -> Json:
    """Three columns, so that a phone can show it; what belongs together stands in one cell."""
    rows = [[_cell(text, bold=True) for text in ("Figure\nbaseline → now", "Change\n95 %", "Limit")]]
    for figure in summary.figures:
        name, then, now, change, interval, pairs = figure_cells(figure)
        rows.append(
            [
                _cell(f"{name.capitalize()}\n{then} → {now}"),
                _cell(f"{change}\n{interval}, n = {pairs}"),
                _cell(STANDINGS[figure.standing]),
            ]
        )
    return {"type": "table", "rows": rows, "column_settings": [{"is_wrapped": True}] * 3}


def _cell(text: str, *, bold: bool = False) -> Json:
    return rich_text(line(words(text, bold=bold)))


def _category(name: str, each: CategoryCount) -> Json:
    broke = f", {each.errors} broke off" if each.errors else ""
    before = ""
    if each.baseline_passed is not None and each.baseline_failed is not None:
        before = f" · at the baseline {each.baseline_passed} of {each.baseline_passed + each.baseline_failed}"
    shown = one_line(CATEGORY_NAMES.get(name, name), 60)
    return line(words(f"{shown}: {each.passed} of {each.passed + each.failed} passed{broke}{before}"))


def _remarks(summary: RegressionSummary) -> Iterator[str]:
    for each in summary.flaky[:3]:
        yield (
            f"Flaky, not counted: {each.name} (#{each.number}) failed, and passed {each.passed} of {each.played} times "
            f"when it was played again; two in a row pass in {percent(each.twice)}"
        )
    if len(summary.flaky) > 3:
        yield f"{len(summary.flaky) - 3} more are flaky"
    if summary.still_failing:
        yield f"{counted(len(summary.still_failing), 'conversation')} failed as at the baseline"
    if summary.mended:
        yield f"{counted(len(summary.mended), 'conversation')} passed that failed at the baseline"
    if summary.changes:
        yield f"Different since {summary.changes_since}: {'; '.join(summary.changes)}"
    elif summary.changes_since:
        yield f"Nothing is known to be different since {summary.changes_since}"
    yield from (f"Open: {reason}" for reason in summary.open_reasons)
    yield from (f"Note: {note}" for note in summary.notes)


def regression_finished(shown: Shown) -> Message:
    """The end of the thread; whoever is responsible is only mentioned when something got worse."""
    regression, summary = shown.regression, shown.regression.summary
    told = one_line(summary.headline, 500) if summary else "there is no verdict"
    subject = one_line(regression.suite, 80)
    if summary is not None and summary.verdict != "REJECT":
        return Message(
            text=fallback(escape(f"{subject}: {told}.")), blocks=(rich_text(line(words(f"{subject}: {told}."))),)
        )
    sentence = f", {subject}: {told}."
    blocks = (rich_text(line(member(regression.started_by), words(sentence))),)
    return Message(text=fallback(mention(regression.started_by) + escape(sentence)), blocks=blocks)
