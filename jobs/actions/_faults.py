"""Points between two steps at which a test may end the process; in operation nothing happens there."""

from collections.abc import Callable


def _go_on(_: str) -> None:
    return


at: Callable[[str], None] = _go_on
"""What happens at a point; a test puts something deadly here."""

POINTS = (
    "proposed",
    "approved",
    "made",
    "experiment-started",
    "judged",
    "rollout-begun",
    "told",
)
"""Between which steps the process may die."""


def reached(point: str) -> None:
    at(point)
