"""How much work one evaluation of a rule may be, counted so that the same rule stops at the same point everywhere."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from jobs.rules.values import Stopped, kind_of

STEPS = 200_000
"""Steps of one evaluation: about 0.1 s."""
STEPS_PER_CONVERSATION = 200
"""More, for rules that look at every conversation at once."""
LONGEST_TEXT = 100_000

_SCALARS = (int, float, bool, type(None))


class Budget:
    """The steps that are left; running out stops the rule."""

    def __init__(self, conversations: int = 0) -> None:
        self._allowed = STEPS + STEPS_PER_CONVERSATION * conversations
        self.left = self._allowed
        self._weights: dict[int, tuple[Any, int]] = {}

    def renew(self) -> None:
        """Begins another evaluation."""
        self.left = self._allowed
        if self._weights:
            self._weights = {}

    def charge(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise Stopped("it takes too many steps", "write it without loops inside loops")

    def touch(self, value: Any) -> None:
        """Charges for looking at a value as a whole."""
        kind = kind_of(value)
        if kind is str:
            self.left -= len(value) >> 6
        elif kind not in _SCALARS:
            self.charge(self._weight(value))

    def made(self, value: Any) -> Any:
        """Charges for a value that was just made, and refuses texts that are too long; returns it."""
        if type(value) is str and len(value) > LONGEST_TEXT:
            raise Stopped("it makes a text of more than 100,000 characters", "shorten it")
        self.touch(value)
        return value

    def _weight(self, value: Any) -> int:
        """Values inside, texts counted by their length; remembered, since nothing in the language changes a value."""
        if type(value) is str:
            return 1 + (len(value) >> 4)
        if not isinstance(value, list | tuple | set | dict):
            return 1
        known = self._weights.get(id(cast(object, value)))
        if known:
            return known[1]
        weight = 1
        for item in _inside(cast("Iterable[Any]", value)):
            weight += self._weight(item)
            if weight > self.left:
                break
        self._weights[id(cast(object, value))] = (value, weight)  # the value is kept, so that its id stays its own
        return weight


def _inside(value: Iterable[Any]) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return value
