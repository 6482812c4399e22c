"""Live threads at Slack's door: what is said to the bot, what is pressed there, and what is seen while it thinks."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace

from bot.blocks import Message, note
from bot.blocks import ask as blocks
from bot.commands import Asker, Edge, handle_convotest
from bot.commands._command import Command, require, require_membership
from bot.commands._grammar import Words, parse
from bot.commands.ask import put, spoken
from bot.forms import FieldError, Form, Submission, form_metadata
from bot.payload import Json, inside, text_in
from bot.poster import Poster, PostError
from jobs.ask.answering import Thinking
from jobs.ask.asking import choose_assistant, note_context, open_pane, wish_to_end
from jobs.ask.conversation import LiveConversation, LiveQuestion
from jobs.ask.rating import rate_conversation
from jobs.errors import RequestError
from jobs.feedback.examples import keep_examples
from jobs.model import RunId
from jobs.permissions import Right
from jobs.shelf import Shelf
from jobs.store import LiveThreads

logger = logging.getLogger(__name__)

GONE = "this conversation is not known here any more"
THINKING = "is thinking…"
HOURGLASS = "hourglass_flowing_sand"
REFRESH_S = 30.0
"""Slack takes a status away after two minutes, and with every message that is posted."""
ROOT_LOOK_S = 0.3
LONGEST_TITLE = 80


# --- what is said ---------------------------------------------------------------------------------------------------


async def hear(text: str, asker: Asker, edge: Edge) -> Message | None:
    """A mention or direct message: a command if it reads like one, else a question to the assistant."""
    if reads_as_command(text, edge.commands):
        return await handle_convotest(text, asker, edge)
    await put(spoken(text), asker, edge, message_ts=asker.message_ts)
    return None


def reads_as_command(text: str, commands: Shelf[Command]) -> bool:
    """Whether the first word is a command and what follows could belong to it: ``run pizza``, but not "show me the
    menu, please"."""
    try:
        words = parse(text)
    except RequestError:
        return False
    if not words.verb:
        return not words.options  # only the name of the bot: that opens the form
    if words.verb not in commands:
        return any(sorted(words.verb) == sorted(verb) for verb in commands)  # fingers slipped: the nearest is offered
    command = commands[words.verb]
    return command.free_text or _fits(words, command.usage)


def _fits(words: Words, usage: str) -> bool:
    """Whether there are no more words than one of the ways of using it has places, and its fixed words are there."""
    return any(_fits_one(words.positional, way) for way in usage.partition(" ")[2].split(" | "))


def _fits_one(given: Sequence[str], way: str) -> bool:
    places = [place.strip("[]") for place in way.split() if "=" not in place]
    if len(given) > len(places) and not way.rstrip("]").endswith("…"):
        return False
    fixed = zip(given, places, strict=False)
    return all(not place.islower() or word.lower() in place.split("|") for word, place in fixed)


# --- Slack's assistant pane -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Pane:
    """A thread in Slack's assistant pane; ``context`` is what the member was looking at."""

    channel_id: str
    member_id: str
    thread_ts: str
    context: Mapping[str, str]


def read_pane(event: Json) -> Pane | None:
    """The pane of an event, or None if it is incomplete."""
    thread = inside(event, "assistant_thread")
    channel_id, member_id, thread_ts = (text_in(thread, name) for name in ("channel_id", "user_id", "thread_ts"))
    if not (channel_id and member_id and thread_ts):
        return None
    looking_at = inside(thread, "context")
    context = {name: value for name in ("channel_id", "team_id") if (value := text_in(looking_at, name))}
    return Pane(channel_id=channel_id, member_id=member_id, thread_ts=thread_ts, context=context)


async def begin_pane(pane: Pane, asker: Asker, edge: Edge) -> None:
    """Somebody opened the pane: say whom they speak to, and suggest what to ask."""
    conversation = await open_pane(
        workspace_id=asker.workspace_id,
        channel_id=pane.channel_id,
        thread_ts=pane.thread_ts,
        member_id=pane.member_id,
        context=dict(pane.context),
        ports=edge.ports,
    )
    if conversation is not None and conversation.assistant:
        await _suggest(conversation, edge)


