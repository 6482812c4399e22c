"""A bell: rung when something changed, heard by everybody who waits for it at that moment."""

import asyncio
from contextlib import suppress


class Bell:
    def __init__(self) -> None:
        self._ringing = asyncio.Event()

    def ring(self) -> None:
        ringing, self._ringing = self._ringing, asyncio.Event()
        ringing.set()

    async def wait(self, *, at_most_s: float) -> None:
        """Return when it rings, at the latest after ``at_most_s`` seconds."""
        ringing = self._ringing
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                await ringing.wait()
