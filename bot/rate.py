"""Rating by buttons and by the form: thumbs under answers, "Rate…", and the question after a thumb down."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.blocks import note
from bot.blocks._parts import Message as Shown
from bot.blocks.feedback import (
    ANSWER_FEEDBACK,
    RATE,
    RATE_FORM,
    REASONS,
    WHY_COMMENT,
    WHY_PREFIX,
    RatedBefore,
    rate_form,
    why_form,
)
from bot.commands import Asker, Edge
from bot.commands._command import require
from bot.forms import FieldError, Form, Submission, form_metadata
from bot.payload import inside, text_in
from bot.reactions import is_to_be_asked
from jobs.errors import RequestError
from jobs.feedback.given import FeedbackError, GivenFeedback, parse_feedback
from jobs.feedback.rating import ASPECTS, Message, Source, slack_time
from jobs.feedback.record import answer_key, record_answer, record_reason
from jobs.permissions import Right
from jobs.store.feedback import KnownConversation

GONE = "this conversation is not known here any more"
THANKS = "Thanks, noted."
BLOCK_OF = {"feedback_text": "comment", "": "rating"}
"""The input that a field of feedback stands in, where it has another name."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is rated: a conversation, in the message that shows it or a part of it."""

    conversation_id: str
    message: Message


# --- buttons --------------------------------------------------------------------------------------------------------


async def thumb(value: str, asker: Asker, edge: Edge) -> Shown | None:
    """Slack's thumbs under an answer; pressed again, the last one counts."""
    given, _, rest = value.partition(":")
    target = Target(conversation_id=rest.partition(":")[0], message=_message(asker.message_ts, asker))
    known = await _known(target, asker, edge)
    if given not in ("up", "down"):
        raise RequestError(GONE)
    changed = await record_answer(
        GivenFeedback.model_validate({"thumb": given}),
        known.about,
        target.message,
        door="button",
        member_id=asker.member_id,
        at=_pressed_at(asker, edge),
        store=edge.ports.store,
        workspace_id=asker.workspace_id,
        source=_source(known),
    )
    if given == "down" and await is_to_be_asked(target.message, asker.member_id, asker.workspace_id, edge):
        return why_form(target.conversation_id, target.message.ts)
    return note(THANKS) if changed else None


async def rate(value: str, asker: Asker, edge: Edge) -> None:
    """ "Rate…" under a conversation."""
    await _open_form(Target(conversation_id=value, message=_message(asker.message_ts, asker)), asker, edge)


async def say_more(value: str, asker: Asker, edge: Edge) -> None:
    """ "Say more…" after a thumb down."""
    await _open_form(_target(value, asker), asker, edge)


def why(reason: str) -> Callable[[str, Asker, Edge], Awaitable[Shown | None]]:
    async def because(value: str, asker: Asker, edge: Edge) -> Shown | None:
        target = _target(value, asker)
        known = await _known(target, asker, edge)
        await record_reason(
            reason,
            known.about,
            target.message,
            member_id=asker.member_id,
            at=_pressed_at(asker, edge),
            store=edge.ports.store,
            workspace_id=asker.workspace_id,
            source=_source(known),
        )
        return note(THANKS)

    return because


ACTIONS: Mapping[str, tuple[Right, Callable[[str, Asker, Edge], Awaitable[Shown | None]]]] = {
    ANSWER_FEEDBACK: ("use", thumb),
    RATE: ("read", rate),  # the form itself looks whether they may rate
    WHY_COMMENT: ("read", say_more),
    **{f"{WHY_PREFIX}{reason}": ("use", why(reason)) for reason in REASONS},
}


async def _open_form(target: Target, asker: Asker, edge: Edge) -> None:
    await _known(target, asker, edge)
    if asker.trigger_id is None:
        raise RequestError("Slack gave no leave to open a form; please press it again")
    about = f"{target.conversation_id}:{target.message.ts}"
    metadata = form_metadata(target.message.channel_id, about)
    await edge.poster.open_view(asker.trigger_id, rate_form(metadata, await _before(target, asker, edge)))