async def follow_pane(pane: Pane, asker: Asker, edge: Edge) -> None:
    await note_context(
        workspace_id=asker.workspace_id,
        channel_id=pane.channel_id,
        thread_ts=pane.thread_ts,
        member_id=pane.member_id,
        context=dict(pane.context),
        ports=edge.ports,
    )


async def _suggest(conversation: LiveConversation, edge: Edge) -> None:
    """Show what could be asked; Slack can do that in the pane only."""
    assistant = edge.ports.catalogue.assistant(conversation.assistant, workspace_id=conversation.workspace_id)
    if assistant.prompts and conversation.thread_ts and conversation.is_direct:
        with _unimportant("suggest prompts"):
            await edge.poster.suggest_prompts(conversation.channel_id, conversation.thread_ts, assistant.prompts)


# --- while the assistant thinks -------------------------------------------------------------------------------------


def thinking(poster: Poster, live: LiveThreads) -> Thinking:
    """How people see that an assistant thinks: a status in the thread, a mark on a message at the top level."""

    @asynccontextmanager
    async def shown(conversation: LiveConversation, question: LiveQuestion) -> AsyncGenerator[None]:
        if conversation.is_direct and conversation.thread_ts is None:
            watched = _marked(conversation.channel_id, question.message_ts, poster)
        else:
            watched = _status(conversation, question, poster, live)
        task = asyncio.create_task(watched)
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            if conversation.is_direct and conversation.thread_ts is None and question.message_ts:
                with _unimportant("take the mark away"):
                    await poster.unmark(conversation.channel_id, question.message_ts, HOURGLASS)

    return shown


async def _marked(channel_id: str, message_ts: str | None, poster: Poster) -> None:
    if message_ts:
        with _unimportant("mark the question"):
            await poster.mark(channel_id, message_ts, HOURGLASS)


async def _status(conversation: LiveConversation, question: LiveQuestion, poster: Poster, live: LiveThreads) -> None:
    """Say that it thinks, again and again, until it is stopped. Our own first message may still be on its way."""
    if not conversation.turns and conversation.is_direct and conversation.thread_ts:
        with _unimportant("set the title"):
            await poster.set_title(conversation.channel_id, conversation.thread_ts, question.text[:LONGEST_TITLE])
    while True:
        thread_ts = conversation.thread_ts
        if thread_ts is None:
            await asyncio.sleep(ROOT_LOOK_S)
            conversation = await live.find(conversation.id) or conversation
            continue
        with _unimportant("show the status"):
            await poster.set_status(conversation.channel_id, thread_ts, THINKING)
        await asyncio.sleep(REFRESH_S)


@contextmanager
def _unimportant(what: str) -> Generator[None]:
    """What people can do without: a failure is noted and nothing more."""
    try:
        yield
    except PostError as error:
        logger.info("could not %s: %s", what, error)


# --- what is pressed ------------------------------------------------------------------------------------------------


async def reply(value: str, asker: Asker, edge: Edge) -> None:
    """ "Reply" opens a form; whoever is not the one who asked gets a conversation of their own in the same thread."""
    conversation = await _conversation(value, asker, edge)
    if asker.trigger_id is None:
        raise RequestError("Slack gave no leave to open a form; please press it again")
    metadata = form_metadata(conversation.channel_id, conversation.id)
    await edge.poster.open_view(asker.trigger_id, blocks.reply_form(conversation, metadata))


async def done(value: str, asker: Asker, edge: Edge) -> Message | None:
    conversation = await _conversation(value, asker, edge)
    if conversation.member_id != asker.member_id:
        return note("Only the one whose conversation it is can end it.")
    if conversation.state == "ended" or not await wish_to_end(conversation, key=asker.key, ports=edge.ports):
        return note("This conversation is over already. Ask again whenever you like.")
    return None


async def more(value: str, asker: Asker, edge: Edge) -> Message | None:
    """The menu of an answer."""
    what, _, rest = value.partition(":")
    conversation_id, _, position = rest.rpartition(":")
    conversation = await _conversation(conversation_id, asker, edge)
    if what != blocks.KEEP or not position.isdecimal():
        raise RequestError(GONE)
    return await keep(conversation.id, int(position), asker, edge)


