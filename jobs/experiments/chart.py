"""The chart of an experiment: both success rates, every difference with its interval, who passed when."""

from collections.abc import Sequence
from dataclasses import replace

from jobs.charts import DARK, INNER, LIGHT, MARGIN, WIDTH, Look, Sheet, showable
from jobs.experiments.experiment import ArmResult, Experiment, ExperimentSummary, GroupResult, MetricLine
from jobs.report.words import percent
from jobs.stats import wilson_interval

MOST_PERSONAS = 8
ARM, BAR = 1.7, 0.23
"""Inches: a row of two arms, and a bar with its gap."""
LEFT, RIGHT = 2.35, 5.55
"""Between these the intervals are drawn."""


def experiment_chart(experiment: Experiment, summary: ExperimentSummary, *, dark: bool = False) -> bytes:
    """A PNG, 1600 pixels wide."""
    look = DARK if dark else LIGHT
    lines = _lines(summary)
    personas = summary.personas[:MOST_PERSONAS]
    turns = _last_turn(summary)
    arms = len(experiment.arms)
    height = (
        1.15
        + ARM * -(-arms // 2)
        + (1.0 + 0.5 * len(lines))
        + (2.35 if turns else 0)
        + (0.55 + (0.16 + BAR * arms) * len(personas)) * bool(personas)
    )
    sheet = Sheet(height, look)
    y = _draw_title(sheet, experiment, summary)
    y = _draw_success(sheet, y, experiment, summary)
    y = _draw_differences(sheet, y, lines)
    if turns:
        y = _draw_turns(sheet, y, summary, turns)
    if personas:
        _draw_personas(sheet, y, personas)
    return sheet.png()


def _lines(summary: ExperimentSummary) -> list[MetricLine]:
    """Every difference that is known; of several candidates only in the metric that decides, the first of each."""
    if not summary.others:
        return [line for line in summary.metrics if line.value is not None]
    return [
        replace(line, name=f"{each.arm.upper()} in {line.name}")
        for each in summary.contrasts
        for line in each.metrics[:1]
        if line.value is not None
    ]


def _colors(look: Look) -> tuple[str, ...]:
    """A, B and so on, apart for every kind of colour blindness; the letters say it too."""
    return look.times, look.failed, look.passed, look.errors, look.inconclusive, look.void


def _draw_title(sheet: Sheet, experiment: Experiment, summary: ExperimentSummary) -> float:
    look = sheet.look
    sheet.write(
        MARGIN, 0.5, _fitted(sheet, f"A/B test of {experiment.target}", INNER, 21, bold=True), 21, look.ink, bold=True
    )
    where = "all arms" if experiment.more else "both"
    facts = f"{summary.pairs} of {experiment.planned} pairs · same customers in {where} · seed {experiment.seed}"
    sheet.write(MARGIN, 0.82, _fitted(sheet, facts, INNER, 14), 14, look.quiet)
    return 1.05


def _draw_success(sheet: Sheet, y: float, experiment: Experiment, summary: ExperimentSummary) -> float:
    """Each arm's rate in large over its interval on a track from 0 to 100 %."""
    look, width = sheet.look, (INNER - 0.5) / 2
    for place, (arm, result) in enumerate(zip(experiment.arms, summary.results, strict=True)):
        x, top = MARGIN + place % 2 * (width + 0.5), y + ARM * (place // 2)
        color = _colors(look)[place]
        sheet.box(x, top + 0.04, 0.18, 0.18, color)
        name = f"{arm.upper()}  {experiment.name_of(arm)}"
        sheet.write(x + 0.27, top + 0.2, _fitted(sheet, name, width - 0.3, 15), 15, look.ink)
        rate = wilson_interval(result.passed, result.passed + result.failed)
        if rate is None:
            sheet.write(x, top + 0.75, "–", 34, look.ink, bold=True)
            continue
        end = sheet.write(x, top + 0.78, percent(rate.value), 34, look.ink, bold=True)
        sheet.write(end + 0.15, top + 0.55, f"{percent(rate.low)} to {percent(rate.high)}", 14, look.ink)
        sheet.write(end + 0.15, top + 0.78, f"success, n = {rate.n}", 13, look.quiet)
        sheet.box(x, top + 1.02, width, 0.1, look.track)
        sheet.box(x + width * rate.low, top + 1.02, width * (rate.high - rate.low), 0.1, color)
        sheet.box(x + width * rate.value - 0.03, top + 0.94, 0.06, 0.26, look.ink)
    return y + ARM * -(-len(experiment.arms) // 2)


def _draw_differences(sheet: Sheet, y: float, lines: Sequence[MetricLine]) -> float:
    """A row a metric, each on its own scale; left of the line A is better, right of it B."""
    look, middle = sheet.look, (LEFT + RIGHT) / 2
    sheet.write(MARGIN, y, "Against A, with 95% intervals", 15, look.quiet)
    y += 0.42
    right = "the candidate is better ▶"
    for x, text in ((LEFT - 0.35, "◀ A is better"), (RIGHT - sheet.measure(right, 13), right)):
        sheet.write(x, y, text, 13, look.quiet)
    y += 0.18
    sheet.box(middle - 0.01, y, 0.02, 0.5 * len(lines), look.quiet)
    for place, line in enumerate(lines):
        baseline = y + 0.5 * place + 0.32
        sheet.write(MARGIN, baseline, _fitted(sheet, line.name.capitalize(), LEFT - MARGIN - 0.1, 15), 15, look.ink)
        _draw_interval(sheet, baseline - 0.07, line, middle)
        room = WIDTH - MARGIN - RIGHT - 0.15
        sheet.write(RIGHT + 0.15, baseline - 0.1, _fitted(sheet, line.change, room, 14), 14, look.ink)
        if line.low is not None:
            sheet.write(RIGHT + 0.15, baseline + 0.11, _fitted(sheet, line.interval, room, 12), 12, look.quiet)
    return y + 0.5 * len(lines) + 0.4


def _draw_interval(sheet: Sheet, y: float, line: MetricLine, middle: float) -> None:
    assert line.value is not None
    ends = [abs(each) for each in (line.value, line.low, line.high) if each is not None]
    reach = (RIGHT - LEFT) / 2 * 0.95 / (max(ends) or 1.0)
    a, b = _colors(sheet.look)[:2]
    if line.low is not None and line.high is not None:
        shown = b if line.low > 0 else a if line.high < 0 else sheet.look.cancelled
        sheet.box(middle + line.low * reach, y - 0.05, max((line.high - line.low) * reach, 0.02), 0.1, shown)
    sheet.box(middle + line.value * reach - 0.035, y - 0.13, 0.07, 0.26, sheet.look.ink)


def _last_turn(summary: ExperimentSummary) -> int:
    """The turn after which nobody passed any more; 0 if nobody did at all."""
    by_turn = list(zip(*(each.passed_by_turn for each in summary.results), strict=False))
    if not by_turn or not any(by_turn[-1]):
        return 0
    reached = next(turn for turn, counts in enumerate(by_turn, 1) if counts == by_turn[-1])
    return max(3, reached)


def _draw_turns(sheet: Sheet, y: float, summary: ExperimentSummary, turns: int) -> float:
    """The share that has passed after so many turns of the customer: a bar an arm and turn."""
    look, height, step = sheet.look, 1.1, INNER / turns
    sheet.write(MARGIN, y, "Passed after so many turns of the customer, in %", 15, look.quiet)
    floor = y + 0.45 + height
    sheet.box(MARGIN, floor, INNER, 0.02, look.quiet)
    arms = summary.results
    width = min(0.42, step * 0.72 / len(arms))
    for turn in range(turns):
        x = MARGIN + step * turn + (step - len(arms) * (width + 0.05)) / 2
        for place, (arm, color) in enumerate(zip(arms, _colors(look), strict=False)):
            share = _share(arm, turn)
            left = x + place * (width + 0.05)
            sheet.box(left, floor - height * share, width, max(height * share, 0.015), color)
            label = f"{100 * share:.0f}"
            if sheet.measure(label, 11) > width + 0.05:
                continue  # bars of six arms are too narrow for a number
            sheet.write(
                left + (width - sheet.measure(label, 11)) / 2, floor - height * share - 0.06, label, 11, look.ink
            )
        number = str(turn + 1)
        middle = x + len(arms) * (width + 0.05) / 2
        sheet.write(middle - sheet.measure(number, 13) / 2, floor + 0.27, number, 13, look.ink)
    return floor + 0.75


def _share(arm: ArmResult, turn: int) -> float:
    known = arm.passed + arm.failed
    return arm.passed_by_turn[turn] / known if known else 0.0


def _draw_personas(sheet: Sheet, y: float, personas: Sequence[GroupResult]) -> None:
    look, width = sheet.look, WIDTH - MARGIN - LEFT - 1.35
    sheet.write(MARGIN, y, "Success by persona", 15, look.quiet)
    y += 0.25
    for group in personas:
        sheet.write(
            MARGIN,
            y + 0.07 + BAR * len(group.arms) / 2,
            _fitted(sheet, group.name, LEFT - MARGIN - 0.1, 14),
            14,
            look.ink,
        )
        for place, (counts, color) in enumerate(zip(group.arms, _colors(look), strict=False)):
            passed, known = counts
            top = y + 0.06 + BAR * place
            share = passed / known if known else 0.0
            sheet.box(LEFT, top, width, 0.17, look.track)
            sheet.box(LEFT, top, width * share, 0.17, color)
            text = f"{'ABCDEF'[place]} {passed} of {known}" if known else f"{'ABCDEF'[place]} –"
            sheet.write(LEFT + width + 0.12, top + 0.15, text, 12, look.ink)
        y += 0.16 + BAR * len(group.arms)


def _fitted(sheet: Sheet, text: str, width: float, size: float, *, bold: bool = False) -> str:
    """One line of the text, cut with an ellipsis where it would be too wide."""
    line = showable(text, bold=bold)
    while sheet.measure(line, size, bold=bold) > width and len(line) > 2:
        line = f"{line.rstrip('…')[:-2].rstrip()}…"
    return line
