"""The report on feedback: figures, sentiment, phrases and themes. Computed in the helper process from the database."""

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from jobs.feedback.csat import Figures, NpsMapping, figures_json
from jobs.feedback.rating import HEADLINE_SOURCES, SOURCES, Source
from jobs.feedback.sentiment import Sentiment, Tone, measure_sentiment
from jobs.feedback.themes import FEWEST_COMMENTS, Phrase, find_phrases, find_themes
from jobs.store.votes import Comment, Dimension, Scope, VoteCount, open_feedback_reader

MOST_READ = 20_000
"""Comments whose sentiment and phrases are measured; beyond it a sample of so many."""
MOST_GROUPED = 2_000
"""Comments that are grouped into themes: the silhouette compares each with each."""
TELLING = 3
"""Comments that stand for all."""
SEED = 7


@dataclass(frozen=True, kw_only=True)
class ThemeSummary:
    """What a group of comments is about.

    Args:
        share: of the comments that were grouped.
        sample: the most typical comment.
        mean: of the stars that came with its comments.
    """

    terms: tuple[str, ...]
    size: int
    share: float
    sample: str
    mean: float | None
    negative: int


@dataclass(frozen=True, kw_only=True)
class Words:
    """What was written: ``telling`` are all comments when there are few, else those that stand for the most."""

    n: int = 0
    sentiment: Sentiment | None = None
    phrases: tuple[Phrase, ...] = ()
    themes: tuple[ThemeSummary, ...] = ()
    telling: tuple[Comment, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FeedbackReport:
    """What people said: the headline is the sum of what they said of conversations that were not simulated."""

    by_source: Mapping[Source, Figures]
    nps_mapping: NpsMapping = "usual"
    words: Words = field(default_factory=Words)
    by: Dimension | None = None
    groups: Mapping[str, Figures] = field(default_factory=dict[str, Figures])

    @property
    def headline(self) -> Figures:
        return sum((self.by_source[each] for each in HEADLINE_SOURCES), Figures())


def report_feedback(
    database_url: str, scope: Scope, *, by: Dimension | None = None, nps: NpsMapping = "usual"
) -> FeedbackReport:
    """The report over everything in the scope. Busy for seconds: to be called through the helper."""
    with open_feedback_reader(database_url) as reader:
        counts = reader.vote_counts(scope, by=by)
        total, comments = _sampled(reader.comments(scope))
    return FeedbackReport(
        by_source={source: _figures(each for each in counts if each.source == source) for source in SOURCES},
        nps_mapping=nps,
        words=read_comments(comments, total=total),
        by=by,
        groups=_groups(counts, by) if by else {},
    )


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


# --- as JSON --------------------------------------------------------------------------------------------------------


def to_json(report: FeedbackReport) -> dict[str, Any]:
    """The document that scripts rely on."""
    words, mapping = report.words, report.nps_mapping
    document = {
        **figures_json(report.headline, mapping),
        "by_source": {source: figures_json(figures, mapping) for source, figures in report.by_source.items()},
        "sentiment": _sentiment_json(words.sentiment),
        "phrases": [{"phrase": each.text, "comments": each.comments} for each in words.phrases],
        "themes": [_theme_json(each) for each in words.themes],
        "comments": {"n": words.n, "telling": [_comment_json(each) for each in words.telling]},
        "notes": list(words.notes),
    }
    if report.by:
        groups = {name: figures_json(figures, mapping) for name, figures in report.groups.items()}
        document[f"by_{report.by}"] = groups
    return document


def _sentiment_json(sentiment: Sentiment | None) -> dict[str, Any] | None:
    if sentiment is None:
        return None
    names = ("n", "positive", "neutral", "negative", "unscored", "rated", "mean")
    return {name: getattr(sentiment, name) for name in names}


def _theme_json(theme: ThemeSummary) -> dict[str, Any]:
    names = ("size", "share", "sample", "mean", "negative")
    return {"terms": list(theme.terms), **{name: getattr(theme, name) for name in names}}


def _comment_json(comment: Comment) -> dict[str, Any]:
    vote = None if comment.kind == "comment" else comment.value
    kind = {"stars": "rating", "thumb": "thumb", "comment": None}[comment.kind]
    rating = vote if kind == "rating" else None
    thumb = ("up" if vote == 1 else "down") if kind == "thumb" else None
    at = comment.at.isoformat()
    return {"text": comment.text, "rating": rating, "thumb": thumb, "source": comment.source, "at": at}
