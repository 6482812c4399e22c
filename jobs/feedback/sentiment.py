"""How comments sound. A rating beats the text when both exist; text is scored only where the lexicon applies."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, cast

from jobs.feedback.language import is_english
from jobs.feedback.scope import Comment

Tone = Literal["positive", "neutral", "negative"]
POSITIVE_FROM, NEGATIVE_FROM = 0.05, -0.05
"""The lexicon's own thresholds. Source: Hutto & Gilbert 2014, ICWSM 8:216, and the package's README."""


@dataclass(frozen=True, kw_only=True)
class Sentiment:
    """Comments by tone.

    Args:
        rated: tones that the rating told.
        unscored: comments without a rating that are not in English.
        mean: of the lexicon's compound score -1..1, where text was scored.
    """

    positive: int
    neutral: int
    negative: int
    rated: int
    unscored: int
    mean: float | None

    @property
    def n(self) -> int:
        return self.positive + self.neutral + self.negative


class _Lexicon(Protocol):
    lexicon: dict[str, float]

    def polarity_scores(self, text: str) -> dict[str, float]: ...


def measure_sentiment(comments: Sequence[Comment]) -> tuple[Sentiment | None, list[Tone | None]]:
    """The counts, and the tone of each comment (None: unscored). Only for the helper process."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    lexicon = cast(_Lexicon, SentimentIntensityAnalyzer())
    tones: list[Tone | None] = []
    scores: list[float] = []
    for comment in comments:
        if comment.value is not None:
            tones.append(tone_of_rating(comment))
        elif is_english(comment.text, lexicon.lexicon):
            scores.append(lexicon.polarity_scores(comment.text)["compound"])
            tones.append(_tone(scores[-1]))
        else:
            tones.append(None)
    return _summary(comments, tones, scores), tones


def tone_of_rating(comment: Comment) -> Tone:
    if comment.kind == "thumb":
        return "positive" if comment.value == 1 else "negative"
    assert comment.value is not None
    return "positive" if comment.value >= 4 else "neutral" if comment.value == 3 else "negative"


def _tone(compound: float) -> Tone:
    return "positive" if compound >= POSITIVE_FROM else "negative" if compound <= NEGATIVE_FROM else "neutral"


def _summary(comments: Sequence[Comment], tones: Sequence[Tone | None], scores: list[float]) -> Sentiment | None:
    if not comments:
        return None
    counts = Counter(tones)
    return Sentiment(
        positive=counts["positive"],
        neutral=counts["neutral"],
        negative=counts["negative"],
        rated=sum(comment.value is not None for comment in comments),
        unscored=counts[None],
        mean=sum(scores) / len(scores) if scores else None,
    )
