"""What people are shown of a run, and in which order; how it looks is decided where it is sent."""

from collections.abc import Sequence

from jobs.bundle import Ports
from jobs.model import Announcement, AnnouncementKind, Place, Run, RunId, Verbosity
from jobs.store import Showing

ONE_BY_ONE = 30
"""Up to so many conversations each gets its message."""
SHOWN_FAILURES = 18
SHOWN_SAMPLE = 4
MOST_MESSAGES = 40
"""In one run's thread, whatever is asked for later included."""
ONE_BY_ONE_IN_FULL = 100
FAILURES_IN_FULL = 75
SAMPLE_IN_FULL = 25
MOST_MESSAGES_IN_FULL = 120
"""At a message a second, which is what Slack takes, this is two minutes."""


def card_key(run_id: RunId) -> str:
    return f"run:{run_id}:card"


async def showing(run: Run, ports: Ports) -> Showing | None:
    """How many conversations are shown one by one, as the workspace has set it; None where nothing is shown."""
    return showing_of(run, await verbosity_of(run, ports)) if run.place else None


def showing_of(run: Run, verbosity: Verbosity) -> Showing:
    match verbosity:
        case "quiet":
            return Showing(failures=0, sample=0)
        case "normal":
            all_up_to, failures, sample = ONE_BY_ONE, SHOWN_FAILURES, SHOWN_SAMPLE
        case "full":
            all_up_to, failures, sample = ONE_BY_ONE_IN_FULL, FAILURES_IN_FULL, SAMPLE_IN_FULL
    if run.planned <= all_up_to:
        return Showing(failures=all_up_to, sample=all_up_to)
    return Showing(failures=failures, sample=sample)


def most_messages(verbosity: Verbosity) -> int:
    """How long a run's thread may get."""
    return MOST_MESSAGES_IN_FULL if verbosity == "full" else MOST_MESSAGES


async def verbosity_of(run: Run, ports: Ports) -> Verbosity:
    return (await ports.store.workspaces.settings(run.workspace_id)).verbosity


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


def action_card_key(action_id: str) -> str:
    return f"action:{action_id}:card"


def rollout_card_key(rollout_id: str) -> str:
    return f"rollout:{rollout_id}:card"


def rollout_started(rollout_id: str, place: Place, parent_key: str | None) -> tuple[Announcement, ...]:
    """Its card, in the thread that it belongs to or at top level."""
    key, ref = rollout_card_key(rollout_id), {"rollout_id": rollout_id}
    return (Announcement(key=key, kind="rollout_card", place=place, ref=ref, parent_key=parent_key),)


def _of_run(run: Run, place: Place, kind: AnnouncementKind, *, last: bool = False) -> Announcement:
    return Announcement(
        key=f"run:{run.id}:{kind}",
        kind=kind,
        place=place,
        ref={"run_id": run.id},
        parent_key=card_key(run.id),
        last=last,
    )
