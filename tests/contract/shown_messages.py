"""Messages of ours in Slack that people rate, without a Slack."""

from collections.abc import Iterable

from jobs.ask.conversation import LiveConversation
from jobs.model import Announcement, ConversationId, Place, WorkspaceId
from jobs.ports import Clock
from jobs.store import Store


async def show_answers(
    store: Store, clock: Clock, ts_of_answers: Iterable[str], *, team: WorkspaceId, channel: str = "C1"
) -> list[ConversationId]:
    """One live conversation with one answer for each ts; its id is made of the ts."""
    ids: list[ConversationId] = []
    for ts in ts_of_answers:
        conversation = LiveConversation(
            id=ConversationId(f"live-{team}-{channel}-{ts}"),
            workspace_id=team,
            assistant="pizza",
            variant="good",
            channel_id=channel,
            thread_ts=ts,
            member_id="U0ASKER",
            created_at=clock.now(),
            last_at=clock.now(),
        )
        assert await store.live.begin(conversation)
        await show(store, team, channel, ts, kind="answer", conversation_id=conversation.id, position=1)
        ids.append(conversation.id)
    return ids


async def show(store: Store, team: WorkspaceId, channel: str, ts: str, *, kind: str, **ref: str | int) -> None:
    """An announcement that was sent under that ts."""
    place = Place(workspace_id=team, channel_id=channel)
    announcement = Announcement(key=f"{kind}:{channel}:{ts}", kind=kind, place=place, ref=ref)  # type: ignore[arg-type]
    await store.outbox.add(announcement)
    item = await store.outbox.find(team, announcement.key)
    assert item is not None
    await store.outbox.mark_sent(item, ts)
