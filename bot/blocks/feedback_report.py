"""The feedback of a period as a message: figures, where they come from, and what people wrote."""

from collections.abc import Iterator, Mapping

from bot.blocks._parts import (
    Json,
    Message,
    bullets,
    clip,
    context,
    counted,
    escape,
    fallback,
    fields,
    header,
    line,
    one_line,
    percent,
    plain,
    quote,
    rich_text,
    words,
)
from jobs.feedback.csat import EARLY, STARS, Figures
from jobs.feedback.rating import SOURCES, Source
from jobs.feedback.reported import FeedbackReport, Words
from jobs.feedback.scope import Comment
from jobs.feedback.signals import SIGNAL_NAMES, SignalRates
from jobs.redact import redact

SOURCE_NAMES: Mapping[Source, str] = {
    "live": "answers in Slack",
    "api": "other systems",
    "cli": "imported",
    "run": "people on simulated conversations",
    "simulated": "simulated customers",
}
BAR = 16
MOST_COMMENT = 500
MOST_SUMMARY = 300
MOST_GROUPS = 12
MOST_THEMES = 5
SHOWN_COMMENTS = 3


def feedback_message(report: FeedbackReport, title: str) -> Message:
    """Numbers with their intervals, and the comments that say most."""
    figures = report.headline
    blocks: list[Json] = [header(title)]
    if figures.n or figures.up or figures.down:
        blocks.append(fields(list(_figures(report))))
    else:
        blocks.append(rich_text(line(words("Nobody rated a conversation that was not simulated in this time."))))
    if figures.n:
        blocks.append(rich_text(*_distribution(figures)))
    if sources := list(_sources(report)):
        blocks.append(rich_text(*sources))
    if report.by and report.groups:
        blocks.append(rich_text(*_groups(report.by, report.groups)))
    if signals := list(_signals(report)):
        blocks.append(rich_text(line(words("Without being asked", bold=True)), bullets(signals)))
    blocks += _written(report.words)
    if notes := _notes(report):
        blocks.append(context(plain(clip(notes, 900), 1_000)))
    return Message(text=fallback(escape(f"{title}: {headline(figures)}")), blocks=tuple(blocks))


def headline(figures: Figures) -> str:
    """E.g. ``CSAT 82 % (71 % to 90 %), n = 57``; counts alone when there are few."""
    thumbs = f"{figures.up:,} thumbs up, {figures.down:,} down"
    if not figures.enough or figures.csat is None:
        return f"{counted(figures.n, 'rating')}, {thumbs}"
    rate = figures.csat
    return f"CSAT {percent(rate.value)} ({percent(rate.low)} to {percent(rate.high)}), n = {rate.n:,}, {thumbs}"


def _figures(report: FeedbackReport) -> Iterator[tuple[str, str]]:
    figures, mapping = report.headline, report.nps_mapping
    csat, nps, mean = figures.csat, figures.nps(mapping), figures.mean
    early = ", early" if figures.n < EARLY else ""
    if figures.enough and csat and nps and mean is not None:
        yield "CSAT", f"{percent(csat.value)} ({csat.low * 100:.0f}–{csat.high * 100:.0f} %, n = {csat.n:,}{early})"
        yield "Mean", f"{mean:.2f} of 5"
        yield "NPS (5-point)", f"{nps.value:+.0f} ({nps.low:+.0f} to {nps.high:+.0f}, n = {nps.n:,})"
    else:
        yield "Ratings", f"{figures.n} (too few for a figure)"
    yield "Thumbs", f"👍 {figures.up:,}   👎 {figures.down:,}"
    if report.trend:
        yield "Against the period before", escape(report.trend.sentence)


def _distribution(figures: Figures) -> Iterator[Json]:
    most = max(figures.count(each) for each in STARS)
    for stars in reversed(STARS):
        count = figures.count(stars)
        cells = max(1, round(BAR * count / most)) if count else 0
        yield line(words(f"{stars} ★ ", code=True), words(f" {'▇' * cells} {count:,}"))


