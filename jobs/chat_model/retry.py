"""Whether and when a failed call is made again."""

import random
from dataclasses import dataclass

from jobs.errors import ModelError


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How often a call is made at most, and how the waits between grow; each is shortened by chance by up to half, so
    that calls that failed together do not come back together."""

    attempts: int = 4
    first_wait_s: float = 0.5
    longest_wait_s: float = 8.0


def wait_before_retry(
    error: ModelError, *, failed: int, remaining_s: float, policy: RetryPolicy, chance: random.Random
) -> float | None:
    """Seconds to wait after the ``failed``-th failure, or None: it cannot help, or not in the time that is left.

    A provider that says how long to wait is not asked earlier, and all those it told come back spread over a little
    time.
    """
    if error.permanent or failed >= policy.attempts:
        return None
    grown = min(policy.longest_wait_s, policy.first_wait_s * 2 ** (failed - 1))
    wait = grown * chance.uniform(0.5, 1.0)
    if error.retry_after_s is not None:
        wait = error.retry_after_s + chance.uniform(0.0, policy.first_wait_s / 2)
    return wait if wait < remaining_s else None
