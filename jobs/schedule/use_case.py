"""What can be scheduled: the use cases with what they take, and the jobs that every installation runs by itself."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from jobs.bundle import Ports
from jobs.schedule.schedule import Occasion, Schedule, ScheduleRequest

Check = Callable[[ScheduleRequest, Ports], Awaitable[ScheduleRequest]]
Begin = Callable[[Schedule, Occasion, Ports], Awaitable[None]]


async def as_asked(request: ScheduleRequest, ports: Ports) -> ScheduleRequest:
    """The check of a use case that takes whatever its options allow."""
    return request


@dataclass(frozen=True, kw_only=True)
class UseCase:
    """Something that can be scheduled.

    Args:
        words: other names by which people know it, e.g. ``nightly``.
        options: what it takes, each with what it is; ``required`` must be given.
        usual_cron: when it happens if nobody says so.
        check: looks at a request before it is saved; returns it, completed. Raises RequestError.
        begin: starts it, or does it. It may be called again for the same occasion after a crash: what follows from it
            goes by ``occasion.key``. A ConvotestError is reported once as the reason why it did not run.
    """

    name: str
    summary: str
    begin: Begin
    words: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    required: tuple[str, ...] = ()
    usual_cron: str = "0 2 * * *"
    check: Check = as_asked


@dataclass(frozen=True, kw_only=True)
class SystemJob:
    """Something that every installation does by itself once a day (UTC); nobody lists, pauses or removes it.

    Args:
        run: does it, for all workspaces; may be called again after a crash.
    """

    name: str
    run: Callable[[Ports], Awaitable[None]]
    cron: str = "30 3 * * *"