def _sources(report: FeedbackReport) -> Iterator[Json]:
    told = [
        line(words(f"{SOURCE_NAMES[source]}: {_told(figures)}"))
        for source in SOURCES
        if (figures := report.by_source[source]).n or figures.up or figures.down
    ]
    if told:
        yield line(words("Where it comes from", bold=True))
        yield bullets(told)


def _groups(by: str, groups: Mapping[str, Figures]) -> Iterator[Json]:
    shown = list(groups.items())
    shown = shown[-MOST_GROUPS:] if by == "week" else sorted(shown, key=lambda each: -each[1].n)[:MOST_GROUPS]
    yield line(words(f"By {by}", bold=True))
    yield bullets(line(words(f"{one_line(name, 80)}: {_told(figures)}")) for name, figures in shown)
    if len(groups) > MOST_GROUPS:
        yield line(words(f"… and {len(groups) - MOST_GROUPS} more", italic=True))


def _told(figures: Figures) -> str:
    parts = [counted(figures.n, "rating")] if figures.n else []
    if figures.enough and figures.csat:
        parts[0] = f"CSAT {percent(figures.csat.value)}, n = {figures.n:,}"
    if figures.up or figures.down:
        parts.append(f"👍 {figures.up:,} 👎 {figures.down:,}")
    return ", ".join(parts)


def _signals(report: FeedbackReport) -> Iterator[Json]:
    live, simulated = report.signals.live, report.signals.simulated
    for name, rates in (("people", live), ("simulated customers", simulated)):
        seen = list(_rates(rates))
        if seen:
            yield line(words(f"{name}, of {counted(rates.looked_at, 'conversation')}: {', '.join(seen)}"))


def _rates(rates: SignalRates) -> Iterator[str]:
    for name, rate in rates.rates.items():
        if rate and rate.value:
            yield f"{SIGNAL_NAMES[name]} {percent(rate.value)}"


def _written(written: Words) -> Iterator[Json]:
    """Themes, then the comments that say most, each with what its conversation was about."""
    themes = [
        line(
            words(f"{theme.size}× ", bold=True),
            words(one_line(theme.title or ", ".join(theme.terms), 120)),
        )
        for theme in written.themes[:MOST_THEMES]
    ]
    if themes:
        yield rich_text(line(words("What people write about", bold=True)), bullets(themes))
    if not written.telling:
        return
    parts = [line(words("Comments that say most" if written.themes else "Comments", bold=True))]
    for comment in written.telling[:SHOWN_COMMENTS]:
        parts.append(quote(words(_vote(comment), bold=True), words(one_line(redact(comment.text), MOST_COMMENT))))
        if summary := written.summaries.get(comment.conversation_id or ""):
            label = "by a model" if summary.by == "model" else "extract"
            parts.append(line(words(f"{one_line(redact(summary.text), MOST_SUMMARY)} ({label})", italic=True)))
    yield rich_text(*parts)


def _vote(comment: Comment) -> str:
    if comment.value is None:
        return ""
    return f"{comment.value}★ " if comment.kind == "stars" else "👍 " if comment.value == 1 else "👎 "


def _notes(report: FeedbackReport) -> str:
    written = report.words
    parts = [f"tags: {', '.join(f'{one_line(tag, 40)} {n}×' for tag, n in report.tags.items())}"] if report.tags else []
    if mood := written.sentiment:
        how = f"read by {written.read_by}" if written.read_by else "by ratings, else by a lexicon for English"
        unscored = f", {mood.unscored} not scored" if mood.unscored else ""
        parts.append(
            f"{counted(written.n, 'comment')}: {mood.positive} positive, {mood.neutral} neutral, "
            f"{mood.negative} negative{unscored} ({how})"
        )
    return " · ".join((*parts, *written.notes))
