"""What people are shown of a run, and in which order; how it looks is decided where it is sent."""

from collections.abc import Sequence

from jobs.model import Announcement, AnnouncementKind, Place, Run, RunId
from jobs.store import Showing

ONE_BY_ONE = 30
"""Up to so many conversations each gets its message."""
SHOWN_FAILURES = 18
SHOWN_SAMPLE = 4
MOST_MESSAGES = 40
"""In one run's thread, whatever is asked for later included."""


def card_key(run_id: RunId) -> str:
    return f"run:{run_id}:card"


def showing(run: Run) -> Showing:
    """How many conversations are shown one by one."""
    if run.planned <= ONE_BY_ONE:
        return Showing(failures=ONE_BY_ONE, sample=ONE_BY_ONE)
    return Showing(failures=SHOWN_FAILURES, sample=SHOWN_SAMPLE)


def run_started(run: Run, place: Place) -> tuple[Announcement, ...]:
    return (Announcement(key=card_key(run.id), kind="run_card", place=place, ref={"run_id": run.id}),)


def conversation_finished(run: Run, place: Place, number: int) -> Announcement:
    return Announcement(
        key=f"run:{run.id}:c{number}",
        kind="conversation",
        place=place,
        ref={"run_id": run.id, "number": number},
        parent_key=card_key(run.id),
    )


def run_finished(run: Run, place: Place, *, has_failures: bool, has_results: bool) -> Sequence[Announcement]:
    """The summary's messages, the one that mentions who started the run last of all."""
    shown: list[Announcement] = []
    if has_failures:
        shown.append(_of_run(run, place, "failures"))
    if has_results:
        shown.append(_of_run(run, place, "run_chart"))
        if run.planned > ONE_BY_ONE:
            shown.append(_of_run(run, place, "transcripts"))
    shown.append(_of_run(run, place, "run_finished", last=True))
    return shown


def csv_asked_for(run: Run, place: Place, number: int) -> Announcement:
    """The results as a file, once for each time somebody asked."""
    return Announcement(
        key=f"run:{run.id}:csv:{number}",
        kind="run_csv",
        place=place,
        ref={"run_id": run.id},
        parent_key=card_key(run.id),
    )


def experiment_card_key(experiment_id: str) -> str:
    return f"experiment:{experiment_id}:card"


def experiment_started(experiment_id: str, place: Place) -> tuple[Announcement, ...]:
    key, ref = experiment_card_key(experiment_id), {"experiment_id": experiment_id}
    return (Announcement(key=key, kind="ab_card", place=place, ref=ref),)


def experiment_finished(experiment_id: str, place: Place, look: int) -> tuple[Announcement, ...]:
    """The answer, once for each time the experiment came to its end; an extended one does so again."""
    kinds: tuple[AnnouncementKind, ...] = ("ab_report", "ab_chart", "ab_finished")
    return tuple(
        Announcement(
            key=f"experiment:{experiment_id}:{look}:{kind}",
            kind=kind,
            place=place,
            ref={"experiment_id": experiment_id},
            parent_key=experiment_card_key(experiment_id),
            last=kind == "ab_finished",
        )
        for kind in kinds
    )


def _of_run(run: Run, place: Place, kind: AnnouncementKind, *, last: bool = False) -> Announcement:
    return Announcement(
        key=f"run:{run.id}:{kind}",
        kind=kind,
        place=place,
        ref={"run_id": run.id},
        parent_key=card_key(run.id),
        last=last,
    )
