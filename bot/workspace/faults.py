"""Things that go wrong on purpose: limits, lost answers, slowness; drawn from a seeded generator."""

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal, cast

Loss = Literal["close", "http_500", "either"]


@dataclass(kw_only=True)
class Faults:
    """What shall fail from now on. Shares are 0..1 and concern posting calls (messages and file shares).

    Attributes:
        rate_limit_next: so many of the next Web API calls are answered 429.
        posts_failing: share of posts that fail before anything is stored.
        posts_lost_after_storing: share of posts that are stored, but whose answer is lost.
        loss: what a failed post looks like to the caller, before and after storing alike.
        delay_seconds: added to every Web API answer.
        tables_refused: messages with a table are refused, as by a Slack that does not know the block yet.
        counters: what has happened so far.
    """

    seed: int = 0
    rate_limit_next: int = 0
    retry_after: int = 1
    posts_failing: float = 0.0
    posts_lost_after_storing: float = 0.0
    loss: Loss = "either"
    delay_seconds: float = 0.0
    tables_refused: bool = False
    counters: Counter[str] = field(default_factory=Counter[str])

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def takes_rate_limit(self) -> bool:
        if self.rate_limit_next <= 0:
            return False
        self.rate_limit_next -= 1
        self.counters["rate_limited"] += 1
        return True

    def fails_before_storing(self) -> bool:
        return self._happens(self.posts_failing, "failed_before_storing")

    def loses_after_storing(self) -> bool:
        return self._happens(self.posts_lost_after_storing, "lost_after_storing")

    def way_of_losing(self) -> Literal["close", "http_500"]:
        return self._random.choice(("close", "http_500")) if self.loss == "either" else self.loss

    def refuses(self, blocks: Any) -> bool:
        refused = self.tables_refused and any(
            isinstance(each, dict) and cast("dict[str, Any]", each).get("type") == "table"
            for each in (cast("list[Any]", blocks) if isinstance(blocks, list) else ())
        )
        self.counters["tables_refused"] += refused
        return refused

    def clear(self) -> None:
        """Nothing fails any more; the counters stay."""
        self.rate_limit_next, self.posts_failing, self.posts_lost_after_storing, self.delay_seconds = 0, 0.0, 0.0, 0.0
        self.tables_refused = False

    def change(self, wanted: dict[str, Any]) -> None:
        """Take over settings that came as JSON.

        Raises:
            ValueError: a value is unknown, not a number, or out of range.
        """
        checked: dict[str, Any] = {}
        for name, value in wanted.items():
            if name in ("posts_failing", "posts_lost_after_storing"):
                checked[name] = _number(name, value, 0, 1)
            elif name in ("rate_limit_next", "retry_after"):
                checked[name] = int(_number(name, value, 0, 10_000))
            elif name == "delay_seconds":
                checked[name] = _number(name, value, 0, 60)
            elif (name == "loss" and value in ("close", "http_500", "either")) or (
                name == "tables_refused" and isinstance(value, bool)
            ):
                checked[name] = value
            else:
                raise ValueError(f"no fault setting {name!r} with the value {value!r}")
        for name, value in checked.items():
            setattr(self, name, value)

    def as_json(self) -> dict[str, Any]:
        settings = ("rate_limit_next", "retry_after", "posts_failing", "posts_lost_after_storing", "loss")
        names = (*settings, "delay_seconds", "tables_refused")
        return {**{name: getattr(self, name) for name in names}, "counters": dict(self.counters)}

    def _happens(self, share: float, counter: str) -> bool:
        happens = share > 0 and self._random.random() < share
        self.counters[counter] += happens
        return happens


def _number(name: str, value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{name!r} is a number from {low} to {high}, not {value!r}")
    return float(value)
