"""Chance that a seed repeats exactly, on every machine and in every version of Python."""

from hashlib import blake2b


class Dice:
    """Chance for one purpose in one conversation, so that no draw shifts another.

    Each throw is a hash of seed, purpose, number and its own place in the row.
    """

    def __init__(self, seed: int, purpose: str, number: int) -> None:
        self._key = blake2b(f"{seed}:{purpose}:{number}".encode(), digest_size=8)
        self._throws = 0

    def below(self, size: int) -> int:
        """A number from 0 to ``size`` - 1."""
        throw = self._key.copy()
        throw.update(b"%d" % self._throws)
        self._throws += 1
        return int.from_bytes(throw.digest(), "big") * size >> 64

    def pick(self, size: int, amount: int) -> list[int]:
        """``amount`` different numbers below ``size`` in random order (Fisher-Yates, keeping only what was swapped)."""
        swapped: dict[int, int] = {}
        picked: list[int] = []
        for position in range(amount):
            other = position + self.below(size - position)
            picked.append(swapped.get(other, other))
            swapped[other] = swapped.get(position, position)
        return picked
