"""How alike two answers of an assistant are, 0..1, by the methods that rules may name."""

import math
import re
from collections import Counter
from collections.abc import Callable
from difflib import SequenceMatcher
from functools import lru_cache

_WORD = re.compile(r"\b\w\w+\b")
LONGEST_MATCHED = 2_000
"""Characters of each text that ``sequence-matcher`` compares: its time grows with their product."""


def exact(one: str, other: str) -> float:
    return float(one == other)


def jaccard(one: str, other: str) -> float:
    """Share of the words of both that are in each."""
    words, others = set(one.lower().split()), set(other.lower().split())
    return len(words & others) / len(words | others) if words | others else 1.0


@lru_cache(maxsize=4_000)  # a failure is explained with the same texts
def sequence_matcher(one: str, other: str) -> float:
    """The ratio of Ratcliff and Obershelp, as in Python's difflib."""
    return SequenceMatcher(None, one[:LONGEST_MATCHED], other[:LONGEST_MATCHED]).ratio()


@lru_cache(maxsize=4_000)
def tf_idf(one: str, other: str) -> float:
    """Cosine of the two texts' tf-idf vectors, with the two as the whole collection.

    Source: scikit-learn's TfidfVectorizer with its defaults: words of two letters or more in lower case, smooth idf
    ``ln((1 + 2) / (1 + texts with the word)) + 1``, Euclidean norm.
    """
    words, others = _counted(one), _counted(other)
    if not words or not others:
        return float(one == other)
    alone = math.log(3 / 2) + 1
    shared = sum(count * others[word] for word, count in words.items() if word in others)
    return shared / (_norm(words, others, alone) * _norm(others, words, alone))


def _norm(words: Counter[str], others: Counter[str], alone: float) -> float:
    return math.sqrt(sum((count * (1 if word in others else alone)) ** 2 for word, count in words.items()))


@lru_cache(maxsize=4_000)
def _counted(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.lower()))


METHODS: dict[str, Callable[[str, str], float]] = {
    "exact": exact,
    "tf-idf": tf_idf,
    "jaccard": jaccard,
    "sequence-matcher": sequence_matcher,
}
