"""How content a member was with a live conversation, asked once when it is over."""

from jobs.ask.announce import ended_key
from jobs.ask.conversation import LiveConversation
from jobs.bundle import Ports
from jobs.errors import RequestError
from jobs.feedback.given import GivenFeedback
from jobs.feedback.rating import About, Message
from jobs.feedback.record import answer_key, record_answer
from jobs.model import OutboxItem


async def rate_conversation(
    conversation: LiveConversation, stars: int, *, member_id: str, message_ts: str, ports: Ports
) -> None:
    """Record the stars (1..5) that the member gave; given again, they take the place of the first.

    Raises:
        RequestError: it was somebody else's conversation.
    """
    if member_id != conversation.member_id:
        raise RequestError("only the one whose conversation it was can answer this; a reaction or a thumb counts too")
    message = Message(channel_id=conversation.channel_id, ts=message_ts)
    await record_answer(
        GivenFeedback(rating=stars),
        about_live(conversation),
        message,
        door="button",
        member_id=member_id,
        at=ports.clock.now(),
        store=ports.store,
        workspace_id=conversation.workspace_id,
        source="live",
    )
    await ports.store.outbox.want_edit(conversation.workspace_id, ended_key(conversation.id))
    ports.bell.ring()


async def csat_of(conversation: LiveConversation, item: OutboxItem, ports: Ports) -> int | None:
    """The stars that were given in answer to the message, or None."""
    if item.ts is None:
        return None
    message = Message(channel_id=conversation.channel_id, ts=item.ts)
    key = answer_key("button", message, conversation.member_id)
    row = await ports.store.feedback.rating_under(conversation.workspace_id, key)
    return int(row["value"]) if row and row["kind"] == "stars" and not row["retracted"] else None


def about_live(conversation: LiveConversation) -> About:
    """The conversation as something that can be rated."""
    return About(conversation_id=conversation.id, assistant=conversation.assistant, variant=conversation.variant)
