"""Forgetting: on demand for one member, and by itself for what is too old."""

from datetime import timedelta

from jobs.bundle import Ports
from jobs.model import WorkspaceId
from jobs.store import Store
from jobs.store.feedback import Forgotten

ANSWERS_KEPT = timedelta(days=7)
"""How long a request with an idempotency key is remembered."""


async def forget_member(member_id: str, *, store: Store, workspace_id: WorkspaceId | None = None) -> Forgotten:
    """Deletes everything that the member said and kept, in one workspace or in all, and their live conversations."""
    await store.live.forget_member(member_id, workspace_id=workspace_id)
    return await store.feedback.forget_member(member_id, workspace_id=workspace_id)


async def forget_old_feedback(ports: Ports) -> Forgotten:
    """Deletes what is older than ``CONVOTEST_RETENTION_DAYS``; without that setting nothing but answered requests."""
    now, days = ports.clock.now(), ports.settings.convotest_retention_days
    await ports.store.feedback.forget_answers(before=now - ANSWERS_KEPT)
    if days is None:
        return Forgotten(ratings=0, examples=0)
    await ports.store.live.forget_before(now - timedelta(days=days))
    return await ports.store.feedback.forget_before(now - timedelta(days=days))
