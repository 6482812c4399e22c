"""How satisfied people are: figures in a message, the chart in its thread."""

from typing import cast

from bot.blocks import Message
from bot.commands._command import Asker, Command, Edge, require_membership
from bot.commands._grammar import Words
from jobs.at_terminal import parse_period
from jobs.errors import RequestError
from jobs.feedback.announce import ReportAsked, report_asked_for
from jobs.feedback.csat import NPS_MAPPINGS, NpsMapping
from jobs.feedback.scope import DIMENSIONS
from jobs.shelf import unknown

USUAL_PERIOD = "30d"


async def handle(words: Words, asker: Asker, edge: Edge) -> Message | None:
    asked = read_request(words)
    await require_membership(asker, edge)
    await edge.ports.store.outbox.add(*report_asked_for(asked, asker.place, key=asker.key, at=edge.ports.clock.now()))
    edge.ports.bell.ring()
    return None


def read_request(words: Words) -> ReportAsked:
    """What is to be reported; raises RequestError."""
    options = words.only("assistant", "profile", "by", "nps")
    period = words.at_most_one("period") or USUAL_PERIOD
    parse_period(period)
    by, nps = options.get("by"), options.get("nps", "usual")
    if by is not None and by not in DIMENSIONS:
        raise RequestError(unknown("breakdown", by, DIMENSIONS))
    if nps not in NPS_MAPPINGS:
        raise RequestError(unknown("mapping", nps, NPS_MAPPINGS))
    return ReportAsked(
        period=period,
        assistant=options.get("assistant"),
        profile=options.get("profile"),
        by=by,
        nps=cast(NpsMapping, nps),
    )


COMMAND = Command(
    name="feedback",
    usage="feedback [7d] [assistant=NAME@VARIANT] [by=week]",
    summary="how satisfied people are, and what they write about",
    examples=("feedback 7d", "feedback 30d assistant=pizza by=week"),
    options=(
        ("assistant=pizza", "only what was said of that assistant, with @VARIANT of that variant"),
        ("profile=pizza", "only what was said of conversations of that profile"),
        ("by=week", f"the figures apart, by {', '.join(DIMENSIONS)}"),
        ("nps=strict", "who counts as a detractor: 1-3 stars instead of 1-2"),
    ),
    handle=handle,
)
