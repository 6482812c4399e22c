"""The report on feedback: figures, sentiment, phrases and themes. Computed in the helper process from the database."""

import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from jobs.feedback.csat import Figures, NpsMapping
from jobs.feedback.implicit import read_implicit
from jobs.feedback.rating import HEADLINE_SOURCES, SOURCES, Source
from jobs.feedback.reported import FeedbackReport, ThemeSummary, Words, to_json
from jobs.feedback.scope import Comment, Dimension, Scope, VoteCount
from jobs.feedback.sentiment import Tone, measure_sentiment, tone_of_rating
from jobs.feedback.summary import ConversationSummary, extract
from jobs.feedback.themes import FEWEST_COMMENTS, find_phrases, find_themes
from jobs.feedback.trend import Trend, previous_scope, trend_between
from jobs.redact import redact_personal
from jobs.store.votes import FeedbackReader, open_feedback_reader

MOST_READ = 20_000
"""Comments whose sentiment and phrases are measured; beyond it a sample of so many."""
MOST_GROUPED = 2_000
"""Comments that are grouped into themes: the silhouette compares each with each."""
TELLING = 3
"""Comments that stand for all."""
MOST_TAGS = 10
MOST_UNRATED = 200
"""Comments without a rating that are handed on to a model for their tone."""
SEED = 7

__all__ = ["FeedbackReport", "ThemeSummary", "Words", "read_comments", "report_feedback", "report_figures", "to_json"]


def report_feedback(
    database_url: str, scope: Scope, *, by: Dimension | None = None, nps: NpsMapping = "usual"
) -> FeedbackReport:
    """The report over everything in the scope. Busy for seconds: to be called through the helper."""
    with open_feedback_reader(database_url) as reader:
        weekly = reader.vote_counts(scope, by="week")
        counts = weekly if by in (None, "week") else reader.vote_counts(scope, by=by)
        total, comments = _sampled(reader.comments(scope))
        words = read_comments(comments, total=total)
        by_source = by_source_of(weekly)
        return FeedbackReport(
            by_source=by_source,
            nps_mapping=nps,
            words=replace(words, summaries=_summaries(words.telling, reader)),
            by=by,
            groups=_groups(counts, by) if by else {},
            weeks=_groups(weekly, "week"),
            tags=dict(reader.tags(scope).most_common(MOST_TAGS)),
            trend=_trend(scope, by_source, reader),
            signals=read_implicit(reader, scope),
        )


def report_figures(database_url: str, scope: Scope) -> FeedbackReport:
    """The same without what was written and without a look at conversations: enough for a chart."""
    with open_feedback_reader(database_url) as reader:
        weekly = reader.vote_counts(scope, by="week")
    return FeedbackReport(by_source=by_source_of(weekly), weeks=_groups(weekly, "week"))


def by_source_of(counts: Sequence[VoteCount]) -> dict[Source, Figures]:
    return {source: _figures(each for each in counts if each.source == source) for source in SOURCES}


def _trend(scope: Scope, now: Mapping[Source, Figures], reader: FeedbackReader) -> Trend | None:
    before = previous_scope(scope)
    if before is None:
        return None
    figures = by_source_of(reader.vote_counts(before))
    headlines = (sum((each[source] for source in HEADLINE_SOURCES), Figures()) for each in (figures, now))
    return trend_between(*headlines)


def _summaries(telling: Sequence[Comment], reader: FeedbackReader) -> dict[str, ConversationSummary]:
    """What the conversations were about that the telling comments belong to."""
    ids = [comment.conversation_id for comment in telling if comment.conversation_id][:TELLING]
    transcripts = {each: reader.transcript(each) for each in dict.fromkeys(ids)}
    return {each: extract(transcript) for each, transcript in transcripts.items() if transcript and transcript.turns}


def read_comments(comments: Sequence[Comment], *, total: int | None = None) -> Words:
    """What the comments say together; ``total`` is of how many they are a sample."""
    total = len(comments) if total is None else total
    if not comments:
        return Words()
    sentiment, tones = measure_sentiment(comments)
    chance = random.Random(SEED)
    places = range(len(comments))
    grouped = sorted(chance.sample(places, MOST_GROUPED)) if len(comments) > MOST_GROUPED else list(places)
    themes = _themes([comments[place] for place in grouped], [tones[place] for place in grouped])
    return Words(
        n=total,
        sentiment=sentiment,
        phrases=find_phrases([each.text for each in comments]),
        themes=themes,
        telling=_telling(comments, tones, themes),
        rated=Counter(tone_of_rating(each) for each in comments if each.value is not None),
        unrated=tuple(each for each in comments if each.value is None)[-MOST_UNRATED:],
        notes=tuple(_notes(len(comments), len(grouped), total, themes)),
    )


