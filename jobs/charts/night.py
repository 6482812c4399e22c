"""A night in one picture: success by category and persona, quality by metric, answer times, success by turn."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jobs.charts._sheet import DARK, INNER, LIGHT, MARGIN, WIDTH, Sheet, fit, showable
from jobs.charts.bars import Bar, bars_height, draw_bars
from jobs.history.figures import QUALITY, parts_of
from jobs.model import Conversation
from jobs.report import RunReport, RunSummary
from jobs.report.summary import ResponseTimes
from jobs.report.words import duration
from jobs.stats import Proportion, rate_difference, wilson_interval

TIMES = 1.95
TURNS = 2.2
MOST_TURNS = 12


@dataclass(frozen=True, kw_only=True)
class NightPicture:
    """What the picture shows, all of it measured in one run.

    Args:
        limit_ms: the answer time that counts as slow; ``slow`` is the share of answers beyond it.
        by_turn: the share of judged conversations that had passed after so many turns of the customer.
    """

    title: str
    facts: str
    before_after: tuple[Bar, ...]
    categories: tuple[Bar, ...]
    quality: tuple[Bar, ...]
    personas: tuple[Bar, ...]
    times: ResponseTimes | None
    limit_ms: float | None
    slow: Proportion | None
    by_turn: tuple[float, ...]
    judged: int


def picture_of(report: RunReport, *, baseline: RunSummary | None = None, limit_ms: float | None = None) -> NightPicture:
    """The picture of a run; ``baseline`` is the run that it is held against."""
    summary, conversations = report.summary, report.conversations
    times = [turn.latency_ms for each in conversations for turn in each.transcript.turns if turn.latency_ms is not None]
    slow = wilson_interval(sum(time > limit_ms for time in times), len(times)) if limit_ms is not None else None
    judged = [each for each in conversations if each.verdict.outcome in ("passed", "failed")]
    return NightPicture(
        title=summary.suite or summary.profile,
        facts=f"{summary.assistant}@{summary.variant} · {summary.totals.conversations} conversations",
        before_after=tuple(_before_after(summary, baseline)) if baseline else (),
        categories=_rates(conversations, "category:"),
        quality=tuple(_quality(summary, baseline)),
        personas=_rates(conversations, "persona:"),
        times=summary.latency,
        limit_ms=limit_ms,
        slow=slow,
        by_turn=passed_by_turn(judged),
        judged=len(judged),
    )


def passed_by_turn(judged: Sequence[Conversation]) -> tuple[float, ...]:
    """The share of the conversations that had passed after 1, 2, 3 … turns of the customer, until none passes any
    more; empty if none did."""
    needed = [
        sum(turn.speaker == "user" for turn in each.transcript.turns)
        for each in judged
        if each.verdict.outcome == "passed"
    ]
    if not needed:
        return ()
    return tuple(sum(turns <= turn for turns in needed) / len(judged) for turn in range(1, max(needed) + 1))


def night_chart(picture: NightPicture, *, dark: bool = False) -> bytes:
    """A PNG, 1600 pixels wide, as high as there is something to show."""
    look = DARK if dark else LIGHT
    groups = (
        ("Against the baseline", picture.before_after),
        ("Success by category", picture.categories),
        ("Quality by metric", picture.quality),
        ("Success by persona", picture.personas),
    )
    height = 1.1 + sum(bars_height(bars) for _, bars in groups)
    height += (TIMES if picture.times else 0) + (TURNS if picture.by_turn else 0)
    sheet = Sheet(max(height, 1.6), look)
    title = fit(sheet, showable(picture.title, bold=True), INNER, 21, bold=True)
    sheet.write(MARGIN, 0.5, title, 21, look.ink, bold=True)
    sheet.write(MARGIN, 0.82, fit(sheet, showable(picture.facts), INNER, 14), 14, look.quiet)
    y = 1.05
    for name, bars in groups:
        y = draw_bars(sheet, y, f"{name}, with 95% intervals", bars)
    if picture.times:
        y = _draw_times(sheet, y, picture.times, picture)
    if picture.by_turn:
        _draw_turns(sheet, y, picture)
    return sheet.png()


# --- the figures ------------------------------------------------------------------------------------------------------


def _rates(conversations: Iterable[Conversation], prefix: str) -> tuple[Bar, ...]:
    """Success by the parts that begin so, the worst first."""
    counts: dict[str, list[int]] = {}
    for each in conversations:
        for part in parts_of(each):
            if part.startswith(prefix) and each.verdict.outcome in ("passed", "failed"):
                counts.setdefault(part, []).append(each.verdict.outcome == "passed")
    bars = [_rate(part.removeprefix(prefix), wilson_interval(sum(each), len(each))) for part, each in counts.items()]
    return tuple(sorted(bars, key=lambda bar: (bar.value if bar.value is not None else 2.0, bar.name)))


def _rate(name: str, rate: Proportion | None) -> Bar:
    if rate is None:
        return Bar(name=name, value=None)
    return Bar(name=name, value=rate.value, low=rate.low, high=rate.high, n=rate.n)


def _quality(summary: RunSummary, baseline: RunSummary | None) -> Iterable[Bar]:
    """The quality metrics that somebody scored."""
    for name in QUALITY:
        metric = summary.metrics.get(name)
        if metric is None or metric.mean is None:
            continue
        was = baseline.metrics.get(name) if baseline else None
        yield Bar(
            name=name,
            value=metric.mean.value,
            low=metric.mean.low,
            high=metric.mean.high,
            n=metric.mean.n,
            before=was.mean.value if was and was.mean else None,
        )


def _before_after(summary: RunSummary, baseline: RunSummary) -> Iterable[Bar]:
    """Success then and now; better or worse only where the interval of the difference leaves 0 out."""
    if summary.success is None or baseline.success is None:
        return
    difference = rate_difference(baseline.success, summary.success)
    change = "better" if difference.low > 0 else "worse" if difference.high < 0 else "same"
    rate = summary.success
    yield Bar(
        name="success",
        value=rate.value,
        low=rate.low,
        high=rate.high,
        n=rate.n,
        before=baseline.success.value,
        change=change,
    )


# --- the parts that are no bars ---------------------------------------------------------------------------------------


def _draw_times(sheet: Sheet, y: float, times: ResponseTimes, picture: NightPicture) -> float:
    """How many answers took how long, with the limit as a line and what lies beyond it in the colour of failure."""
    look, height = sheet.look, 0.95
    sheet.write(MARGIN, y + 0.18, f"Answer times of {times.n} answers", 16, look.ink, bold=True)
    end = times.bin_width * len(times.bins)
    limit = picture.limit_ms
    shown_end = max(end, limit * 1.15) if limit is not None and limit < end * 3 else end
    scale, floor = INNER / shown_end, y + 0.4 + height
    tallest = max(times.bins) or 1
    for place, count in enumerate(times.bins):
        begins = place * times.bin_width
        slow = limit is not None and begins >= limit
        tall = height * count / tallest
        color = look.failed if slow else look.times
        sheet.box(MARGIN + begins * scale, floor - tall, times.bin_width * scale * 0.9, tall, color)
    sheet.box(MARGIN, floor, INNER, 0.02, look.quiet)
    if limit is not None and limit <= shown_end:
        x = MARGIN + limit * scale
        sheet.line([(x, y + 0.32), (x, floor)], look.failed, width=2.0, dashed=True)
        label = f"limit {duration(limit)}"
        sheet.write(min(x + 0.06, WIDTH - MARGIN - sheet.measure(label, 12)), y + 0.44, label, 12, look.quiet)
    told = f"half in {duration(times.p50)}, 95% in {duration(times.p95)}, slowest {duration(times.longest)}"
    if picture.slow is not None and limit is not None:
        told += f" · {picture.slow.value:.0%} beyond {duration(limit)}"
    sheet.write(MARGIN, floor + 0.3, fit(sheet, told, INNER, 14), 14, look.ink)
    return y + TIMES


def _draw_turns(sheet: Sheet, y: float, picture: NightPicture) -> None:
    look, height = sheet.look, 1.05
    shares = picture.by_turn[:MOST_TURNS]
    sheet.write(MARGIN, y + 0.18, f"Passed after so many turns, in % of {picture.judged}", 16, look.ink, bold=True)
    step, floor = INNER / len(shares), y + 0.6 + height
    width = min(0.6, step * 0.7)
    for place, share in enumerate(shares):
        x = MARGIN + step * place + (step - width) / 2
        sheet.box(x, floor - height * share, width, max(height * share, 0.015), look.passed)
        for text, baseline, size, color in (
            (f"{100 * share:.0f}", floor - height * share - 0.07, 13, look.ink),
            (str(place + 1), floor + 0.25, 13, look.quiet),
        ):
            sheet.write(x + (width - sheet.measure(text, size)) / 2, baseline, text, size, color)
    sheet.box(MARGIN, floor, INNER, 0.02, look.quiet)
