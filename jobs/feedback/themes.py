"""What comments are about: the phrases many of them use, and the groups they fall into. Only for the helper process."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

FEWEST_COMMENTS = 15
"""Below it comments are listed, not grouped."""
MOST_THEMES = 8
MOST_PHRASES = 10
MOST_TERMS = 5
STARTS, STARTS_OF_MANY = 50, 10
"""Random beginnings of the clustering, of which the best is kept."""
MANY = 600
PHRASED_CHARACTERS = 300
"""Of a comment, in which phrases are looked for: every pair and triple of words is held in memory."""
STRONG = 0.0
"""A number of groups whose silhouette is not above this is no better than one group."""
SEED = 7


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """Two or three words and how many comments have them."""

    text: str
    comments: int


@dataclass(frozen=True, kw_only=True)
class Theme:
    """A group of comments: the words that set it apart, its members (indices), the most typical first."""

    terms: tuple[str, ...]
    members: tuple[int, ...]


def find_phrases(texts: Sequence[str]) -> tuple[Phrase, ...]:
    """The phrases in at least two comments, the most frequent first; of nested ones the longer if it is as frequent."""
    from sklearn.feature_extraction.text import CountVectorizer

    # stop words go before the words are joined, so that "took ages" and "took for ages" are the same phrase
    counter = cast(
        Any, CountVectorizer(ngram_range=(2, 3), stop_words="english", binary=True, min_df=min(2, len(texts)))
    )
    try:
        matrix = counter.fit_transform([text[:PHRASED_CHARACTERS] for text in texts])
    except ValueError:  # the library's way to say that nothing but stop words is left
        return ()
    counts = matrix.sum(axis=0).A1.tolist()
    found = [
        Phrase(text=name, comments=n) for name, n in zip(counter.get_feature_names_out(), counts, strict=True) if n > 1
    ]
    found.sort(key=lambda each: (-each.comments, -len(each.text), each.text))
    kept: list[Phrase] = []
    for phrase in found[: 10 * MOST_PHRASES]:
        inside = any(f" {phrase.text} " in f" {other.text} " and other.comments == phrase.comments for other in kept)
        if not inside:
            kept.append(phrase)
    return tuple(kept[:MOST_PHRASES])


def find_themes(texts: Sequence[str]) -> tuple[Theme, ...]:
    """Groups of comments, the largest first; none if there are too few or nothing sets them apart.

    TF-IDF of single words, KMeans, and as many groups as have the best cosine silhouette in that same space.
    """
    if len(texts) < FEWEST_COMMENTS:
        return ()
    from sklearn.feature_extraction.text import TfidfVectorizer

    # words in one comment only cannot hold a group together, and there are far more of them in a large sample
    rare = 1 if len(texts) < 100 else 2
    weigher = cast(Any, TfidfVectorizer(sublinear_tf=True, stop_words="english", min_df=rare))
    try:
        matrix = weigher.fit_transform(texts)
    except ValueError:  # nothing but stop words
        return ()
    worded = [row for row in range(len(texts)) if matrix.indptr[row] < matrix.indptr[row + 1]]
    if len(worded) < FEWEST_COMMENTS:
        return ()
    clusters = _best_clusters(matrix[worded])
    return _themes(clusters, worded, weigher.get_feature_names_out()) if clusters else ()


def _best_clusters(matrix: Any) -> Any:
    """The fitted clustering with its distances, or None."""
    from sklearn import metrics
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    silhouette = cast(Any, metrics).silhouette_score
    different = len({tuple(matrix[row].indices.tolist()) for row in range(matrix.shape[0])})
    starts = STARTS if matrix.shape[0] < MANY else STARTS_OF_MANY
    best: tuple[float, Any] = (STRONG, None)
    with threadpool_limits(1):  # matrices this small lose far more to the threads' waiting than they gain
        for k in range(2, min(MOST_THEMES, different - 1) + 1):
            clustering = cast(Any, KMeans)(k, n_init=starts, random_state=SEED)
            labels = clustering.fit_predict(matrix)
            if len(set(labels.tolist())) < 2:
                continue
            score = float(silhouette(matrix, labels, metric="cosine"))
            if score > best[0]:
                best = (score, (clustering, clustering.transform(matrix)))
    return best[1]


def _themes(clusters: Any, worded: Sequence[int], names: Any) -> tuple[Theme, ...]:
    clustering, distances = clusters
    themes: list[Theme] = []
    for number, centre in enumerate(clustering.cluster_centers_):
        members = [row for row, label in enumerate(clustering.labels_) if label == number]
        members.sort(key=lambda row: float(distances[row, number]))
        terms = [str(names[place]) for place in centre.argsort()[::-1][:MOST_TERMS] if centre[place] > 0]
        themes.append(Theme(terms=tuple(terms), members=tuple(worded[row] for row in members)))
    return tuple(sorted(themes, key=lambda theme: -len(theme.members)))
