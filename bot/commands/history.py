"""A figure night by night: since when it is better or worse, and where it is heading; the chart is in the thread."""

from bot.blocks import Message
from bot.commands._command import Asker, Command, Edge, require_membership
from bot.commands._grammar import Words
from jobs.at_terminal import parse_period
from jobs.errors import RequestError
from jobs.history.lookup import LONGEST_WINDOW, USUAL_WINDOW, HistoryRequest, find_metric
from jobs.model import Announcement

EXAMPLE = "history quality 90d"
OPTIONS = (
    ("90d", "how far to look back; default: 90 days"),
    ("suite=pizza-nightly", "only this suite or profile"),
    ("assistant=pizza@good", "only this assistant, with @VARIANT only this variant"),
    ("part=persona:novice", "of a part of the runs: a persona or a category"),
)


async def handle(words: Words, asker: Asker, edge: Edge) -> Message | None:
    request = read_request(words, asker)
    await require_membership(asker, edge)
    ref = {
        "metric": request.metric,
        "hours": int(request.back.total_seconds() // 3600),
        "subject": request.subject or "",
        "assistant": request.assistant or "",
        "variant": request.variant or "",
        "part": request.part,
    }
    key = f"history:{asker.key}"
    await edge.ports.store.outbox.add(
        Announcement(key=key, kind="history", place=asker.place, ref=ref),
        Announcement(key=f"{key}:chart", kind="history_chart", place=asker.place, ref=ref, parent_key=key),
    )
    edge.ports.bell.ring()
    return None


def read_request(words: Words, asker: Asker) -> HistoryRequest:
    """What was asked for; raises RequestError."""
    options = words.only("days", "suite", "assistant", "part")
    match words.positional:
        case (metric,):
            period = None
        case (metric, period):
            pass
        case _:
            raise RequestError(f"which figure? For example: {EXAMPLE}")
    if period and "days" in options:
        raise RequestError("give a period or days=, not both")
    name, _, variant = options.get("assistant", "").partition("@")
    back = parse_period(period or f"{options['days']}d") if period or "days" in options else USUAL_WINDOW
    return HistoryRequest(
        metric=find_metric(metric),
        workspace_id=asker.workspace_id,
        back=min(back, LONGEST_WINDOW),
        subject=options.get("suite"),
        assistant=name or None,
        variant=variant or None,
        part=options.get("part", ""),
    )


COMMAND = Command(
    name="history",
    usage="history FIGURE [90d] [suite=NAME] [assistant=NAME]",
    summary="a figure night by night, with its shifts and a forecast",
    examples=(EXAMPLE, "history success 30d suite=pizza-nightly", "history csat"),
    options=OPTIONS,
    handle=handle,
)
