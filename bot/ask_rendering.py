"""What the messages of live threads look like now: read from the store when they are sent."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from bot.blocks import Message, note
from bot.blocks import ask as blocks
from bot.poster import Upload
from jobs.ask.conversation import LiveConversation
from jobs.ask.rating import csat_of
from jobs.bundle import Ports
from jobs.model import AnnouncementKind, OutboxItem
from jobs.redact import redact

DELETED = "This conversation was deleted."


async def _asked(item: OutboxItem, ports: Ports) -> Message:
    conversation = await _conversation(item, ports)
    question = await ports.store.live.question(str(item.announcement.ref["question_id"]))
    if conversation is None or question is None:
        return note(DELETED)
    return blocks.asked(conversation, redact(question.text))


async def _choice(item: OutboxItem, ports: Ports) -> Message:
    conversation = await _conversation(item, ports)
    if conversation is None:
        return note(DELETED)
    return blocks.choice(conversation, [each.name for each in ports.catalogue.visible(conversation.workspace_id)])


async def _answer(item: OutboxItem, ports: Ports) -> Message:
    conversation = await _conversation(item, ports)
    position = int(item.announcement.ref["position"])
    if conversation is None or position >= len(conversation.turns):
        return note(DELETED)
    return blocks.answer(conversation, position, int(item.announcement.ref.get("part", 0)))


async def _ended(item: OutboxItem, ports: Ports) -> Message:
    conversation = await _conversation(item, ports)
    if conversation is None:
        return note(DELETED)
    return blocks.ended(conversation, await csat_of(conversation, item, ports))


async def _conversation(item: OutboxItem, ports: Ports) -> LiveConversation | None:
    """The conversation as it may be shown."""
    conversation = await ports.store.live.find(str(item.announcement.ref["conversation_id"]))
    if conversation is None or conversation.workspace_id != item.announcement.place.workspace_id:
        return None
    return replace(conversation, turns=tuple(replace(turn, text=redact(turn.text)) for turn in conversation.turns))


ASK_RENDERERS: Mapping[AnnouncementKind, Callable[[OutboxItem, Ports], Awaitable[Message | Upload]]] = {
    "asked": _asked,
    "ask_choose": _choice,
    "answer": _answer,
    "ask_ended": _ended,
}
