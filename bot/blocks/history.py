"""How the history of a figure looks: its series in words, each with a line of its course."""

from bot.blocks._parts import (
    MOST_TEXT,
    Json,
    Message,
    context,
    counted,
    escape,
    fallback,
    header,
    line,
    one_line,
    plain,
    rich_text,
    words,
)
from jobs.history.figures import in_words, is_lower_better
from jobs.history.report import HistoryReport, sentences
from jobs.history.sparkline import sparkline
from jobs.redact import redact

MOST_SERIES = 6


def history_message(report: HistoryReport) -> Message:
    """What there is to say of each series; the chart comes beside it."""
    name = in_words(report.metric)
    if not report.series:
        text = f"Nothing is known of {name} since {report.since:%d %b %Y}: it is recorded whenever a run finishes."
        return Message(text=fallback(escape(text)), blocks=(rich_text(line(words(text))),))
    groups: list[Json] = []
    used = 0
    for series in report.series[:MOST_SERIES]:
        told = [one_line(redact(sentence), 300) for sentence in sentences(series)]
        used += sum(map(len, told)) + 300
        if used > MOST_TEXT - 500:
            break
        name_of_series = line(words(one_line(redact(series.name), 120), bold=True))
        course = line(words(sparkline([night.value for night in series.nights])))
        groups.append(rich_text(name_of_series, course, *(line(words(f"• {sentence}")) for sentence in told)))
    better = "lower is better" if is_lower_better(report.metric) else "higher is better"
    days = (report.until - report.since).days
    facts = f"{counted(len(report.series), 'series', 'series')} in {days} days · {better}"
    return Message(
        text=fallback(escape(f"{name} in {days} days")),
        blocks=(header(f"{name.capitalize()}, {days} days"), *groups, context(plain(facts, 200))),
    )
