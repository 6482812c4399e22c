"""The chart of a run: outcomes, success with its interval, response times, the most frequent reasons."""

from collections.abc import Sequence

from jobs.charts._sheet import DARK, INNER, LIGHT, MARGIN, WIDTH, Look, Sheet, fit, in_two_lines, showable
from jobs.report.summary import Comparison, ResponseTimes, RunSummary
from jobs.report.words import UNKNOWN, duration, percent
from jobs.stats import Proportion

MOST_REASONS = 4
FEWEST_FOR_P95 = 20
"""With fewer answers the 95th percentile is just the slowest one."""


def run_chart(summary: RunSummary, *, dark: bool = False) -> bytes:
    """A PNG, 1600 pixels wide: outcomes, success with its interval, response times, the most frequent reasons."""
    look = DARK if dark else LIGHT
    measuring = Sheet(1.0, look)
    reasons = [(in_two_lines(measuring, name), count, color) for name, count, color in _reasons(summary, look)]
    legend = _legend(measuring, _outcomes(summary, look))
    outcomes_height = 0.62 + 0.32 * len(legend)
    reasons_height = 0.4 + sum(0.27 * len(lines) + 0.3 for lines, _, _ in reasons) if reasons else 0.0
    sheet = Sheet(1.15 + outcomes_height + 1.85 + reasons_height, look)
    y = _draw_title(sheet, summary)
    y = _draw_outcomes(sheet, y, summary, legend) + 0.15
    _draw_success(sheet, y, summary.success, summary.comparison)
    _draw_times(sheet, y, summary.latency)
    _draw_reasons(sheet, y + 1.85, reasons, summary.totals.conversations)
    return sheet.png()


# --- the parts, from top to bottom ------------------------------------------------------------------------------------


def _draw_title(sheet: Sheet, summary: RunSummary) -> float:
    look = sheet.look
    title = fit(sheet, showable(summary.suite or summary.profile, bold=True), INNER, 21, bold=True)
    sheet.write(MARGIN, 0.5, title, 21, look.ink, bold=True)
    facts = f"{summary.assistant}@{summary.variant} · {summary.simulator} simulator · seed {summary.seed}"
    sheet.write(MARGIN, 0.82, fit(sheet, showable(facts), INNER, 14), 14, look.quiet)
    return 1.0


Legend = Sequence[Sequence[tuple[str, int, str]]]


def _outcomes(summary: RunSummary, look: Look) -> list[tuple[str, int, str]]:
    """Name, count and colour of every outcome that occurred; what was planned and not played comes last."""
    totals = summary.totals
    counted = [
        ("passed", totals.passed, look.passed),
        ("failed", totals.failed, look.failed),
        ("inconclusive", totals.inconclusive, look.inconclusive),
        ("errors", totals.errors, look.errors),
        ("void", totals.void, look.void),
        ("skipped", totals.skipped, look.skipped),
        ("cancelled", totals.cancelled, look.cancelled),
        ("not played", max(0, summary.planned - totals.conversations), look.track),
    ]
    return [outcome for outcome in counted if outcome[1]]


def _legend(sheet: Sheet, outcomes: Sequence[tuple[str, int, str]]) -> Legend:
    """The outcomes in as many lines as their words need."""
    lines: list[list[tuple[str, int, str]]] = [[]]
    used = 0.0
    for name, count, color in outcomes:
        width = sheet.measure(f"{count} {name}", 15) + 0.55
        if lines[-1] and used + width > INNER + 0.3:
            lines.append([])
            used = 0.0
        lines[-1].append((name, count, color))
        used += width
    return lines


def _draw_outcomes(sheet: Sheet, y: float, summary: RunSummary, legend: Legend) -> float:
    look = sheet.look
    outcomes = [outcome for line in legend for outcome in line]
    total = sum(count for _, count, _ in outcomes)
    sheet.box(MARGIN, y, INNER, 0.44, look.track)
    x = MARGIN
    for place, (_, count, color) in enumerate(outcomes):
        width = INNER * count / total
        # the gap keeps neighbours apart without their colours; one conversation of a thousand stays visible
        gap = 0.03 if place + 1 < len(outcomes) else 0.0
        sheet.box(x, y, max(width - gap, 0.02), 0.44, color)
        x += width
    if not total:
        sheet.write(MARGIN, y + 0.8, "no conversation was played", 15, look.quiet)
    for row, line in enumerate(legend):
        x, baseline = MARGIN, y + 0.78 + 0.32 * row
        for name, count, color in line:
            sheet.box(x, baseline - 0.16, 0.17, 0.17, color)
            x = sheet.write(x + 0.25, baseline, f"{count} {name}", 15, look.ink) + 0.3
    return y + 0.62 + 0.32 * len(legend)


