"""Conversations that begin at a set rate, as customers arrive, instead of all at once."""

from datetime import timedelta

from jobs.model import Run
from jobs.ports import Clock


async def its_turn(run: Run, number: int, clock: Clock) -> None:
    """Return when that conversation of the run is to begin; at once if its suite sets no rate.

    The rate is that of arriving, whether or not the ones before are served: an assistant that falls behind has ever
    more of them at the same time.
    """
    if run.per_minute is None:
        return
    due = (run.started_at or run.created_at) + timedelta(minutes=(number - 1) / run.per_minute)
    wait_s = (due - clock.now()).total_seconds()
    if wait_s > 0:
        await clock.sleep(wait_s)
