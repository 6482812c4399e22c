"""Records what people say, once: feedback given elsewhere, reactions, buttons and forms."""

import asyncio
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from uuid6 import uuid7

from jobs.feedback.given import Fault, GivenFeedback
from jobs.feedback.rating import ASPECTS, DOWN, UP, About, Message, Rating, Source, Vote
from jobs.feedback.reactions import ReactionEvent, ReactionMap, fold_name
from jobs.model import WorkspaceId
from jobs.ports import Clock
from jobs.redact import redact, redact_personal
from jobs.store import Store
from jobs.store.feedback import KnownConversation, MessageState, RatedMessage

EXTERNAL = "ext:"
"""Written before the id of a conversation of another system that looks like one of ours."""
_OURS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_BY_HAND = 50
"""So many ratings are redacted in the event loop; more would hold up everything else."""

Door = Literal["button", "form"]


async def ratings_of(
    given: Sequence[GivenFeedback], *, store: Store, clock: Clock, workspace_id: WorkspaceId, source: Source
) -> tuple[list[Rating], dict[int, Fault]]:
    """The ratings that were given, without personal data, and what is wrong with those that cannot be taken, by place.

    The same feedback with its time is the same rating, however often it is given; without a time it is a new one.
    """
    wanted = {each.conversation_id for each in given if each.conversation_id}
    known = await store.feedback.conversations(workspace_id, wanted)
    faults = {place: fault for place, each in enumerate(given) if (fault := _unknown(each.conversation_id, known))}
    good = [each for place, each in enumerate(given) if place not in faults]
    arguments = (good, known, workspace_id, source, clock.now())
    ratings = _ratings(*arguments) if len(good) <= _BY_HAND else await asyncio.to_thread(_ratings, *arguments)
    return ratings, faults


def keyed_by_content(ratings: Sequence[Rating], given: Sequence[GivenFeedback]) -> list[Rating]:
    """With keys from what was said, so that the same file imported again adds nothing; equal lines stay several."""
    seen = Counter[str]()
    keyed: list[Rating] = []
    for rating, each in zip(ratings, given, strict=True):
        seen[each.digest] += 1
        keyed.append(replace(rating, key=f"import:{rating.source}:{each.digest}:{seen[each.digest]}"))
    return keyed


async def record_reaction(
    event: ReactionEvent, *, store: Store, workspace_id: WorkspaceId, reactions: ReactionMap
) -> tuple[RatedMessage | MessageState, bool]:
    """What the message is that got the reaction, and whether the event changed anything: not if it is a duplicate,
    came too late, or is no vote."""
    name = fold_name(event.name)
    if name not in reactions:
        return "other", False

    def rating(rated: RatedMessage) -> Rating:
        return Rating(
            workspace_id=workspace_id,
            key=f"reaction:{event.message.channel_id}:{event.message.ts}:{event.member_id}:{name}",
            source=rated.source,
            vote=reactions[name],
            at=event.at,
            about=replace(rated.conversation.about, message=event.message),
            member_id=event.member_id,
            reaction=name,
            retracted=event.type == "removed",
        )

    return await store.feedback.save_on(workspace_id, event.message, rating)


async def record_answer(
    given: GivenFeedback,
    about: About,
    message: Message,
    *,
    door: Door,
    member_id: str,
    at: datetime,
    store: Store,
    workspace_id: WorkspaceId,
    source: Source,
) -> bool:
    """What a member said of a message through a button or a form; said again, it takes the place of the first."""
    rating = _rating(given, replace(about, message=message), workspace_id, source, at)
    key = answer_key(door, message, member_id)
    return bool(await store.feedback.save([replace(rating, key=key, member_id=member_id, at=at)]))


def answer_key(door: Door, message: Message, member_id: str) -> str:
    """The key of what a member said of a message through that door."""
    return f"{door}:{message.channel_id}:{message.ts}:{member_id}"


async def record_reason(
    reason: str,
    about: About,
    message: Message,
    *,
    member_id: str,
    at: datetime,
    store: Store,
    workspace_id: WorkspaceId,
    source: Source,
) -> bool:
    """Why a member did not like a message: a tag without a vote, since the thumb that it explains may be taken back."""
    rating = Rating(
        workspace_id=workspace_id,
        key=f"why:{message.channel_id}:{message.ts}:{member_id}",
        source=source,
        vote=None,
        at=at,
        about=replace(about, message=message),
        member_id=member_id,
        tags=(reason,),
    )
    return bool(await store.feedback.save([rating]))


async def record_simulated(
    given: GivenFeedback, about: About, *, store: Store, workspace_id: WorkspaceId, at: datetime
) -> bool:
    """What a simulated customer said of its conversation, once; it never enters a figure about people."""
    rating = _rating(given, about, workspace_id, "simulated", at)
    return bool(await store.feedback.add([replace(rating, key=f"simulated:{about.conversation}")]))


def _ratings(
    given: Sequence[GivenFeedback],
    known: Mapping[str, KnownConversation],
    workspace_id: WorkspaceId,
    source: Source,
    now: datetime,
) -> list[Rating]:
    moments = (now + timedelta(microseconds=place) for place in range(len(given)))  # the later line is the later word
    return [
        _rating(each, _about(each, known), workspace_id, source, moment)
        for each, moment in zip(given, moments, strict=False)
    ]


def _rating(given: GivenFeedback, about: About, workspace_id: WorkspaceId, source: Source, now: datetime) -> Rating:
    aspects = {name: stars for name in ASPECTS if (stars := getattr(given.aspects, name)) is not None}
    return Rating(
        workspace_id=workspace_id,
        key=f"{source}:{given.digest if given.timestamp else uuid7()}",
        source=source,
        vote=_vote(given),
        at=given.timestamp or now,
        about=about,
        member_id=given.user_id,
        comment=_without_personal_data(given.feedback_text),
        aspects=aspects,
        suggested_tools=tuple(redact(each) for each in given.suggested_tools),
        suggested_response=_without_personal_data(given.suggested_response),
        summary=_without_personal_data(given.conversation_summary),
        tags=tuple(redact(each) for each in given.tags),
    )


def _vote(given: GivenFeedback) -> Vote | None:
    if given.rating is not None:
        return Vote(kind="stars", value=given.rating)
    if given.thumb is not None:
        return Vote(kind="thumb", value=UP if given.thumb == "up" else DOWN)
    return None


def _about(given: GivenFeedback, known: Mapping[str, KnownConversation]) -> About:
    named = given.conversation_id
    if named and named in known:
        return known[named].about
    external = named.removeprefix(EXTERNAL) if named else None
    return About(external_id=external or None, assistant=given.assistant, variant=given.variant)


def _unknown(conversation_id: str | None, known: Mapping[str, KnownConversation]) -> Fault | None:
    if conversation_id and conversation_id not in known and _OURS.fullmatch(conversation_id.lower()):
        message = (
            f"no conversation {conversation_id!r} here; the id of another system that looks like ours is written "
            f"'{EXTERNAL}{conversation_id}'"
        )
        return Fault(field="conversation_id", message=message)
    return None


def _without_personal_data(text: str | None) -> str | None:
    return redact_personal(text) if text else None