def _draw_success(sheet: Sheet, y: float, success: Proportion | None, comparison: Comparison | None) -> None:
    """The rate in large, its interval as a bar on a track from 0 to 100 %, and the last run as a mark below it."""
    look, width = sheet.look, 3.3
    sheet.write(MARGIN, y + 0.2, "Success", 15, look.quiet)
    if success is None:
        sheet.write(MARGIN, y + 0.72, UNKNOWN, 34, look.ink, bold=True)
        sheet.write(MARGIN, y + 1.1, "nothing passed or failed", 14, look.quiet)
        return
    end = sheet.write(MARGIN, y + 0.75, percent(success.value), 36, look.ink, bold=True)
    sheet.write(end + 0.15, y + 0.5, f"{percent(success.low)} to {percent(success.high)}", 15, look.ink)
    sheet.write(end + 0.15, y + 0.75, f"95% interval, n = {success.n}", 13, look.quiet)
    sheet.box(MARGIN, y + 1.0, width, 0.1, look.track)
    sheet.box(MARGIN + width * success.low, y + 1.0, width * (success.high - success.low), 0.1, look.times)
    sheet.box(MARGIN + width * success.value - 0.03, y + 0.92, 0.06, 0.26, look.ink)
    if comparison and (before := comparison.previous_success):
        sheet.box(MARGIN + width * before.value - 0.02, y + 1.13, 0.04, 0.15, look.quiet)
        sheet.write(MARGIN, y + 1.48, f"last run {percent(before.value)}, n = {before.n}", 13, look.quiet)


def _draw_times(sheet: Sheet, y: float, times: ResponseTimes | None) -> None:
    look, left = sheet.look, 4.35
    width = WIDTH - MARGIN - left
    sheet.write(left, y + 0.2, "Response time", 15, look.quiet)
    if times is None:
        sheet.write(left, y + 0.72, UNKNOWN, 34, look.ink, bold=True)
        sheet.write(left, y + 1.1, "no answer was timed", 14, look.quiet)
        return
    end = width / (times.bin_width * len(times.bins))
    tallest = max(times.bins)
    bin_width = width / len(times.bins)
    for place, count in enumerate(times.bins):
        height = 0.7 * count / tallest
        sheet.box(left + place * bin_width, y + 1.05 - height, bin_width * 0.9, height, look.times)
    sheet.box(left, y + 1.05, width, 0.02, look.quiet)
    for time in (times.p50, times.p95) if times.n >= FEWEST_FOR_P95 else (times.p50,):
        sheet.box(left + min(time * end, width) - 0.015, y + 0.32, 0.03, 0.75, look.ink)
    usual, slowest = f"half in {duration(times.p50)}", f"slowest {duration(times.longest)}"
    if times.n >= FEWEST_FOR_P95:
        usual = f"{usual}, 95% in {duration(times.p95)}"
    answers = "1 answer" if times.n == 1 else f"{times.n} answers"
    sheet.write(left, y + 1.33, fit(sheet, usual, width, 13), 13, look.ink)
    sheet.write(left, y + 1.58, fit(sheet, f"{answers}, {slowest}", width, 13), 13, look.quiet)


def _reasons(summary: RunSummary, look: Look) -> list[tuple[str, int, str]]:
    """The most frequent reasons with their counts: of failing, of errors, of doubt."""
    kinds = ((summary.failures, look.failed), (summary.errors, look.errors), (summary.doubts, look.inconclusive))
    return [(group.name, len(group.numbers), color) for groups, color in kinds for group in groups][:MOST_REASONS]


def _draw_reasons(
    sheet: Sheet, y: float, reasons: Sequence[tuple[Sequence[str], int, str]], conversations: int
) -> None:
    """Each reason over a bar: how many of all conversations."""
    look, width = sheet.look, INNER - 0.7
    if reasons:
        sheet.write(MARGIN, y + 0.12, "Why not passed", 15, look.quiet)
    y += 0.4
    for lines, count, color in reasons:
        for line in lines:
            sheet.write(MARGIN, y, line, 14, look.ink)
            y += 0.27
        sheet.box(MARGIN, y - 0.15, width, 0.13, look.track)
        sheet.box(MARGIN, y - 0.15, width * count / conversations, 0.13, color)
        sheet.write(MARGIN + width + 0.15, y - 0.02, f"{count}", 15, look.ink, bold=True)
        y += 0.3