async def _before(target: Target, asker: Asker, edge: Edge) -> RatedBefore:
    """What they said in the form before."""
    key = answer_key("form", target.message, asker.member_id)
    row = await edge.ports.store.feedback.rating_under(asker.workspace_id, key)
    if row is None:
        return RatedBefore()
    details: Mapping[str, Any] = row["details"]
    return RatedBefore(
        stars=row["value"] if row["kind"] == "stars" else None,
        comment=row["comment"] or "",
        aspects=details.get("aspects", {}),
        suggested_response=details.get("suggested_response", ""),
        suggested_tools=details.get("suggested_tools", ()),
        tags=details.get("tags", ()),
    )


# --- the form -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class RateRequest:
    """A filled-in form."""

    target: Target
    given: GivenFeedback
    at: datetime


async def read_form(form: Submission, asker: Asker, edge: Edge) -> RateRequest:
    """The rating in the form; raises FieldError."""
    typed = {name: text for name in ("comment", "suggested_response") if (text := _typed(form, name))}
    chosen = {name: stars for name in ("rating", *ASPECTS) if (stars := _stars(form, name)) is not None}
    lists = {name: parts for name in ("suggested_tools", "tags") if (parts := _parts(form, name))}
    values: dict[str, Any] = {"feedback_text": typed.get("comment"), "rating": chosen.get("rating"), **lists}
    values["suggested_response"] = typed.get("suggested_response")
    values["aspects"] = {name: chosen[name] for name in ASPECTS if name in chosen}
    now = edge.ports.clock.now()
    if chosen.get("rating") is None and not typed.get("comment"):
        raise FieldError(field="rating", message="Give 1 to 5 stars, or write a comment.")
    try:
        given = parse_feedback({name: value for name, value in values.items() if value}, now=now)
    except FeedbackError as error:
        fault = error.faults[0]
        name = fault.field.removeprefix("aspects.").partition(".")[0]
        raise FieldError(field=BLOCK_OF.get(name, name), message=_sentence(str(fault.message))) from error
    return RateRequest(target=_target(form.about, asker), given=given, at=now)


async def save_form(request: RateRequest, asker: Asker, edge: Edge) -> None:
    """Store the rating; the form that closes is answer enough."""
    await require("use", "rate", asker, edge)
    known = await _known(request.target, asker, edge)
    await record_answer(
        request.given,
        known.about,
        request.target.message,
        door="form",
        member_id=asker.member_id,
        at=request.at,
        store=edge.ports.store,
        workspace_id=asker.workspace_id,
        source=_source(known),
    )


FORMS: Mapping[str, Form] = {RATE_FORM: Form(read=read_form, carry_out=save_form)}


def _typed(form: Submission, name: str) -> str:
    return text_in(inside(form.values, name, name), "value").strip()


def _stars(form: Submission, name: str) -> int | str | None:
    """What was chosen; something else than a number is left to be refused."""
    chosen = text_in(inside(form.values, name, name, "selected_option"), "value")
    return int(chosen) if chosen.isascii() and chosen.isdecimal() and len(chosen) < 4 else chosen or None


def _parts(form: Submission, name: str) -> list[str]:
    return [part.strip() for part in _typed(form, name).split(",") if part.strip()]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:400]}."


# --- shared ---------------------------------------------------------------------------------------------------------


def _message(ts: str | None, asker: Asker) -> Message:
    if not ts or not asker.channel_id:
        raise RequestError("this cannot be rated here; use the button under the message")
    return Message(channel_id=asker.channel_id, ts=ts)


def _target(about: str, asker: Asker) -> Target:
    """What ``CONVERSATION:TS`` names, in the asker's channel."""
    conversation_id, _, ts = about.partition(":")
    return Target(conversation_id=conversation_id, message=_message(ts, asker))


async def _known(target: Target, asker: Asker, edge: Edge) -> KnownConversation:
    """The conversation, in the workspace of whoever rates it."""
    found = await edge.ports.store.feedback.conversations(asker.workspace_id, {target.conversation_id})
    if target.conversation_id not in found:
        raise RequestError(GONE)
    return found[target.conversation_id]


def _source(known: KnownConversation) -> Source:
    return "live" if known.run_id is None else "run"


def _pressed_at(asker: Asker, edge: Edge) -> datetime:
    """When Slack says that it was pressed, so that clicks and reactions are in one order."""
    try:
        return slack_time(asker.pressed_ts or "")
    except ValueError:
        return edge.ports.clock.now()
