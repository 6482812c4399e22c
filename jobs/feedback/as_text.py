"""The feedback report as a page for the terminal."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from jobs.feedback.csat import EARLY, NPS_MAPPINGS, STARS, Figures, NpsMapping
from jobs.feedback.rating import SOURCES
from jobs.feedback.reported import FeedbackReport
from jobs.feedback.scope import Comment
from jobs.feedback.signals import SIGNAL_NAMES
from jobs.redact import redact
from jobs.report.as_text import printable
from jobs.stats import Proportion

SHOWN_COMMENTS = 15
BAR = 30


def feedback_page(report: FeedbackReport) -> RenderableType:
    """Figures with their intervals, sources, what was written, and what a reader must know."""
    return Group(*_parts(report))


def _parts(report: FeedbackReport) -> Iterator[RenderableType]:
    figures, words = report.headline, report.words
    yield Text(_headline(figures), style="bold")
    if figures.n:
        yield _distribution(figures)
    if figures.enough:
        yield from (Text(line) for line in _sentences(figures, report.nps_mapping))
    if report.trend:
        yield Text(f"Trend: {report.trend.sentence}")
    yield _sources(report)
    if report.by:
        yield _table(report.by, dict(report.groups))
    yield from _signals(report)
    if report.tags:
        yield Text("Tags: " + ", ".join(f"{_safe(tag)} ({n})" for tag, n in report.tags.items()))
    if words.sentiment:
        mood = words.sentiment
        told = f", {mood.unscored} not scored" if mood.unscored else ""
        by = f", as {_safe(words.read_by)} reads them" if words.read_by else ""
        yield Text(
            f"Comments: {words.n}; {mood.positive} positive, {mood.neutral} neutral, {mood.negative} negative{told}{by}"
        )
    if words.themes:
        yield Text("Themes:", style="bold")
    for theme in words.themes:
        title = _safe(theme.title) if theme.title else ", ".join(theme.terms)
        yield Text(f"  {theme.size:>4} × {title}: {_quote(theme.sample)}")
    if words.phrases:
        yield Text("Phrases: " + ", ".join(f"{_safe(each.text)} ({each.comments})" for each in words.phrases))
    if words.telling:
        yield Text("Comments that say most:" if words.themes else "Comments:", style="bold")
    for comment in words.telling[:SHOWN_COMMENTS]:
        yield Text(f"  {_vote(comment):>3} {_quote(comment.text)}")
        if summary := words.summaries.get(comment.conversation_id or ""):
            label = "by a model" if summary.by == "model" else "extract"
            yield Text(f"      {_safe(summary.text)} ({label})", style="dim")
    for note in words.notes:
        yield Text(note, style="dim")


def _headline(figures: Figures) -> str:
    if not figures.n and not (figures.up or figures.down):
        return "no ratings of conversations that were not simulated"
    ratings = f"{figures.n} rating{'' if figures.n == 1 else 's'}"
    if figures.n and not figures.enough:
        ratings += ": not enough for a figure"
    elif figures.enough and figures.n < EARLY:
        ratings += " (early)"
    return f"{ratings}; thumbs: {figures.up} up, {figures.down} down"


def _distribution(figures: Figures) -> Table:
    table = Table.grid(padding=(0, 2))
    most = max(figures.count(each) for each in STARS)
    for stars in reversed(STARS):
        count = figures.count(stars)
        table.add_row(f"  {stars} ★", "█" * round(BAR * count / most), str(count))
    return table


def _sentences(figures: Figures, mapping: NpsMapping) -> Iterator[str]:
    csat, nps = figures.csat, figures.nps(mapping)
    assert csat is not None and nps is not None and figures.mean is not None
    yield f"mean {figures.mean:.2f} of 5"
    yield f"CSAT {csat.value:.0%} gave 4 or 5 (95 % interval {csat.low:.0%} to {csat.high:.0%}, n={csat.n})"
    interval = f"95 % interval {nps.low:+.0f} to {nps.high:+.0f}, n={nps.n}"
    yield f"NPS (5-point) {nps.value:+.0f} ({interval}; {NPS_MAPPINGS[mapping].words})"


def _sources(report: FeedbackReport) -> Table:
    return _table("source", {source: report.by_source[source] for source in SOURCES})


def _table(title: str, rows: dict[str, Figures]) -> Table:
    table = Table(title, "ratings", "mean", "CSAT", "95 % interval", "up", "down", box=None)
    for name, figures in rows.items():
        csat, mean = figures.csat, figures.mean
        if not (figures.n or figures.up or figures.down):
            continue
        cells = ["", "", ""]
        if figures.enough and csat and mean is not None:
            cells = [f"{mean:.2f}", f"{csat.value:.0%}", f"{csat.low:.0%} to {csat.high:.0%}"]
        table.add_row(Text(_safe(name)), str(figures.n), *cells, str(figures.up), str(figures.down))
    return table


def _signals(report: FeedbackReport) -> Iterator[RenderableType]:
    """Implicit signals in one table: people's live conversations beside those of simulated customers."""
    live, simulated = report.signals.live, report.signals.simulated
    if not live.looked_at and not simulated.looked_at:
        return
    headings = (f"people (n={live.looked_at})", f"simulated customers (n={simulated.looked_at})")
    table = Table("without being asked", *headings, box=None)
    for name in simulated.rates:
        cells = (_share(rates.rates.get(name)) for rates in (live, simulated))
        table.add_row(SIGNAL_NAMES[name], *cells)
    yield table


def _share(rate: Proportion | None) -> str:
    return f"{rate.value:.0%} ({rate.low:.0%} to {rate.high:.0%})" if rate else "–"


def _vote(comment: Comment) -> str:
    if comment.value is None:
        return ""
    return f"{comment.value}★" if comment.kind == "stars" else "👍" if comment.value == 1 else "👎"


def _quote(text: str) -> str:
    short = _safe(text)
    return f"“{short[:200]}…”" if len(short) > 200 else f"“{short}”"


def _safe(text: str) -> str:
    """Text from outside without secrets, control characters and line breaks."""
    return printable(redact(text)).replace("\n", " ")
