"""Slack's rate limits: so many calls a minute for a method, and about one post a second for a channel."""

import math
from collections import defaultdict, deque
from dataclasses import dataclass

from .clock import Clock
from .errors import RateLimited

PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}
POST_BURST = 5
POSTS_PER_SECOND = 1.0
POSTS_PER_MINUTE_IN_WORKSPACE = 300


@dataclass(kw_only=True)
class Bucket:
    left: float
    at: float


class RateLimiter:
    """Counts calls by workspace; a refused call is not counted."""

    def __init__(self, clock: Clock, *, enabled: bool) -> None:
        self.enabled = enabled
        self._clock = clock
        self._calls: defaultdict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._channels: dict[tuple[str, str], Bucket] = {}

    def check_tier(self, team: str, method: str, tier: int) -> None:
        """Count one call of a method with a tier (1 to 4).

        Raises:
            RateLimited: the minute's calls are used up.
        """
        if self.enabled:
            self._count(team, method, PER_MINUTE[tier])

    def check_post(self, team: str, channel: str) -> None:
        """Count one post to a channel: bursts of five, then one a second.

        Raises:
            RateLimited: the channel or the workspace got too many posts.
        """
        if not self.enabled:
            return
        now = self._clock.now().timestamp()
        bucket = self._channels.setdefault((team, channel), Bucket(left=POST_BURST, at=now))
        bucket.left = min(POST_BURST, bucket.left + (now - bucket.at) * POSTS_PER_SECOND)
        bucket.at = now
        if bucket.left < 1:
            raise RateLimited(max(1, math.ceil((1 - bucket.left) / POSTS_PER_SECOND)))
        self._count(team, "posts", POSTS_PER_MINUTE_IN_WORKSPACE)
        bucket.left -= 1

    def _count(self, team: str, name: str, per_minute: int) -> None:
        now = self._clock.now().timestamp()
        calls = self._calls[team, name]
        while calls and calls[0] <= now - 60:
            calls.popleft()
        if len(calls) >= per_minute:
            raise RateLimited(max(1, math.ceil(calls[0] + 60 - now)))
        calls.append(now)
