"""What a sentence means, by its likeness to examples: the weight of the words in common, as a share of all (Dice)."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

STRANGE = 2.0
"""Weight of a word that no example has: "is it vegan" must not pass for "that is it"."""


class Likeness:
    """Sentences that stand for what they mean; made once, asked often.

    Args:
        examples: for each meaning some sentences.
        tokens: the words of a sentence.
        fillers: words that say little about what is meant; they count a fifth.
        understood_at: how close a sentence must be to an example (0..1).
    """

    def __init__(
        self,
        examples: Mapping[str, Sequence[str]],
        *,
        tokens: Callable[[str], Sequence[str]],
        fillers: frozenset[str],
        understood_at: float,
    ) -> None:
        known = [(meaning, words) for meaning, texts in examples.items() for words in map(tokens, texts) if words]
        spread = Counter(word for _, words in known for word in set(words))
        self._fillers = fillers
        self._weights = {word: self._weight(word, count, len(known)) for word, count in spread.items()}
        self._examples = [
            (meaning, frozenset(words), sum(self._weights[word] for word in set(words))) for meaning, words in known
        ]
        self._openers = {tuple(words): meaning for meaning, words in reversed(known) if len(words) <= 2}
        self._understood_at = understood_at

    @property
    def words(self) -> frozenset[str]:
        return frozenset(self._weights)

    def meanings(self, words: Sequence[str]) -> list[str]:
        """What the words of a clause mean; an opening "no", "yes" or "hi" goes before what follows it."""
        meant: list[str] = []
        for length in (2, 1):
            if opener := self._openers.get(tuple(words[:length])):
                meant, words = [opener], words[length:]
                break
        best, likeness = self._likest(frozenset(words))
        if likeness >= self._understood_at and best not in meant:
            meant.append(best)
        return meant

    def _likest(self, said: frozenset[str]) -> tuple[str, float]:
        weight = sum(self._weights.get(word, 0.2 if word in self._fillers else STRANGE) for word in said)
        best, likeness = "", 0.0
        for meaning, example, example_weight in self._examples:
            shared = sum(self._weights[word] for word in said & example)
            if shared and 2 * shared / (weight + example_weight) > likeness:
                best, likeness = meaning, 2 * shared / (weight + example_weight)
        return best, likeness

    def _weight(self, word: str, count: int, total: int) -> float:
        rare = math.log(1 + total / count)
        return rare / 5 if word in self._fillers else rare
