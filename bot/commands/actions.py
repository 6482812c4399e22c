"""What was proposed to make the assistant better: look at it, approve it, refuse it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from bot import blocks
from bot.actions_rendering import deciding_of
from bot.blocks import Message
from bot.blocks._parts import Json
from bot.blocks.actions import (
    ACTION_APPROVE,
    ACTION_EDIT,
    ACTION_EVIDENCE,
    ACTION_LATER,
    ACTION_MORE,
    ACTION_REJECT,
    ACTION_ROLL_OUT,
    EDIT_FORM,
    REJECT_FORM,
    WaitingAction,
    action_card,
    edit_form,
    evidence,
    reject_form,
    waiting_actions,
)
from bot.commands._command import Asker, Command, Edge, require
from bot.commands._grammar import Words
from bot.payload import inside, text_in
from jobs.actions._action import Action, Edit, Quote, Shown, ranked
from jobs.actions._edits import parse_edits, written
from jobs.actions._lifecycle import (
    approve,
    edit,
    existing_action,
    find_action,
    parent_of,
    put_off,
    reject,
    roll_out,
    verify_more,
)
from jobs.announce import action_card_key
from jobs.errors import RequestError
from jobs.model import short_id
from jobs.permissions import Person, Right, approvers_of, refusal

EXAMPLE = "actions show last"
VERBS = ("show", "approve", "reject", "later")
OPEN = ("proposed", "approved", "applied")


async def handle(words: Words, asker: Asker, edge: Edge) -> Message | None:
    verb, *rest = words.positional or ("",)
    options = words.only("reason")
    if not verb or verb.lower() in ("list", "all"):
        return await _list(asker, edge, everything=verb.lower() == "all")
    if verb.lower() not in VERBS:
        verb, rest = "show", [verb]
    if len(rest) != 1:
        raise RequestError(f"which action? For example: {EXAMPLE}")
    action = await find_action(rest[0], asker.workspace_id, edge.ports)
    shown = str(Shown.of(action))
    match verb.lower():
        case "approve":
            await require("approve", "action approve", asker, edge)
            return await approve_shown(shown, asker, edge)
        case "reject":
            await require("approve", "action reject", asker, edge)
            if not options.get("reason", "").strip():
                raise RequestError('why not? For example: actions reject 3f9a21bc reason="the price is right"')
            return await _reject(Refusal(shown=Shown.parse(shown), reason=options["reason"]), asker, edge)
        case "later":
            await require("approve", "action later", asker, edge)
            return await later(shown, asker, edge)
        case _:
            return action_card(action, await deciding_of(action, edge.ports))


async def _list(asker: Asker, edge: Edge, *, everything: bool) -> Message:
    actions = await edge.ports.store.actions.recent(asker.workspace_id)
    chosen = actions if everything else ranked([each for each in actions if each.state in OPEN])
    entries = [
        blocks.Entry(
            name=short_id(each.id),
            about=f"{each.state.replace('_', ' ')} · {each.content.priority} · {each.content.title} "
            f"({each.assistant}@{each.candidate or each.content.base})",
        )
        for each in chosen
    ]
    return blocks.listing(
        "Actions",
        entries,
        empty="Nothing is open. Runs that fail propose what may mend them.",
        hint="Look at one: /convotest actions show ID. All of them: /convotest actions all",
    )


# --- buttons --------------------------------------------------------------------------------------------------------


async def approve_shown(value: str, asker: Asker, edge: Edge) -> Message:
    async def may_approve(member_id: str) -> bool:
        return await _may_approve(member_id, asker, edge)

    action, vote = await approve(
        Shown.parse(value),
        by=asker.member_id,
        workspace_id=asker.workspace_id,
        ports=edge.ports,
        may_approve=may_approve,
        place=asker.channel_id,
    )
    quorum = edge.ports.settings.convotest_quorum
    match vote.result:
        case "counted":
            return blocks.note(f"Your approval counts: {vote.votes} of {quorum} for {action.name}.")
        case "known":
            return blocks.note(f"You have approved {action.name} already: {vote.votes} of {quorum}.")
        case _:
            return blocks.note(f"{action.name} is approved: the change is made as a new variant and verified.")


async def _may_approve(member_id: str, asker: Asker, edge: Edge) -> bool:
    approvers = await approvers_of(asker.workspace_id, edge.ports)
    person = Person(id=member_id, standing=await edge.poster.standing(member_id, asker.workspace_id))
    return refusal("approve", person, approvers=approvers) is None


async def open_reject(value: str, asker: Asker, edge: Edge) -> Message | None:
    action = await _of_button(value, asker, edge)
    if asker.trigger_id is None:
        return blocks.note(f'Type: /convotest actions reject {short_id(action.id)} reason="…"')
    await edge.poster.open_view(asker.trigger_id, reject_form(action, _metadata(asker, value)))
    return None


async def open_edit(value: str, asker: Asker, edge: Edge) -> Message | None:
    action = await _of_button(value, asker, edge)
    if asker.trigger_id is None:
        return blocks.note("This change can be edited by its button only.")
    text = action.content.instruction if action.kind == "external" else written(action.content.edits)
    await edge.poster.open_view(asker.trigger_id, edit_form(action, _metadata(asker, value), text))
    return None


async def later(value: str, asker: Asker, edge: Edge) -> Message:
    action = await put_off(
        Shown.parse(value), by=asker.member_id, workspace_id=asker.workspace_id, ports=edge.ports,
        place=asker.channel_id,
    )  # fmt: skip
    return blocks.note(f"{action.name} is put off until tomorrow; it can still be decided before.")


async def show_evidence(value: str, asker: Asker, edge: Edge) -> Message:
    action = await _of_button(value, asker, edge)
    links = await asyncio.gather(*(_link(each, asker, edge) for each in action.content.problem.quotes))
    return evidence(action, list(zip(action.content.problem.quotes, links, strict=True)))


async def more(value: str, asker: Asker, edge: Edge) -> Message:
    action = await verify_more(
        Shown.parse(value), by=asker.member_id, workspace_id=asker.workspace_id, ports=edge.ports,
        place=asker.channel_id,
    )  # fmt: skip
    return blocks.note(f"{action.name} is verified with {action.progress.pairs} more pairs of customers.")


async def start_rollout(value: str, asker: Asker, edge: Edge) -> Message | None:
    action = await _of_button(value, asker, edge)
    action, rollout = await roll_out(action, by=asker.member_id, ports=edge.ports, place=asker.channel_id)
    if rollout is None:
        return blocks.note(f"{action.name}: {action.note}.")
    return None


ActionHandler = Callable[[str, Asker, Edge], Awaitable[Message | None]]
ACTIONS: Mapping[str, tuple[Right, ActionHandler]] = {
    ACTION_APPROVE: ("approve", approve_shown),
    ACTION_REJECT: ("approve", open_reject),
    ACTION_EDIT: ("approve", open_edit),
    ACTION_LATER: ("approve", later),
    ACTION_EVIDENCE: ("read", show_evidence),
    ACTION_MORE: ("approve", more),
    ACTION_ROLL_OUT: ("approve", start_rollout),
}


# --- forms ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Refusal:
    shown: Shown
    reason: str


@dataclass(frozen=True, kw_only=True)
class Edited:
    shown: Shown
    edits: tuple[Edit, ...]
    instruction: str | None


def read_value(values: Mapping[str, object], name: str) -> str:
    return text_in(inside(values, name, name), "value").strip()


async def read_refusal(values: Mapping[str, object], about: str) -> Refusal | str:
    """What the form says, or what is wrong with it."""
    reason = read_value(values, "reason")
    return Refusal(shown=Shown.parse(about), reason=reason) if reason else "Say why, in a few words."


async def read_edited(values: Mapping[str, object], about: str, asker: Asker, edge: Edge) -> Edited | str:
    """What the form says, or what is wrong with it."""
    shown, text = Shown.parse(about), read_value(values, "edits")
    try:
        action = await existing_action(shown.action_id, asker.workspace_id, edge.ports)
        if action.kind == "external":
            return Edited(shown=shown, edits=(), instruction=text)
        parent = await parent_of(action, edge.ports)
        return Edited(shown=shown, edits=parse_edits(text, parent.config), instruction=None)
    except RequestError as error:
        return str(error)[:900]


async def _reject(refused: Refusal, asker: Asker, edge: Edge) -> Message | None:
    await reject(
        refused.shown, by=asker.member_id, reason=refused.reason, workspace_id=asker.workspace_id, ports=edge.ports,
        place=asker.channel_id,
    )  # fmt: skip
    return None


async def carry_out_refusal(refused: Refusal, asker: Asker, edge: Edge) -> Message | None:
    await require("approve", "action reject", asker, edge)
    return await _reject(refused, asker, edge)


async def carry_out_edit(edited: Edited, asker: Asker, edge: Edge) -> Message | None:
    await require("approve", "action edit", asker, edge)
    action = await edit(
        edited.shown, by=asker.member_id, edits=edited.edits, instruction=edited.instruction,
        workspace_id=asker.workspace_id, ports=edge.ports, place=asker.channel_id,
    )  # fmt: skip
    return blocks.note(f"{action.name} is changed; somebody else has to approve it now.")


# --- the Home tab ---------------------------------------------------------------------------------------------------


async def home_section(asker: Asker, edge: Edge) -> Sequence[Json]:
    """What waits for a decision, the most important first."""
    waiting = ranked(await edge.ports.store.actions.waiting(asker.workspace_id))
    links = await asyncio.gather(*(_card_link(each, edge) for each in waiting[:8]))
    return waiting_actions([WaitingAction(action=each, link=link) for each, link in zip(waiting, links, strict=False)])


async def _card_link(action: Action, edge: Edge) -> str | None:
    card = await edge.ports.store.outbox.find(action.workspace_id, action_card_key(action.id))
    return await edge.poster.link(card.announcement.place.channel_id, card.ts) if card and card.ts else None


async def _link(quote: Quote, asker: Asker, edge: Edge) -> str | None:
    if quote.run_id is None or quote.number is None:
        return None
    item = await edge.ports.store.outbox.find(asker.workspace_id, f"run:{quote.run_id}:c{quote.number}")
    return await edge.poster.link(item.announcement.place.channel_id, item.ts) if item and item.ts else None


def _metadata(asker: Asker, value: str) -> str:
    return f"{asker.channel_id} {value}".rstrip()  # as bot.forms.form_metadata, which imports this package


async def _of_button(value: str, asker: Asker, edge: Edge) -> Action:
    return await existing_action(Shown.parse(value).action_id, asker.workspace_id, edge.ports)


COMMAND = Command(
    name="actions",
    usage="actions [show|approve|reject|later] [ID]",
    summary="what was proposed to make the assistant better, to be approved or refused",
    examples=("actions", EXAMPLE, 'actions reject 3f9a21bc reason="we want that charge"'),
    options=(("reason=…", "why it is refused"),),
    handle=handle,
)
FORM_IDS = (REJECT_FORM, EDIT_FORM)
