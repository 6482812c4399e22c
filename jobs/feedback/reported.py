"""The values of a feedback report, and its JSON document; how it is computed stands in `report`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.feedback.csat import Figures, NpsMapping, figures_json
from jobs.feedback.rating import HEADLINE_SOURCES, Source
from jobs.feedback.scope import Comment, Dimension
from jobs.feedback.sentiment import Sentiment, Tone
from jobs.feedback.signals import ImplicitSignals
from jobs.feedback.summary import ConversationSummary
from jobs.feedback.themes import Phrase
from jobs.feedback.trend import Trend


@dataclass(frozen=True, kw_only=True)
class ThemeSummary:
    """What a group of comments is about.

    Args:
        share: of the comments that were grouped.
        sample: the most typical comment.
        mean: of the stars that came with its comments.
        title: a short one for people; None without a model.
        samples: further comments of it, for whoever finds a title.
    """

    terms: tuple[str, ...]
    size: int
    share: float
    sample: str
    mean: float | None
    negative: int
    title: str | None = None
    samples: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Words:
    """What was written: ``telling`` are all comments when there are few, else those that stand for the most.

    Args:
        summaries: of conversations that telling comments are about, by their ids.
        unrated: comments without a rating, whose tone is in the words alone; at most ``MOST_UNRATED``.
        rated: tones that ratings told.
        read_by: the model that titles and sentiment come from; None = the lexicon.
    """

    n: int = 0
    sentiment: Sentiment | None = None
    phrases: tuple[Phrase, ...] = ()
    themes: tuple[ThemeSummary, ...] = ()
    telling: tuple[Comment, ...] = ()
    summaries: Mapping[str, ConversationSummary] = field(default_factory=dict[str, ConversationSummary])
    unrated: tuple[Comment, ...] = ()
    rated: Mapping[Tone, int] = field(default_factory=dict[Tone, int])
    read_by: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FeedbackReport:
    """What people said: the headline is the sum of what they said of conversations that were not simulated.

    Args:
        weeks: the headline by ISO week, the earliest first.
        tags: how often each was given; reasons of a thumb down are among them.
        trend: against the period of the same length before; None when the scope has no beginning.
    """

    by_source: Mapping[Source, Figures]
    nps_mapping: NpsMapping = "usual"
    words: Words = field(default_factory=Words)
    by: Dimension | None = None
    groups: Mapping[str, Figures] = field(default_factory=dict[str, Figures])
    weeks: Mapping[str, Figures] = field(default_factory=dict[str, Figures])
    tags: Mapping[str, int] = field(default_factory=dict[str, int])
    trend: Trend | None = None
    signals: ImplicitSignals = field(default_factory=ImplicitSignals)

    @property
    def headline(self) -> Figures:
        return sum((self.by_source[each] for each in HEADLINE_SOURCES), Figures())


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
        "comments": {"n": words.n, "telling": [_comment_json(each, words.summaries) for each in words.telling]},
        "notes": list(words.notes),
        "tags": dict(report.tags),
        "trend": report.trend.as_json if report.trend else None,
        "signals": report.signals.as_json,
        "by_week": {name: figures_json(figures, mapping) for name, figures in report.weeks.items()},
        "read_by": words.read_by,
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
    return {"terms": list(theme.terms), "title": theme.title, **{name: getattr(theme, name) for name in names}}


def _comment_json(comment: Comment, summaries: Mapping[str, ConversationSummary]) -> dict[str, Any]:
    vote = None if comment.kind == "comment" else comment.value
    kind = {"stars": "rating", "thumb": "thumb", "comment": None}[comment.kind]
    rating = vote if kind == "rating" else None
    thumb = ("up" if vote == 1 else "down") if kind == "thumb" else None
    at = comment.at.isoformat()
    summary = summaries.get(comment.conversation_id or "")
    return {
        "text": comment.text,
        "rating": rating,
        "thumb": thumb,
        "source": comment.source,
        "at": at,
        "conversation": comment.conversation_id,
        "summary": {"text": summary.text, "by": summary.by} if summary else None,
    }
