"""Reactions on our messages as ratings: from Slack's event to the store, in whatever order events arrive."""

import logging
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from bot.blocks import why_form
from bot.commands import Edge
from bot.payload import inside, text_in
from bot.poster import PostError
from jobs.feedback.rating import DOWN, Message, slack_time
from jobs.feedback.reactions import ReactionEvent, ReactionMap, fold_name, parse_reactions
from jobs.feedback.record import record_reaction
from jobs.model import WorkspaceId
from jobs.permissions import Standing
from jobs.store.feedback import MessageState, RatedMessage

logger = logging.getLogger(__name__)

EVENTS: Mapping[str, Literal["added", "removed"]] = {"reaction_added": "added", "reaction_removed": "removed"}
PATIENCE_S = 30
"""So long we wait to learn the ts of a message that was just posted: a reaction may be quicker than Slack's answer."""
RATERS: tuple[Standing, ...] = ("admin", "member", "guest")
MOST_KNOWN = 10_000
KNOWN_FOR_S = 3600.0
WHY = "why"
"""What the question after a thumb down is called where it is remembered that somebody was asked."""


def read_reaction(event: Mapping[str, Any], *, our_user_id: str | None) -> ReactionEvent | None:
    """The reaction in a ``reaction_added`` or ``reaction_removed`` event; None if it is not on a message of ours, or
    is not readable.

    Args:
        our_user_id: the bot's own user, if Slack said it; the author of a message is left out of some events.
    """
    item, kind = inside(event.get("item")), EVENTS.get(text_in(event, "type"))
    member_id, name, author = text_in(event, "user"), text_in(event, "reaction"), text_in(event, "item_user")
    channel_id, ts = text_in(item, "channel"), text_in(item, "ts")
    if kind is None or text_in(item, "type") != "message" or not (member_id and name and channel_id and ts):
        return None
    if our_user_id and (member_id == our_user_id or author not in ("", our_user_id)):
        return None
    try:
        at = slack_time(text_in(event, "event_ts"))
    except ValueError:
        return None
    message = Message(channel_id=channel_id, ts=ts)
    return ReactionEvent(type=kind, member_id=member_id, message=message, name=name, at=at)


@dataclass(frozen=True, kw_only=True)
class _Known:
    standing: Standing
    until: float


class Reactions:
    """Takes reactions; remembers for a while what people are, so that not each reaction asks Slack."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[WorkspaceId, str], _Known] = OrderedDict()

    async def take(self, event: ReactionEvent, workspace_id: WorkspaceId, edge: Edge) -> None:
        """Store what the reaction says, if it is a vote of a person of this workspace on something that can be rated;
        after a thumb down ask once, so that only they see it, what was wrong."""
        reactions = _reactions(edge.ports.settings.convotest_reactions)
        vote = reactions.get(fold_name(event.name))
        if vote is None:
            return
        if not await self._may_rate(event.member_id, workspace_id, edge):
            return
        rated, changed = await _record(event, reactions, workspace_id, edge)
        if not isinstance(rated, RatedMessage):
            return
        if changed and event.type == "added" and (vote.kind, vote.value) == ("thumb", DOWN):
            await self._ask_why(event, rated, workspace_id, edge)

    async def _may_rate(self, member_id: str, workspace_id: WorkspaceId, edge: Edge) -> bool:
        """Apps and people from elsewhere are no raters; when Slack does not say what somebody is, they are."""
        now = edge.ports.clock.monotonic()
        known = self._known.get((workspace_id, member_id))
        if known is None or known.until < now:
            try:
                standing = await edge.poster.standing(member_id, workspace_id)
            except PostError as error:
                logger.info("Slack does not say what %s is: %s", member_id, error)
                return True
            known = self._known[workspace_id, member_id] = _Known(standing=standing, until=now + KNOWN_FOR_S)
            while len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        return known.standing in RATERS

    async def _ask_why(self, event: ReactionEvent, rated: RatedMessage, workspace_id: WorkspaceId, edge: Edge) -> None:
        if not await is_to_be_asked(event.message, event.member_id, workspace_id, edge):
            return
        form = why_form(str(rated.conversation.about.conversation_id), event.message.ts)
        try:
            await edge.poster.whisper(event.message.channel_id, event.member_id, form, thread_ts=rated.thread_ts)
        except PostError as error:  # the thumb is stored; nobody is to be told that we could not ask
            logger.info("%s could not be asked why: %s", event.member_id, error)


async def is_to_be_asked(message: Message, member_id: str, workspace_id: WorkspaceId, edge: Edge) -> bool:
    """Whether the member was not yet asked what was wrong with that message; from now on they were."""
    key = f"{message.channel_id}:{message.ts}:{member_id}"
    return await edge.ports.store.feedback.is_first(workspace_id, WHY, key)


async def _record(
    event: ReactionEvent, reactions: ReactionMap, workspace_id: WorkspaceId, edge: Edge
) -> tuple[RatedMessage | MessageState, bool]:
    """What the message is, and whether that changed anything; a message that is just being posted first gets its ts."""
    ports = edge.ports
    for _ in range(PATIENCE_S):
        rated, changed = await record_reaction(event, store=ports.store, workspace_id=workspace_id, reactions=reactions)
        if rated != "on_its_way":
            return rated, changed
        await ports.clock.sleep(1)
    return "foreign", False


@cache
def _reactions(text: str | None) -> ReactionMap:
    return parse_reactions(text)
