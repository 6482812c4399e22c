"""What clicks on our buttons and the submission of our form do."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot import actions_forms, ask, blocks, rate
from bot.blocks import Message
from bot.blocks.experiment import AB_OTHER_TRANSCRIPT, AB_TRANSCRIPT
from bot.commands import Asker, Edge
from bot.commands import ab as ab_command
from bot.commands import actions as actions_command
from bot.commands import baseline as baseline_command
from bot.commands import cancel as cancel_command
from bot.commands import digest as digest_command
from bot.commands import rollout as rollout_command
from bot.commands import run as run_command
from bot.commands import schedule as schedule_command
from bot.commands._command import require, require_membership
from bot.commands._grammar import Words
from bot.forms import FieldError, Form, Submission
from bot.home import SETTINGS, open_settings, run_from_anywhere
from bot.payload import inside, text_in
from bot.rendering import next_not_shown, room_in_thread, without_secrets
from jobs.announce import card_key, conversation_finished, csv_asked_for
from jobs.errors import RequestError
from jobs.model import Announcement, Conversation, Run, RunId, RunRequest, short_id
from jobs.permissions import Right
from jobs.planning import plan_run
from jobs.runs import start_run
from jobs.spending import require_budget

OVER = ("finished", "cancelled")


@dataclass(frozen=True, kw_only=True)
class Click:
    """A button that was pressed."""

    action_id: str
    value: str


async def handle_click(click: Click, asker: Asker, edge: Edge) -> Message | None:
    """What a button does; the answer for whoever pressed it."""
    if click.action_id not in ACTIONS:
        return blocks.note("This button is from an older version of convotest; nothing was changed.")
    right, action = ACTIONS[click.action_id]
    await require(right, click.action_id.replace("_", " "), asker, edge)
    return await action(click.value, asker, edge)


async def _cancel(value: str, asker: Asker, edge: Edge) -> Message:
    return await cancel_command.cancel(await _run(value, asker, edge), asker, edge)


async def _rerun(value: str, asker: Asker, edge: Edge) -> Message | None:
    """The same customers again. One card starts one more run: a second click finds the first one's."""
    run = await _run(value, asker, edge)
    request = RunRequest(
        target=run.target,
        assistant=f"{run.assistant}@{run.variant}",
        n=run.planned,
        seed=run.seed,
        started_by=asker.member_id,
        workspace_id=asker.workspace_id,
        place=run.place or asker.place,
        key=f"rerun:{run.id}",
    )
    await require_membership(asker, edge)
    await require_budget(asker.workspace_id, edge.ports)
    before = edge.ports.clock.now()
    again = await start_run(request, edge.ports)
    if again.created_at >= before:
        return None
    return blocks.note(
        f"this run was played again already, as run {short_id(again.id)}; nothing new was started. "
        "Use the Re-run button of that card."
    )


async def _csv(value: str, asker: Asker, edge: Edge) -> Message | None:
    run = await _run(value, asker, edge)
    thread = await edge.ports.store.outbox.in_thread(run.workspace_id, card_key(run.id))
    asked = [item for item in thread if item.announcement.kind == "run_csv"]
    if any(item.state != "failed" for item in asked):
        return blocks.note("The CSV file is in the run's thread already.")
    await _require_room(run, edge)
    await _announce(csv_asked_for(run, run.place or asker.place, len(asked)), edge)
    return None


async def _another(value: str, asker: Asker, edge: Edge) -> Message | None:
    run = await _run(value, asker, edge)
    number = await next_not_shown(run, edge.ports)
    if number is None:
        return blocks.note(
            "This thread shows as many conversations as it has room for, or all there are. The file has every one."
        )
    await _announce(conversation_finished(run, run.place or asker.place, number), edge)
    return None


async def _transcript(value: str, asker: Asker, edge: Edge) -> Message | None:
    run, conversation = await _conversation(value, asker, edge)
    if asker.trigger_id is None:
        return blocks.conversation_message(run, conversation)
    await edge.poster.open_view(asker.trigger_id, blocks.transcript_modal(run, conversation))
    return None


async def _transcript_file(value: str, asker: Asker, edge: Edge) -> Message | None:
    run, conversation = await _conversation(value, asker, edge)
    key = f"run:{run.id}:transcript:{conversation.number}"
    if await edge.ports.store.outbox.find(run.workspace_id, key):
        return blocks.note("This transcript is in the run's thread already.")
    await _require_room(run, edge)
    await _announce(
        Announcement(
            key=key,
            kind="transcripts",
            place=run.place or asker.place,
            ref={"run_id": run.id, "number": conversation.number},
            parent_key=card_key(run.id),
        ),
        edge,
    )
    return None