def _sampled(comments: Iterable[Comment]) -> tuple[int, list[Comment]]:
    """How many there are, and a fair sample of at most ``MOST_READ``, the oldest first.

    Source: Li 1994, ACM TOMS 20:481 (algorithm L), which skips what it does not take.
    """
    chance, taken, total, weight = random.Random(SEED), list[Comment](), 0, 1.0
    following = 0
    for total, comment in enumerate(comments, 1):
        if total <= MOST_READ:
            taken.append(comment)
        elif total == following:
            taken[chance.randrange(MOST_READ)] = comment
        if total in (MOST_READ, following):
            weight *= math.exp(math.log(1 - chance.random()) / MOST_READ)
            following = total + 1 + math.floor(math.log(1 - chance.random()) / math.log1p(-weight))
    return total, sorted(taken, key=lambda comment: (comment.at, comment.text))


def _figures(counts: Iterable[VoteCount]) -> Figures:
    stars: dict[int, int] = {}
    thumbs = {1: 0, -1: 0}
    for each in counts:
        kind = stars if each.kind == "stars" else thumbs
        kind[each.value] = kind.get(each.value, 0) + each.n
    return Figures(stars=stars, up=thumbs[1], down=thumbs[-1])


def _groups(counts: Sequence[VoteCount], by: Dimension) -> dict[str, Figures]:
    """The headline by the values of a dimension; what has none is not in it."""
    groups: dict[str, list[VoteCount]] = {}
    for each in counts:
        if each.source in HEADLINE_SOURCES and each.group is not None:
            groups.setdefault(_week(each.group) if by == "week" else each.group, []).append(each)
    return {name: _figures(groups[name]) for name in sorted(groups)}


def _week(day: str) -> str:
    year, week, _ = date.fromisoformat(day).isocalendar()
    return f"{year}-W{week:02}"


def _themes(comments: Sequence[Comment], tones: Sequence[Tone | None]) -> tuple[ThemeSummary, ...]:
    themes = find_themes([each.text for each in comments])
    summaries: list[ThemeSummary] = []
    for theme in themes:
        stars = [value for place in theme.members if (value := _stars(comments[place])) is not None]
        summaries.append(
            ThemeSummary(
                terms=theme.terms,
                size=len(theme.members),
                share=len(theme.members) / len(comments),
                sample=comments[theme.members[0]].text,
                mean=sum(stars) / len(stars) if stars else None,
                negative=sum(tones[place] == "negative" for place in theme.members),
                samples=tuple(redact_personal(comments[place].text) for place in theme.members[: TELLING * 2]),
            )
        )
    return tuple(summaries)


def _stars(comment: Comment) -> int | None:
    return comment.value if comment.kind == "stars" else None


def _telling(
    comments: Sequence[Comment], tones: Sequence[Tone | None], themes: Sequence[ThemeSummary]
) -> tuple[Comment, ...]:
    """All comments when they are few; else the typical ones of the themes with most complaints, then the longest."""
    if len(comments) < FEWEST_COMMENTS:
        return tuple(comments)
    by_text = {comment.text: comment for comment in comments}
    ranked = sorted(themes, key=lambda theme: (-theme.negative, -theme.size))
    told = [by_text[theme.sample] for theme in ranked]
    order: dict[Tone | None, int] = {"negative": 0, "positive": 1, "neutral": 2, None: 3}
    rest = sorted(range(len(comments)), key=lambda place: (order[tones[place]], -min(len(comments[place].text), 300)))
    unique = dict.fromkeys([*told, *(comments[place] for place in rest[: TELLING * 2])])
    return tuple(unique)[:TELLING]


def _notes(read: int, grouped: int, total: int, themes: Sequence[ThemeSummary]) -> Iterable[str]:
    if read < total:
        yield f"sentiment and phrases are of a sample of {read} of {total} comments"
    if total < FEWEST_COMMENTS:
        yield f"fewer than {FEWEST_COMMENTS} comments: they are listed, not grouped into themes"
    elif not themes:
        yield "nothing sets groups of comments apart: there are no themes"
    elif grouped < total:
        yield f"themes are of a sample of {grouped} of {total} comments"