async def keep(conversation_id: str, position: int | None, asker: Asker, edge: Edge) -> Message:
    """Keep an exchange as an example; without a position the whole conversation."""
    kept = await keep_examples(
        conversation_id,
        store=edge.ports.store,
        clock=edge.ports.clock,
        workspace_id=asker.workspace_id,
        kept_by=asker.member_id,
        position=position,
    )
    what = "This exchange is" if len(kept) == 1 else f"These {len(kept)} exchanges are"
    return note(f"{what} kept as an example. `convotest feedback keep --list` writes all that were kept.")


async def keep_message(asker: Asker, edge: Edge) -> Message:
    """ "Keep as example" in a message's own menu: an answer of a live thread, or a simulated conversation."""
    await require("use", "keep example", asker, edge)
    item = await edge.ports.store.outbox.find_message(asker.workspace_id, asker.channel_id, asker.message_ts or "")
    if item and item.announcement.kind == "answer":
        ref = item.announcement.ref
        return await keep(str(ref["conversation_id"]), int(ref["position"]), asker, edge)
    if item and item.announcement.kind == "conversation":
        ref = item.announcement.ref
        conversation = await edge.ports.store.runs.conversation(RunId(str(ref["run_id"])), int(ref["number"]))
        if conversation is not None:
            return await keep(conversation.id, None, asker, edge)
    return note("Only an answer in a live thread or a conversation of a run can be kept as an example.")


async def choose(value: str, asker: Asker, edge: Edge) -> Message | None:
    conversation_id, _, name = value.partition(":")
    conversation = await _conversation(conversation_id, asker, edge)
    if conversation.member_id != asker.member_id:
        return note("Only the one who asks can choose; mention me with a question of your own.")
    if conversation.state == "ended":
        return note("This conversation is over already. Ask again whenever you like.")
    if not await choose_assistant(conversation, name, edge.ports):
        return note(f"This thread is with {conversation.assistant}; write assistant=NAME before a question to change.")
    chosen = await edge.ports.store.live.find(conversation.id)
    if chosen is not None:
        await _suggest(chosen, edge)
    return None


def csat(stars: int) -> Callable[[str, Asker, Edge], Awaitable[None]]:
    async def given(value: str, asker: Asker, edge: Edge) -> None:
        conversation = await _conversation(value.partition(":")[2], asker, edge)
        await rate_conversation(
            conversation, stars, member_id=asker.member_id, message_ts=asker.message_ts or "", ports=edge.ports
        )

    return given


ACTIONS: Mapping[str, tuple[Right, Callable[[str, Asker, Edge], Awaitable[Message | None]]]] = {
    blocks.REPLY: ("read", reply),  # the form itself looks whether they may ask
    blocks.DONE: ("use", done),
    blocks.MORE: ("use", more),
    blocks.CHOOSE: ("use", choose),
    **{blocks.CSAT[stars - 1]: ("use", csat(stars)) for stars in range(1, 6)},
}


async def _conversation(conversation_id: str, asker: Asker, edge: Edge) -> LiveConversation:
    """The conversation of a button, in the workspace of whoever pressed it."""
    conversation = await edge.ports.store.live.find(conversation_id)
    if conversation is None or conversation.workspace_id != asker.workspace_id:
        raise RequestError(GONE)
    return conversation


# --- the form -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Next:
    """The next question, to the thread of a conversation."""

    conversation: LiveConversation
    text: str


async def read_reply(form: Submission, asker: Asker, edge: Edge) -> Next:
    text = text_in(inside(form.values, "text", "text"), "value").strip()
    if not text:
        raise FieldError(field="text", message="Write what you want to ask.")
    return Next(conversation=await _conversation(form.about, asker, edge), text=text)


async def send_reply(request: Next, asker: Asker, edge: Edge) -> None:
    await require_membership(asker, edge)
    await put(request.text, replace(asker, thread_ts=request.conversation.thread_ts), edge)


FORMS: Mapping[str, Form] = {blocks.REPLY_FORM: Form(read=read_reply, carry_out=send_reply)}