async def _home_run(_: str, asker: Asker, edge: Edge) -> Message | None:
    return await run_from_anywhere(asker, edge)


async def _home_settings(_: str, asker: Asker, edge: Edge) -> None:
    await open_settings(asker, edge)


Action = Callable[[str, Asker, Edge], Awaitable[Message | None]]
ACTIONS: Mapping[str, tuple[Right, Action]] = {
    blocks.CANCEL: ("use", _cancel),
    blocks.RERUN: ("use", _rerun),
    blocks.CSV: ("use", _csv),
    blocks.ANOTHER: ("use", _another),
    blocks.TRANSCRIPT: ("read", _transcript),
    blocks.SEND_FILE: ("use", _transcript_file),
    **ab_command.ACTIONS,
    **digest_command.ACTIONS,
    **schedule_command.ACTIONS,
    **baseline_command.ACTIONS,
    **actions_command.ACTIONS,
    **rollout_command.ACTIONS,
    AB_TRANSCRIPT: ("read", _transcript),
    AB_OTHER_TRANSCRIPT: ("read", _transcript),
    **rate.ACTIONS,
    **ask.ACTIONS,
    blocks.HOME_RUN: ("read", _home_run),  # the form itself looks whether they may run
    blocks.HOME_SETTINGS: ("approve", _home_settings),
}


# --- the form that starts a run -------------------------------------------------------------------------------------


async def read_picker(form: Submission, asker: Asker, edge: Edge) -> RunRequest:
    """The run that the form asks for, looked up already.

    Raises:
        FieldError: names the field and says what to do.
    """
    typed = {name: text for name in ("profile", "assistant", "n", "seed") if (text := _field(form.values, name))}
    target = typed.pop("profile", "")
    try:
        words = Words(verb="run", positional=(target,) if target else (), options=typed)
        request = run_command.read_request(words, asker)
        await plan_run(request, edge.ports)
    except RequestError as error:
        raise FieldError(field=_field_of(str(error)), message=str(error)[:900]) from error
    return request


async def start_picked(request: RunRequest, asker: Asker, edge: Edge) -> Message | None:
    await require("use", "run", asker, edge)
    await require_membership(asker, edge)
    await require_budget(asker.workspace_id, edge.ports)
    await start_run(replace(request, key=asker.key), edge.ports)
    return None


def _field(values: Mapping[str, Any], name: str) -> str:
    state = inside(values, name, name)
    return (text_in(inside(state, "selected_option"), "value") or text_in(state, "value")).strip()


def _field_of(message: str) -> str:
    """The field that a refusal is about."""
    if found := re.match(r"(n|seed)=", message):
        return found[1]
    return "assistant" if re.search(r"\b(assistant|variant)", message) else "profile"


FORMS: Mapping[str, Form] = {
    blocks.PICKER: Form(read=read_picker, carry_out=start_picked),
    blocks.SETTINGS_FORM: SETTINGS,
    **actions_forms.FORMS,
    **rate.FORMS,
    **ask.FORMS,
}
"""Every form that can be submitted, by its ``callback_id``."""


# --- shared ---------------------------------------------------------------------------------------------------------


async def _run(run_id: str, asker: Asker, edge: Edge) -> Run:
    """The run of a button, in the workspace of whoever pressed it."""
    run = await edge.ports.store.runs.get(RunId(run_id))
    if run is None or run.workspace_id != asker.workspace_id:
        raise RequestError("this run is not known here any more")
    return run


async def _conversation(value: str, asker: Asker, edge: Edge) -> tuple[Run, Conversation]:
    run_id, _, number = value.rpartition(":")
    run = await _run(run_id, asker, edge)
    conversation = await edge.ports.store.runs.conversation(run.id, int(number)) if number.isdecimal() else None
    if conversation is None:
        raise RequestError("this conversation is not known here any more")
    return run, await without_secrets(conversation, edge.ports)


async def _require_room(run: Run, edge: Edge) -> None:
    """Raises RequestError when the run's thread is as long as it may get."""
    if not await room_in_thread(run, edge.ports):
        raise RequestError("the run's thread is full; `convotest show RUN --json` in a terminal has everything")


async def _announce(announcement: Announcement, edge: Edge) -> None:
    await edge.ports.store.outbox.add(announcement)
    edge.ports.bell.ring()
