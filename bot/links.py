"""Links to messages that were posted, for messages that refer to them."""

from collections.abc import Awaitable, Callable

from jobs.bundle import Ports
from jobs.model import WorkspaceId

Link = Callable[[str, str], Awaitable[str | None]]
"""The link to a message by its channel and its ts; None where Slack has none."""


async def no_link(channel_id: str, ts: str) -> str | None:
    """Where nothing is posted there is nothing to link to."""
    return None


async def message_link(workspace_id: WorkspaceId, key: str, ports: Ports, link: Link) -> str | None:
    """The link to what was announced under that key; None as long as it is not posted."""
    item = await ports.store.outbox.find(workspace_id, key)
    if item is None or item.ts is None:
        return None
    return await link(item.announcement.place.channel_id, item.ts)
